"""An account of the mirror, as the ladder takes it: bills that are open, what was paid of them, what people said."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Max, Q, Sum

from billing.credit.service import latest_scores
from billing.dunning.facts import (
    AccountFacts,
    AccountKind,
    Approval,
    Balance,
    Delivery,
    GradeChange,
    Hold,
    HoldKind,
    Paid,
    Step,
)
from billing.dunning.owing import BillFact
from billing.dunning.planning import Memory
from billing.models import Allocation, Bill, BillingAccount, DunningCase, DunningStep, Payment
from customers.ages import is_minor
from customers.models import Customer
from customers.models.identity import ProtectiveHold
from customers.models.subscriptions import ProductLine
from foundation.policies.reading import policy
from outreach.lifecycle import AttemptOutcome, MessageState
from outreach.models import FollowUpAttempt, MessageMove, OutMessage, RescueStep
from outreach.models.messages import message_floor
from outreach.services.rescuing import RECEIPTED

# A payment taken back longer ago than this, before a case began, is told of no more.
REVERSAL_IS_NEWS = timedelta(days=7)
FIXED_LINES = frozenset({ProductLine.BROADBAND.value, ProductLine.FIXED.value})
GradeSource = Callable[[int], str | None]
_grades: list[GradeSource] = []


def register_grades(source: GradeSource) -> None:
    """Let credit say the grade of an account (its id): a letter, None where it has none."""
    _grades[:] = [source]


def grade_of(account_id: int) -> str:
    """The credit grade of an account now; the policy's where credit has none."""
    return _told_grade(account_id) or str(policy("billing.grade_unknown"))


def _told_grade(account_id: int) -> str | None:
    return _grades[0](account_id) if _grades else None


def note_grade(account: BillingAccount, case: DunningCase, now: datetime) -> None:
    """Write down another grade than the case knows (D§13.10); saved by the caller. The month it was judged for is the
    newest; fraud and what was written off may shorten the grace."""
    current = _told_grade(account.pk)
    last = case.grades[-1]["grade"] if case.grades else case.grade
    if current is None or current == last or account.customer is None:
        return
    shortens = any(row.fraud or row.written_off for row in latest_scores(account.customer))
    case.grades = [*case.grades, {"at": now.isoformat(), "grade": current, "shortens": shortens}]


def read_facts(account: BillingAccount, case: DunningCase, now: datetime) -> AccountFacts:
    """What is known at `now`. A fixed number of queries; the caller holds the account."""
    bills = list(
        Bill.objects.filter(account=account, open_amount__gt=0, written_off_on=None)
        .exclude(state__in=Bill.VOID)
        .order_by("due_date", "pk")
    )
    shares = Allocation.objects.filter(bill__in=bills).select_related("payment")
    paid: dict[int, Decimal] = {}
    payments: list[Paid] = []
    for share in shares:
        assert share.bill_id is not None
        paid[share.bill_id] = paid.get(share.bill_id, Decimal(0)) + share.amount
        payments.append(Paid(f"{share.payment_id}:{share.bill_id}:{share.part}", share.payment.paid_at, share.amount))
    back = Payment.objects.filter(account=account, state=Payment.State.REVERSED, reversed_at__lte=now)
    for one in back.filter(reversed_at__gte=case.begun_at - REVERSAL_IS_NEWS):
        payments.append(Paid(str(one.pk), one.paid_at, one.amount, one.reversed_at))
    facts = []
    for bill in bills:
        # What billing says is settled beyond the payments it told us is settled here as well.
        amount = paid.get(bill.pk, Decimal(0)) + bill.open_amount
        facts.append(BillFact(str(bill.pk), bill.due_date, amount, min(bill.late_fee, amount)))
    customer = account.customer
    return AccountFacts(
        kind=kind_of(account),
        grade=case.grade,
        tier=_tier(account),
        bills=tuple(facts),
        bill_dates=tuple((str(bill.pk), min(bill.bill_date, bill.due_date)) for bill in bills),
        payments=tuple(payments),
        holds=(*_holds(account), *_personal_holds(account, case)),
        grades=tuple(
            GradeChange(datetime.fromisoformat(one["at"]), one["grade"], one["shortens"]) for one in case.grades
        ),
        contacts=tuple(_moments(case.contacts)) + tuple(_calls(case, Step.MANAGER_CONTACT)),
        approvals=tuple(Approval(datetime.fromisoformat(one["at"]), Step(one["step"])) for one in case.approvals),
        deliveries=tuple(Delivery(at) for at in _deliveries(case)),
        balances=tuple(_balances(account, now)),
        credit_limit=account.credit_limit or Decimal(0) if customer is not None else Decimal(0),
    )


def kind_of(account: BillingAccount) -> AccountKind:
    """Which way of the ladder an account goes."""
    if account.kind == BillingAccount.Kind.ENTERPRISE:
        return AccountKind.ENTERPRISE
    if account.pay_type == BillingAccount.PayType.PREPAID:
        return AccountKind.PREPAID
    lines = set(
        account.products.filter(subscription__isnull=False).values_list("subscription__product_line", flat=True)
    )
    if lines and lines <= FIXED_LINES:
        return AccountKind.FIXED
    if account.customer is not None and is_minor(account.customer):
        return AccountKind.MINOR
    return AccountKind.MOBILE


def _tier(account: BillingAccount) -> str:
    facts = getattr(account.customer, "facts", None) if account.customer is not None else None
    return (facts.tier if facts is not None else "") or "ORDINARY"


def _holds(account: BillingAccount) -> Iterable[Hold]:
    for row in account.holds.all():
        end = row.ended_at if row.ended_at is not None else row.to_at
        if end is not None and end <= row.from_at:
            continue  # taken back in the moment it was made
        yield Hold(HoldKind(row.kind), row.from_at, end, row.amount, str(row.bill_id) if row.bill_id else None)


def _personal_holds(account: BillingAccount, case: DunningCase) -> Iterable[Hold]:
    """What is known of the person: fraud control and death stop every step (D§5.3, 5.13)."""
    customer = account.customer
    if customer is None:
        return
    if customer.status == Customer.Status.DECEASED:
        yield Hold(HoldKind.DECEASED, case.begun_at)
    for row in ProtectiveHold.objects.filter(customer=customer).exclude(lifted_at__lt=case.begun_at):
        yield Hold(HoldKind.PROTECTIVE, row.put_at, row.lifted_at)


def _balances(account: BillingAccount, now: datetime) -> Iterable[Balance]:
    told = account.buckets.aggregate(total=Sum("remaining"), stated=Max("stated_at"))
    if told["total"] is not None:
        yield Balance(min(told["stated"] or now, now), told["total"])


def _moments(told: Iterable[str]) -> Iterable[datetime]:
    return (datetime.fromisoformat(one) for one in told)


def _deliveries(case: DunningCase) -> list[datetime]:
    """When final warnings of the case reached the customer: told by hand, by a receipt, by a call that was answered."""
    found = list(_moments(case.reached))
    steps = DunningStep.objects.filter(
        case=case, step__in=[Step.FINAL_WARNING, Step.REVERSAL_NOTICE], message_id__isnull=False
    )
    asked = [one for one in steps.values_list("message_id", flat=True) if one is not None]
    if not asked:
        return found
    again = RescueStep.objects.filter(message_id__in=asked, result_id__isnull=False)
    second = [one.result_id for one in again if one.step == RescueStep.Step.CHANNEL and one.result_id is not None]
    messages = [*asked, *second]
    floor = message_floor()
    moved = MessageMove.objects.filter(message_id__in=messages, pk__gte=floor, new=MessageState.DELIVERED)
    states = dict(OutMessage.objects.filter(pk__in=messages, pk__gte=floor).values_list("pk", "state"))
    found += [one.at for one in moved if states.get(one.message_id) == MessageState.DELIVERED]
    # A channel that never tells has done its part once it took the message.
    quiet = OutMessage.objects.filter(pk__in=messages, pk__gte=floor, state=MessageState.SENT).exclude(
        carrier__in=RECEIPTED
    )
    found += [one for one in quiet.values_list("sent_at", flat=True) if one is not None]
    sources = [f"message:{one}" for one in messages]
    answered = FollowUpAttempt.objects.filter(follow_up__source__in=sources, outcome=AttemptOutcome.REACHED)
    return found + list(answered.values_list("at", flat=True))


def _calls(case: DunningCase, step: Step) -> list[datetime]:
    """When a call owed by a step of the case was answered."""
    owed = DunningStep.objects.filter(case=case, step=step, follow_up_id__isnull=False)
    found = FollowUpAttempt.objects.filter(Q(follow_up__in=owed.values("follow_up_id")), outcome=AttemptOutcome.REACHED)
    return list(found.values_list("at", flat=True))


def memory_of(case: DunningCase) -> Memory:
    """What was done in a case. Whether the final warning arrived is asked anew each time: a receipt may be bad news."""
    return Memory(
        track=case.track,
        since=case.since,
        round=case.round,
        done={Step(step): datetime.fromisoformat(at) for step, at in case.done.items()},
        opened=case.overdue_since,
        final_at=None,
        level=case.level,
        level_at=case.level_at,
        target=case.target,
        reversal=case.reversal_at,
        resumed=case.resumed,
        restored_at=case.restored_at,
        terminated=case.terminated_at is not None,
        reversals=frozenset(case.reversals),
    )


def remember(case: DunningCase, memory: Memory, now: datetime) -> None:
    """The memory into the columns of the case; saved by the caller."""
    case.track = memory.track
    case.since = memory.since
    case.round = memory.round
    case.done = {step.value: at.isoformat() for step, at in memory.done.items()}
    case.overdue_since = memory.opened
    case.final_at = memory.final_at
    case.level, case.level_at = memory.level, memory.level_at
    case.target = memory.target
    case.reversal_at = memory.reversal
    case.resumed = memory.resumed
    case.restored_at = memory.restored_at
    case.terminated_at = (case.terminated_at or now) if memory.terminated else None
    case.reversals = sorted(memory.reversals)


def known_then(facts: AccountFacts, seen: Any) -> dict[str, Any]:
    """What a step was justified by: codes, ids and amounts."""
    return {
        "grade": facts.grade,
        "grace_days": seen.grace_days,
        "overdue": str(seen.overdue),
        "bills": [
            {"bill": one.bill.key, "due_date": one.bill.due_date.isoformat(), "open": str(one.open)}
            for one in seen.books.standings
        ],
        "payments": [one.key for one in facts.payments if one.reversed_at is None],
        "holds": [hold.kind.value for hold in seen.holds],
    }
