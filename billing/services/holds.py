"""What stops the ladder of an account, or keeps a part out of it: disputes, promises, hardship (D§13.7, D§10.11)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from billing.dunning.facts import DAY, HoldKind
from billing.dunning.poking import open_amount_of, poke
from billing.models import Bill, BilledProduct, BillingAccount, DunningCase, Hold
from billing.services.asking import queue_command
from customers.models import Customer
from foundation.audit.services import record
from foundation.calendars.working_time import add_months
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.policies.reading import policy
from staff.models import User

PROMISING_GRADES = frozenset("ABC")
BY_LEAD = frozenset({HoldKind.HARDSHIP, HoldKind.DISASTER})
LONGEST_REASON = 400


@transaction.atomic
def hold_dispute(
    *,
    customer: Customer,
    amount: Decimal | None,
    source: str,
    actor: User | None,
    subscriptions: Sequence[int] = (),
) -> Hold | None:
    """Keep a disputed amount out of dunning and late fee until `release_dispute` of the same source; no amount:
    everything open. The account is that of the lines named, else the customer's with the oldest open bill. Again with
    another amount: that one holds from now on. None when the customer has no account. Billing is asked to hold as well.
    """
    account = _disputed_account(customer, subscriptions)
    if account is None:
        return None
    account = _held(account.pk)
    now = clock.now()
    before = Hold.objects.filter(kind=Hold.Kind.DISPUTE, source=source, ended_at=None).first()
    if before is not None:
        if before.amount == amount:
            return before
        _end(before, now, actor)
    hold = Hold.objects.create(
        account=account, kind=Hold.Kind.DISPUTE, amount=amount, from_at=now, source=source, made_by=actor
    )
    bill = account.bills.filter(open_amount__gt=0).order_by("due_date", "pk").first()
    if bill is not None:
        held = min(amount, bill.open_amount) if amount is not None else bill.open_amount
        params = {"bill": bill.external_id, "amount": f"{held:.2f}"}
        queue_command(account.pk, actor=actor, kind="DISPUTE_HOLD", natural_key=f"hold:{hold.pk}", params=params)
    _remember("billing.held", hold, actor)
    _look_again(account)
    return hold


@transaction.atomic
def release_dispute(*, source: str, actor: User | None) -> int:
    """The answer is given: what this source disputed is due again, or corrected by billing. How many holds ended."""
    holds = list(Hold.objects.filter(kind=Hold.Kind.DISPUTE, source=source, ended_at=None))
    now = clock.now()
    for hold in holds:
        account = _held(hold.account_id)
        _end(hold, now, actor)
        _look_again(account)
    return len(holds)


@transaction.atomic
def promise_to_pay(account_id: int, *, actor: User, pays_on: date, amount: Decimal, reason: str = "") -> Hold:
    """A customer promises to pay by a day: no step until then, the late fee runs on (D§13.7).

    Refuses (RuleBroken) what is more than the days of the policy ahead ("promise.too_late") or past ("promise.past"),
    an account without open arrears ("promise.nothing_open") or of a grade below C ("promise.grade"), an amount that is
    none or more than is open ("promise.amount"), a second one at a time ("promise.running") and more than the policy's
    in twelve months ("promise.too_many"). NotAllowed without the right.
    """
    check_right(actor, "billing.work")
    account = _held(account_id)
    now, today = clock.now(), clock.today()
    case = DunningCase.objects.filter(account=account, closed_at=None).first()
    open_amount = open_amount_of(account)
    if case is None or open_amount <= 0:
        raise RuleBroken("promise.nothing_open", _("Nothing is open on this account that could be promised."))
    if case.grade not in PROMISING_GRADES:
        raise RuleBroken("promise.grade", _("Promises to pay are for credit grades A to C."))
    if pays_on < today:
        raise RuleBroken("promise.past", _("A promise names today or a later day."))
    longest = int(policy("billing.promise_longest"))
    if pays_on > today + timedelta(days=longest):
        raise RuleBroken("promise.too_late", _("A promise reaches at most %(days)s days ahead.") % {"days": longest})
    if amount <= 0 or amount > open_amount + case.late_fee:
        raise RuleBroken("promise.amount", _("Promise an amount that is open."))
    promises = Hold.objects.filter(account=account, kind=Hold.Kind.PROMISE)
    if promises.filter(ended_at=None, to_at__gt=now).exists():
        raise RuleBroken("promise.running", _("A promise runs already."))
    most = int(policy("billing.promises_a_year"))
    if promises.filter(from_at__gt=clock.business_midnight(add_months(today, -12))).count() >= most:
        raise RuleBroken("promise.too_many", _("Only %(most)s promises are taken in twelve months.") % {"most": most})
    for past in promises.filter(ended_at=None):
        _end(past, past.to_at or now, None)
    hold = Hold.objects.create(
        account=account,
        kind=Hold.Kind.PROMISE,
        amount=amount,
        from_at=now,
        to_at=clock.business_midnight(pays_on + DAY),
        reason=reason.strip()[:LONGEST_REASON],
        made_by=actor,
    )
    _remember("billing.promised", hold, actor)
    _look_again(account)
    return hold


@transaction.atomic
def hold_account(
    account_id: int, *, kind: str, actor: User, reason: str, until: date | None = None, source: str = ""
) -> Hold:
    """A lead lets the arrears of an account rest for hardship (the policy's days) or a disaster (until a day): no step,
    no late fee. Refuses (RuleBroken) other kinds ("hold.kind"), no reason ("hold.no_reason"), a second one of the kind
    ("hold.running") and an end that is past ("hold.past"). NotAllowed without the right to approve."""
    check_right(actor, "billing.approve")
    if kind not in BY_LEAD:
        raise RuleBroken("hold.kind", _("Leads grant hardship and disaster."))
    if not reason.strip():
        raise RuleBroken("hold.no_reason", _("Say why the arrears rest."))
    account = _held(account_id)
    now, today = clock.now(), clock.today()
    end = until or today + timedelta(days=int(policy("billing.hardship_days")))
    if end < today:
        raise RuleBroken("hold.past", _("A hold ends today or later."))
    running = Hold.objects.filter(account=account, kind=kind, source=source, ended_at=None)
    if running.filter(to_at__gt=now).exists():
        raise RuleBroken("hold.running", _("A hold of this kind runs already."))
    for past in running:
        _end(past, past.to_at or now, None)
    hold = Hold.objects.create(
        account=account,
        kind=kind,
        from_at=now,
        to_at=clock.business_midnight(end + DAY),
        reason=reason.strip()[:LONGEST_REASON],
        source=source,
        made_by=actor,
        approved_by=actor,
    )
    _remember("billing.held", hold, actor)
    _look_again(account)
    return hold


@transaction.atomic
def end_hold(hold_id: int, *, actor: User) -> Hold:
    """End a hold before its time. Refuses (RuleBroken "hold.ended") one that has ended; disputes end with their answer
    ("hold.kind"). NotAllowed without the right to approve."""
    check_right(actor, "billing.approve")
    hold = Hold.objects.select_related("account").get(pk=hold_id)
    account = _held(hold.account_id)
    hold.refresh_from_db()
    if hold.kind == Hold.Kind.DISPUTE:
        raise RuleBroken("hold.kind", _("A dispute ends with its answer."))
    if hold.ended_at is not None:
        raise RuleBroken("hold.ended", _("This hold has ended."))
    _end(hold, clock.now(), actor)
    _look_again(account)
    return hold


def _disputed_account(customer: Customer, subscriptions: Sequence[int]) -> BillingAccount | None:
    accounts = BillingAccount.objects.filter(customer=customer)
    if subscriptions:
        product = BilledProduct.objects.filter(account__in=accounts, subscription__in=subscriptions).first()
        if product is not None:
            return product.account
    owed = Bill.objects.filter(account__in=accounts, open_amount__gt=0).order_by("due_date", "pk").first()
    return owed.account if owed is not None else accounts.order_by("pk").first()


def _held(account_id: int) -> BillingAccount:
    """The account, locked: what is decided about its arrears takes turns."""
    return BillingAccount.objects.select_for_update(no_key=True).get(pk=account_id)


def _end(hold: Hold, at: Any, actor: User | None) -> None:
    hold.ended_at = max(at, hold.from_at)
    hold.save(update_fields=["ended_at"])
    if hold.kind == Hold.Kind.DISPUTE:
        queue_command(
            hold.account_id,
            actor=actor,
            kind="DISPUTE_RELEASE",
            natural_key=f"release:{hold.pk}",
            params={"hold": f"hold:{hold.pk}"},
        )
    if actor is not None or hold.kind == Hold.Kind.DISPUTE:
        _remember("billing.released", hold, actor)


def _look_again(account: BillingAccount) -> None:
    poke([account.pk])


def check_right(actor: User, right: str) -> None:
    """Refuse (NotAllowed) who lacks a right."""
    if not actor.has_perm(right):
        raise NotAllowed("billing.not_allowed", _("You may not do this to arrears."))


def _remember(verb: str, hold: Hold, actor: User | None) -> None:
    record(
        verb,
        target=hold,
        actor=actor,
        customer_id=hold.account.customer_id,
        detail={
            "kind": hold.kind,
            "amount": str(hold.amount) if hold.amount is not None else "",
            "source": hold.source,
        },
    )
