"""Who had a case how long, from its history (D§1.9): real time, pauses apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from complaints.lifecycle import State
from complaints.models import Complaint, ComplaintMove
from foundation.common import clock


@dataclass
class Held:
    """How long a person, or the pool of a unit (`person` ""), had the case; `paused` is not part of `time`."""

    person: str
    unit: str
    time: timedelta
    paused: timedelta


def holders_of(case: Complaint, moves: Iterable[ComplaintMove], until: datetime | None = None) -> list[Held]:
    """Who had it, the longest first. `moves`: the whole history, oldest first, with handler and unit. Before its first
    row nobody had it; after its end nobody has."""
    held: dict[tuple[str, str], Held] = {}
    end = until or case.closed_at or clock.now()
    rows = [row for row in moves if row.at <= end]
    for place, row in enumerate(rows):
        following = rows[place + 1].at if place + 1 < len(rows) else end
        key = (row.handler.name if row.handler is not None else "", row.unit.name if row.unit is not None else "")
        one = held.setdefault(key, Held(*key, timedelta(), timedelta()))
        if _state_after(rows, place) == State.PAUSED:
            one.paused += following - row.at
        else:
            one.time += following - row.at
    return sorted(held.values(), key=lambda one: one.time, reverse=True)


def _state_after(rows: list[ComplaintMove], place: int) -> str:
    """The state after a row; rows that change none keep the one before."""
    return next((row.new for row in reversed(rows[: place + 1]) if row.new), "")
