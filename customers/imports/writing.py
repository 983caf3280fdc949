"""From the staging table into the archive: ranges of rows, a handful of set-based statements each (recipes §10).

Everything about one customer is written in one transaction. What is already as the file says is not touched. What
was done is remembered row by row (`import_row`, `import_child`), so that a revert can put it back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import DataError, IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from customers.finding import find_rows_sql
from customers.imports.models import Import
from customers.imports.problems import Problem
from customers.imports.range_contacts import write_addresses, write_consents, write_contact_points
from customers.imports.range_customers import add_customers, change_customers, pick_customers, renew_facts
from customers.imports.range_ground import Ground, refresh_statistics
from customers.imports.range_lines import write_lines, write_use

CHUNK = 20_000  # lines


@dataclass
class Written:
    """How many customers a range added, changed, and left as they were."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0

    def add(self, other: Written) -> None:
        self.inserted += other.inserted
        self.updated += other.updated
        self.unchanged += other.unchanged


class _Undo(Exception):
    """Rolls a rehearsed range back."""


def write_all(
    imported: Import,
    *,
    last_line: int,
    rehearse: bool,
    report: Callable[[int, Written], None],
    refuse: Callable[[list[Problem]], None],
) -> Written:
    """Write every staged row up to `last_line`, range by range; `rehearse` rolls each back again.

    A range the database refuses (a constraint no check foresaw) is halved until the one customer at fault is found
    and handed to `refuse`. An interrupted import goes on behind the last range that was committed.
    """
    total = Written()
    low = 0 if rehearse else imported.written_to
    ranges = 0
    while low < last_line:
        high = min(low + CHUNK, last_line)
        doubled = ranges & (ranges - 1) == 0  # ranges 1, 2, 3, 5, 9 …: each time the tables may have doubled
        total.add(_range(imported, low, high, rehearse, refuse, analyse=doubled))
        low, ranges = high, ranges + 1
        report(low, total)
    return total


def _range(
    imported: Import, low: int, high: int, rehearse: bool, refuse: Callable[[list[Problem]], None], *, analyse: bool
) -> Written:
    try:
        return _write(imported, low, high, rehearse, analyse)
    except (IntegrityError, DataError) as error:
        if high - low > 1:
            middle = (low + high) // 2
            both = _range(imported, low, middle, rehearse, refuse, analyse=analyse)
            both.add(_range(imported, middle, high, rehearse, refuse, analyse=analyse))
            return both
        constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or type(error).__name__
        words = _("The database refuses this row (%(rule)s): compare it with what the archive holds.")
        refuse([Problem(high, "", words % {"rule": constraint})])
        return Written()


def _write(imported: Import, low: int, high: int, rehearse: bool, analyse: bool) -> Written:
    written = Written()
    try:
        with transaction.atomic():
            ground = Ground(imported, low, high)
            _write_range(ground, written, analyse=analyse, with_find_rows=not rehearse)
            if rehearse:
                raise _Undo
            Import.objects.filter(pk=imported.pk).update(written_to=high)
    except _Undo:
        pass
    return written


def _write_range(ground: Ground, written: Written, *, analyse: bool, with_find_rows: bool) -> None:
    customers = pick_customers(ground)
    if not customers:
        return
    written.inserted = add_customers(ground)
    if analyse:
        refresh_statistics("customers_customer", "customers_facts")
    write_contact_points(ground)
    write_addresses(ground)
    write_lines(ground)
    write_consents(ground)
    if analyse:
        refresh_statistics("customers_subscription", "customers_contactpoint", "customers_address")
    write_use(ground)
    written.updated = change_customers(ground)
    written.unchanged = customers - written.inserted - written.updated
    renew_facts(ground)
    if with_find_rows:
        find_rows_sql("SELECT id FROM import_pick WHERE fresh OR changed")
    ground.run("DROP TABLE import_key, import_pick, import_line, import_touched")


def counts_of(imported: Import) -> dict[str, Any]:
    """Customers added and changed by an import over all its attempts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT action, count(*) FROM import_row WHERE import_id = %s GROUP BY action", [imported.pk])
        found = dict(cursor.fetchall())
    return {"inserted": found.get("INSERTED", 0), "updated": found.get("UPDATED", 0)}
