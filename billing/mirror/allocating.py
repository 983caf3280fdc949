"""Which payment covers which bill: a pure function of all bills and payments of an account (D§13.8).

Payments are taken in the order they were made, bills from the oldest due day; inside a bill first the fees, then the
late fee. A rest under 1.00 counts as paid: no later payment goes there. What no bill needs is the account's credit.
The result does not depend on the order in which billing told us.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

PRINCIPAL, LATE_FEE = "PRINCIPAL", "LATE_FEE"
NOTHING = Decimal("0.00")
COUNTS_AS_PAID = Decimal("1.00")  # a rest under it (D§13.8)


@dataclass(frozen=True)
class BillFacts:
    """A bill that stands (neither cancelled nor replaced). `amount` holds `late_fee`; `remaining`: what billing says
    is still to be paid of it."""

    key: str
    due_date: date
    amount: Decimal
    late_fee: Decimal
    remaining: Decimal


@dataclass(frozen=True)
class PaymentFacts:
    """A payment that was not taken back."""

    key: str
    paid_at: datetime
    amount: Decimal


@dataclass(frozen=True)
class Share:
    """What of a payment goes where; `bill` None: credit of the account."""

    payment: str
    bill: str | None
    part: str
    amount: Decimal


@dataclass(frozen=True)
class Settlement:
    """`shares`: of each payment its whole amount. `open_amounts`: by bill what is still owed."""

    shares: tuple[Share, ...]
    open_amounts: dict[str, Decimal]


@dataclass
class _Rest:
    key: str
    principal: Decimal
    late_fee: Decimal

    @property
    def total(self) -> Decimal:
        return self.principal + self.late_fee

    def take(self, payment: str, amount: Decimal) -> list[Share]:
        """What of `amount` this bill takes."""
        shares = []
        for part, name in ((PRINCIPAL, "principal"), (LATE_FEE, "late_fee")):
            some = min(amount, getattr(self, name))
            if some > 0:
                setattr(self, name, getattr(self, name) - some)
                shares.append(Share(payment, self.key, part, some))
                amount -= some
        return shares


def allocate(bills: Iterable[BillFacts], payments: Iterable[PaymentFacts]) -> Settlement:
    """Settle an account.

    What billing says is settled of the bills in all, beyond the payments it told us (a correction, a payment of before
    our time), is set off like a payment, from the oldest bill; what billing has not yet set off of payments it told us
    is. So nobody owes more here than billing says, nor more than is left after the known payments.
    """
    standing = sorted(bills, key=lambda bill: (bill.due_date, bill.key))
    rests = [_Rest(bill.key, bill.amount - bill.late_fee, bill.late_fee) for bill in standing]
    untouched = {rest.key for rest in rests}
    shares: list[Share] = []
    for payment in sorted(payments, key=lambda one: (one.paid_at, one.key)):
        left = payment.amount
        for rest in rests:
            if not left:
                break
            if rest.total < COUNTS_AS_PAID and rest.key not in untouched:
                continue
            taken = rest.take(payment.key, left)
            if taken:
                untouched.discard(rest.key)
                shares += taken
                left -= sum((share.amount for share in taken), NOTHING)
        if left:
            shares.append(Share(payment.key, None, PRINCIPAL, left))
    owed_here = sum((rest.total for rest in rests), NOTHING)
    owed_there = sum((bill.remaining for bill in standing), NOTHING)
    otherwise = max(NOTHING, owed_here - owed_there)
    for rest in rests:
        otherwise -= sum((share.amount for share in rest.take("", otherwise)), NOTHING)
    open_amounts = {rest.key: rest.total if rest.total >= COUNTS_AS_PAID else NOTHING for rest in rests}
    return Settlement(tuple(shares), open_amounts)
