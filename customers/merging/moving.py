"""What a merge does to the tables: every change of a column is one `MergeMove`, written by the same statement.

Values travel as JSON, so that any column can be put back as it was; the database turns them into its types.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db import IntegrityError, connection, models, transaction

from customers.merging.reading import rows_to_move
from customers.models import Customer, Merge
from foundation.common.merging import CustomerKey, OnMerge, keys_of

NOTE = 'INSERT INTO customers_merge_move (id, merge_id, "table", "row", "column", "old", "new", digest)'


def pk_column(model: type[models.Model]) -> str:
    """The one key column of a model whose rows move. Raises TypeError for a composite key."""
    column = model._meta.pk.column if model._meta.pk is not None else None
    if not isinstance(column, str):
        raise TypeError(
            f"{model._meta.label}: rows of a composite key cannot be moved; declare READ_THROUGH or COMBINE"
        )
    return column


def _type_of(model: type[models.Model], column: str) -> str:
    """The type of a column in SQL."""
    field = next(field for field in model._meta.concrete_fields if field.column == column)
    return str(field.db_type(connection))


@dataclass
class Work:
    """One merge being done, in the caller's transaction, with both customers locked."""

    merge: Merge
    survivor: Customer
    absorbed: Customer
    kept: dict[str, set[str]] = field(default_factory=dict)

    @cached_property
    def filled(self) -> set[str]:
        """The tables in which the absorbed customer has rows that can move."""
        return set(rows_to_move(self.absorbed.pk))

    def run(self, sql: str, values: dict[str, Any]) -> int:
        """Run a statement with `survivor`, `absorbed` and `merge` among its values; returns its row count."""
        ids = {"survivor": self.survivor.pk, "absorbed": self.absorbed.pk, "merge": self.merge.pk}
        with connection.cursor() as cursor:
            cursor.execute(sql, ids | values)
            return cursor.rowcount

    def rows(self, sql: str, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a SELECT, with the same values at hand."""
        ids = {"survivor": self.survivor.pk, "absorbed": self.absorbed.pk, "merge": self.merge.pk}
        with connection.cursor() as cursor:
            cursor.execute(sql, ids | (values or {}))
            return cursor.fetchall()

    def keep(self, table: str, rows: Iterable[Any]) -> None:
        """These rows stay with the absorbed customer."""
        self.kept.setdefault(table, set()).update(str(row) for row in rows)

    def note_closed(self, number: str) -> None:
        """A request was closed because the other archive had one that is answered; the merge's page names it."""
        self.merge.result.setdefault("closed", []).append(number)

    def change(self, model: type[models.Model], row: Any, **values: Any) -> None:
        """Set columns of one row at once and note what stood there; what is so already is not noted."""
        table, key = model._meta.db_table, pk_column(model)
        sets = ", ".join(f'"{column}" = %(to_{column})s::{_type_of(model, column)}' for column in values)
        names = ", ".join(f"('{column}')" for column in values)
        self.run(
            f"""WITH old AS MATERIALIZED (
                  SELECT t."{key}" AS key, to_jsonb(t) AS was FROM "{table}" t WHERE t."{key}" = %(row)s FOR UPDATE),
                up AS (UPDATE "{table}" t SET {sets} FROM old WHERE t."{key}" = old.key
                       RETURNING old.key, old.was, to_jsonb(t) AS now)
                {NOTE} SELECT make_id(), %(merge)s, %(table)s, up.key::text, c.name,
                              nullif(up.was -> c.name, 'null'), nullif(up.now -> c.name, 'null'), ''
                FROM up CROSS JOIN (VALUES {names}) AS c (name)
                WHERE up.was -> c.name IS DISTINCT FROM up.now -> c.name""",
            {"row": row, "table": table} | {f"to_{column}": value for column, value in values.items()},
        )

    def note(self, model: type[models.Model], row: Any, column: str, old: Any, new: Any) -> None:
        """Note a change somebody else has made; equal values are none."""
        if old == new:
            return
        typed = _type_of(model, column)
        self.run(
            f"""{NOTE} SELECT make_id(), %(merge)s, %(table)s, %(row)s, %(column)s,
                        to_jsonb(%(old)s::{typed}), to_jsonb(%(new)s::{typed}), ''""",
            {"row": str(row), "table": model._meta.db_table, "column": column, "old": old, "new": new},
        )

    def move(self, key: CustomerKey, row: Any = None) -> int:
        """Give the absorbed customer's rows (or one of them) to the survivor, but for those kept; returns how many."""
        pk = pk_column(key.model)
        which = f't."{pk}" = %(row)s' if row is not None else f't."{pk}"::text <> ALL(%(kept)s)'
        return self.run(
            f"""WITH up AS (UPDATE "{key.table}" t SET "{key.column}" = %(survivor)s
                   WHERE t."{key.column}" = %(absorbed)s AND {which}
                   RETURNING t."{pk}"::text AS key, {digest_sql("t", [key.column])} AS digest)
                {NOTE} SELECT make_id(), %(merge)s, %(table)s, key, %(column)s, to_jsonb(%(absorbed)s::bigint),
                               to_jsonb(%(survivor)s::bigint), digest FROM up""",
            {
                "row": row,
                "kept": sorted(self.kept.get(key.table, ())),
                "table": key.table,
                "column": key.column,
            },
        )

    def swap(self, key: CustomerKey, survivors: Any, absorbeds: Any) -> None:
        """Two rows change their customers: the absorbed one's becomes the survivor's and the other way round.

        Through a customer there is none of, for a unique key allows no moment with two.
        """
        pk = pk_column(key.model)
        self.keep(key.table, [survivors])
        set_key = f'UPDATE "{key.table}" SET "{key.column}" = %(to)s WHERE "{pk}" = %(row)s'
        self.run(set_key, {"to": -self.absorbed.pk, "row": survivors})
        self.move(key, absorbeds)
        self.run(
            f"""WITH up AS (UPDATE "{key.table}" t SET "{key.column}" = %(absorbed)s WHERE t."{pk}" = %(row)s
                   RETURNING t."{pk}"::text AS key, {digest_sql("t", [key.column])} AS digest)
                {NOTE} SELECT make_id(), %(merge)s, %(table)s, key, %(column)s, to_jsonb(%(survivor)s::bigint),
                               to_jsonb(%(absorbed)s::bigint), digest FROM up""",
            {"row": survivors, "table": key.table, "column": key.column},
        )


def digest_sql(row: str, but: Iterable[str]) -> str:
    """An expression: the digest of a row of a table without some of its columns."""
    less = "".join(f" - '{column}'" for column in but)
    return f"md5((to_jsonb({row}){less})::text)"


def move_all(work: Work) -> dict[str, int]:
    """Move the rows of every key declared MOVE; returns how many by table. The clashes have been settled before."""
    moved: dict[str, int] = {}
    for key in keys_of(OnMerge.MOVE):
        if key.table not in work.filled:
            continue
        if many := _moved(work, key):
            moved[key.table] = moved.get(key.table, 0) + many
    return moved


def _moved(work: Work, key: CustomerKey) -> int:
    """All rows at once; when a rule of the database forbids that, one by one, and those it refuses stay."""
    try:
        with transaction.atomic():
            return work.move(key)
    except IntegrityError:
        many = 0
        theirs = key.model._base_manager.filter(**{key.field.attname: work.absorbed.pk}).order_by("pk")
        for row in theirs.values_list("pk", flat=True):
            if str(row) in work.kept.get(key.table, ()):
                continue
            try:
                with transaction.atomic():
                    many += work.move(key, row)
            except IntegrityError:
                work.keep(key.table, [row])
        return many
