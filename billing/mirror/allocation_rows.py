"""The allocations of accounts rewritten from all their bills and payments, and what customers owe in all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from django.db import connection

from billing.mirror.allocating import BillFacts, PaymentFacts, Share, allocate
from billing.models import Allocation, Bill, Payment
from foundation.common import clock

# Whoever had a debt here and has none any more is told so as well: 0.00, no day.
_FACTS = """
UPDATE customers_facts f SET open_debt = owed.total, debt_due_on = owed.due
FROM (SELECT c.id, coalesce(sum(b.open_amount), 0) AS total, min(b.due_date) AS due
      FROM unnest(%(ids)s::bigint[]) AS c (id)
      LEFT JOIN billing_billingaccount a ON a.customer_id = c.id
      LEFT JOIN billing_bill b ON b.account_id = a.id AND b.open_amount > 0 AND b.written_off_on IS NULL
      GROUP BY c.id) owed
WHERE f.customer_id = owed.id
  AND (f.open_debt IS DISTINCT FROM owed.total OR f.debt_due_on IS DISTINCT FROM owed.due)"""


def settle_accounts(account_ids: Iterable[int]) -> None:
    """Rewrite the allocations and open amounts of these accounts in the caller's transaction, where they differ."""
    ids = sorted(set(account_ids))
    if not ids:
        return
    bills: dict[int, list[Bill]] = defaultdict(list)
    for bill in Bill.objects.filter(account__in=ids):
        bills[bill.account_id].append(bill)
    payments: dict[int, list[Payment]] = defaultdict(list)
    for payment in Payment.objects.filter(account__in=ids):
        payments[payment.account_id].append(payment)
    held: dict[int, list[Allocation]] = defaultdict(list)
    for row in Allocation.objects.filter(payment__account__in=ids).select_related("payment"):
        held[row.payment.account_id].append(row)
    gone: list[int] = []
    fresh: list[Allocation] = []
    opened: list[Bill] = []
    for account_id in ids:
        stale, new = _allocations(bills[account_id], payments[account_id], held[account_id], opened)
        gone += stale
        fresh += new
    Allocation.objects.filter(pk__in=gone).delete()
    Allocation.objects.bulk_create(fresh, batch_size=1_000)
    Bill.objects.bulk_update(opened, ["open_amount", "paid_on"], batch_size=500)


def _allocations(
    bills: list[Bill], payments: list[Payment], held: list[Allocation], opened: list[Bill]
) -> tuple[list[int], list[Allocation]]:
    """Ids of rows that hold no more, and the rows that are missing; bills whose open amount or day of payment
    changes go to `opened`."""
    by_bill = {bill.external_id: bill for bill in bills}
    by_payment = {one.external_id: one for one in payments}
    settled = allocate(
        [
            BillFacts(bill.external_id, bill.due_date, bill.amount, bill.late_fee, bill.remaining)
            for bill in bills
            if bill.state not in Bill.VOID
        ],
        [PaymentFacts(p.external_id, p.paid_at, p.amount) for p in payments if p.state == Payment.State.DONE],
    )
    paid_on: dict[str | None, date] = {}
    for share in settled.shares:
        day = clock.today(by_payment[share.payment].paid_at)
        paid_on[share.bill] = max(day, paid_on.get(share.bill, day))
    for key, bill in by_bill.items():
        rest = settled.open_amounts.get(key, Decimal("0.00"))
        paid = None if rest else paid_on.get(key)
        if (bill.open_amount, bill.paid_on) != (rest, paid):
            bill.open_amount, bill.paid_on = rest, paid
            opened.append(bill)
    wanted: dict[tuple[int, int | None, str], Share] = {
        (by_payment[share.payment].pk, by_bill[share.bill].pk if share.bill else None, share.part): share
        for share in settled.shares
    }
    stale = []
    for row in held:
        place = (row.payment_id, row.bill_id, row.part)
        same = wanted.get(place)
        if same is not None and same.amount == row.amount:
            del wanted[place]
        else:
            stale.append(row.pk)
    new = [
        Allocation(payment_id=payment, bill_id=bill, part=part, amount=share.amount)
        for (payment, bill, part), share in wanted.items()
    ]
    return stale, new


def refresh_debts(customer_ids: Iterable[int]) -> None:
    """Push what these customers owe in all down to their facts (design §2)."""
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, {"ids": sorted(set(customer_ids))})
