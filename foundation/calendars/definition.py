"""A work calendar as a value: frozen, comparable, free of the database; what a clock computes with and what a
version stores.

Precedence of a date (exemplars §10): exceptions (CLOSED, OPEN, HALF) over the holiday table (HOLIDAY, MAKEUP)
over the weekday. A window belongs to the day it begins on: closing a day removes the night that begins on it
and leaves the end of the night before. Where windows of two days overlap by an exception, the time counts
once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from foundation.calendars.instants import changes_of, first_instant
from foundation.calendars.windows import (
    DAY,
    Window,
    as_pairs,
    check_week,
    check_windows,
    first_half,
    merge,
    windows_json,
)
from foundation.common.errors import RuleBroken

FIRST_YEAR, LAST_YEAR = 1990, 2199


class DayKind(StrEnum):
    """HOLIDAY and MAKEUP are the statutory table, the others exceptions of this calendar."""

    HOLIDAY = "HOLIDAY"
    MAKEUP = "MAKEUP"
    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF = "HALF"


TABLE_KINDS = frozenset({DayKind.HOLIDAY, DayKind.MAKEUP})
CLOSED_KINDS = frozenset({DayKind.HOLIDAY, DayKind.CLOSED})


class Day(NamedTuple):
    """What is special about one date. MAKEUP and HALF may leave the windows out, OPEN must name them, the
    others have none.
    """

    date: date
    kind: DayKind
    windows: tuple[Window, ...] = ()


class Span(NamedTuple):
    """A stretch of working time in UTC, [start, end)."""

    start: datetime
    end: datetime


def check_day(day: date, kind: str, windows: Iterable[Any] = ()) -> Day:
    """A special day in its checked form; refuses (RuleBroken) an unknown kind, a date out of range,
    windows the kind does not take, and an OPEN day without windows.
    """
    try:
        kind = DayKind(kind)
    except ValueError:
        raise RuleBroken("calendars.day_kind", _("“%(kind)s” is no kind of day.") % {"kind": str(kind)[:20]}) from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise RuleBroken(
            "calendars.day_range",
            _("A calendar day lies between the years %(first)s and %(last)s.")
            % {"first": FIRST_YEAR, "last": LAST_YEAR},
        )
    checked = check_windows(windows)
    if kind in CLOSED_KINDS and checked:
        raise RuleBroken("calendars.day_windows", _("A holiday or closed day has no windows."))
    if kind == DayKind.OPEN and not checked:
        raise RuleBroken("calendars.day_windows", _("An open day needs its windows."))
    return Day(day, kind, checked)


def check_zone(name: str) -> str:
    """The IANA name of a time zone. Refuses (RuleBroken `calendars.zone`) a name this machine does not
    know.
    """
    try:
        _zone(name)
    except (KeyError, ValueError, OSError):
        raise RuleBroken("calendars.zone", _("“%(name)s” is no known time zone.") % {"name": name[:40]}) from None
    return name


@lru_cache(maxsize=128)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@dataclass(frozen=True)
class Calendar:
    """A work calendar at one version.

    `weekly`: windows of the seven weekdays, Monday first. `days`: the special days, at most one of the table
    and one exception a date. `day_minutes`: what one working day is worth (D§1.2: 540; round the clock 1440).
    Building one checks all of it and raises RuleBroken.
    """

    code: str
    zone: str
    weekly: tuple[tuple[Window, ...], ...]
    days: tuple[Day, ...] = ()
    day_minutes: int = 540
    version: int = 0
    tz: ZoneInfo = field(init=False, repr=False, compare=False)
    always_open: bool = field(init=False, repr=False, compare=False)
    week_minutes: int = field(init=False, repr=False, compare=False)
    special: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _week: tuple[tuple[Window, ...], ...] = field(init=False, repr=False, compare=False)
    _week_sums: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _rules: dict[int, tuple[Window, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if type(self.day_minutes) is not int or not 1 <= self.day_minutes <= DAY:
            raise RuleBroken("calendars.day_minutes", _("A working day is worth between 1 and 1440 minutes."))
        put = lambda name, value: object.__setattr__(self, name, value)  # noqa: E731
        put("tz", _zone(check_zone(self.zone)))
        put("weekly", check_week(self.weekly))
        put("days", tuple(sorted(check_day(*day) for day in self.days)))
        put("_rules", self._resolve())
        ordinals = set(self._rules)
        put("special", tuple(sorted(ordinals | {ordinal + 1 for ordinal in ordinals})))
        put("_week", tuple(_slots(self.weekly[day], self.weekly[day - 1]) for day in range(7)))
        put("_week_sums", tuple(sum(w.end - w.start for w in slots) for slots in self._week))
        put("week_minutes", sum(self._week_sums))
        put("always_open", self.week_minutes == 7 * DAY and not self._rules)

    def _resolve(self) -> dict[int, tuple[Window, ...]]:
        full = next((windows for windows in self.weekly if windows), ())
        table: dict[int, Day] = {}
        exceptions: dict[int, Day] = {}
        for day in self.days:
            layer = table if day.kind in TABLE_KINDS else exceptions
            if day.date.toordinal() in layer:
                raise RuleBroken("calendars.day_twice", _("%(date)s is listed twice.") % {"date": day.date.isoformat()})
            layer[day.date.toordinal()] = day
        rules: dict[int, tuple[Window, ...]] = {}
        for ordinal in table.keys() | exceptions.keys():
            windows = self.weekly[(ordinal - 1) % 7]
            if (listed := table.get(ordinal)) is not None:
                windows = () if listed.kind == DayKind.HOLIDAY else listed.windows or full
            if (own := exceptions.get(ordinal)) is not None:
                windows = own.windows
                if own.kind == DayKind.HALF and not windows:
                    windows = first_half(self._otherwise(ordinal, table, full))
            rules[ordinal] = windows
        return rules

    def _otherwise(self, ordinal: int, table: dict[int, Day], full: tuple[Window, ...]) -> tuple[Window, ...]:
        day = table.get(ordinal)
        if day is None:
            return self.weekly[(ordinal - 1) % 7] or full
        return day.windows or full

    def windows_of(self, day: date) -> tuple[Window, ...]:
        """The windows that begin on `day`, after all exceptions."""
        ordinal = day.toordinal()
        return self._rules.get(ordinal, self.weekly[(ordinal - 1) % 7])

    def is_plain(self, ordinal: int) -> bool:
        """True when the day follows its weekday and the zone does not change its offset in it."""
        at = bisect_left(self.special, ordinal)
        return not (at < len(self.special) and self.special[at] == ordinal) and ordinal not in changes_of(
            self.zone, date.fromordinal(ordinal).year
        )

    def plain_until(self, ordinal: int) -> int:
        """The first day after `ordinal` (ordinals) that may not be plain; at most the next 1 January."""
        year = date.fromordinal(ordinal).year
        end = date(year + 1, 1, 1).toordinal()
        at = bisect_left(self.special, ordinal)
        if at < len(self.special):
            end = min(end, self.special[at])
        return min([end, *(change for change in changes_of(self.zone, year) if change >= ordinal)])

    def minutes_on(self, ordinal: int) -> timedelta:
        """Working time of one local day, real minutes (a day the clock changes may hold more or fewer)."""
        if self.is_plain(ordinal):
            return timedelta(minutes=self._week_sums[(ordinal - 1) % 7])
        return sum((span.end - span.start for span in self.spans_on(ordinal)), timedelta())

    def spans_on(self, ordinal: int) -> list[Span]:
        """The working time of one local day in UTC, disjoint and in order.

        The day reaches from the first instant its clock shows 00:00 to that of the next day; windows that
        began the day before and run on are part of it.
        """
        weekday, midnight = (ordinal - 1) % 7, datetime.fromordinal(ordinal)
        slots = self._week[weekday]
        if ordinal in self._rules or ordinal - 1 in self._rules:
            slots = _slots(
                self._rules.get(ordinal, self.weekly[weekday]),
                self._rules.get(ordinal - 1, self.weekly[weekday - 1]),
            )
        spans = []
        for start, end in slots:
            span = Span(
                first_instant(midnight + timedelta(minutes=start), self.tz),
                first_instant(midnight + timedelta(minutes=end), self.tz),
            )
            if span.start < span.end:
                spans.append(span)
        return spans

    def as_json(self) -> dict[str, Any]:
        """The definition as a version stores it; `from_json` gives an equal calendar."""
        return {
            "zone": self.zone,
            "day_minutes": self.day_minutes,
            "weekly": [windows_json(windows) for windows in self.weekly],
            "days": [[day.date.isoformat(), day.kind.value, windows_json(day.windows)] for day in self.days],
        }

    @classmethod
    def from_json(cls, code: str, version: int, stored: Mapping[str, Any]) -> Calendar:
        """The calendar a version stored. Raises RuleBroken when the definition breaks a rule."""
        return cls(
            code=code,
            version=version,
            zone=stored["zone"],
            day_minutes=stored["day_minutes"],
            weekly=tuple(check_windows(as_pairs(windows)) for windows in stored["weekly"]),
            days=tuple(
                check_day(date.fromisoformat(day), kind, as_pairs(windows)) for day, kind, windows in stored["days"]
            ),
        )


def _slots(today: Iterable[Window], yesterday: Iterable[Window]) -> tuple[Window, ...]:
    """Minutes of one day from its own windows and the ends of yesterday's, disjoint."""
    pieces = [(window.start, min(window.end, DAY)) for window in today]
    pieces += [(max(0, window.start - DAY), window.end - DAY) for window in yesterday if window.end > DAY]
    return merge(pieces)
