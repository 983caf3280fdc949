"""Taking an import back: customers it added go, those it changed get their old values, those somebody has
worked with since are kept and listed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pgtrigger
from django.db import IntegrityError, connection, transaction

from customers.finding import find_rows_sql
from customers.imports import touched
from customers.imports.consent_sql import DROP_EVENTS, DROP_EVIDENCE
from customers.imports.models import Import, ImportRow
from customers.imports.range_contacts import ADDRESS_COLUMNS
from customers.imports.range_customers import CUSTOMER_COLUMNS
from customers.imports.range_ground import refresh_statistics
from customers.imports.range_lines import LINE_COLUMNS, USE_COLUMNS
from foundation.common import clock
from foundation.common.ids import first_id_at

CHUNK = 5_000
RESTORED = {
    "address": ("customers_address", ADDRESS_COLUMNS),
    "contactpoint": ("customers_contactpoint", ("is_primary",)),
    "consent": ("customers_consent", ("state", "since", "expires_on", "event_id")),
    "subscription": ("customers_subscription", (*LINE_COLUMNS, "version")),
}
# Of a customer that goes, everything that belongs to it alone; what else refers to it keeps it (LINKED).
BELONGING = (
    "customers_usagemonth", "customers_subscription", "customers_contactpoint", "customers_address", "customers_facts",
    "customers_consent", "customers_consent_evidence",
    "customers_fieldchange", "customer_find_name", "customer_find_number", "customer_name_gram",
)  # fmt: skip


def revert_all(imported: Import, *, report: Callable[[int], None]) -> tuple[int, int]:
    """Revert every customer of an import that may be; returns how many went back and how many were kept.

    Safe to repeat: a customer already reverted or kept is not looked at again.
    """
    ImportRow.objects.filter(import_id=imported.pk, reverted=False).update(kept="")
    refresh_statistics()
    refresh_statistics("import_row", "import_child")
    done = 0
    while ids := list(
        ImportRow.objects.filter(import_id=imported.pk, reverted=False, kept="")
        .order_by("customer_id")
        .values_list("customer_id", flat=True)[:CHUNK]
    ):
        _range(imported, ids[0], ids[-1])
        done += len(ids)
        report(done)
    rows = ImportRow.objects.filter(import_id=imported.pk)
    return rows.filter(reverted=True).count(), rows.exclude(kept="").count()


def _range(imported: Import, low: int, high: int) -> None:
    try:
        with transaction.atomic():
            _Reversal(imported, low, high).run_all()
    except IntegrityError:
        ids = list(
            ImportRow.objects.filter(
                import_id=imported.pk, reverted=False, kept="", customer_id__gte=low, customer_id__lte=high
            )
            .order_by("customer_id")
            .values_list("customer_id", flat=True)
        )
        if len(ids) == 1:
            ImportRow.objects.filter(import_id=imported.pk, customer_id=ids[0]).update(kept=ImportRow.Kept.LINKED)
            return
        middle = len(ids) // 2
        _range(imported, ids[0], ids[middle - 1])
        _range(imported, ids[middle], ids[-1])


class _Reversal:
    """One range of customers, in the caller's transaction."""

    def __init__(self, imported: Import, low: int, high: int) -> None:
        self.values: dict[str, Any] = {
            "import": imported.pk,
            "low": low,
            "high": high,
            "now": clock.now(),
            "floor": first_id_at(imported.started_at) if imported.started_at else 0,
        }

    def run(self, sql: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute(sql, self.values)
            return cursor.rowcount

    def run_all(self) -> None:
        self.run(
            """SELECT 1 FROM customers_customer c WHERE c.id IN (
                 SELECT customer_id FROM import_row WHERE import_id = %(import)s AND NOT reverted AND kept = ''
                 AND customer_id BETWEEN %(low)s AND %(high)s) ORDER BY c.id FOR UPDATE"""
        )
        # A customer that is new by this import can have no older row, back-dated ones excepted: no floor there.
        worked = touched.exists_sql("r.customer_id", "CASE WHEN r.action = 'INSERTED' THEN 0 ELSE %(floor)s END")
        self.run(
            f"""UPDATE import_row r SET kept = CASE
                  WHEN NOT EXISTS (SELECT 1 FROM customers_customer c WHERE c.id = r.customer_id
                                   AND c.version = r.version) THEN 'CHANGED'
                  WHEN {worked} THEN 'WORKED_ON' ELSE '' END
                WHERE r.import_id = %(import)s AND NOT r.reverted AND r.kept = ''
                  AND r.customer_id BETWEEN %(low)s AND %(high)s"""
        )
        self.run(
            """CREATE TEMP TABLE import_back ON COMMIT DROP AS
               SELECT customer_id, action, before, version FROM import_row
               WHERE import_id = %(import)s AND NOT reverted AND kept = ''
                 AND customer_id BETWEEN %(low)s AND %(high)s"""
        )
        self.run("CREATE UNIQUE INDEX ON import_back (customer_id)")
        self.run("ANALYZE import_back")
        self._take_away()
        self._put_back()
        self.run(
            """UPDATE import_row r SET reverted = true, before = NULL FROM import_back b
               WHERE r.import_id = %(import)s AND r.customer_id = b.customer_id"""
        )
        find_rows_sql("SELECT customer_id FROM import_back WHERE action = 'UPDATED'")
        self.run(
            """DELETE FROM import_child k USING import_back b
               WHERE k.import_id = %(import)s AND k.customer_id = b.customer_id"""
        )
        self.run("DROP TABLE import_back")

    def _take_away(self) -> None:
        self.run(DROP_EVIDENCE)
        for table in BELONGING:
            self.run(
                f"""DELETE FROM {table} t USING import_back b
                    WHERE b.action = 'INSERTED' AND t.customer_id = b.customer_id"""
            )
        self.run(
            """DELETE FROM timeline t USING import_back b WHERE b.action = 'INSERTED' AND t.customer_id = b.customer_id
               AND t.kind = 'customer.imported' AND t.id >= %(floor)s"""
        )
        self.run(
            "DELETE FROM customers_customer c USING import_back b WHERE b.action = 'INSERTED' AND c.id = b.customer_id"
        )
        # Answers are never deleted; those of a customer who never was, by this very import, are none.
        with pgtrigger.ignore("customers.ConsentEvent:append_only"), connection.cursor() as cursor:
            cursor.execute(DROP_EVENTS)
        self.run("SET CONSTRAINTS ALL IMMEDIATE")  # what still refers to one of them says so now
        self.run("SET CONSTRAINTS ALL DEFERRED")

    def _put_back(self) -> None:
        child = """import_child k JOIN import_back b ON b.customer_id = k.customer_id AND b.action = 'UPDATED'
                   WHERE k.import_id = %(import)s"""
        self.run(
            f"""DELETE FROM customers_usagemonth u USING (SELECT k.entity_id, k.month FROM {child}
                  AND k.entity = 'usagemonth' AND k.before IS NULL) g
                WHERE u.subscription_id = g.entity_id AND u.month = g.month"""
        )
        self.run(
            f"""UPDATE customers_usagemonth u SET {_from_old(USE_COLUMNS)}
                FROM (SELECT k.entity_id, k.month, jsonb_populate_record(NULL::customers_usagemonth, k.before) AS old
                      FROM {child} AND k.entity = 'usagemonth' AND k.before IS NOT NULL OFFSET 0) n
                WHERE u.subscription_id = n.entity_id AND u.month = n.month"""
        )
        for entity, (table, columns) in RESTORED.items():
            self.run(
                f"""DELETE FROM {table} u USING (SELECT k.entity_id FROM {child}
                      AND k.entity = '{entity}' AND k.before IS NULL) g WHERE u.id = g.entity_id"""
            )
            self.run(
                f"""UPDATE {table} u SET {_from_old(columns)}
                    FROM (SELECT k.entity_id, jsonb_populate_record(NULL::{table}, k.before) AS old
                          FROM {child} AND k.entity = '{entity}' AND k.before IS NOT NULL OFFSET 0) n
                    WHERE u.id = n.entity_id"""
            )
        self.run(
            f"""WITH back AS (
                  UPDATE customers_customer c
                  SET {_from_old((*CUSTOMER_COLUMNS, "id_sealed", "quality_marks"))}, version = c.version + 1,
                      updated_at = %(now)s
                  FROM (SELECT customer_id, version, jsonb_populate_record(NULL::customers_customer, before) AS old
                        FROM import_back WHERE action = 'UPDATED' OFFSET 0) n
                  WHERE c.id = n.customer_id
                  RETURNING c.id, c.version, (n.old).version AS was)
                UPDATE import_row r SET version = back.version FROM back
                WHERE r.customer_id = back.id AND r.version = back.was AND r.import_id <> %(import)s
                  AND NOT r.reverted"""
        )  # an earlier import's row is again what the archive holds: it, too, may be reverted now
        self.run(
            """UPDATE customers_facts f SET contract_end = (
                 SELECT min(s.contract_end) FROM customers_subscription s
                 WHERE s.customer_id = f.customer_id AND s.terminated_on IS NULL)
               FROM import_back b WHERE b.action = 'UPDATED' AND f.customer_id = b.customer_id"""
        )


def _from_old(columns: tuple[str, ...]) -> str:
    return ", ".join(f"{name} = (n.old).{name}" for name in columns)
