"""A walk over a big table, a piece of it a transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection, transaction


def by_pieces(table: str, key: str, change: Callable[[Any, int, int], int], *, piece: int) -> Iterator[tuple[int, int]]:
    """Let `change(cursor, low, high)` act on the rows of `table` whose `key` lies between both, `piece` rows a
    transaction, from the lowest key to the highest; it says how many it changed.

    Yields, after each, how many were looked at and how many changed. What is changed the same way twice may be broken
    off and begun again.
    """
    next_piece = (
        f"SELECT max({key}), count(*) FROM (SELECT {key} FROM {table} WHERE {key} >= %s ORDER BY {key} LIMIT %s) piece"
    )
    low = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(next_piece, [low, piece])
            high, looked_at = cursor.fetchone()
            if not looked_at:
                return
            changed = change(cursor, low, high)
        yield looked_at, changed
        low = high + 1
