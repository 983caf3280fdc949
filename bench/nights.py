"""What happens by night beside the jobs over everybody: duplicates, verdicts on contacts, erasure (design §7).

Each beside the bare pass. For the verdicts that is one INSERT … SELECT of the finished rows into the same table. The
search for duplicates and the erasure write little of what they look at; beside them stand the least statements that
find or change as many rows: one GROUP BY for each thing archives may share, and each statement of the register of
personal columns once, for as many other customers.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import connection, transaction

from bench.everybody import figure, job_seconds, timed
from bench.table import Figure
from customers.erasure.statements import statements
from customers.models import Customer, DuplicatePair
from foundation.common import clock
from foundation.common.ids import first_id_at
from interactions.models import ContactVerdict
from staff.models import User

CONTACT_DAYS = 40
ENDED = 5_000
_ENDED_YEARS = 8  # longer ago than any datum of theirs must stay

_CONTACTS = """
INSERT INTO interactions_interaction (id, number, customer_id, channel, kind, phase, direction, staff_id,
  first_ask_owner_id, unit_no, caller, verified_how, out_of_scope, started_at, ended_at, logged_at, opens_until,
  summary, result, resolved_on_spot, call_ref)
SELECT %(first)s + (n * %(span)s / %(many)s << 22) + n %% 4000000, 'BN' || lpad(n::text, 12, '0'), id, 'HOTLINE',
  (ARRAY['CONSULT', 'CONSULT', 'COMPLAINT', 'FAULT', 'CARE'])[1 + n %% 5], 'IN', 'INBOUND', %(staff)s, %(staff)s,
  unit_no, 'CUSTOMER', 'NONE', false, at, at + interval '4 minutes', at + interval '5 minutes',
  at + interval '1 hour', '', (ARRAY['RESOLVED', 'ANSWERED', 'FOLLOW_UP'])[1 + n %% 3], n %% 3 = 0, ''
FROM (SELECT id, unit_no, n, %(from)s::timestamptz + n * %(apart)s::interval AS at
      FROM (SELECT id, unit_no, row_number() OVER (ORDER BY id) - 1 AS n FROM customers_customer) numbered) dated"""
_BLOCKS = (
    "SELECT id_hash FROM customers_customer WHERE id_hash IS NOT NULL GROUP BY 1 HAVING count(*) > 1",
    "SELECT value FROM customer_find_number WHERE kind IN ('PHONE', 'LINE', 'EMAIL') GROUP BY 1"
    " HAVING count(DISTINCT customer_id) > 1",
    "SELECT n.name, c.birth_date FROM customers_customer c JOIN customer_find_name n ON n.customer_id = c.id"
    " WHERE c.birth_date IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1",
)


def measure() -> list[Figure]:
    """The nightly search for duplicates, the verdicts on the contacts of a month, the erasure of those long gone."""
    return [_duplicates(), _verdicts(), _erasure()]


def _duplicates() -> Figure:
    ours = job_seconds("customers.find_duplicates")
    found = DuplicatePair.objects.count()
    if not found:
        raise SystemExit("no duplicates were found")
    bare = timed(_count_shared) + _written_again(DuplicatePair._meta.db_table)
    return figure("search for duplicates", ours, bare, f"{found:,} pairs, ")


def _count_shared() -> None:
    with connection.cursor() as cursor:
        for blocks in _BLOCKS:
            cursor.execute(f"SELECT count(*) FROM ({blocks}) shared")


def _verdicts() -> Figure:
    _make_contacts()
    ours = job_seconds("interactions.judge_contacts")
    written = ContactVerdict.objects.count()
    bare = _written_again(ContactVerdict._meta.db_table)
    return figure("verdicts on contacts", ours, bare, f"{written:,} verdicts, ")


def _make_contacts() -> None:
    """Each customer came to us once in the last weeks: as often as a year has ten lines of history."""
    many = Customer.objects.count()
    begin = clock.now() - timedelta(days=CONTACT_DAYS)
    with connection.cursor() as cursor:
        cursor.execute(
            _CONTACTS,
            {
                "first": first_id_at(begin),
                "from": begin,
                "span": CONTACT_DAYS * 86_400_000,
                "apart": timedelta(days=CONTACT_DAYS) / many,
                "many": many,
                "staff": User.objects.get(username="agent").pk,
            },
        )
        cursor.execute("ANALYZE interactions_interaction")


def _written_again(table: str) -> float:
    """Seconds of one INSERT … SELECT of the rows of a table into the same indexes, after they were taken out."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE bench_kept ON COMMIT DROP AS SELECT * FROM {table}")
        cursor.execute(f"TRUNCATE {table}")
        return timed(lambda: cursor.execute(f"INSERT INTO {table} SELECT * FROM bench_kept"))


def _erasure() -> Figure:
    others, gone = _end(), _end()
    bare = timed(lambda: _bare_erasure(others))
    Customer.objects.filter(pk__in=others).update(status=Customer.Status.ANONYMISED)
    ours = job_seconds("customers.erase_due")
    left = Customer.objects.filter(pk__in=gone).exclude(status=Customer.Status.ANONYMISED).count()
    if left:
        raise SystemExit(f"{left} customers were not erased")
    return figure("erasure", ours, bare, f"{len(gone):,} customers, ")


def _end() -> list[int]:
    """Customers whose time is over in every respect."""
    rows = Customer.objects.filter(status=Customer.Status.ACTIVE, manager=None).order_by("-pk")
    ids = list(rows.values_list("pk", flat=True)[:ENDED])
    Customer.objects.filter(pk__in=ids).update(status=Customer.Status.FORMER)
    ended = clock.today() - timedelta(days=366 * _ENDED_YEARS)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE customers_subscription SET status = 'TERMINATED', activated_on = %(on)s::date - 400,"
            " terminated_on = %(on)s WHERE customer_id = ANY(%(ids)s)",
            {"on": ended, "ids": ids},
        )
        cursor.execute(
            "UPDATE outreach_followup SET state = 'CANCELLED', closed_at = due_at WHERE customer_id = ANY(%s)", [ids]
        )
    return ids


def _bare_erasure(ids: list[int]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements():
            cursor.execute(statement.sql, {"ids": ids, **statement.params})
