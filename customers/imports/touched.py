"""Tables that tell that somebody has worked with a customer: a revert keeps those customers.

Apps above register theirs in `AppConfig.ready()`: `touched.register("interactions_interaction", "customer_id")`.
The customer's own version covers everything the services of `customers` do.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class _Table:
    table: str
    column: str
    unless: str


_tables: dict[str, _Table] = {}


def register(table: str, column: str = "customer_id", *, unless: str = "false") -> None:
    """Rows of `table` whose `column` is the customer count as work done. Their ids must be ordered by time.

    `unless`: SQL over `w`, the row: which of them do not count.
    """
    _tables[table] = _Table(table, column, unless)


def exists_sql(customer: str, floor: str) -> str:
    """SQL: whether a registered table holds a row of the customer (an expression) with an id from `floor` on."""
    if not _tables:
        return "false"
    return " OR ".join(
        f'EXISTS (SELECT 1 FROM "{t.table}" w WHERE w."{t.column}" = {customer}'
        f" AND w.id >= {floor} AND NOT ({t.unless}))"
        for t in _tables.values()
    )
