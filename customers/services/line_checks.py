"""What must hold before a line is opened, changed or ended by a person (D§5.1, D§5.2, D§5.13, D§7.2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from customers import normal
from customers.ages import OWN_WORD, age_of
from customers.models import Customer, Plan, Subscription
from customers.models.subscriptions import ProductLine
from customers.services.relations import guardian_of
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.policies.reading import policy

EARLIEST, LATEST = date(1900, 1, 1), date(2100, 12, 31)
HIGHEST_FEE = Decimal("9999999999.99")
# Numbers of the numbering plan rest before another customer gets them; accounts and services do not.
FROZEN_LINES = frozenset({ProductLine.MOBILE, ProductLine.FIXED})


def check_person(customer: Customer, *, guardian: str) -> None:
    """Whether a line may be activated for this customer today.

    Raises RuleBroken: customers.deceased; customers.identity_not_verified (D§5.1: no activation before);
    customers.too_young, customers.no_guardian, customers.no_guardian_consent (D§5.2; ages by the birth date on file,
    unknown ones pass).
    """
    if customer.status == Customer.Status.DECEASED:
        raise RuleBroken("customers.deceased", _("The customer has died: no line is opened."))
    if customer.identity_status != Customer.IdentityStatus.VERIFIED:
        raise RuleBroken(
            "customers.identity_not_verified",
            _("Compare the document and note the identity as verified first: no line begins without it."),
        )
    age = age_of(customer)
    if age is None:
        return
    youngest = policy("customers.own_number_age")
    if age < youngest:
        raise RuleBroken(
            "customers.too_young", _("A child under the age of %(age)s has no line of its own.") % {"age": youngest}
        )
    if needs_guardian(customer) and not guardian:
        raise RuleBroken(
            "customers.no_guardian",
            _("Under the age of %(age)s a guardian must be present: write down who.")
            % {"age": policy("customers.guardian_until_age")},
        )
    check_guardian_consent(customer)


def needs_guardian(customer: Customer) -> bool:
    """Whether a guardian must be present when a line is opened today (D§5.2)."""
    age = age_of(customer)
    return age is not None and age < policy("customers.guardian_until_age")


def check_guardian_consent(customer: Customer) -> None:
    """Refuse (customers.no_guardian_consent) a child under 14 whose guardian's consent is not on file (D§5.2)."""
    age = age_of(customer)
    if age is None or age >= OWN_WORD:
        return
    guardian = guardian_of(customer)
    if guardian is None or not guardian.consent_evidence:
        raise RuleBroken(
            "customers.no_guardian_consent",
            _("Under the age of %(age)s the guardian must agree: record the guardian with the signed form first.")
            % {"age": OWN_WORD},
        )


def check_begin(since: date, contract_end: date | None) -> None:
    """Refuse (customers.impossible_date) a line that begins in the future, before 1900, or after its contract ended."""
    if not EARLIEST <= since <= clock.today():
        raise RuleBroken("customers.impossible_date", _("A line begins today or earlier, and not before 1900."))
    check_contract_end(since, contract_end)


def check_contract_end(since: date | None, day: date | None) -> None:
    """Refuse (customers.impossible_contract) a contract that ends before the line begins, or after 2100."""
    if day is not None and not (since or EARLIEST) <= day <= LATEST:
        raise RuleBroken(
            "customers.impossible_contract", _("The contract cannot end before the line begins, nor after 2100.")
        )


def check_number_free(number: str, *, product_line: str, customer_id: int, since: date) -> None:
    """Whether the number may live with this customer from `since`. The caller holds the lock of the number.

    Raises RuleBroken: customers.line_lives (it is somebody's now); customers.number_frozen (another's until less than
    the freeze ago, D§7.2; a number that was ported out came back by porting); customers.impossible_date (this
    customer's own earlier line of the number ended later).
    """
    earlier = list(Subscription.objects.filter(product_line=product_line, service_no=number))
    if any(line.terminated_on is None for line in earlier):
        raise RuleBroken("customers.line_lives", _("This number lives already."))
    freeze = policy("customers.number_freeze")
    for line in earlier:
        ended = line.terminated_on
        assert ended is not None
        if since < ended:
            raise RuleBroken(
                "customers.impossible_date",
                _("The number lived until %(day)s: the line cannot begin before.") % {"day": ended.isoformat()},
            )
        rests = product_line in FROZEN_LINES and line.status != Subscription.Status.PORTED_OUT
        if rests and line.customer_id != customer_id and since < ended + freeze:
            raise RuleBroken(
                "customers.number_frozen",
                _("This number was another customer's and rests until %(day)s.")
                % {"day": (ended + freeze).isoformat()},
            )


def checked_plan(plan: Plan | None, *, product_line: str, present: Plan | None = None) -> Plan | None:
    """A plan a line may have: of its product and on sale today, or the one it has.

    Raises RuleBroken: customers.plan_of_other_product, customers.plan_not_sold.
    """
    if plan is None or plan == present:
        return plan
    if plan.product_line != product_line:
        raise RuleBroken("customers.plan_of_other_product", _("This plan belongs to another product."))
    if not plan.is_on_sale(clock.today()):
        raise RuleBroken("customers.plan_not_sold", _("This plan is not on sale."))
    return plan


def checked_fee(fee: Any) -> Decimal | None:
    """A monthly fee to the cent, or None. Refuses (customers.bad_fee) what is negative, no number, or too large."""
    if fee is None or fee == "":
        return None
    amount = Decimal(str(fee))
    if not amount.is_finite() or not 0 <= amount <= HIGHEST_FEE or amount != round(amount, 2):
        raise RuleBroken("customers.bad_fee", _("A fee is an amount of at least 0 with at most two decimals."))
    return round(amount, 2)


def checked_changes(line: Subscription, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Changes of a line in their stored spelling; the fields are known to be changeable.

    Raises RuleBroken: customers.bad_code (a status that is an end or unknown, a plan that does not exist or none),
    customers.impossible_contract, customers.too_long, customers.invisible, and those of `checked_plan`, `checked_fee`.
    """
    values = dict(changes)
    if "status" in values and values["status"] not in {*Subscription.LIVE, Subscription.Status.PENDING}:
        raise RuleBroken("customers.bad_code", _("%(field)s: choose one of the offered.") % {"field": _("Status")})
    if "plan_id" in values and values["plan_id"] != line.plan_id:
        plan = Plan.objects.filter(pk=values["plan_id"]).first()
        if plan is None:
            raise RuleBroken("customers.bad_code", _("%(field)s: choose one of the offered.") % {"field": _("Plan")})
        checked_plan(plan, product_line=line.product_line, present=line.plan)
    if "contract_end" in values:
        check_contract_end(line.activated_on, values["contract_end"])
    if "monthly_fee" in values:
        values["monthly_fee"] = checked_fee(values["monthly_fee"])
    if "user_name" in values:
        values["user_name"] = normal.plain_text(values["user_name"] or "", longest=200, label=_("User"))
    return values
