"""Who had a case for how long, pauses apart: computed from its history alone (D§20.1, 25)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from complaints.lifecycle import ENDED, State
from complaints.models import Complaint, ComplaintMove
from foundation.calendars.definition import Calendar
from foundation.calendars.queries import calendar_for
from foundation.calendars.working_time import working_between

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A case with one holder in one unit from `since` to `until`; `handler` None: in the pool of the unit. `paused`:
    the service clock stood meanwhile."""

    handler_id: int | None
    unit_id: int | None
    since: datetime
    until: datetime
    paused: bool


@dataclass(slots=True)
class Held:
    """What one holder or unit used: whole minutes by the clock, of those in working hours, and paused ones apart."""

    key: int | None
    minutes: int = 0
    working: int = 0
    paused: int = 0
    times: int = 0


def stretches(moves: Sequence[ComplaintMove], now: datetime) -> list[Stretch]:
    """The stretches of a case from its moves (all, in order). Where nothing changed hands, it is one stretch."""
    found: list[Stretch] = []
    state = ""
    for index, move in enumerate(moves):
        state = move.new or state
        if state in ENDED:
            continue
        until = moves[index + 1].at if index + 1 < len(moves) else now
        if until <= move.at:
            continue
        one = Stretch(move.handler_id, move.unit_id, move.at, until, state == State.PAUSED)
        last = found[-1] if found else None
        if (
            last is not None
            and last.until == one.since
            and (last.handler_id, last.unit_id, last.paused) == (one.handler_id, one.unit_id, one.paused)
        ):
            found[-1] = Stretch(last.handler_id, last.unit_id, last.since, one.until, last.paused)
        else:
            found.append(one)
    return found


def by_holder(parts: Iterable[Stretch], calendar: Calendar) -> list[Held]:
    """The time each handler had it, None being the pools, in the order they first had it."""
    return _summed(((part.handler_id, part) for part in parts), calendar)


def by_unit(parts: Iterable[Stretch], calendar: Calendar) -> list[Held]:
    """The time each unit had it."""
    return _summed(((part.unit_id, part) for part in parts), calendar)


def by_both(parts: Iterable[Stretch], calendar: Calendar) -> dict[tuple[int | None, int | None], Held]:
    """The time each holder had it in each unit."""
    found: dict[tuple[int | None, int | None], list[Stretch]] = {}
    for part in parts:
        found.setdefault((part.handler_id, part.unit_id), []).append(part)
    return {pair: _summed(((pair[0], part) for part in own), calendar)[0] for pair, own in found.items()}


def times_of(case: Complaint, now: datetime) -> tuple[list[Held], list[Held]]:
    """Who used up the time of a case: by holder and by unit, in the working hours of its unit. One query besides the
    calendar."""
    moves = list(case.moves.order_by("pk").only("at", "new", "handler_id", "unit_id", "complaint_id"))
    parts, calendar = stretches(moves, now), calendar_for(case.work_unit.calendar_code)
    return by_holder(parts, calendar), by_unit(parts, calendar)


def _summed(keyed: Iterable[tuple[int | None, Stretch]], calendar: Calendar) -> list[Held]:
    found: dict[int | None, Held] = {}
    before: tuple[int | None, bool] | None = None
    for key, part in keyed:
        held = found.setdefault(key, Held(key))
        minutes = (part.until - part.since) // MINUTE
        if part.paused:
            held.paused += minutes
        else:
            held.minutes += minutes
            held.working += working_between(part.since, part.until, calendar) // MINUTE
        if before is None or before[0] != key:
            held.times += 1
        before = (key, part.paused)
    return list(found.values())
