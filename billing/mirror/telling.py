"""What bills and payments are worth a line on the customer's timeline, at the moment they happened."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from billing.lines import BILL_READY, BILL_REPLACED, PAYMENT_RECEIVED, PAYMENT_REVERSED
from customers.timeline import add_lines_sql
from foundation.common import clock


class Line(NamedTuple):
    """One line to be written for the customer of an account, if it has one."""

    kind: str
    account_id: int
    ref_id: int
    at: datetime


def tell(lines: Sequence[Line]) -> int:
    """Write lines for the accounts that have a customer; how many. In the caller's transaction."""
    if not lines:
        return 0
    return add_lines_sql(
        "SELECT a.customer_id, l.kind, l.ref_id, '{}'::jsonb, NULL::integer, a.unit_id, l.at"
        " FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::timestamptz[]) AS l (kind, account_id, ref_id, at)"
        " JOIN LATERAL (SELECT b.customer_id, c.unit_id FROM billing_billingaccount b"
        " JOIN customers_customer c ON c.id = b.customer_id WHERE b.id = l.account_id) a ON true ORDER BY l.at",
        [list(column) for column in zip(*lines, strict=True)],
    )


_HISTORY = """
SELECT a.customer_id, l.kind, l.ref_id, '{}'::jsonb, NULL::integer, c.unit_id, l.at
FROM billing_billingaccount a JOIN customers_customer c ON c.id = a.customer_id
CROSS JOIN LATERAL (
  SELECT %s AS kind, b.id AS ref_id, (b.bill_date::timestamp AT TIME ZONE %s) AS at FROM billing_bill b
  WHERE b.account_id = a.id
  UNION ALL SELECT %s, b.id, b.stated_at FROM billing_bill b WHERE b.account_id = a.id AND b.state = 'REPLACED'
  UNION ALL SELECT %s, p.id, p.paid_at FROM billing_payment p WHERE p.account_id = a.id
  UNION ALL SELECT %s, p.id, p.reversed_at FROM billing_payment p
  WHERE p.account_id = a.id AND p.state = 'REVERSED') l
WHERE a.id = ANY(%s)"""


def tell_history(account_ids: Collection[int]) -> int:
    """Write the lines of everything known of accounts that found their customer just now; how many."""
    if not account_ids:
        return 0
    return add_lines_sql(
        _HISTORY,
        [
            BILL_READY,
            str(clock.BUSINESS_ZONE),
            BILL_REPLACED,
            PAYMENT_RECEIVED,
            PAYMENT_REVERSED,
            sorted(account_ids),
        ],
    )
