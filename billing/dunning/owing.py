"""Which payment covers which bill, and the late fee of what stays open: pure arithmetic (D§13.1, 13.8).

Oldest bill first; inside a bill its fees (principal), then late fee. A disputed part takes no payment while it is held
out; what nothing takes is the account's credit, which covers what is released later. The late fee is simple: per day
after the due date, on what of the principal was open when the day began, never on a disputed part or on late fee.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

from foundation.common import clock

ZERO, CENT = Decimal(0), Decimal("0.01")
ONE_DAY = timedelta(days=1)
PRINCIPAL, LATE_FEE = "PRINCIPAL", "LATE_FEE"


@dataclass(frozen=True, slots=True)
class BillFact:
    """A bill: tax included, CNY. `late_fee`: the part of `amount` that is late fee of earlier months."""

    key: str
    due_date: date
    amount: Decimal
    late_fee: Decimal = ZERO

    @property
    def principal(self) -> Decimal:
        return self.amount - self.late_fee


@dataclass(frozen=True, slots=True)
class PaymentFact:
    """Money that came in and stayed: one that was taken back is left out by the caller (D§13.9)."""

    key: str
    at: datetime
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Disputed:
    """A part of a bill held out from `start` until `end` (None: still)."""

    bill: str
    amount: Decimal
    start: datetime
    end: datetime | None = None

    def at(self, moment: datetime) -> bool:
        return self.start <= moment and (self.end is None or moment < self.end)

    def on(self, day: date) -> bool:
        """Whether the part is held out on any moment of a day of the business zone."""
        last = None if self.end is None else clock.today(self.end - timedelta(microseconds=1))
        return clock.today(self.start) <= day and (last is None or day <= last)


@dataclass(frozen=True, slots=True)
class Days:
    """Days from `first` to `last`, both included; without `last`: from then on."""

    first: date
    last: date | None = None

    def on(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class FeeRules:
    """`per_mille` of the open principal a day; waived when paid by day `free_days`; at most `most` per cent of the
    principal. A rest below `small` (CNY) counts as paid."""

    per_mille: Decimal = Decimal(3)
    free_days: int = 5
    most: Decimal = Decimal(100)
    small: Decimal = Decimal("1.00")


NO_FEE = FeeRules(per_mille=ZERO)


@dataclass(frozen=True, slots=True)
class Share:
    """What of a payment covers which part of which bill; without a bill it is credit."""

    payment: str
    bill: str | None
    part: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a bill stands. `open`: principal not paid, `held`: the disputed part of it; `fee`: late fee in all (that of
    the bill included), `fee_open`: of it not paid."""

    bill: BillFact
    open: Decimal
    held: Decimal
    fee: Decimal
    fee_open: Decimal

    @property
    def due(self) -> Decimal:
        """Principal that is owed now: open and not disputed."""
        return self.open - self.held

    @property
    def rest(self) -> Decimal:
        """What paying the bill takes: principal without the disputed part, and late fee."""
        return self.due + self.fee_open


@dataclass(frozen=True, slots=True)
class Books:
    """Bills, oldest first, with where they stand; shares in the order of the payments."""

    standings: tuple[Standing, ...]
    shares: tuple[Share, ...]

    @property
    def credit(self) -> Decimal:
        return sum((share.amount for share in self.shares if share.bill is None), ZERO)

    def of(self, bill: str) -> Standing:
        return next(standing for standing in self.standings if standing.bill.key == bill)


@dataclass(slots=True)
class _Account:
    bill: BillFact
    disputes: tuple[Disputed, ...]
    paid: list[tuple[date, Decimal]] = field(default_factory=list)
    principal_paid: Decimal = ZERO
    fee_paid: Decimal = ZERO

    def held(self, at: datetime) -> Decimal:
        return sum((part.amount for part in self.disputes if part.at(at)), ZERO)


def allocate(
    bills: Iterable[BillFact],
    payments: Iterable[PaymentFact],
    at: datetime,
    *,
    rules: FeeRules = NO_FEE,
    disputes: Sequence[Disputed] = (),
    still: Sequence[Days] = (),
) -> Books:
    """The books as of `at`, whatever the order in which bills and payments are given. Payments after `at` do not count.

    `still`: days on which no late fee runs (D§13.7). The shares of each payment add up to its amount.
    """
    accounts = [
        _Account(bill, tuple(part for part in disputes if part.bill == bill.key))
        for bill in sorted(bills, key=lambda bill: (bill.due_date, bill.key))
    ]
    pool: list[tuple[PaymentFact, Decimal]] = []
    shares: dict[tuple[str, str | None, str], Decimal] = {}
    money = [(payment.at, 0, payment.key, payment) for payment in payments if payment.at <= at]
    freed = [(part.end, 1, part.bill, None) for part in disputes if part.end is not None and part.end <= at]
    for moment, _kind, _key, payment in sorted([*money, *freed], key=lambda one: one[:3]):
        if payment is not None:
            pool.append((payment, payment.amount))
        pool = _apply(accounts, pool, moment, at, rules, still, shares)
    for payment, left in pool:
        shares[payment.key, None, PRINCIPAL] = left
    return Books(
        tuple(_standing(account, at, rules, still) for account in accounts),
        tuple(Share(payment, bill, part, amount) for (payment, bill, part), amount in shares.items()),
    )


def _apply(
    accounts: list[_Account],
    pool: list[tuple[PaymentFact, Decimal]],
    moment: datetime,
    at: datetime,
    rules: FeeRules,
    still: Sequence[Days],
    shares: dict[tuple[str, str | None, str], Decimal],
) -> list[tuple[PaymentFact, Decimal]]:
    """Cover what may be covered at `moment`; returns what is left of each payment."""
    left_over = []
    for payment, amount in pool:
        left = amount
        for account in accounts:
            if not left:
                break
            key = account.bill.key
            room = max(ZERO, account.bill.principal - account.principal_paid - account.held(moment))
            if taken := min(left, room):
                account.principal_paid += taken
                # Money that waited as credit was here since it was paid: no late fee on it meanwhile.
                account.paid.append((clock.today(payment.at), taken))
                shares[payment.key, key, PRINCIPAL] = shares.get((payment.key, key, PRINCIPAL), ZERO) + taken
                left -= taken
            owed = account.bill.late_fee + _accrued(account, clock.today(moment), at, rules, still)
            if taken := min(left, max(ZERO, owed - account.fee_paid)):
                account.fee_paid += taken
                shares[payment.key, key, LATE_FEE] = shares.get((payment.key, key, LATE_FEE), ZERO) + taken
                left -= taken
        if left:
            left_over.append((payment, left))
    return left_over


def _standing(account: _Account, at: datetime, rules: FeeRules, still: Sequence[Days]) -> Standing:
    open_ = account.bill.principal - account.principal_paid
    fee = account.bill.late_fee + _accrued(account, clock.today(at), at, rules, still)
    return Standing(account.bill, open_, min(open_, account.held(at)), fee, max(ZERO, fee - account.fee_paid))


def _accrued(account: _Account, until: date, at: datetime, rules: FeeRules, still: Sequence[Days]) -> Decimal:
    """Late fee of the days after the due date up to `until`, as it is seen at `at`: a part in dispute then counts on
    no day, one that was in dispute not on the days of the dispute."""
    bill, principal = account.bill, account.bill.principal
    first = bill.due_date + ONE_DAY
    if until < first or not rules.per_mille:
        return ZERO
    held_now = account.held(at)
    in_time = bill.due_date + timedelta(days=rules.free_days)
    if principal - held_now - sum((paid for day, paid in account.paid if day <= in_time), ZERO) < rules.small:
        return ZERO
    edges = {first, until + ONE_DAY, *(day + ONE_DAY for day, _paid in account.paid)}
    for part in account.disputes:
        edges.add(clock.today(part.start))
        if part.end is not None:
            edges.add(clock.today(part.end - timedelta(microseconds=1)) + ONE_DAY)
    for days in still:
        edges.add(days.first)
        if days.last is not None:
            edges.add(days.last + ONE_DAY)
    marks = sorted(day for day in edges if first <= day <= until + ONE_DAY)
    unpaid_days = ZERO
    for begins, ends in pairwise(marks):
        if any(days.on(begins) for days in still):
            continue
        out = sum((part.amount for part in account.disputes if part.at(at) or part.on(begins)), ZERO)
        paid = sum((amount for day, amount in account.paid if day < begins), ZERO)
        base = principal - paid - out
        if base >= rules.small:
            unpaid_days += base * (ends - begins).days
    most = max(ZERO, principal - held_now) * rules.most / 100
    return min(unpaid_days * rules.per_mille / 1000, most).quantize(CENT, ROUND_HALF_UP)
