"""TMF629: who the customer is to us: status, tier, credit, accounts. The person or company behind it: TMF632."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError

from customers.models import Customer
from customers.rest import values
from customers.rest.accounts import accounts_of
from customers.rest.values import Beside
from customers.services.changing import change_customer
from customers.services.remembering import locked
from foundation.common.errors import RuleBroken
from foundation.rest.filters import Filter, Indexed, Of, Refused, WithinCustomer
from foundation.rest.resources import Attribute, Call, Resource, id_of
from foundation.rest.shapes import MONEY, REFERENCE, code, listing, moment, text, thing
from foundation.rest.spelling import camel, day_start, iso

STATUSES: dict[str, tuple[Any, ...]] = {
    camel(status): (status,) for status in Customer.Status.values if status != Customer.Status.MERGED
}
GRADES = "ABCDE"  # D§6.8, the best first
_CHARACTERISTIC = thing({"name": text(60), "value": text(200), "@type": text(60)}, "name", "value")
_CREDIT = thing(
    {
        "creditProfileDate": moment(),
        "creditRiskRating": {"type": "integer"},
        "creditLimit": MONEY,
        "validFor": thing({"startDateTime": moment()}),
        "@type": text(60),
    }
)
_ACCOUNT = thing({"id": text(64), "name": text(200), "description": text(200), "@type": text(60)}, "name")


def _party(row: Customer, beside: Beside) -> dict[str, Any]:
    resource, kind = values.party_resource(row)
    href = beside.call.href(resource, row.ref)
    named = {"name": values.name_of(row, beside)} if row.name else {}
    return {"id": row.ref, "href": href, **named, "role": "customer", "@type": "RelatedParty", "@referredType": kind}


def _characteristics(row: Customer, _beside: Beside) -> list[dict[str, Any]] | None:
    facts = getattr(row, "facts", None)
    told = {
        "customerNumber": row.number,
        "segment": camel(row.segment),
        "serviceTier": facts.tier if facts else "",
        "creditGrade": facts.credit_grade if facts else "",
    }
    return [{"name": name, "value": value, "@type": "Characteristic"} for name, value in told.items() if value]


def _credit(row: Customer, _beside: Beside) -> list[dict[str, Any]] | None:
    """The newest month's grade as a rating of risk, 1 (A) to 5 (E), and the limit that follows from it."""
    facts = getattr(row, "facts", None)
    if facts is None or not facts.credit_grade or facts.credit_month is None:
        return None
    since = day_start(facts.credit_month)
    limit = {"creditLimit": {"unit": "CNY", "value": facts.credit_limit}} if facts.credit_limit is not None else {}
    rating = {"creditRiskRating": GRADES.index(facts.credit_grade) + 1} if facts.credit_grade in GRADES else {}
    valid = {"validFor": {"startDateTime": since}}
    return [{"creditProfileDate": since, **rating, **limit, **valid, "@type": "CreditProfile"}]


class CustomerResource(Resource):
    base = "customerManagement"
    api = name = "customer"
    kind = "Customer"
    about = "A customer: the contracting party as we know it (TMF629)."
    reads = "customers.view"
    verbs = ("GET", "POST")
    attributes: ClassVar = {
        "name": Attribute(values.name_of, text(200), create_only=True),
        "status": Attribute(lambda row, _b: camel(row.status), code(*STATUSES), server=True),
        "engagedParty": Attribute(_party, REFERENCE, mandatory=True, create_only=True),
        "characteristic": Attribute(_characteristics, listing(_CHARACTERISTIC, 20), server=True),
        "contactMedium": Attribute(values.media, listing(values.MEDIUM), server=True),
        "creditProfile": Attribute(_credit, listing(_CREDIT, 1), server=True),
        "account": Attribute(lambda row, b: b.accounts.get(row.pk), listing(_ACCOUNT, 1_000), server=True),
        "validFor": Attribute(
            lambda row, _b: {"startDateTime": iso(row.created_at)}, thing({"startDateTime": moment()}), server=True
        ),
    }
    filters: ClassVar[dict[str, Filter]] = {
        "engagedParty.id": Indexed(lambda wanted: _of_ids(wanted), pins_customer=True),
        "status": Indexed("status", Of.CODE, codes=STATUSES),
        "validFor.startDateTime": WithinCustomer("created_at", Of.MOMENT),
        "name": Refused("names do not belong into addresses; ask by id"),
        "contactMedium": Refused("numbers do not belong into addresses; ask by id"),
    }

    def rows(self, user: Any) -> QuerySet[Any]:
        return Customer.objects.in_scope_of(user).select_related("facts")

    def beside(self, rows: Sequence[Any], wanted: frozenset[str], call: Call) -> Any:
        beside = values.load(rows, wanted, call)
        if "account" in wanted:
            beside.accounts = accounts_of([row.pk for row in rows])
        return beside

    def customer_of(self, row: Any) -> int | None:
        return int(row.pk)

    def create(self, data: dict[str, Any], call: Call) -> Any:
        return activate(data["engagedParty"], call)


def activate(party: dict[str, Any], call: Call) -> Customer:
    """The party becomes a customer. Raises ValidationError for one there is none of, RuleBroken
    "customer.not_prospect", and what `change_customer` raises."""
    key = id_of(str(party.get("id", "")))
    there = Customer.objects.in_scope_of(call.user).filter(pk=key).exists() if key is not None else False
    if key is None or not there:
        raise ValidationError({"engagedParty": [_("There is no such customer within your scope.")]})
    customer = locked(key)
    if customer.status != Customer.Status.PROSPECT:
        raise RuleBroken("customer.not_prospect", _("This party is a customer already, or was one."))
    return change_customer(
        key,
        actor=call.user,
        version=customer.version,
        changes={"status": Customer.Status.ACTIVE},
        source="api",
    )


def _of_ids(wanted: list[Any]) -> Q:
    return Q(pk__in=[key for one in wanted if (key := id_of(one)) is not None])
