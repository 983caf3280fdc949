"""Putting new clocks into the database: one statement for clocks, events and marks, for a complaint starts two of them
while somebody waits.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection

from foundation.calendars.clock_record import FIGURES
from foundation.calendars.models import Clock, ClockEvent, ClockMark

_CLOCK = ("id", "owner_kind", "owner_id", "kind", *FIGURES)
_EVENT = ("id", "clock_id", "sequence", "type", "at", "reason", "evidence", "rule", "actor_id", "done_by_id")
_MARK = ("id", "clock_id", "owner_kind", "round", "unit", "amount", "due_at")
# What may be NULL in every row says its type.
_TYPES = {
    "calendar_version_id": "bigint", "policy_version": "bigint", "due_at": "timestamptz", "missed_at": "timestamptz",
    "running_since": "timestamptz", "stopped_at": "timestamptz", "left": "interval", "rule": "jsonb",
    "actor_id": "bigint", "done_by_id": "bigint",
}  # fmt: skip


def insert_clocks(clocks: Sequence[Clock], events: Sequence[ClockEvent], marks: Sequence[ClockMark]) -> bool:
    """Insert clocks just made with all that belongs to them; false when an open one of the kind is in the way.

    Then nothing at all is inserted, unless the other was started at this very moment, without the owner's lock: of
    several clocks those without a rival are there, and the caller's transaction must not be kept.
    """
    values: list[Any] = []
    statement = f"""WITH given ({_names(_CLOCK)}) AS (VALUES {_rows(clocks, _CLOCK, values)}),
      new AS (
        INSERT INTO clock ({_names(_CLOCK)}) SELECT {_typed(_CLOCK)} FROM given g
        WHERE NOT EXISTS (SELECT FROM given o JOIN clock c ON c.owner_id = o.owner_id AND c.owner_kind = o.owner_kind
                          AND c.kind = o.kind AND c.state IN ('RUNNING', 'PAUSED'))
        ON CONFLICT (owner_id, owner_kind, kind) WHERE state IN ('RUNNING', 'PAUSED') DO NOTHING RETURNING id),
      event AS (
        INSERT INTO clock_event ({_names(_EVENT)}) SELECT {_typed(_EVENT)}
        FROM (VALUES {_rows(events, _EVENT, values)}) g ({_names(_EVENT)}) JOIN new ON new.id = g.clock_id)"""
    if marks:
        statement += f""", mark AS (
        INSERT INTO clock_mark ({_names(_MARK)}) SELECT {_typed(_MARK)}
        FROM (VALUES {_rows(marks, _MARK, values)}) g ({_names(_MARK)}) JOIN new ON new.id = g.clock_id)"""
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} SELECT count(*) FROM new", values)
        (inserted,) = cursor.fetchone()
    for row in (*clocks, *events, *marks):
        row._state.adding, row._state.db = False, connection.alias
    return bool(inserted == len(clocks))


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def _typed(columns: Sequence[str]) -> str:
    return ", ".join(f'g."{name}"::{_TYPES[name]}' if name in _TYPES else f'g."{name}"' for name in columns)


def _rows(rows: Sequence[Clock | ClockEvent | ClockMark], columns: Sequence[str], values: list[Any]) -> str:
    """Places for the columns of the rows; their values are added to `values`."""
    for row in rows:
        held = row.__dict__
        values += [json.dumps(held[name]) if name == "rule" else held[name] for name in columns]
    row_of_places = f"({', '.join(['%s'] * len(columns))})"
    return ", ".join([row_of_places] * len(rows))
