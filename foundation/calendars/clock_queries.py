"""Reads of stored clocks, and the check that their figures follow from their events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from foundation.calendars.clock_engine import Figures, Standing
from foundation.calendars.clock_record import FIGURES, course_of, elapsed_of, figures_of, limit_of, newest_rule
from foundation.calendars.models import Clock, ClockEvent

CHECKED_AT_ONCE = 2_000


def open_clock(owner_kind: str, owner_id: int, kind: str) -> Clock | None:
    """The clock of a kind that is open now."""
    return Clock.objects.open().filter(owner_kind=owner_kind, owner_id=owner_id, kind=kind).first()


def clocks_of(owner_kind: str, owner_ids: Iterable[int], *, open_only: bool = False) -> list[Clock]:
    """All clocks of these owners, oldest first; one query."""
    found = Clock.objects.filter(owner_kind=owner_kind, owner_id__in=list(owner_ids)).order_by("owner_id", "pk")
    return list(found.open() if open_only else found)


def read_clock(clock: Clock, now: datetime) -> Figures:
    """How a stored clock stands at `now`, from its row alone: no query."""
    at = clock.stopped_at or now
    elapsed = elapsed_of(clock, at)
    limit = limit_of(clock)
    if clock.left is not None:
        remaining = clock.left
    elif clock.due_at is not None and (limit.never_pauses or clock.grace):
        remaining = clock.due_at - at
    else:
        remaining = limit.amount() - elapsed
    if clock.is_late(at):
        state = Standing.BREACHED
    elif clock.stopped_at is not None:
        state = Standing.MET
    else:
        state = Standing.PAUSED if clock.state == Clock.State.PAUSED else Standing.RUNNING
    return Figures(clock.due_at, elapsed, remaining, state)


def recompute(rows: Sequence[ClockEvent]) -> dict[str, Any]:
    """The figures a clock with these events (all of them, in order) must store."""
    last = rows[-1]
    return figures_of(course_of(rows), newest_rule(rows), last=last.type, sequence=last.sequence)


@dataclass(frozen=True, slots=True)
class Fault:
    """A stored figure that does not follow from the events."""

    clock_id: int
    figure: str
    stored: Any
    computed: Any


def faults_of_clocks(clocks: Iterable[Clock] | None = None) -> Iterator[Fault]:
    """Every figure of these clocks (default: of all) that differs from what their events give.

    A miss already written down by the sweep, though no event came since, is none.
    """
    if clocks is not None:
        yield from _faults(list(clocks))
        return
    after = 0
    while chunk := list(Clock.objects.filter(pk__gt=after).order_by("pk")[:CHECKED_AT_ONCE]):
        yield from _faults(chunk)
        after = chunk[-1].pk


def _faults(clocks: list[Clock]) -> Iterator[Fault]:
    rows = ClockEvent.objects.filter(clock__in=clocks).order_by("clock_id", "sequence")
    events = {key: list(group) for key, group in groupby(rows, key=lambda row: row.clock_id)}
    for clock in clocks:
        if not (found := events.get(clock.pk)):
            yield Fault(clock.pk, "sequence", clock.sequence, 0)
            continue
        computed = recompute(found)
        if computed["missed_at"] is None and computed["state"] == Clock.State.RUNNING:
            computed["missed_at"] = clock.missed_at if clock.missed_at == computed["due_at"] else None
        for figure in FIGURES:
            if getattr(clock, figure) != computed[figure]:
                yield Fault(clock.pk, figure, getattr(clock, figure), computed[figure])
