"""Putting new clocks into the database: one statement for clocks, events and marks, for a complaint starts two of them
while somebody waits.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import connection, models

from foundation.calendars.clock_record import FIGURES
from foundation.calendars.models import Clock, ClockEvent, ClockMark
from foundation.common.prepared import prepared

_CLOCK = ("id", "owner_kind", "owner_id", "kind", *FIGURES)
_EVENT = ("id", "clock_id", "sequence", "type", "at", "reason", "evidence", "rule", "actor_id", "done_by_id")
# The clocks of one case come in few shapes, each planned once; those of many cases at once in any.
OF_ONE_OWNER = 4
_MARK = ("id", "clock_id", "owner_kind", "round", "unit", "amount", "due_at")


def insert_clocks(clocks: Sequence[Clock], events: Sequence[ClockEvent], marks: Sequence[ClockMark]) -> bool:
    """Insert clocks just made with all that belongs to them; false when an open one of the kind is in the way.

    Then nothing at all is inserted, unless the other was started at this very moment, without the owner's lock: of
    several clocks those without a rival are there, and the caller's transaction must not be kept.
    """
    values: list[Any] = []
    statement = f"""WITH given ({_names(_CLOCK)}) AS (VALUES {_rows(Clock, clocks, _CLOCK, values)}),
      new AS (
        INSERT INTO clock ({_names(_CLOCK)}) SELECT {_names(_CLOCK)} FROM given g
        WHERE NOT EXISTS (SELECT FROM given o JOIN clock c ON c.owner_id = o.owner_id AND c.owner_kind = o.owner_kind
                          AND c.kind = o.kind AND c.state IN ('RUNNING', 'PAUSED'))
        ON CONFLICT (owner_id, owner_kind, kind) WHERE state IN ('RUNNING', 'PAUSED') DO NOTHING RETURNING id),
      event AS (
        INSERT INTO clock_event ({_names(_EVENT)}) SELECT {_named(_EVENT)}
        FROM (VALUES {_rows(ClockEvent, events, _EVENT, values)}) g ({_names(_EVENT)})
        JOIN new ON new.id = g.clock_id)"""
    if marks:
        statement += f""", mark AS (
        INSERT INTO clock_mark ({_names(_MARK)}) SELECT {_named(_MARK)}
        FROM (VALUES {_rows(ClockMark, marks, _MARK, values)}) g ({_names(_MARK)})
        JOIN new ON new.id = g.clock_id)"""
    with connection.cursor() as cursor:
        asked = (f"{statement} SELECT count(*) FROM new", values)
        cursor.execute(*(prepared(*asked) if len(clocks) <= OF_ONE_OWNER else asked))
        (inserted,) = cursor.fetchone()
    for row in (*clocks, *events, *marks):
        row._state.adding, row._state.db = False, connection.alias
    return bool(inserted == len(clocks))


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def _named(columns: Sequence[str]) -> str:
    return ", ".join(f'g."{name}"' for name in columns)


def _rows(
    model: type[models.Model],
    rows: Sequence[Clock | ClockEvent | ClockMark],
    columns: Sequence[str],
    values: list[Any],
) -> str:
    """Places for the columns of the rows, each with its type; their values are added to `values`."""
    for row in rows:
        held = row.__dict__
        values += [json.dumps(held[name]) if name == "rule" else held[name] for name in columns]
    return ", ".join([_row_of_places(model, tuple(columns))] * len(rows))


@cache
def _row_of_places(model: type[models.Model], columns: tuple[str, ...]) -> str:
    return f"({', '.join(f'%s::{_type(model, name)}' for name in columns)})"


def _type(model: type[models.Model], column: str) -> str:
    """The type of a column, without a length: a cast to one would cut what is too long instead of refusing it."""
    field = next(field for field in model._meta.concrete_fields if field.attname == column)
    found = field.rel_db_type(connection) if field.is_relation else field.db_type(connection)
    return str(found).partition("(")[0]
