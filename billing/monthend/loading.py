"""The bills of a month in sets: read and checked into a table of its own, then written in pieces (recipes §7, 10).

A bill that is known already stays as it is, so a file may be loaded twice and a killed run begins again. Bills that
events told before the file came are known; where the file says otherwise than they, it is listed among the errors.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from billing.fault_words import say_fault
from billing.lines import BILL_READY
from billing.mirror.allocation_rows import refresh_debts, settle_accounts
from billing.monthend.files import FileBill, Wrong, read_file
from customers.timeline import add_lines_sql
from foundation.common import clock
from foundation.common.cells import safe_cell
from foundation.jobs.running import BadInput

BATCH, PIECE = 5_000, 5_000
MOST_WRONG = 10_000
_COLUMNS = (
    "run_id", "place", "line", "external_id", "account_ref", "bill_no", "month", "bill_date", "due_date", "amount",
    "late_fee", "total", "lines",
)  # fmt: skip
Report = Callable[[int], None]


class Errors:
    """The error file: line, field, what is wrong."""

    def __init__(self, path: Path) -> None:
        self.path, self.rows = path, 0
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow(["line", "field", "problem"])

    def add(self, line: int, field: str, words: str) -> None:
        self.rows += 1
        self._writer.writerow([line, safe_cell(field), safe_cell(words)])
        if self.rows > MOST_WRONG:
            words = _("More than %(most)s rows are wrong. Is this the right file?") % {"most": MOST_WRONG}
            raise BadInput("billing.too_many_errors", words)

    def close(self) -> None:
        self._file.close()


def stage(run_id: int, file: IO[bytes], month: date | None, errors: Errors, report: Report) -> int:
    """Read the file into the staging table; the number of bills in it. Raises BadInput for a file that is none."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM billing_staged_bill WHERE run_id = %s", [run_id])
    place, batch = 0, []
    for one in read_file(file, month):
        if isinstance(one, Wrong):
            errors.add(one.line, one.fault["field"], say_fault(one.fault))
            continue
        place += 1
        batch.append((place, one))
        if len(batch) == BATCH:
            _copy(run_id, batch)
            batch = []
            report(place)
    _copy(run_id, batch)
    report(place)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE billing_staged_bill")
    _check_set(run_id, errors)
    return place


def _copy(run_id: int, batch: list[tuple[int, FileBill]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    for place, one in batch:
        lines = [[line.kind, line.name, line.service_no, str(line.amount)] for line in one.lines]
        writer.writerow(
            [
                run_id, place, one.line, one.external_id, one.account_ref, one.bill_no, one.month, one.bill_date,
                one.due_date, one.amount, one.late_fee, one.total, json.dumps(lines, ensure_ascii=False),
            ]
        )  # fmt: skip
    text.seek(0)
    with connection.cursor() as cursor:
        # An empty bill number is empty, not unknown.
        cursor.copy_expert(
            f"COPY billing_staged_bill ({', '.join(_COLUMNS)}) FROM STDIN WITH (FORMAT csv, FORCE_NOT_NULL (bill_no))",
            text,
        )


def _check_set(run_id: int, errors: Errors) -> None:
    """What no single row shows: a bill twice in the file, and one we know otherwise. Both are left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM billing_staged_bill s USING billing_staged_bill f
               WHERE s.run_id = %(run)s AND f.run_id = %(run)s AND f.external_id = s.external_id AND f.place < s.place
               RETURNING s.line, s.external_id""",
            {"run": run_id},
        )
        twice = dict(cursor.fetchall())
        cursor.execute(
            """DELETE FROM billing_staged_bill s USING billing_bill b JOIN billing_billingaccount a
                 ON a.id = b.account_id
               WHERE s.run_id = %(run)s AND b.external_id = s.external_id AND (b.amount <> s.amount
                 OR b.due_date <> s.due_date OR b.month <> s.month OR a.external_id <> s.account_ref)
               RETURNING s.line, s.external_id""",
            {"run": run_id},
        )
        other = dict(cursor.fetchall())
    for line, key in sorted(twice.items()):
        errors.add(line, "billId", say_fault({"field": "billId", "code": "again", "value": key}))
    for line, key in sorted(other.items()):
        errors.add(line, "billId", say_fault({"field": "billId", "code": "known_otherwise", "value": key}))


def tally(run_id: int) -> dict[str, int]:
    """What loading would do: `new`, `known`, `accounts` nobody heard of, `totals` that are wrong."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FILTER (WHERE b.id IS NULL), count(*) FILTER (WHERE b.id IS NOT NULL),
                      count(DISTINCT s.account_ref) FILTER (WHERE a.id IS NULL),
                      count(*) FILTER (WHERE s.total <> s.amount)
               FROM billing_staged_bill s LEFT JOIN billing_bill b ON b.external_id = s.external_id
               LEFT JOIN billing_billingaccount a ON a.external_id = s.account_ref WHERE s.run_id = %s""",
            [run_id],
        )
        names = ("new", "known", "accounts", "totals")
        return dict(zip(names, cursor.fetchone(), strict=True))


_ACCOUNTS = """INSERT INTO billing_billingaccount (id, external_id, kind, pay_type, pay_way, status, version)
SELECT make_id(), ref, 'PERSON', 'POSTPAID', 'CASH', 'ACTIVE', 1
FROM (SELECT DISTINCT account_ref AS ref FROM billing_staged_bill
      WHERE run_id = %(run)s AND place >= %(lo)s AND place < %(hi)s) s
ON CONFLICT (external_id) DO NOTHING"""
_BILLS = """WITH piece AS (
  SELECT s.*, a.id AS account_id FROM billing_staged_bill s
  JOIN billing_billingaccount a ON a.external_id = s.account_ref
  WHERE s.run_id = %(run)s AND s.place >= %(lo)s AND s.place < %(hi)s),
fresh AS (
  INSERT INTO billing_bill (id, external_id, stated_at, stated_by, account_id, bill_no, month, bill_date, due_date,
    amount, late_fee, remaining, open_amount, state)
  SELECT make_id(), external_id, bill_date::timestamp AT TIME ZONE %(zone)s, '', account_id, bill_no, month, bill_date,
    due_date, amount, late_fee, amount, CASE WHEN amount < 1 THEN 0 ELSE amount END,
    CASE WHEN amount = 0 THEN 'SETTLED' ELSE 'OPEN' END
  FROM piece ON CONFLICT (external_id) DO NOTHING
  RETURNING id, external_id, account_id, due_date, bill_date),
line AS (
  INSERT INTO billing_billline (bill_id, position, kind, name, service_no, amount)
  SELECT f.id, e.position - 1, e.one->>0, e.one->>1, e.one->>2, (e.one->>3)::numeric
  FROM fresh f JOIN piece p USING (external_id)
  CROSS JOIN LATERAL jsonb_array_elements(p.lines) WITH ORDINALITY AS e (one, position)),
wrong AS (
  INSERT INTO billing_difference (id, kind, resource, external_id, account_id, ours, theirs, found_at)
  SELECT make_id(), 'WRONG_TOTAL', 'customerBill', f.external_id, f.account_id,
    jsonb_build_object('amount', p.amount::text), jsonb_build_object('lines', p.total::text), %(now)s
  FROM fresh f JOIN piece p USING (external_id) WHERE p.total <> p.amount
  ON CONFLICT DO NOTHING)
SELECT id, account_id FROM fresh"""
# A bill changes what others are covered by only where credit is left, or a later one was there before.
_TO_SETTLE = """SELECT DISTINCT n.account_id FROM billing_bill n WHERE n.id = ANY(%(bills)s) AND (
  EXISTS (SELECT FROM billing_payment p JOIN billing_allocation l ON l.payment_id = p.id AND l.bill_id IS NULL
          WHERE p.account_id = n.account_id)
  OR EXISTS (SELECT FROM billing_bill o WHERE o.account_id = n.account_id AND o.due_date >= n.due_date AND o.id <> n.id
             AND o.id <> ALL(%(bills)s)))"""


@transaction.atomic
def load_piece(run_id: int, lo: int, hi: int) -> int:
    """Write the bills lo <= place < hi with all that follows from them, in one transaction; how many are new."""
    values: dict[str, Any] = {
        "run": run_id,
        "lo": lo,
        "hi": hi,
        "zone": str(clock.BUSINESS_ZONE),
        "now": clock.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_ACCOUNTS, values)
        cursor.execute(_BILLS, values)
        fresh = cursor.fetchall()
        if not fresh:
            return 0
        bills = [bill for bill, _account in fresh]
        cursor.execute(_TO_SETTLE, {"bills": bills})
        settle_accounts(account for (account,) in cursor.fetchall())
        add_lines_sql(
            "SELECT a.customer_id, %s::text, b.id, '{}'::jsonb, NULL::integer, c.unit_id,"
            " b.bill_date::timestamp AT TIME ZONE %s"
            " FROM billing_bill b JOIN billing_billingaccount a ON a.id = b.account_id"
            " JOIN customers_customer c ON c.id = a.customer_id WHERE b.id = ANY(%s)",
            [BILL_READY, str(clock.BUSINESS_ZONE), bills],
        )
        cursor.execute(
            "SELECT DISTINCT customer_id FROM billing_billingaccount WHERE id = ANY(%s) AND customer_id IS NOT NULL",
            [sorted({account for _bill, account in fresh})],
        )
        refresh_debts(customer for (customer,) in cursor.fetchall())
    return len(fresh)


def forget(run_id: int) -> None:
    """Empty the staging table of a run."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM billing_staged_bill WHERE run_id = %s", [run_id])


def amount_of(run_id: int) -> Decimal:
    """The sum of the bills staged."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(amount), 0) FROM billing_staged_bill WHERE run_id = %s", [run_id])
        return Decimal(cursor.fetchone()[0])
