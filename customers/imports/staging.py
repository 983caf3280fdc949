"""From the file into the staging table: parse, check, COPY; then the checks a single row cannot make."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import IO, Any, cast

from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from customers.erasure.returning import erased_rows
from customers.imports.contents import mapping_of
from customers.imports.mapping import Mapping
from customers.imports.models import Import, StagedRow
from customers.imports.problems import ErrorList, Problem
from customers.imports.range_ground import refresh_statistics
from customers.imports.reading import open_table
from customers.imports.records import Record, RowReader, Staff
from customers.models import Subscription
from foundation.common import clock, crypto
from foundation.common.ids import new_id
from foundation.jobs.running import BadInput
from foundation.policies.reading import policy
from staff.models import OrgUnit, User

BATCH = 5_000
COLUMNS = (
    "import_id", "line", "last_line", "source_no", "customer_id", "data", "defaults", "points", "addresses", "lines",
    "consents",
)  # fmt: skip
Report = Callable[[int, int | None], None]


def stage(imported: Import, file: IO[bytes], errors: ErrorList, report: Report) -> tuple[int, list[str]]:
    """Read the whole file into the staging table; returns the number of rows read and notes for the page.

    Wrong rows go to `errors` and not into the table. Raises BadInput for a file that is no table, and when more
    rows are wrong than the policy "imports.max_errors" allows.
    """
    mapping = cast(Mapping, mapping_of(imported.mapping))
    most = policy("imports.max_errors")
    forget(imported)
    held: dict[str, date] = {}
    total = 0
    with open_table(file, mapping) as table:
        reader = RowReader(mapping, table.header, as_of=imported.as_of, today=clock.today(), staff=staff_codes())
        for batch in _batches(table.rows):
            good = []
            for line, row in batch:
                total += 1
                found = [row] if isinstance(row, Problem) else reader.read(line, row)
                if isinstance(found, Record):
                    good.append(found)
                else:
                    errors.add(found)
            if errors.rows > most:
                words = _("More than %(most)s rows are wrong. Is this the right mapping for the file?")
                raise BadInput("imports.too_many_errors", words % {"most": most})
            held |= _copy(imported, good)
            report(total, max(table.lines or 0, total))
        notes = table.notes
    refresh_statistics()
    if held:
        erased = _hold_back(imported, held, mapping.key_column)
        errors.add(erased)
        words = _("Rows held back, because the data of their customers were erased: %(rows)s.")
        notes = [*notes, words % {"rows": len(erased)}]
    errors.add(_living_numbers(imported))
    _mark_last_lines(imported)
    return total, notes


def forget(imported: Import) -> None:
    """Empty the staging table of this import."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM import_staged WHERE import_id = %s", [imported.pk])


def staff_codes() -> Staff:
    """What the file's codes of units and managers mean."""
    units = {code: (pk, no) for code, pk, no in OrgUnit.objects.values_list("code", "pk", "no")}
    managers: dict[str, int] = {}
    for pk, username, staff_no in User.objects.filter(is_active=True).values_list("pk", "username", "staff_no"):
        managers[staff_no] = pk
        managers[username] = pk
    return Staff(units, managers)


def _batches(rows: Iterator[Any]) -> Iterator[list[Any]]:
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _copy(imported: Import, records: list[Record]) -> dict[str, date]:
    """One COPY. The id is the customer's own or a fresh one: an ID number is sealed to it (crypto). Returns who of them
    was erased, by number, with the day."""
    known = _known_ids(imported.source, [record.source_no for record in records])
    fresh: dict[str, int] = {}
    text = io.StringIO()
    writer = csv.writer(text)
    for record in records:
        key = known.get(record.source_no) or fresh.setdefault(record.source_no, new_id())
        if record.id_number:
            record.data["id_sealed"] = "\\x" + crypto.encrypt(record.id_number, row_id=key).hex()
            record.data["id_hash"] = "\\x" + crypto.blind_index(record.id_number).hex()
        writer.writerow(
            [
                imported.pk,
                record.line,
                record.line,
                record.source_no,
                key,
                *(
                    _json(part)
                    for part in (record.data, record.defaults, record.points, record.addresses, record.lines)
                ),
                _json(record.consents) if record.consents else "",
            ]
        )
    text.seek(0)
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY import_staged ({', '.join(COLUMNS)}) FROM STDIN WITH (FORMAT csv)", text)
    if policy("imports.erased_come_back"):
        return {}
    return erased_rows(imported.source, ((r.source_no, r.id_number) for r in records if r.source_no not in known))


def _hold_back(imported: Import, held: dict[str, date], column: str) -> list[Problem]:
    """Every row about somebody who was erased (D§5.12), marked and told with the day."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE import_staged SET problem = 'erased' WHERE import_id = %s AND source_no = ANY(%s)"
            " RETURNING line, source_no",
            [imported.pk, list(held)],
        )
        rows = sorted(cursor.fetchall())
    words = _("was erased on %(day)s: no file brings it back. Who is a customer again is entered by hand.")
    return [Problem(line, column, words % {"day": held[number].isoformat()}) for line, number in rows]


def _known_ids(source: str, keys: list[str]) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT source_no, id FROM customers_customer"
            " WHERE source = %s AND source_no = ANY(%s) AND source_no <> ''",
            [source, keys],
        )
        return dict(cursor.fetchall())


def _json(part: Any) -> str:
    return json.dumps(part, ensure_ascii=False, default=_plain, separators=(",", ":"))


def _plain(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(type(value))


@transaction.atomic
def _living_numbers(imported: Import) -> list[Problem]:
    """A number may live with one customer only: mark rows that claim one of another customer, here or in the file."""
    taken: dict[int, tuple[str, bool]] = {}
    ended = [Subscription.Status.TERMINATED, Subscription.Status.PORTED_OUT]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE import_staged")
        cursor.execute(
            """CREATE TEMP TABLE import_claim ON COMMIT DROP AS
               SELECT s.line, s.source_no, e.one->>'product_line' AS product_line, e.one->>'service_no' AS service_no
               FROM import_staged s CROSS JOIN LATERAL jsonb_array_elements(s.lines) AS e(one)
               WHERE s.import_id = %s AND s.problem IS NULL AND coalesce(e.one->'data'->>'status', '') <> ALL(%s)
                 AND e.one->'data'->>'terminated_on' IS NULL""",
            [imported.pk, ended],
        )
        cursor.execute("ANALYZE import_claim")
        cursor.execute(
            """SELECT DISTINCT ON (m.line) m.line, m.service_no
               FROM import_claim m
               JOIN customers_subscription o ON o.product_line = m.product_line AND o.service_no = m.service_no
                    AND o.terminated_on IS NULL
               JOIN customers_customer c ON c.id = o.customer_id
               WHERE (c.source <> %(source)s OR c.source_no <> m.source_no)
                 AND NOT EXISTS (SELECT 1 FROM customers_customer a WHERE a.source = %(source)s
                   AND a.source_no = m.source_no AND a.source_no <> '' AND a.merged_into_id = c.id)
               ORDER BY m.line""",
            {"source": imported.source},
        )
        taken.update({line: (number, True) for line, number in cursor.fetchall()})
        cursor.execute(
            """SELECT DISTINCT ON (m.line) m.line, m.service_no
               FROM import_claim m
               JOIN (SELECT product_line, service_no, (array_agg(source_no ORDER BY line))[1] AS first_owner
                     FROM import_claim GROUP BY 1, 2 HAVING count(DISTINCT source_no) > 1) f
                 USING (product_line, service_no)
               WHERE m.source_no <> f.first_owner ORDER BY m.line"""
        )
        for line, number in cursor.fetchall():
            taken.setdefault(line, (number, False))
        cursor.execute(
            "UPDATE import_staged SET problem = 'number_taken' WHERE import_id = %s AND line = ANY(%s)",
            [imported.pk, list(taken)],
        )
        cursor.execute("DROP TABLE import_claim")
    elsewhere = _("is the number of another customer's living line. End that line first.")
    in_file = _("is given to another customer further up in this file.")
    return [
        Problem(line, "service_no", elsewhere if outside else in_file, number)
        for line, (number, outside) in sorted(taken.items())
    ]


def _mark_last_lines(imported: Import) -> None:
    """Of rows about one customer the last good one speaks for the customer; all are worked on together."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE import_staged s SET last_line = m.last
               FROM (SELECT source_no, max(line) AS last FROM import_staged
                     WHERE import_id = %(id)s AND problem IS NULL GROUP BY source_no HAVING count(*) > 1) m
               WHERE s.import_id = %(id)s AND s.source_no = m.source_no AND s.problem IS NULL""",
            {"id": imported.pk},
        )


def staged_end(imported: Import) -> int:
    """The highest line staged, or 0."""
    return StagedRow.objects.filter(import_id=imported.pk).aggregate(last=Max("line"))["last"] or 0
