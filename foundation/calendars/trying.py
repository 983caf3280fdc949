"""Rehearsing a clock: one written case in, its figures with their explanation out (design §4). Nothing is written and
nothing is read from the database.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from django.utils.translation import gettext_noop as _

from foundation.calendars.clock_engine import Course, Event, EventType, run
from foundation.calendars.clock_words import explain
from foundation.calendars.definition import Calendar, Day, DayKind, check_day, check_zone
from foundation.calendars.limits import Limit, Runs, Target, Unit
from foundation.calendars.windows import DAY, Window, check_windows
from foundation.calendars.working_time import EARLIEST_YEAR, LATEST_YEAR
from foundation.common.errors import RuleBroken
from foundation.common.trying import BadCase

MINUTE = timedelta(minutes=1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOURS_KEYS = frozenset({"zone", "windows", "exceptions", "kind", "day_minutes"})
CASE_KEYS = HOURS_KEYS | {"target", "events", "now", "note"}
EVENT_KEYS = {
    EventType.START: frozenset({"at", "type", "reason", "note"}),
    EventType.PAUSE: frozenset({"at", "type", "id", "reason", "evidence", "until", "note"}),
    EventType.RESUME: frozenset({"at", "type", "id", "reason", "evidence", "note"}),
    EventType.RETARGET: HOURS_KEYS | {"at", "type", "target", "since", "reason", "note"},
    EventType.STOP: frozenset({"at", "type", "reason", "note"}),
}
UNITS = ("hours", "working_days", "calendar_days")
_NEAR = Fraction(1, 10_000)
_TIME = re.compile(r"(\d{2}):(\d{2})", re.ASCII)


def try_clock(case: Any) -> dict[str, Any]:
    """The answer to one case (format: docs/try.md). Raises BadCase."""
    _known(case, CASE_KEYS, "a case")
    missing = sorted({"zone", "kind", "target", "events", "now"} - case.keys())
    if missing:
        raise BadCase(f"missing: {', '.join(missing)}")
    now = _moment(case["now"], "now")
    hours = {key: case[key] for key in HOURS_KEYS & case.keys()}
    if not isinstance(case["events"], list) or not case["events"]:
        raise BadCase("events must be a list that begins with the start")
    try:
        reader = _Reader(hours, case["target"], _limit(hours, case["target"]))
        for number, given in enumerate(case["events"], 1):
            try:
                reader.take(given)
            except (BadCase, RuleBroken) as error:
                raise BadCase(f"event {number}: {error}") from error
        return _answer(reader, now)
    except RuleBroken as error:
        raise BadCase(str(error)) from error


def _answer(reader: _Reader, now: datetime) -> dict[str, Any]:
    past = [event for event in reader.events if event.at <= now] or reader.events[:1]
    course, why = run(past), explain(past, now)
    figures = course.read(now)
    for at in reader.passed_over:
        words = _("The pause of %(value)s counts for nothing: a limit by the end of a day never pauses.")
        why.add("pause", at.astimezone(course.limit.zone).isoformat(), "try", words, "D§10.5")
    if len(past) < len(reader.events):
        words = _("Events after now, not counted: %(value)s.")
        why.add("now", len(reader.events) - len(past), "try", words)
    return {
        "due": figures.due.astimezone(course.limit.zone).isoformat() if figures.due else None,
        "elapsed_minutes": figures.elapsed // MINUTE,
        "remaining_minutes": figures.remaining // MINUTE,
        "state": figures.state.value,
        "why": [
            {"input": step.input, "value": step.value, "rule": step.rule, "source": step.source, "words": words}
            for step, words in zip(why.steps, why.in_words(), strict=True)
        ],
    }


@dataclass(slots=True)
class _Reader:
    """Reads events one after the other, as the engine takes them. Pauses of the statutory form are passed over."""

    hours: dict[str, Any]
    target: Any
    limit: Limit
    events: list[Event] = field(default_factory=list)
    passed_over: list[datetime] = field(default_factory=list)
    course: Course | None = None
    _last: datetime | None = None
    _open: list[_Pause] = field(default_factory=list)
    _void: list[_Pause] = field(default_factory=list)

    def take(self, given: Any) -> None:
        """One more event. Raises BadCase and RuleBroken."""
        if not isinstance(given, dict):
            raise BadCase("an event is an object")
        kind = given.get("type")
        if not isinstance(kind, str) or kind.upper() not in EVENT_KEYS or kind != kind.lower():
            raise BadCase(f"type must be one of {', '.join(type.lower() for type in EVENT_KEYS)}")
        type = EventType(kind.upper())
        _known(given, EVENT_KEYS[type], f"a {kind}")
        at = _moment(given.get("at"), "at")
        if self._last is not None and at < self._last:
            raise BadCase("events go in order of time")
        self._last = at
        event = self._event(type, at, given)
        if event is None:
            return
        if self.course is None:
            self.course = Course.begin(event)
        else:
            self.course.apply(event)
        self.events.append(event)

    def _event(self, type: EventType, at: datetime, given: dict[str, Any]) -> Event | None:
        reason = _text(given, "reason")
        if type == EventType.START:
            return Event(type, at, limit=self.limit, reason=reason)
        if type == EventType.PAUSE:
            return self._pause(at, _id(given), reason)
        if type == EventType.RESUME:
            return self._resume(at, _id(given), reason)
        if type == EventType.RETARGET:
            changed = {key: given[key] for key in HOURS_KEYS & given.keys()}
            if not changed and not given.keys() & {"target", "since"}:
                raise BadCase("a retarget names a target, hours or an earlier start")
            self.hours = {**self.hours, **changed}
            self.target = given.get("target", self.target)
            self.limit = _limit(self.hours, self.target)
            since = _moment(given["since"], "since") if "since" in given else None
            return Event(type, at, limit=self.limit, since=since, reason=reason)
        return Event(type, at, reason=reason)

    def _pause(self, at: datetime, id: str | int | None, reason: str) -> Event | None:
        pause = _Pause(len(self.events) + 1, id, reason)
        if id is not None and any(other.id == id for other in self._open + self._void):
            raise BadCase(f"the pause {id} is open already")
        if self.course is not None and self.course.stopped_at is None and self.limit.never_pauses:
            self._void.append(pause)
            self.passed_over.append(at)
            return None
        self._open.append(pause)
        return Event(EventType.PAUSE, at, pause=pause.number, reason=reason)

    def _resume(self, at: datetime, id: str | int | None, reason: str) -> Event | None:
        for pauses in (self._open, self._void):
            found = [pause for pause in pauses if pause.id == id] if id is not None else pauses
            if found:
                # One that says why it stood still ends that pause, any other the one that is open longest.
                pause = next((pause for pause in found if reason and pause.reason == reason), found[0])
                pauses.remove(pause)
                return Event(EventType.RESUME, at, pause=pause.number) if pauses is self._open else None
        return Event(EventType.RESUME, at, pause=0)


@dataclass(frozen=True, slots=True)
class _Pause:
    number: int
    id: str | int | None
    reason: str


def _limit(hours: dict[str, Any], target: Any) -> Limit:
    kind = hours["kind"]
    if not isinstance(kind, str) or kind not in {runs.value for runs in Runs}:
        raise BadCase(f"kind must be one of {', '.join(Runs)}")
    if kind == Runs.WORKING and "windows" not in hours:
        raise BadCase("missing: windows")
    calendar = _calendar(hours)
    return Limit(_target(target, calendar.day_minutes), Runs(kind), calendar)


def _calendar(hours: dict[str, Any]) -> Calendar:
    zone, given = hours["zone"], hours.get("windows", {})
    if not isinstance(zone, str):
        raise BadCase("zone must be the name of a time zone, as Europe/Berlin")
    _known(given, frozenset(WEEKDAYS), "windows")
    weekly = tuple(_windows(given.get(day, []), f"windows of {day}") for day in WEEKDAYS)
    always = all(sum(window.end - window.start for window in day) == DAY for day in weekly)
    return Calendar(
        code="GIVEN",
        zone=check_zone(zone),
        weekly=weekly,
        days=tuple(_exceptions(hours.get("exceptions", []))),
        day_minutes=hours.get("day_minutes", DAY if always else 540),
    )


def _exceptions(given: Any) -> list[Day]:
    if not isinstance(given, list):
        raise BadCase("exceptions must be a list")
    days = []
    for one in given:
        _known(one, frozenset({"date", "windows", "note"}), "an exception")
        try:
            day = date.fromisoformat(one["date"])
        except (KeyError, TypeError, ValueError):
            raise BadCase("an exception needs a date as 2026-10-01") from None
        windows = _windows(one.get("windows", []), f"windows of {day}")
        days.append(check_day(day, DayKind.OPEN if windows else DayKind.CLOSED, windows))
    return days


def _windows(given: Any, name: str) -> tuple[Window, ...]:
    if not isinstance(given, list):
        raise BadCase(f"{name} must be a list of [start, end]")
    pairs = []
    for pair in given:
        if not isinstance(pair, list) or len(pair) != 2:
            raise BadCase(f'{name} must be pairs as ["09:00", "18:00"]')
        start, end = _minute(pair[0], name), _minute(pair[1], name)
        if start == DAY:
            raise BadCase(f"{name}: a window cannot begin at 24:00")
        pairs.append((start, end if end > start else end + DAY))
    return check_windows(pairs)


def _minute(text: Any, name: str) -> int:
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    hour, minute = (int(number) for number in match.groups()) if match else (99, 0)
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        raise BadCase(f"{name}: a time of day is written 00:00 to 24:00")
    return hour * 60 + minute


def _target(given: Any, day_minutes: int) -> Target:
    _known(given, frozenset({*UNITS, "end_of_day"}), "a target")
    units = [unit for unit in UNITS if unit in given]
    if len(units) != 1:
        raise BadCase(f"a target names one of {', '.join(UNITS)}")
    unit, end_of_day = units[0], given.get("end_of_day", False)
    if not isinstance(end_of_day, bool):
        raise BadCase("end_of_day must be true or false")
    if end_of_day and unit != "calendar_days":
        raise BadCase("end_of_day goes with calendar_days")
    amount = _number(given[unit], unit)
    if unit == "hours":
        return Target(Unit.MINUTES, _whole(amount * 60, "a target is whole minutes"))
    if end_of_day:
        return Target(Unit.DAY_END, _whole(amount, "the end of a day is reached in whole days"))
    if amount.denominator == 1:
        return Target(Unit.WORKING_DAYS if unit == "working_days" else Unit.CALENDAR_DAYS, int(amount))
    length = day_minutes if unit == "working_days" else DAY
    return Target(Unit.MINUTES, _whole(amount * length, "a target is whole minutes"))


def _number(value: Any, name: str) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadCase(f"{name} must be a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise BadCase(f"{name} must be a number")
    return Fraction(repr(value))


def _whole(amount: Fraction, words: str) -> int:
    """A whole number, also where a third of an hour was written with as many digits as there are."""
    if abs(amount - round(amount)) > _NEAR:
        raise BadCase(words)
    return round(amount)


def _moment(text: Any, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise BadCase(f"{name} must be a moment as 2026-11-22T21:00+08:00") from None
    if moment.tzinfo is None:
        raise BadCase(f"{name} must say its zone, as 2026-11-22T21:00+08:00")
    if not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
        raise BadCase(f"{name} must lie between the years {EARLIEST_YEAR} and {LATEST_YEAR}")
    return moment.astimezone(UTC)


def _known(given: Any, known: Collection[str], what: str) -> None:
    if not isinstance(given, dict):
        raise BadCase(f"{what} must be an object")
    if unknown := sorted(given.keys() - known):
        raise BadCase(f"unknown in {what}: {', '.join(unknown)}; known: {', '.join(sorted(known))}")


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise BadCase(f"{name} must be a text")
    return value or ""


def _id(given: dict[str, Any]) -> str | int | None:
    value = given.get("id")
    if value is not None and (isinstance(value, bool) or not isinstance(value, str | int)):
        raise BadCase("id must be a text or a number")
    return value
