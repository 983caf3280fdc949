"""What holds of the ladder whatever happens to an account (D§13): late fee, allocations, warnings, order of arrival."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.dunning.days import ActingDays
from billing.dunning.facts import (
    AccountFacts,
    AccountKind,
    Approval,
    Delivery,
    GradeChange,
    Hold,
    HoldKind,
    Paid,
    Step,
    at_hour,
)
from billing.dunning.ladder import Position, position
from billing.dunning.owing import ZERO, BillFact
from billing.dunning.rules import Ladder
from foundation.calendars.definition import Calendar, Day, DayKind
from foundation.calendars.windows import Window
from foundation.common import clock

HOLIDAYS = [date(2026, 2, day) for day in (16, 17, 18, 19, 20, 23)] + [date(2026, 5, day) for day in (1, 4, 5)]
CALENDAR = Calendar(
    code="TEST",
    zone="Asia/Shanghai",
    weekly=((Window(540, 1080),),) * 5 + ((), ()),
    days=(
        *(Day(day, DayKind.HOLIDAY) for day in HOLIDAYS),
        Day(date(2026, 2, 14), DayKind.MAKEUP),
        Day(date(2026, 2, 28), DayKind.MAKEUP),
    ),
)
DAYS = ActingDays(CALENDAR)
LADDER = Ladder()
START = datetime(2026, 1, 1, tzinfo=clock.BUSINESS_ZONE)
SUSPENSIONS = (Step.SUSPEND_ONE_WAY, Step.SUSPEND_TWO_WAY)

cents = st.integers(50, 30_000).map(lambda n: Decimal(n) / 100)
moments = st.integers(0, 240 * 24 * 4).map(lambda n: START + timedelta(minutes=15 * n))


@st.composite
def accounts(draw: st.DrawFn) -> AccountFacts:
    bills, dates = [], []
    for n in range(draw(st.integers(1, 3))):
        due = (date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31))[n]
        amount = draw(cents)
        fee = draw(st.sampled_from([ZERO, ZERO, amount / 4])).quantize(Decimal("0.01"))
        bills.append(BillFact(f"b{n}", due, amount, fee))
        dates.append((f"b{n}", due.replace(day=1)))
    payments = []
    for n in range(draw(st.integers(0, 4))):
        at = draw(moments)
        back = draw(st.none() | st.integers(1, 60).map(lambda days, at=at: at + timedelta(days=days)))
        payments.append(Paid(f"p{n}", at, draw(cents), back))
    holds = []
    for _n in range(draw(st.integers(0, 2))):
        begins = draw(moments)
        ends = draw(st.none() | st.integers(1, 40).map(lambda days, at=begins: at + timedelta(days=days)))
        kind = draw(st.sampled_from(list(HoldKind)))
        amount = draw(st.none() | cents) if kind == HoldKind.DISPUTE else None
        holds.append(Hold(kind, begins, ends, amount, draw(st.sampled_from([None, "b0"]))))
    grades = [
        GradeChange(draw(moments), draw(st.sampled_from("ABCDE")), draw(st.booleans()))
        for _n in range(draw(st.integers(0, 2)))
    ]
    deliveries = None
    if draw(st.booleans()):
        deliveries = tuple(Delivery(draw(moments)) for _n in range(draw(st.integers(0, 4))))
    return AccountFacts(
        kind=draw(st.sampled_from(list(AccountKind))),
        grade=draw(st.sampled_from("ABCDE")),
        tier=draw(st.sampled_from(["ORDINARY", "DIAMOND"])),
        bills=tuple(bills),
        bill_dates=tuple(dates),
        payments=tuple(payments),
        holds=tuple(holds),
        grades=tuple(grades),
        contacts=tuple(draw(st.lists(moments, max_size=1))),
        approvals=tuple(
            Approval(draw(moments), draw(st.sampled_from([*SUSPENSIONS, Step.TERMINATION])))
            for _n in range(draw(st.integers(0, 2)))
        ),
        deliveries=deliveries,
        credit_limit=draw(st.sampled_from([ZERO, Decimal(50)])),
    )


def stand(facts: AccountFacts, now: datetime) -> Position:
    return position(facts, LADDER, DAYS, now)


@settings(max_examples=120, deadline=None)
@given(accounts(), moments)
def test_late_fee_stays_within_the_fees_that_are_not_disputed_and_allocations_add_up(
    facts: AccountFacts, now: datetime
) -> None:
    found = stand(facts, now)
    for one in found.seen.books.standings:
        accrued = one.fee - one.bill.late_fee
        assert ZERO <= accrued <= one.bill.principal - one.held
        assert ZERO <= one.held <= one.open <= one.bill.principal
        assert ZERO <= one.fee_open <= one.fee
    paid = {one.key: one.amount for one in facts.payments if one.counts(now)}
    shared = dict.fromkeys(paid, ZERO)
    for share in found.seen.books.shares:
        assert share.amount > 0
        shared[share.payment] += share.amount
    assert shared == paid
    for one in found.seen.books.standings:
        parts = [share.amount for share in found.seen.books.shares if share.bill == one.bill.key]
        assert sum(parts, ZERO) <= one.bill.principal + one.fee


@settings(max_examples=60, deadline=None)
@given(accounts(), moments, st.randoms(use_true_random=False))
def test_the_order_in_which_things_were_told_changes_nothing(facts: AccountFacts, now: datetime, luck: Random) -> None:
    shuffled = replace(
        facts,
        **{
            name: tuple(luck.sample(getattr(facts, name), len(getattr(facts, name))))
            for name in ("bills", "bill_dates", "payments", "holds", "grades", "contacts", "approvals")
        },
        deliveries=facts.deliveries and tuple(luck.sample(facts.deliveries, len(facts.deliveries))),
    )
    first, second = stand(facts, now), stand(shuffled, now)
    assert (first.state, first.taken, first.ahead, first.late_fee, first.memory) == (
        second.state,
        second.taken,
        second.ahead,
        second.late_fee,
        second.memory,
    )


@settings(max_examples=120, deadline=None)
@given(accounts(), moments)
def test_nobody_is_suspended_but_after_a_delivered_final_warning_at_a_fit_moment(
    facts: AccountFacts, now: datetime
) -> None:
    found = stand(facts, now)
    warned: datetime | None = None
    for taken in found.taken:
        local = taken.at.astimezone(clock.BUSINESS_ZONE)
        if taken.step == Step.RESTORE:
            warned = None
        if taken.step == Step.FINAL_WARNING:
            warned = taken.at
        if taken.step not in SUSPENSIONS:
            continue
        assert DAYS.may_act(local.date())
        assert LADDER.acts_from <= local.time() < LADDER.acts_until
        assert taken.due > 0
        assert not any(hold.kind != HoldKind.DISPUTE and hold.at(taken.at) for hold in facts.holds)
        confirmed = any(one.step == taken.step and one.at <= taken.at for one in facts.approvals)
        assert warned is not None
        if facts.deliveries is None:
            assert taken.at - warned >= timedelta(hours=48)
        else:
            reached = [one.at for one in facts.deliveries if warned <= one.at <= taken.at - timedelta(hours=48)]
            assert reached or confirmed
        if facts.kind != AccountKind.PREPAID:
            overdue = [bill for bill in facts.bills if (local.date() - bill.due_date).days >= 31]
            assert overdue
        if facts.kind == AccountKind.ENTERPRISE:
            assert confirmed
    assert all(one.at <= now for one in found.taken)
    ended = [taken for taken in found.taken if taken.step == Step.TERMINATION]
    for taken in ended:
        assert any(one.step == Step.TERMINATION and one.at <= taken.at for one in facts.approvals)


@settings(max_examples=60, deadline=None)
@given(accounts(), moments)
def test_what_is_not_known_yet_has_no_part_in_it(facts: AccountFacts, now: datetime) -> None:
    known = replace(
        facts,
        payments=tuple(
            replace(one, reversed_at=None if one.reversed_at is None or one.reversed_at > now else one.reversed_at)
            for one in facts.payments
            if one.at <= now
        ),
        holds=tuple(hold for hold in facts.holds if hold.start <= now),
        grades=tuple(one for one in facts.grades if one.at <= now),
        contacts=tuple(one for one in facts.contacts if one <= now),
        approvals=tuple(one for one in facts.approvals if one.at <= now),
        deliveries=facts.deliveries and tuple(one for one in facts.deliveries if one.at <= now),
    )
    first, second = stand(facts, now), stand(known, now)
    assert (first.state, first.taken, first.ahead, first.late_fee) == (
        second.state,
        second.taken,
        second.ahead,
        second.late_fee,
    )


def test_every_day_a_step_may_be_taken_on_is_a_working_day_before_no_holiday() -> None:
    days = [date(2026, 2, day) for day in range(9, 26)]
    assert [day.day for day in days if DAYS.may_act(day)] == [9, 10, 11, 12, 13, 24, 25]
    evening = at_hour(date(2026, 2, 13), LADDER.acts_until)
    assert DAYS.next_act(evening, LADDER) == at_hour(date(2026, 2, 24), LADDER.acts_from)
