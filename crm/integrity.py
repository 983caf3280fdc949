"""What no constraint forbids and must not happen: found by a nightly look, in ids only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from customers.models import Customer, CustomerFacts, FindName
from foundation.common import clock
from foundation.common.partitions import existing_partitions, partitioned_models
from foundation.common.replica import reading_connection

LISTED = 100  # per kind of fault and table: one is enough to look into it
CUSTOMERS = Customer._meta.db_table


FAULTS: dict[str, Any] = {
    "no_such_customer": _("Rows of a customer who is not there"),
    f"customer_without_{FindName._meta.db_table}": _("Customers that cannot be found by name"),
    f"customer_without_{CustomerFacts._meta.db_table}": _("Customers without their facts"),
    "facts_of_another_manager": _("Customers whose facts name another manager"),
    "row_in_default_partition": _("Rows outside every month"),
}


@dataclass(frozen=True)
class Fault:
    """One row that must not be: what is wrong with it, its table, its id."""

    code: str
    table: str
    row_id: str


def faults() -> Iterator[list[Fault]]:
    """Every kind of fault in turn, at most 100 rows each and per table."""
    yield from (_orphans(table) for table in _logs_tonight())
    for model, column in ((FindName, "customer_id"), (CustomerFacts, "customer_id")):
        table = model._meta.db_table
        yield _without("no_such_customer", table, column, CUSTOMERS, "id")
        yield _without(f"customer_without_{table}", CUSTOMERS, "id", table, column, "t.status <> 'ANONYMISED'")
    yield _other_managers()
    for table, count in default_partition_rows().items():
        yield [Fault("row_in_default_partition", table, "")] * min(count, LISTED)


def _other_managers() -> list[Fault]:
    """Facts that did not follow when a customer got another manager: they stand in the wrong book."""
    facts = CustomerFacts._meta.db_table
    with reading_connection().cursor() as cursor:
        cursor.execute(
            f'SELECT f.customer_id FROM "{facts}" f JOIN "{CUSTOMERS}" c ON c.id = f.customer_id'
            f" WHERE f.manager_id IS DISTINCT FROM c.manager_id LIMIT {LISTED}"
        )
        return [Fault("facts_of_another_manager", facts, str(row_id)) for (row_id,) in cursor.fetchall()]


def default_partition_rows() -> dict[str, int]:
    """Rows (counted up to 1,000) in each partition that takes what no month takes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c WHERE c.relispartition"
            " AND pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT' AND c.relnamespace = 'public'::regnamespace"
        )
        found = {}
        for (name,) in cursor.fetchall():
            cursor.execute(f'SELECT count(*) FROM (SELECT 1 FROM "{name}" LIMIT 1000) AS few')
            found[name] = cursor.fetchone()[0]
    return found


def _logs_tonight() -> list[str]:
    """Of every log with customers its present month, and one older month in turn: a full look takes a few weeks."""
    tonight = []
    for model in partitioned_models():
        if "customer_id" not in {field.column for field in model._meta.get_fields() if hasattr(field, "column")}:
            continue
        table = model._meta.db_table
        present = f"{table}_{clock.now():%Y_%m}"
        past = [name for name in existing_partitions(table) if name < present or name == f"{table}_early"]
        tonight.append(present)
        if past:
            tonight.append(past[clock.today().toordinal() % len(past)])
    return tonight


def _orphans(table: str) -> list[Fault]:
    return _without("no_such_customer", table, "customer_id", CUSTOMERS, "id")


def _without(code: str, table: str, column: str, other: str, other_column: str, which: str = "true") -> list[Fault]:
    """Rows t of `table` with the condition `which` whose `column` is set and has no row in `other`."""
    with reading_connection().cursor() as cursor:
        cursor.execute(
            f'SELECT t."{column}" FROM "{table}" t WHERE t."{column}" IS NOT NULL AND {which} AND NOT EXISTS'
            f' (SELECT FROM "{other}" o WHERE o."{other_column}" = t."{column}") LIMIT {LISTED}'
        )
        return [Fault(code, table, str(row_id)) for (row_id,) in cursor.fetchall()]
