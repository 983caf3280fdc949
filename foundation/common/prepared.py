"""Statements the database plans once for each connection: for those that every page sends.

Planning such a statement costs the database several times what running it does. Not for conditions whose plan depends
on the value (LIKE on the beginning of a text). Name the columns: `*` breaks when a running release meets a new column.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from django.db import connection, models

M = TypeVar("M", bound=models.Model)

_PLACE = re.compile(r"%(?:\((\w+)\))?([s%])")
# By the driver's own connection: a new one knows nothing, whoever opened it.
_known: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


@lru_cache(maxsize=512)
def _numbered(sql: str) -> tuple[str, str, tuple[str, ...]]:
    """The name of a statement, its text with `$1`, `$2` … and the names of the values in that order ("" for `%s`)."""
    names: list[str] = []

    def number(place: re.Match[str]) -> str:
        name, end = place.groups()
        if end == "%":
            return "%"
        if not name or name not in names:
            names.append(name or "")
            return f"${len(names)}"
        return f"${names.index(name) + 1}"

    text = _PLACE.sub(number, sql)
    return f"c_{hashlib.sha256(sql.encode()).hexdigest()[:24]}", text, tuple(names)


def prepared(sql: str, params: Sequence[Any] | Mapping[str, Any]) -> tuple[str, Sequence[Any] | Mapping[str, Any]]:
    """What to execute, and with which values, instead of `sql` with `params`; the first time it is prepared.

    Behind a pooler in transaction mode, where a connection is another's the next moment: `sql` and `params` unchanged.
    """
    if connection.settings_dict["CONN_MAX_AGE"] == 0:
        return sql, params
    name, text, names = _numbered(sql)
    connection.ensure_connection()
    known = _known.setdefault(connection.connection, set())
    if name not in known:
        # Not through Django's cursor: which request is the first on a connection must not show in its count of queries.
        with connection.connection.cursor() as cursor:
            cursor.execute(f"PREPARE {name} AS {text.replace('%', '%%')}", [])
        known.add(name)
    values = [params[key] for key in names] if isinstance(params, Mapping) else list(params)
    return f"EXECUTE {name} ({','.join(['%s'] * len(values))})" if values else f"EXECUTE {name}", values


def read(model: type[M], tail: str, params: Sequence[Any] | Mapping[str, Any]) -> list[M]:
    """Rows of a model, whole: `tail` is what follows its table, called `t` ("WHERE t.id = %s")."""
    sql = f"SELECT {', '.join(_columns(model))} FROM {model._meta.db_table} t {tail}"
    return list(model._default_manager.raw(*prepared(sql, params)))


@cache
def _columns(model: type[models.Model]) -> list[str]:
    return [f't."{field.column}"' for field in model._meta.concrete_fields]
