"""Rows made in bulk: copies of one pattern row a table by INSERT … SELECT, with references and indexes out of the way.

References are checked and indexes built once for all rows at the end: row by row they take most of the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connection, models

from bench.world import cores

_REFERENCES = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'f' AND conrelid = ANY(%s::regclass[]) ORDER BY 1, 2
"""
_INDEXES = """
SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY(%s::regclass[]) AND NOT i.indisunique ORDER BY 1
"""


@contextmanager
def bare_tables(kinds: Iterable[type[models.Model]]) -> Iterator[None]:
    """The tables of these models without references and plain indexes; both stand again afterwards."""
    tables = [model._meta.db_table for model in kinds]
    with connection.cursor() as cursor:
        cursor.execute(_REFERENCES, [tables])
        references = cursor.fetchall()
        cursor.execute(_INDEXES, [tables])
        indexes = cursor.fetchall()
        for table, name, _words in references:
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        for name, _words in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
    yield
    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(_build, [words for _name, words in indexes]))
    with connection.cursor() as cursor:
        for table, name, words in references:
            cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {words}')


def _build(statement: str) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET maintenance_work_mem = '256MB'; SET max_parallel_maintenance_workers = 0")
            cursor.execute(statement)
    finally:
        connection.close()  # the thread's own


def copies(
    model: type[models.Model],
    pattern: int,
    given: dict[str, str],
    source: str,
    values: dict[str, Any],
    where: str = "true",
) -> None:
    """As many copies of the row `pattern` as `source` has rows, with the given columns worked out for each."""
    table = model._meta.db_table
    columns = [field.column for field in model._meta.concrete_fields if not field.generated]
    picked = ", ".join(given.get(column, f'p."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    sql = (
        f"INSERT INTO {table} ({names}) SELECT {picked}"
        f" FROM (SELECT * FROM {table} WHERE id = %(pattern)s) p, {source} WHERE {where}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, values | {"pattern": pattern})
