"""The statements that take personal columns away, written from the register of personal columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.core.files.storage import Storage
from django.db import connection, models

from customers.erasure.keeping import EVIDENCE, IDENTITY
from customers.models import Customer
from foundation.common.personal import ByStep, Personal, column_of, of_customers, personal_of, rows_sql

ORDINARY = ""
# Which customers a statement is for: all that are erased, those whose identity goes too, those whose evidence goes.
PHASES = (ORDINARY, IDENTITY, EVIDENCE)


@dataclass(frozen=True)
class Statement:
    """One statement over `%(ids)s` customers. `count`: the same as a SELECT of how many rows it would change.
    `optional`: for data kept by consent alone. `files`: a SELECT of the files that must go first, with the storage they
    lie in."""

    table: str
    phase: str
    sql: str
    count: str
    params: dict[str, Any]
    optional: bool = False
    files: tuple[str, Storage] | None = None


def statements() -> list[Statement]:
    """All of them, rows reached by a path before the rows the path leads over."""
    found: list[Statement] = []
    pairs = [(model, said) for model, said in of_customers() if not isinstance(said.of, ByStep)]
    for model, said in sorted(pairs, key=lambda pair: (-_depth(pair[0]), pair[0]._meta.label)):
        if said.delete:
            found.append(_delete(model, said))
            continue
        kept = set(said.kept_columns)
        found += _update(model, said, ORDINARY, [c for c in _erased(said) if c not in kept])
        found += _update(model, said, said.kept, [c for c in _erased(said) if c in kept])
    return found


def _erased(said: Personal) -> list[str]:
    return [*said.null, *said.empty, *said.token, *said.fixed]


def _depth(model: type[models.Model]) -> int:
    said = personal_of(model)
    if said is None or said.of is None or isinstance(said.of, ByStep):
        return 0
    if isinstance(said.of, str):
        return said.of.count("__")
    return 1 + _depth(apps.get_model(said.of.model))


def _delete(model: type[models.Model], said: Personal) -> Statement:
    table, where = model._meta.db_table, rows_sql(model)
    count = f'SELECT count(*) FROM "{table}" WHERE {where}'
    return Statement(table, said.kept, f'DELETE FROM "{table}" WHERE {where}', count, {}, said.optional)


def _update(model: type[models.Model], said: Personal, phase: str, names: list[str]) -> list[Statement]:
    if not names:
        return []
    table, where = model._meta.db_table, rows_sql(model)
    sets, differs = [], []
    params: dict[str, Any] = {}
    for name in names:
        column = column_of(model, name)
        value, given = _value(model, said, column)
        params |= given
        sets.append(f'"{column.column}" = {value}')
        differs.append(f'"{column.column}" IS DISTINCT FROM {value}')
    if model is Customer:  # an open copy of the page must not be saved over it
        sets.append('"version" = "version" + 1')
    condition = f"{where} AND ({' OR '.join(differs)})"
    files = [column for column in (column_of(model, name) for name in names) if isinstance(column, models.FileField)]
    lying = None
    if files:
        wanted = " UNION ALL ".join(
            f'SELECT "{f.column}" FROM "{table}" WHERE {where} AND "{f.column}" <> \'\'' for f in files
        )
        lying = (wanted, files[0].storage)
    sql = f'UPDATE "{table}" SET {", ".join(sets)} WHERE {condition}'
    return [
        Statement(table, phase, sql, f'SELECT count(*) FROM "{table}" WHERE {condition}', params, said.optional, lying)
    ]


def _value(model: type[models.Model], said: Personal, column: Any) -> tuple[str, dict[str, Any]]:
    """What stands in a column afterwards, as SQL with its parameter."""
    key = f"to_{column.name}"
    if column.name in said.null:
        return "NULL", {}
    if column.name in said.token:
        return f"'#' || \"{model._meta.pk.column}\"::text", {}
    if column.name in said.fixed:
        return f"%({key})s", {key: said.fixed[column.name]}
    if isinstance(column, ArrayField):
        return f"'{{}}'::{column.db_type(connection)}", {}
    if isinstance(column, models.JSONField):
        return f"%({key})s::jsonb", {key: "[]" if column.default is list else "{}"}
    return "''", {}
