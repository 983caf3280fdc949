"""What every statement on a range of lines stands on: its values, and remembering what was done for a revert."""

from __future__ import annotations

from typing import Any

from django.db import connection

from customers.birthday_quality import marks_values
from customers.imports.models import Import
from foundation.common import clock

ANALYZED = (
    "customers_customer", "customers_facts", "customers_subscription", "customers_contactpoint", "customers_address",
)  # fmt: skip


class Ground:
    """What every statement on one range of lines stands on, in the caller's transaction.

    OFFSET 0 below a populated record keeps the planner from working it out again for each of its columns.
    """

    def __init__(self, imported: Import, low: int, high: int) -> None:
        self.imported = imported
        self.values: dict[str, Any] = {
            "import": imported.pk,
            "source": imported.source,
            "as_of": imported.as_of,
            "unit_id": imported.unit_id,
            "unit_no": imported.unit.no,
            "actor": imported.actor_id,
            "now": clock.now(),
            "zone": clock.BUSINESS_ZONE.key,
            "low": low,
            "high": high,
            **marks_values(),
        }

    def run(self, sql: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute(sql, self.values)
            return cursor.rowcount

    def changes(self, entity: str, update: str) -> None:
        """Run an UPDATE … RETURNING customer_id, id, before, and remember what was there."""
        self._remember(entity, update, "before")

    def additions(self, entity: str, insert: str) -> None:
        """Run an INSERT … RETURNING customer_id, id, and remember that it was added."""
        self._remember(entity, insert, "NULL::jsonb")

    def _remember(self, entity: str, statement: str, before: str) -> None:
        self.run(
            f"""WITH did AS ({statement}),
                kept AS (INSERT INTO import_child (import_id, customer_id, entity, entity_id, before)
                         SELECT %(import)s, customer_id, '{entity}', id, {before} FROM did
                         ON CONFLICT (import_id, customer_id, entity, entity_id, month) DO NOTHING)
                INSERT INTO import_touched SELECT customer_id FROM did"""
        )


def assignments(columns: tuple[str, ...]) -> tuple[str, str]:
    """`a = (n.new).a, …` and the condition that any of them differs."""
    sets = ", ".join(f"{name} = (n.new).{name}" for name in columns)
    old = ", ".join(f"(n.old).{name}" for name in columns)
    new = ", ".join(f"(n.new).{name}" for name in columns)
    return sets, f"ROW({old}) IS DISTINCT FROM ROW({new})"


def refresh_statistics(*tables: str) -> None:
    """Tell the planner how large tables are now (default: those of the archive), the caller's own rows included.

    With the figures of an empty table it scans every row for every row: minutes instead of seconds.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(tables or ANALYZED)}")
