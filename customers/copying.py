"""Bulk writing: COPY, and ids of past moments."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, models

CHUNK = 20_000


def ids_at(moments: Sequence[datetime]) -> list[int]:
    """One new id per moment, in the same order: rows made today stand where they belong in time (recipes §1)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT make_id(at) FROM unnest(%s::timestamptz[]) WITH ORDINALITY AS given(at, place) ORDER BY place",
            [list(moments)],
        )
        return [row[0] for row in cursor.fetchall()]


def copy_rows(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """COPY `rows` (values in the order of the column names `names`) into the table of `model`; returns their number."""
    sql = "COPY \"{}\" ({}) FROM STDIN WITH (FORMAT csv, NULL '\\N')".format(
        model._meta.db_table, ", ".join(f'"{name}"' for name in names)
    )
    total = 0
    with connection.cursor() as cursor:
        for chunk in _chunks(rows):
            text = io.StringIO()
            csv.writer(text).writerows([_spell(value) for value in row] for row in chunk)
            text.seek(0)
            cursor.copy_expert(sql, text)
            total += len(chunk)
    return total


def _spell(value: Any) -> Any:
    if value is None:
        return "\\N"
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "{" + ",".join(f'"{item}"' for item in value) + "}"
    return value


def _chunks(rows: Iterable[Sequence[Any]]) -> Iterable[list[Sequence[Any]]]:
    chunk: list[Sequence[Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
