"""What is known of a billing account, as the ladder takes it: plain values, nothing of the database (D§13)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum

from billing.dunning.owing import BillFact, Days, Disputed, PaymentFact
from foundation.common import clock

DAY = timedelta(days=1)


class AccountKind(StrEnum):
    """What decides the way of the ladder. FIXED is broadband as well; MINOR a mobile line of a person under age."""

    MOBILE = "mobile"
    FIXED = "fixed"
    PREPAID = "prepaid"
    ENTERPRISE = "enterprise"
    MINOR = "minor"


class HoldKind(StrEnum):
    DISPUTE = "DISPUTE"
    PROMISE = "PROMISE"
    HARDSHIP = "HARDSHIP"
    DISASTER = "DISASTER"
    PROTECTIVE = "PROTECTIVE"
    DECEASED = "DECEASED"


class Step(StrEnum):
    """Everything the ladder does, in the order of a case that nobody pays."""

    BILL_NOTICE = "BILL_NOTICE"
    REMINDER_1 = "REMINDER_1"
    REMINDER_2 = "REMINDER_2"
    OVERDUE_1 = "OVERDUE_1"
    MANAGER_CONTACT = "MANAGER_CONTACT"
    OVERDUE_2 = "OVERDUE_2"
    CALL = "CALL"
    WARNING_1 = "WARNING_1"
    WRITTEN_NOTICE = "WRITTEN_NOTICE"
    GRACE = "GRACE"
    WARNING_2 = "WARNING_2"
    REVERSAL_NOTICE = "REVERSAL_NOTICE"
    FINAL_WARNING = "FINAL_WARNING"
    SUSPEND_ONE_WAY = "SUSPEND_ONE_WAY"
    SUSPEND_TWO_WAY = "SUSPEND_TWO_WAY"
    PRE_TERMINATION = "PRE_TERMINATION"
    TERMINATION = "TERMINATION"
    RESTORE = "RESTORE"


class State(StrEnum):
    """Of a case (D§13.4); NONE: nothing has been said but the bill."""

    NONE = "NONE"
    REMINDED = "REMINDED"
    OVERDUE = "OVERDUE"
    WARNED = "WARNED"
    GRACE = "GRACE"
    SUSPENDED_1WAY = "SUSPENDED_1WAY"
    SUSPENDED_2WAY = "SUSPENDED_2WAY"
    TERMINATION_NOTICE = "TERMINATION_NOTICE"
    TERMINATED = "TERMINATED"
    RESTORING = "RESTORING"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment, and when it was taken back, if it was."""

    key: str
    at: datetime
    amount: Decimal
    reversed_at: datetime | None = None

    def counts(self, at: datetime) -> bool:
        return self.at <= at and (self.reversed_at is None or at < self.reversed_at)


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold from `start` until `end` (None: until somebody ends it). A DISPUTE holds out `amount` of `bill`; without
    `bill` of the oldest that are open then, without `amount` all of it."""

    kind: HoldKind
    start: datetime
    end: datetime | None = None
    amount: Decimal | None = None
    bill: str | None = None

    def at(self, moment: datetime) -> bool:
        return self.start <= moment and (self.end is None or moment < self.end)

    @property
    def days(self) -> Days:
        return Days(
            clock.today(self.start),
            None if self.end is None else clock.today(self.end - timedelta(microseconds=1)),
        )


@dataclass(frozen=True, slots=True)
class GradeChange:
    """A new credit grade; `shortens`: for fraud or a write-off, the only reasons that may shorten grace (D§13.10)."""

    at: datetime
    grade: str
    shortens: bool = False


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody who may said yes to a step: FINANCE to a termination or an undeliverable warning, the head of department
    to the suspension of an enterprise."""

    at: datetime
    step: Step


@dataclass(frozen=True, slots=True)
class Delivery:
    """The final warning reached the customer at `at` (a message delivered, or a call answered)."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Balance:
    """The prepaid balance from `at` on."""

    at: datetime
    amount: Decimal


@dataclass(frozen=True)
class AccountFacts:
    """Everything the ladder looks at. `grade`: at the opening of the case. `contacts`: moments at which the manager
    reached the customer. `deliveries` None: each warning counts as delivered when it was sent."""

    kind: AccountKind
    grade: str
    tier: str = "ORDINARY"
    bills: tuple[BillFact, ...] = ()
    bill_dates: tuple[tuple[str, date], ...] = ()
    payments: tuple[Paid, ...] = ()
    holds: tuple[Hold, ...] = ()
    grades: tuple[GradeChange, ...] = ()
    contacts: tuple[datetime, ...] = ()
    approvals: tuple[Approval, ...] = ()
    deliveries: tuple[Delivery, ...] | None = None
    lead_restores: tuple[datetime, ...] = ()
    balances: tuple[Balance, ...] = ()
    credit_limit: Decimal = Decimal(0)

    def moments(self) -> Iterator[datetime]:
        """All moments at which something becomes known or changes, in no order."""
        for _bill, day in self.bill_dates:
            yield clock.business_midnight(day)
        for bill in self.bills:
            yield clock.business_midnight(bill.due_date + DAY)
        for payment in self.payments:
            yield payment.at
            if payment.reversed_at is not None:
                yield payment.reversed_at
        for hold in self.holds:
            yield hold.start
            if hold.end is not None:
                yield hold.end
        for change in self.grades:
            yield change.at
        yield from self.contacts
        for approval in self.approvals:
            yield approval.at
        for delivery in self.deliveries or ():
            yield delivery.at
        yield from self.lead_restores
        for balance in self.balances:
            yield balance.at

    def money(self, at: datetime) -> Iterator[PaymentFact]:
        """The payments that count at `at`."""
        return (PaymentFact(one.key, one.at, one.amount) for one in self.payments if one.counts(at))


def at_hour(day: date, hour: time) -> datetime:
    """A time of a day of the business zone."""
    return datetime.combine(day, hour, tzinfo=clock.BUSINESS_ZONE)


def dispute_parts(hold: Hold, parts: list[tuple[str, Decimal]]) -> list[Disputed]:
    """The parts a dispute holds out of (bill, principal open when it began), oldest first."""
    left, found = hold.amount, []
    for bill, open_ in parts:
        if hold.bill is not None and bill != hold.bill:
            continue
        amount = open_ if left is None else min(left, open_)
        if amount > 0:
            found.append(Disputed(bill, amount, hold.start, hold.end))
        if left is not None:
            left -= amount
    return found
