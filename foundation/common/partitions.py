"""Append-only tables by month, partitioned by their time-ordered id (recipes §2).

A model says `careline_partitioned = "id"` (or "month"); its migration uses `CreatePartitionedModel`;
`ensure_partitions` makes the months (at migrate and daily). A model whose rows need not stay within reach for ever says
`careline_keep_months` (the figure and its rule in domain.md); `detach_before` lets its old months go. Every query on
such a table carries a lower id bound, or it opens every month.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection, migrations, models, transaction

from foundation.common import clock
from foundation.common.ids import first_id_at

MONTHS_AHEAD = 12


class CreatePartitionedModel(migrations.CreateModel):
    """`CreateModel` that makes the table `PARTITION BY RANGE` of its `careline_partitioned` column (default id)."""

    partition_column = "id"

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        plain = schema_editor.sql_create_table
        schema_editor.sql_create_table = f"{plain} PARTITION BY RANGE ({self.partition_column})"
        try:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        finally:
            schema_editor.sql_create_table = plain


class CreateModelByMonth(CreatePartitionedModel):
    """The same for tables whose natural key holds a `month` date (usage): partitioned by that column."""

    partition_column = "month"


def partitioned_models() -> list[type[models.Model]]:
    """Every installed model that lives by months."""
    return [model for model in apps.get_models() if getattr(model, "careline_partitioned", False)]


def _month_start(day: date, plus: int = 0) -> datetime:
    months = day.year * 12 + day.month - 1 + plus
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


def existing_partitions(table: str) -> list[str]:
    """Names of the partitions of `table`, oldest first ("…_early", then months, then a default)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = %s::regclass ORDER BY c.relname",
            [table],
        )
        return [name for (name,) in cursor.fetchall()]


def months_ahead(table: str, at: datetime | None = None) -> int:
    """How many whole months after the present one already have a partition."""
    day = (at or clock.now()).date()
    names, ahead = set(existing_partitions(table)), 0
    while f"{table}_{_month_start(day, ahead + 1):%Y_%m}" in names:
        ahead += 1
    return ahead


def ensure_partitions(months: int = MONTHS_AHEAD, at: datetime | None = None) -> list[str]:
    """Make the missing partitions of every partitioned table; returns the names made."""
    return [
        name
        for model in partitioned_models()
        for name in ensure_table(model._meta.db_table, model.careline_partitioned, months, at)  # type: ignore[attr-defined]
    ]


def ensure_table(table: str, column: str = "id", months: int = MONTHS_AHEAD, at: datetime | None = None) -> list[str]:
    """Make the missing partitions of one table, this month and `months` ahead; returns the names made.

    The first call also makes `…_early` for back-dated rows. Production has no default partition (it would have
    to be emptied before its month can be made); tests have one, for they travel.
    """
    made: list[str] = []

    def make(name: str, low: str | None, high: str | None) -> None:
        if name not in names:
            _attach(table, name, low, high)
            made.append(name)

    def bound(plus: int) -> str:
        start = _month_start(day, plus)
        return f"'{start:%Y-%m-%d}'" if column == "month" else str(first_id_at(start))

    names, day = set(existing_partitions(table)), (at or clock.now()).date()
    make(f"{table}_early", "MINVALUE", bound(0))
    for plus in range(months + 1):
        make(f"{table}_{_month_start(day, plus):%Y_%m}", bound(plus), bound(plus + 1))
    if settings.CARELINE_MODE == "test":
        make(f"{table}_rest", None, None)
    return made


class MakePartitions(migrations.RunPython):
    """Last operation of a migration that creates a partitioned table."""

    def __init__(self, table: str, column: str = "id") -> None:
        def make(_apps: Any, _editor: Any) -> None:
            ensure_table(table, column)

        super().__init__(make, migrations.RunPython.noop)


def months_back(months: int, at: datetime | None = None) -> datetime:
    """The first moment (UTC) of the month `months` before that of `at` (now)."""
    return _month_start((at or clock.now()).astimezone(UTC).date(), -months)


def detach_before(model: type[models.Model], moment: datetime) -> list[str]:
    """Detach the monthly partitions of `model` that end before the month of `moment`; returns their names.

    The detached tables stay, with their indexes and guards, for the archive.
    """
    table, gone = model._meta.db_table, []
    limit = f"{table}_{moment.astimezone(UTC):%Y_%m}"
    for name in existing_partitions(table):
        if name[len(table) + 1 :][:4].isdigit() and name < limit:
            _detach(table, name)
            gone.append(name)
    return gone


def detached_partitions(table: str) -> list[str]:
    """Names of the months of `table` that were detached and are still there, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND NOT relispartition"
            " AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = %s::regclass) AND relname ~ %s"
            " ORDER BY relname",
            [table, f"^{table}_[0-9]{{4}}_[0-9]{{2}}$"],
        )
        return [name for (name,) in cursor.fetchall()]


def _detach(table: str, name: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f'ALTER TABLE "{table}" DETACH PARTITION "{name}"')
        # Detaching takes away the row triggers that were cloned from the parent; the archive is guarded as before.
        _copy_triggers(cursor, table, name, rows=True)


def _attach(table: str, name: str, low: str | None, high: str | None) -> None:
    # LIKE + ATTACH takes SHARE UPDATE EXCLUSIVE on the parent; PARTITION OF would make every reader wait.
    bound = "DEFAULT" if low is None else f"FOR VALUES FROM ({low}) TO ({high})"
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE TABLE "{name}" (LIKE "{table}" INCLUDING DEFAULTS INCLUDING CONSTRAINTS)')
        cursor.execute(f'ALTER TABLE "{table}" ATTACH PARTITION "{name}" {bound}')
        # Row triggers are cloned to partitions, statement triggers (the TRUNCATE guard) are not.
        _copy_triggers(cursor, table, name, rows=False)


def _copy_triggers(cursor: Any, table: str, name: str, *, rows: bool) -> None:
    cursor.execute(
        "SELECT pg_get_triggerdef(oid) FROM pg_trigger"
        " WHERE tgrelid = %s::regclass AND NOT tgisinternal AND tgtype & 1 = %s",
        [table, int(rows)],
    )
    for (definition,) in cursor.fetchall():
        for spelled in (f" ON public.{table} ", f" ON {table} ", f' ON public."{table}" '):
            definition = definition.replace(spelled, f' ON "{name}" ')
        cursor.execute(definition)
