"""Another version of a calendar or policy for clocks that are open: shown first, then moved (D§1.2).

Each clock gets one RETARGET event: counted anew from its start, pauses taken out, a miss stays a miss. Doing it again
moves nothing twice; interrupted, it goes on with what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import transaction

from foundation.audit.services import record
from foundation.calendars import marks as marking
from foundation.calendars.clock_engine import Course, Event, EventType, Figures
from foundation.calendars.clock_record import FIGURES, Rule, course_of, figures_of, newest_rule
from foundation.calendars.clock_words import OTHER_VERSION
from foundation.calendars.clocks import check_reachable
from foundation.calendars.definition import Calendar
from foundation.calendars.models import CalendarVersion, Clock, ClockEvent, WorkCalendar
from foundation.calendars.models.clocks import ClockQuerySet
from foundation.calendars.queries import newest_version
from foundation.common.errors import RuleBroken

PIECE = 1_000
# What a clock's limit becomes. One that must know what the clocks belong to has a method `prepare(clocks)`, told of
# each piece before it is asked.
Change = Callable[[Clock, Rule], Rule]


@dataclass(frozen=True, slots=True)
class Shift:
    """What a change makes of one clock. `after` is None with the code of the rule that forbids it in `refused`;
    `late_at_once`: it is not late now and would be by the change.
    """

    clock: Clock
    before: Figures
    after: Figures | None
    late_at_once: bool
    refused: str = ""


@dataclass(slots=True)
class Shifts:
    """How many clocks a change touches, and which way their due moment goes (with a paused one, its time left)."""

    clocks: int = 0
    sooner: int = 0
    later: int = 0
    same: int = 0
    late_at_once: int = 0
    refused: int = 0

    def add(self, shift: Shift) -> None:
        self.clocks += 1
        self.late_at_once += shift.late_at_once
        way = way_of(shift)
        setattr(self, way, getattr(self, way) + 1)


@dataclass(frozen=True, slots=True)
class Follower:
    """An app that keeps figures of its clocks beside its own rows. In the transaction of the change: `lock(owner_ids)`
    locks its rows first, as its services do, and returns the ids it got (those another holds come later);
    `changed(clocks)` is told afterwards.
    """

    lock: Callable[[list[int]], Collection[int]]
    changed: Callable[[list[Clock]], None]


_followers: dict[str, Follower] = {}


def follow(owner_kind: str, follower: Follower) -> None:
    """Make an app's follower known. Raises ValueError for a second one of the kind."""
    if _followers.setdefault(owner_kind, follower) is not follower:
        raise ValueError(f"clocks of {owner_kind} are followed twice")


def behind_newest(code: str) -> ClockQuerySet:
    """The open clocks that run by an older version of a calendar. Refuses (RuleBroken `calendars.unknown`)."""
    newest = newest_version(code)
    older = CalendarVersion.objects.filter(calendar__code=code).exclude(pk=newest)
    return Clock.objects.open().filter(calendar_version__in=list(older.values_list("pk", flat=True)))


def to_newest(code: str) -> Change:
    """The change that lets a clock run by the newest version of its calendar."""
    newest = newest_version(code)

    def change(_clock: Clock, rule: Rule) -> Rule:
        return replace(rule, calendar_version=newest)

    return change


def to_calendar(calendar: Calendar) -> Change:
    """The change that lets a clock run by a calendar no version holds yet: to look at, not to store."""

    def change(_clock: Clock, rule: Rule) -> Rule:
        return replace(rule, calendar=calendar)

    return change


def preview(clocks: ClockQuerySet, change: Change, *, now: datetime, after: int = 0, size: int = 50) -> list[Shift]:
    """A page of what `change` would make of these open clocks at `now`, by their key, from behind `after`.

    Nothing is written; two queries besides the versions. Clocks the change leaves as they are do not appear, so that a
    page may be shorter than `size`.
    """
    page = list(clocks.filter(pk__gt=after).order_by("pk")[:size])
    return [
        shift for clock, rows in _with_events(page, change) if (shift := _shift(clock, rows, change, now)) is not None
    ]


def count_shifts(clocks: ClockQuerySet, change: Change, *, now: datetime) -> Shifts:
    """The whole preview in numbers, read piece by piece."""
    counted, after = Shifts(), 0
    while page := list(clocks.filter(pk__gt=after).order_by("pk")[:PIECE]):
        after = page[-1].pk
        for clock, rows in _with_events(page, change):
            if (shift := _shift(clock, rows, change, now)) is not None:
                counted.add(shift)
    return counted


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a change done: the key of the last clock looked at, None when there was none; clocks changed."""

    last: int | None
    changed: int


@transaction.atomic
def change_piece(
    clocks: ClockQuerySet,
    change: Change,
    *,
    at: datetime,
    actor: Any,
    reason: str,
    keep: Collection[int] = (),
    after: int = 0,
    size: int = PIECE,
) -> Piece:
    """Change the next `size` of these open clocks behind `after`, but for those in `keep`: seven statements for all.

    What another transaction holds, and a clock the rules forbid to change (a limit never reached), stays as it is.
    """
    looked_at = list(clocks.filter(pk__gt=after).order_by("pk").values_list("pk", "owner_kind", "owner_id")[:size])
    if not looked_at:
        return Piece(None, 0)
    wanted = [row for row in looked_at if row[0] not in set(keep)]
    held = _hold_owners(wanted)
    free = [key for key, kind, owner in wanted if kind not in held or owner in held[kind]]
    # By the caller's own condition again: who changed a clock meanwhile may have moved it already.
    locked = list(
        clocks.filter(pk__in=free).order_by("pk").select_for_update(of=("self",), no_key=True, skip_locked=True)
    )
    changed: list[tuple[Clock, Course, marking.Marks]] = []
    events: list[ClockEvent] = []
    for clock, rows in _with_events(locked, change):
        done = _retargeted(clock, rows, change, at)
        if done is None or isinstance(done, RuleBroken):
            continue
        course, rule = done
        event = ClockEvent(
            clock=clock,
            sequence=clock.sequence + 1,
            type=ClockEvent.Type.RETARGET,
            at=at,
            reason=reason,
            rule=rule.as_json(),
            actor_id=getattr(actor, "pk", None),
        )
        for name, value in figures_of(course, rule, last=event.type, sequence=event.sequence).items():
            setattr(clock, name, value)
        events.append(event)
        changed.append((clock, course, rule.marks))
    if changed:
        # All columns are given and every row exists: an UPDATE of many rows with their own values.
        Clock.objects.bulk_create(
            [clock for clock, _course, _marks in changed],
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=[name.removesuffix("_id") for name in FIGURES],
        )
        ClockEvent.objects.bulk_create(events)
        marking.next_round(changed, at)
        _tell_owners([clock for clock, _course, _marks in changed])
    return Piece(looked_at[-1][0], len(changed))


def move_to_newest(code: str, *, at: datetime, actor: Any, keep: Collection[int] = ()) -> int:
    """Let all open clocks of a calendar run by its newest version, but for those in `keep` (keys); how many moved.

    Piece by piece, each its own transaction where the caller has none open; one audit entry at the end.
    """
    change, moved, after = to_newest(code), 0, 0
    while True:
        piece = change_piece(
            behind_newest(code), change, at=at, actor=actor, reason=OTHER_VERSION, keep=keep, after=after
        )
        if piece.last is None:
            break
        after, moved = piece.last, moved + piece.changed
    if moved:
        calendar = WorkCalendar.objects.get(code=code)
        detail = {"code": code, "version": calendar.version, "clocks": moved, "kept": len(keep)}
        record("calendar.clocks_moved", target=calendar, actor=actor, detail=detail)
    return moved


def _with_events(clocks: list[Clock], change: Change) -> Iterator[tuple[Clock, list[ClockEvent]]]:
    if (prepare := getattr(change, "prepare", None)) is not None:
        prepare(clocks)
    rows = ClockEvent.objects.filter(clock__in=clocks).order_by("clock_id", "sequence")
    events = {key: list(group) for key, group in groupby(rows, key=lambda row: row.clock_id)}
    return ((clock, events[clock.pk]) for clock in clocks)


def _retargeted(
    clock: Clock, rows: list[ClockEvent], change: Change, at: datetime
) -> tuple[Course, Rule] | RuleBroken | None:
    """The course after the change; None when it changes nothing; the rule that forbids it."""
    before = newest_rule(rows)
    try:
        rule = change(clock, before)
        if rule == before:
            return None
        # Who was late before is no less late, and gets no new 24 hours by another's edit.
        rule = replace(rule, since=None, grace=clock.grace or not clock.is_late(at))
        course = course_of(rows)
        course.apply(Event(EventType.RETARGET, at, limit=rule.limit(), grace=rule.grace))
        check_reachable(course)
    except RuleBroken as no:
        return no
    return course, rule


def _shift(clock: Clock, rows: list[ClockEvent], change: Change, now: datetime) -> Shift | None:
    done = _retargeted(clock, rows, change, now)
    if done is None:
        return None
    before = course_of(rows).read(now)
    if isinstance(done, RuleBroken):
        return Shift(clock, before, None, False, done.code)
    after = done[0].read(now)
    return Shift(clock, before, after, after.state == "breached" != before.state)


def way_of(shift: Shift) -> str:
    """Where a clock goes: "refused", "same", "sooner" or "later", as `Shifts` counts it."""
    if shift.after is None:
        return "refused"
    return ("sooner", "same", "later")[_way(shift.before, shift.after) + 1]


def _way(before: Figures, after: Figures) -> int:
    if before.due is not None and after.due is not None:
        return (after.due > before.due) - (after.due < before.due)
    return (after.remaining > before.remaining) - (after.remaining < before.remaining)


def _hold_owners(wanted: Iterable[tuple[int, str, int]]) -> dict[str, set[int]]:
    """The owners their apps locked, by kind; kinds nobody follows are not in it."""
    owners: dict[str, list[int]] = {}
    for _key, kind, owner in wanted:
        if kind in _followers:
            owners.setdefault(kind, []).append(owner)
    return {kind: set(_followers[kind].lock(ids)) for kind, ids in owners.items()}


def _tell_owners(changed: list[Clock]) -> None:
    for kind in {clock.owner_kind for clock in changed} & _followers.keys():
        _followers[kind].changed([clock for clock in changed if clock.owner_kind == kind])
