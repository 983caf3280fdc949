"""An account as it is known at one moment: what is open, which bill the case follows, what holds it (D§13.5-13.11)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from billing.dunning.days import next_notice
from billing.dunning.facts import DAY, AccountFacts, AccountKind, Hold, HoldKind, Step, at_hour, dispute_parts
from billing.dunning.owing import ZERO, Books, Disputed, PaymentFact, Standing, allocate
from billing.dunning.rules import Ladder
from foundation.common import clock

FREES_OF_FEE = frozenset({HoldKind.HARDSHIP, HoldKind.DISASTER, HoldKind.PROTECTIVE, HoldKind.DECEASED})


@dataclass(frozen=True, slots=True)
class Track:
    """What the case follows: a bill, or a prepaid balance that is used up. `base`: the earliest moment of suspension by
    due date and grace; `rows`: the messages before it; `grace`: first and last day of grace."""

    key: str
    due_date: date
    base: datetime
    rows: tuple[tuple[Step, datetime], ...]
    overdue_from: datetime
    grace: tuple[date, date] | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """The account at `at`. `track` None: nothing to follow. `overdue`: what paying everything overdue takes, late fee
    included; `due`: principal of it that is not disputed; `clean`: nothing overdue (rests under 1.00 apart),
    `nothing_late`: also nothing in dispute of it; `settled`: nothing is open at all."""

    at: datetime
    books: Books
    track: Track | None
    overdue: Decimal
    due: Decimal
    clean: bool
    nothing_late: bool
    settled: bool
    late_fee: Decimal
    grace_days: int
    shortened: bool
    holds: tuple[Hold, ...]
    resumes: datetime | None

    @property
    def stopped(self) -> bool:
        """A hold without an end stops every step."""
        return bool(self.holds) and self.resumes is None


def see(facts: AccountFacts, ladder: Ladder, at: datetime, opened: datetime | None) -> Situation:
    """What is known at `at` of an account whose case was opened at `opened` (None: there is none)."""
    dates = dict(facts.bill_dates)
    known = [
        bill for bill in facts.bills if clock.business_midnight(dates.get(bill.key, bill.due_date.replace(day=1))) <= at
    ]
    still = [hold.days for hold in facts.holds if hold.kind in FREES_OF_FEE and hold.start <= at]
    disputes: list[Disputed] = []
    for hold in sorted(facts.holds, key=lambda hold: (hold.start, hold.bill or "", hold.amount or ZERO)):
        if hold.kind != HoldKind.DISPUTE or hold.start > at:
            continue
        before = (PaymentFact(p.key, p.at, p.amount) for p in facts.payments if p.counts(at) and p.at <= hold.start)
        books = allocate(known, before, hold.start, disputes=disputes)
        disputes += dispute_parts(hold, [(one.bill.key, one.due) for one in books.standings])
    books = allocate(known, facts.money(at), at, rules=ladder.fees, disputes=disputes, still=still)
    holds = tuple(hold for hold in facts.holds if hold.kind != HoldKind.DISPUTE and hold.at(at))
    ends = [hold.end for hold in holds if hold.end is not None]
    today = clock.today(at)
    small = ladder.fees.small
    days, shortened = _grace(facts, ladder, at, opened)
    late = [one for one in books.standings if one.bill.due_date < today]
    common = {
        "at": at,
        "books": books,
        "late_fee": sum((one.fee for one in books.standings), ZERO),
        "grace_days": days,
        "shortened": shortened,
        "holds": holds,
        "resumes": max(ends) if holds and len(ends) == len(holds) else None,
    }
    if facts.kind == AccountKind.PREPAID:
        return _prepaid(facts, ladder, at, days, common)
    standing = next((one for one in books.standings if one.due >= small), None)
    overdue = [one for one in late if one.rest >= small]
    return Situation(
        track=None if standing is None else _track(standing, books, facts, ladder, days),
        overdue=sum((one.rest for one in overdue), ZERO),
        due=sum((one.due for one in late if one.due >= small), ZERO),
        clean=not overdue,
        nothing_late=all(one.rest + one.held < small for one in late),
        settled=all(one.rest + one.held < small for one in books.standings),
        **common,  # type: ignore[arg-type]  # the parts both ways have, by name
    )


def _track(standing: Standing, books: Books, facts: AccountFacts, ladder: Ladder, grace: int) -> Track:
    due = standing.bill.due_date
    call_on = due + timedelta(days=ladder.call_day)
    by_then = sum((one.due for one in books.standings if one.bill.due_date < call_on), ZERO)
    rows = [(Step.REMINDER_1, -ladder.reminders[0]), (Step.REMINDER_2, -ladder.reminders[1])]
    rows += [(Step.OVERDUE_1, ladder.overdue[0])]
    if facts.kind == AccountKind.ENTERPRISE:
        rows += [(Step.MANAGER_CONTACT, ladder.enterprise_contact_day)]
    rows += [(Step.OVERDUE_2, ladder.overdue[1])]
    if by_then >= ladder.call_from:
        rows += [(Step.CALL, ladder.call_day)]
    rows += [(Step.WARNING_1, ladder.warning_day)]
    if grace:
        rows += [(Step.GRACE, ladder.suspension_day)]
    first = due + timedelta(days=ladder.suspension_day)
    return Track(
        key=standing.bill.key,
        due_date=due,
        base=clock.business_midnight(first + timedelta(days=grace)),
        rows=tuple((step, at_hour(due + timedelta(days=days), ladder.notice_at)) for step, days in rows),
        overdue_from=clock.business_midnight(due + DAY),
        grace=(first, first + timedelta(days=grace - 1)) if grace else None,
    )


def _grace(facts: AccountFacts, ladder: Ladder, at: datetime, opened: datetime | None) -> tuple[int, bool]:
    """Days of grace at a moment, and whether fraud or a write-off shortened them (D§13.10)."""
    days, shortened = ladder.grace.get(facts.grade, 0), False
    for change in sorted(facts.grades, key=lambda change: (change.at, change.grade)):
        if change.at > at:
            break
        new = ladder.grace.get(change.grade, 0)
        if opened is None or change.at <= opened:
            days = new
        elif change.shortens and new < days:
            days, shortened = new, True
        elif new > days:
            days, shortened = new, False
    return days, shortened


def _prepaid(facts: AccountFacts, ladder: Ladder, at: datetime, grace: int, common: dict[str, object]) -> Situation:
    """A prepaid account: its balance used up takes the place of the due date; no late fee runs (D§13.5)."""
    now, zero, over = _balance(facts, at)
    track = None
    if zero is not None:
        base = clock.business_midnight(clock.today(zero) + timedelta(days=grace))
        if over is not None:
            base = min(base, over)
        track = Track(
            key=f"balance {zero.isoformat()}",
            due_date=clock.today(zero),
            base=base,
            rows=((Step.OVERDUE_1, next_notice(zero, ladder)),),
            overdue_from=zero,
            grace=(clock.today(zero) + DAY, clock.today(zero) + timedelta(days=grace - 1)) if grace > 1 else None,
        )
    return Situation(
        track=track,
        overdue=max(ZERO, -now),
        due=max(ZERO, -now),
        clean=now >= 0,
        nothing_late=now >= 0,
        settled=now > 0,
        **common,  # type: ignore[arg-type]  # the parts both ways have, by name
    )


def _balance(facts: AccountFacts, at: datetime) -> tuple[Decimal, datetime | None, datetime | None]:
    """The balance at a moment; since when it is used up; since when it is below the credit limit.

    Without told balances it is what was paid less the bills, each from its due date on.
    """
    course = [(one.at, one.amount) for one in facts.balances if one.at <= at]
    if not facts.balances:
        moves = [(one.at, one.amount) for one in facts.payments if one.counts(at)]
        moves += [(clock.business_midnight(bill.due_date), -bill.amount) for bill in facts.bills]
        total, course = ZERO, []
        for moment, amount in sorted(move for move in moves if move[0] <= at):
            total += amount
            course.append((moment, total))
    zero: datetime | None = None
    over: datetime | None = None
    now = ZERO
    for n, (moment, amount) in enumerate(sorted(course, key=lambda one: one[0])):
        rose = n > 0 and amount > now
        if amount > 0:
            zero = None
        elif zero is None or (amount == 0 and rose):
            zero = moment
        below = amount < -facts.credit_limit
        over = (over or moment) if below else None
        now = amount
    return now, zero, over
