"""Service lines and their monthly totals (D§2, D§5.1, D§26, HND-23)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from customers import normal
from customers.models import ContactPoint, Customer, CustomerFacts, Plan, Subscription, UsageMonth
from customers.models.subscriptions import ProductLine
from customers.services.changing import StaleCopy
from customers.services.contact_points import check_may_edit
from customers.services.documents import check_mobile_limit
from customers.services.line_checks import (
    EARLIEST,
    check_begin,
    check_number_free,
    check_person,
    checked_changes,
    checked_fee,
    checked_plan,
)
from customers.services.remembering import last_change_of_line, locked, remember
from foundation.common import clock
from foundation.common.errors import RuleBroken
from staff.models import User

CHANGEABLE = frozenset({"status", "plan_id", "contract_end", "user_name", "monthly_fee"})
TOTALS = frozenset({"voice_minutes", "sms", "data_mb", "roaming_days", "zero_usage_days", "net_revenue"})
# What another system (billing) may say of a line, and what of it ends when the line is told to be active again.
LIFTED_BY_ACTIVE = frozenset(
    {
        Subscription.Status.PENDING,
        Subscription.Status.SUSPENDED_ARREARS_1WAY,
        Subscription.Status.SUSPENDED_ARREARS_2WAY,
        Subscription.Status.PRE_TERMINATION,
    }
)
FOLLOWED = LIFTED_BY_ACTIVE - {Subscription.Status.PENDING} | {
    Subscription.Status.ACTIVE,
    Subscription.Status.TERMINATED,
}
LIVES_ONCE = "service_no_lives_once"
NUMBER_GIVEN_AGAIN = "number given to another customer"


@transaction.atomic
def open_subscription(
    customer_id: int,
    *,
    actor: User | None,
    service_no: str,
    product_line: str,
    plan: Plan | None = None,
    activated_on: date | None = None,
    contract_end: date | None = None,
    user_name: str = "",
    monthly_fee: Any = None,
    guardian: str = "",
) -> Subscription:
    """Add a line, active from `activated_on` (default today).

    A number that lived with another customer before: their contact points of it end and their history stays theirs
    (D§26). `guardian`: who was present for a minor. A person must have verified the customer; without an `actor`
    somebody else has activated the line, and what they check is not asked again.
    Raises NotAllowed (customers.may_not_edit); RuleBroken customers.bad_code, customers.bad_service_no,
    customers.too_long, customers.invisible, customers.too_many_mobiles (D§5.1), and those of `check_person`,
    `check_begin`, `check_number_free`, `checked_plan`, `checked_fee`.
    """
    check_may_edit(actor)
    if product_line not in ProductLine.values:
        raise RuleBroken("customers.bad_code", _("%(field)s: choose one of the offered.") % {"field": _("Product")})
    number = normal.line_number(service_no, product_line=product_line)
    since = activated_on or clock.today()
    check_begin(since, contract_end)
    checked_plan(plan, product_line=product_line)
    fee = checked_fee(monthly_fee)
    user_name = normal.plain_text(user_name, longest=200, label=_("User"))
    guardian = normal.plain_text(guardian, longest=200, label=_("Guardian present"))
    customer = locked(customer_id)
    if actor is not None:
        check_person(customer, guardian=guardian)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"line-{product_line}-{number}"])
    check_number_free(number, product_line=product_line, customer_id=customer.pk, since=since)
    if product_line == ProductLine.MOBILE:
        check_mobile_limit(customer, more=1)
    line = _opened(
        Subscription(
            customer=customer,
            service_no=number,
            product_line=product_line,
            plan=plan,
            activated_on=since,
            contract_end=contract_end,
            user_name=user_name,
            monthly_fee=fee,
        )
    )
    end_points_of_former_owner(number, customer)
    refresh_contract(customer)
    remember(
        customer,
        "subscription.opened",
        actor=actor,
        target=line,
        changed={"guardian": (None, guardian)} if guardian else None,
        detail={"product_line": product_line, "plan": plan.code if plan else None},
        line="subscription.activated",
        line_params={"product_line": product_line, **_named(plan)},
        refind=True,
    )
    return line


def _opened(line: Subscription) -> Subscription:
    """The stored line; an import does not ask for the lock of a number, so the constraint has the last word."""
    try:
        with transaction.atomic():
            line.save(force_insert=True)
    except IntegrityError as error:
        if LIVES_ONCE not in str(error):
            raise
        raise RuleBroken("customers.line_lives", _("This number lives already.")) from error
    return line


def _named(plan: Plan | None, was: Plan | None = None) -> dict[str, str]:
    """What the plans are called now, for the timeline: it keeps what the customer was told then."""
    return {key: told.name for key, told in (("was", was), ("plan", plan)) if told}


@transaction.atomic
def change_subscription(
    subscription_id: int, *, actor: User | None, version: int, changes: Mapping[str, Any]
) -> Subscription:
    """Change plan, status (not to an end), contract, user or fee of a line.

    Raises NotAllowed (customers.may_not_edit), StaleCopy; RuleBroken customers.unknown_field, customers.line_ended,
    and those of `checked_changes`.
    """
    check_may_edit(actor)
    customer, line = _locked_line(subscription_id)
    if line.version != version:
        current = {field: getattr(line, field) for field in changes if field in CHANGEABLE}
        raise StaleCopy(current, line.version, last_change_of_line(customer, line))
    if unknown := set(changes) - CHANGEABLE:
        raise RuleBroken("customers.unknown_field", _("%(field)s cannot be changed here.") % {"field": min(unknown)})
    values = checked_changes(line, changes)
    changed = {f: (getattr(line, f), new) for f, new in values.items() if getattr(line, f) != new}
    if not changed:
        return line
    was = line.plan
    for field, (_old, new) in changed.items():
        setattr(line, field, new)
    line.version += 1
    line.save(update_fields=[*changed, "version"])
    refresh_contract(customer)
    remember(
        customer,
        "subscription.changed",
        actor=actor,
        target=line,
        changed=changed,
        line="subscription.changed",
        line_params={"fields": sorted(changed), **(_named(line.plan, was) if "plan_id" in changed else {})},
    )
    return line


@transaction.atomic
def end_subscription(
    subscription_id: int, *, actor: User | None, on: date | None = None, ported: bool = False
) -> Subscription:
    """The line ends (or leaves for another operator) on a day, default today.

    Raises NotAllowed (customers.may_not_edit); RuleBroken customers.line_ended, customers.impossible_date.
    """
    check_may_edit(actor)
    customer, line = _locked_line(subscription_id)
    day = on or clock.today()
    if not (line.activated_on or EARLIEST) <= day <= clock.today():
        raise RuleBroken("customers.impossible_date", _("A line cannot end in the future or before it began."))
    old = line.status
    line.status = Subscription.Status.PORTED_OUT if ported else Subscription.Status.TERMINATED
    line.terminated_on = day
    line.version += 1
    line.save(update_fields=["status", "terminated_on", "version"])
    refresh_contract(customer)
    remember(
        customer,
        "subscription.ended",
        actor=actor,
        target=line,
        changed={"status": (old, line.status)},
        line="subscription.terminated",
        line_params={"product_line": line.product_line},
        refind=True,
    )
    return line


@transaction.atomic
def follow_line(
    subscription_id: int, *, status: str, actor: User | None = None, on: date | None = None, source: str = ""
) -> bool:
    """Give a line the status another system says it has: barred for arrears, active again, about to be ended, ended.

    A line that is suspended on request or protectively stays so when it is told to be active: that was not for
    arrears. `on`: the day of an end (default today). `source`: who says so, kept with the change. Returns whether
    anything changed; a line that has ended here stays ended. Raises ValueError for a status nobody can tell.
    """
    if status not in FOLLOWED:
        raise ValueError(f"no system tells the status {status}")
    customer = locked(Subscription.objects.values_list("customer_id", flat=True).get(pk=subscription_id))
    line = Subscription.objects.get(pk=subscription_id)
    old = line.status
    if line.terminated_on is not None or old == status:
        return False
    if status == Subscription.Status.ACTIVE and old not in LIFTED_BY_ACTIVE:
        return False
    ended = status == Subscription.Status.TERMINATED
    line.status, line.version = status, line.version + 1
    if ended:
        line.terminated_on = max(on or clock.today(), line.activated_on or EARLIEST)
    line.save(update_fields=["status", "version", "terminated_on"])
    if ended:
        refresh_contract(customer)
    words = "subscription.terminated" if ended else "subscription.told"
    remember(
        customer,
        "subscription.ended" if ended else "subscription.changed",
        actor=actor,
        target=line,
        changed={"status": (old, status)},
        source=source,
        line=words,
        line_params={"product_line": line.product_line, "status": status},
        refind=ended,
    )
    return True


@transaction.atomic
def record_usage(subscription_id: int, *, month: date, totals: Mapping[str, Any]) -> UsageMonth:
    """Keep the totals of a line in a month (the first day of it); told again, the later word holds (ARC-03).

    Raises RuleBroken customers.unknown_field, customers.impossible_date (not the first of a month, or in the future).
    """
    if unknown := set(totals) - TOTALS:
        raise RuleBroken("customers.unknown_field", _("%(field)s cannot be changed here.") % {"field": min(unknown)})
    if month.day != 1 or month > clock.today():
        raise RuleBroken("customers.impossible_date", _("A month is told by its first day, and not before it began."))
    customer_id = Subscription.objects.values_list("customer_id", flat=True).get(pk=subscription_id)
    row, _made = UsageMonth.objects.update_or_create(
        subscription_id=subscription_id, month=month, defaults={"customer_id": customer_id, **totals}
    )
    return row


def _locked_line(subscription_id: int) -> tuple[Customer, Subscription]:
    customer = locked(Subscription.objects.values_list("customer_id", flat=True).get(pk=subscription_id))
    line = Subscription.objects.get(pk=subscription_id)
    if line.terminated_on is not None:
        raise RuleBroken("customers.line_ended", _("This line has ended."))
    return customer, line


def end_points_of_former_owner(number: str, customer: Customer) -> None:
    """Nobody who had the number before is reached there any more (D§26); `customer` has it now."""
    former = Subscription.objects.filter(service_no=number, terminated_on__isnull=False).exclude(customer=customer)
    points = ContactPoint.objects.filter(
        value=number,
        kind__in=[ContactPoint.Kind.MOBILE, ContactPoint.Kind.PHONE],
        valid_to__isnull=True,
        customer__in=former.values("customer"),
    )
    touched = set(points.values_list("customer_id", flat=True))
    points.update(valid_to=clock.today(), is_primary=False, do_not_use=NUMBER_GIVEN_AGAIN)
    Customer.objects.filter(pk__in=touched).update(version=F("version") + 1)


def refresh_contract(customer: Customer) -> None:
    """The next end of a contract among the lines that live, for lists and warnings above."""
    lines = Subscription.objects.filter(customer=customer, terminated_on__isnull=True)
    ends = lines.filter(contract_end__isnull=False)
    first = ends.order_by("contract_end").values_list("contract_end", flat=True).first()
    CustomerFacts.objects.update_or_create(customer=customer, defaults={"contract_end": first})
