"""TMF632: the person or the company behind a customer. Personal data only to programs with that scope."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import Q, QuerySet

from customers.models import Customer
from customers.rest import values
from customers.rest.party_writes import open_party
from customers.rest.values import Beside
from foundation.common.clock import BUSINESS_ZONE
from foundation.rest.filters import Filter, Indexed, Of, Refused, WithinCustomer
from foundation.rest.resources import Attribute, Call, Resource
from foundation.rest.shapes import REFERENCE, code, listing, moment, text, thing
from foundation.rest.spelling import camel
from staff.masking import mask_id

S, I = Customer.Status, Customer.IdentityStatus  # noqa: E741  short for the tables below
GENDERS = {"F": "female", "M": "male"}
ID_TYPES: dict[str, str] = {camel(kind): kind for kind in Customer.IdType.values}
_IDENTIFICATION = thing({"identificationType": text(20), "identificationId": text(40), "@type": text(60)})
_DAY = moment()


def _birth_date(row: Customer, beside: Beside) -> str | None:
    if row.birth_date is None or not beside.call.sees_personal:
        return None
    return datetime(row.birth_date.year, row.birth_date.month, row.birth_date.day, tzinfo=BUSINESS_ZONE).isoformat()


def _gender(row: Customer, beside: Beside) -> str | None:
    return GENDERS.get(row.gender) if beside.call.sees_personal else None


def _documents(row: Customer, beside: Beside) -> list[dict[str, Any]] | None:
    """The document on file: its number is never told, its last characters only with the scope (D§3.1)."""
    if not row.id_type or row.id_sealed is None:
        return None
    shown = mask_id(row.id_last4 if beside.call.sees_personal else "")
    return [{"identificationType": camel(row.id_type), "identificationId": shown, "@type": "Identification"}]


def _individual_status(row: Customer, _beside: Any) -> str:
    if row.status == S.DECEASED:
        return "deceased"
    return "validated" if row.identity_status == I.VERIFIED else "initialized"


def _organization_status(row: Customer, _beside: Any) -> str:
    if row.status in (S.FORMER, S.ANONYMISED):
        return "closed"
    return "validated" if row.identity_status == I.VERIFIED else "initialized"


def _as_customer(row: Customer, beside: Beside) -> list[dict[str, Any]]:
    href = beside.call.href("customer", row.ref)
    return [{"id": row.ref, "href": href, "role": "customer", "@type": "RelatedParty", "@referredType": "Customer"}]


class Party(Resource):
    """What both kinds share."""

    base = api = "party"
    reads = "customers.view"
    verbs = ("GET", "POST")
    customer_type: ClassVar[str]

    def rows(self, user: Any) -> QuerySet[Any]:
        return Customer.objects.in_scope_of(user).filter(customer_type=self.customer_type)

    def beside(self, rows: Sequence[Any], wanted: frozenset[str], call: Call) -> Any:
        return values.load(rows, wanted, call)

    def customer_of(self, row: Any) -> int | None:
        return int(row.pk)

    def create(self, data: dict[str, Any], call: Call) -> Any:
        return open_party(data, call.user, self.customer_type)


_NAMES = Refused("names do not belong into addresses; ask by id")
_NUMBERS = Refused("numbers do not belong into addresses; ask by id")
_SHARED: dict[str, Attribute] = {
    "contactMedium": Attribute(values.media, listing(values.MEDIUM), create_only=True),
    "relatedParty": Attribute(_as_customer, listing(REFERENCE, 20), server=True),
}


class Individual(Party):
    name = "individual"
    kind = "Individual"
    about = "A person who is or may become a customer (TMF632)."
    customer_type = Customer.Type.PERSON
    attributes: ClassVar = {
        "fullName": Attribute(values.name_of, text(200), create_only=True),
        "givenName": Attribute(lambda _row, _b: None, text(100), create_only=True),
        "familyName": Attribute(lambda _row, _b: None, text(100), create_only=True),
        "gender": Attribute(_gender, code("female", "male"), create_only=True),
        "birthDate": Attribute(_birth_date, _DAY, create_only=True),
        "status": Attribute(_individual_status, code("initialized", "validated", "deceased"), server=True),
        "individualIdentification": Attribute(_documents, listing(_IDENTIFICATION, 1), create_only=True),
        **_SHARED,
    }
    filters: ClassVar[dict[str, Filter]] = {
        "fullName": _NAMES, "givenName": _NAMES, "familyName": _NAMES, "contactMedium": _NUMBERS,
        "individualIdentification": _NUMBERS, "birthDate": _NUMBERS,
        "relatedParty.id": Indexed("pk", Of.ID, pins_customer=True),
        "status": WithinCustomer(
            lambda wanted: _of_status(wanted),
            Of.CODE,
            codes={one: (one,) for one in ("initialized", "validated", "deceased")},
        ),
    }  # fmt: skip


class Organization(Party):
    name = "organization"
    kind = "Organization"
    about = "A company that is or may become a customer (TMF632)."
    customer_type = Customer.Type.ENTERPRISE
    attributes: ClassVar = {
        "tradingName": Attribute(values.name_of, text(200), mandatory=True, create_only=True),
        "name": Attribute(
            lambda row, b: row.short_name if b.call.sees_personal and row.short_name else None, text(80), server=True
        ),
        "status": Attribute(_organization_status, code("initialized", "validated", "closed"), server=True),
        "organizationIdentification": Attribute(_documents, listing(_IDENTIFICATION, 1), create_only=True),
        **_SHARED,
    }
    filters: ClassVar[dict[str, Filter]] = {
        "tradingName": _NAMES,
        "name": _NAMES,
        "contactMedium": _NUMBERS,
        "organizationIdentification": _NUMBERS,
        "relatedParty.id": Indexed("pk", Of.ID, pins_customer=True),
    }


def _of_status(wanted: list[Any]) -> Q:
    found = Q(status=S.DECEASED) if "deceased" in wanted else Q(pk__in=[])
    if "validated" in wanted:
        found |= Q(identity_status=I.VERIFIED) & ~Q(status=S.DECEASED)
    if "initialized" in wanted:
        found |= ~Q(identity_status=I.VERIFIED) & ~Q(status=S.DECEASED)
    return found
