"""Windows of a day: when work is done, as minutes of the local clock counted from the day's own midnight.

A window begins on its day (0..1439) and lasts at most 24 hours; an end above 1440 lies on the next day, so
22:00-06:00 is `Window(1320, 1800)`. The start belongs to the window, the end does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from foundation.common.errors import RuleBroken

DAY = 1440
_RANGE = re.compile(r"(\d{1,2})[:：](\d{2})\s*[-–~～\u81f3]\s*(\d{1,2})[:：](\d{2})")
_SEPARATOR = re.compile(r"\s*[,，;；、\n]\s*")


class Window(NamedTuple):
    """Minutes [start, end) of the local clock, counted from midnight of the day the window begins on."""

    start: int
    end: int

    def __str__(self) -> str:
        end = self.end if self.end == DAY else self.end % DAY
        return f"{self.start // 60:02}:{self.start % 60:02}-{end // 60:02}:{end % 60:02}"


def check_windows(windows: Iterable[Sequence[int]]) -> tuple[Window, ...]:
    """The windows of one day in order of time.

    In: pairs of minutes. Refuses (RuleBroken `calendars.window`) anything that is no pair of whole numbers, a
    start outside the day, an empty window, one longer than 24 hours, and two that overlap.
    """
    found: list[Window] = []
    for pair in windows:
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
            raise RuleBroken("calendars.window", _("A window needs a start and an end."))
        start, end = pair
        if type(start) is not int or type(end) is not int:
            raise RuleBroken("calendars.window", _("A window is given in whole minutes of the day."))
        if not 0 <= start < DAY:
            raise RuleBroken("calendars.window", _("A window must begin between 00:00 and 23:59 of its day."))
        if not start < end <= start + DAY:
            raise RuleBroken("calendars.window", _("A window must end after it begins, at most 24 hours later."))
        found.append(Window(start, end))
    found.sort()
    for before, after in pairwise(found):
        if after.start < before.end:
            raise RuleBroken(
                "calendars.window",
                _("The windows %(one)s and %(other)s overlap.") % {"one": before, "other": after},
            )
    return tuple(found)


def check_week(weekly: Sequence[Iterable[Sequence[int]]]) -> tuple[tuple[Window, ...], ...]:
    """The windows of the seven weekdays, Monday first.

    Refuses (RuleBroken) what `check_windows` refuses, a week of other than seven days, and a window that runs
    over midnight into a window of the next day (Sunday into Monday too).
    """
    if len(weekly) != 7:
        raise RuleBroken("calendars.week", _("A week has seven days, Monday first."))
    checked = tuple(check_windows(day) for day in weekly)
    for day in range(7):
        tomorrow = checked[(day + 1) % 7]
        if checked[day] and tomorrow and checked[day][-1].end - DAY > tomorrow[0].start:
            raise RuleBroken(
                "calendars.window",
                _("The window %(one)s runs into %(other)s of the next day.")
                % {"one": checked[day][-1], "other": tomorrow[0]},
            )
    return checked


def read_windows(text: str) -> tuple[Window, ...]:
    """Windows as a person types them: "09:00-12:00, 13:30-18:00"; an end not after its start lies on the next
    day.

    "00:00-24:00" is the whole day; an empty text is a closed day. Refuses (RuleBroken `calendars.window`)
    other words and what `check_windows` refuses.
    """
    pairs = []
    for part in _SEPARATOR.split(text.strip()) if text.strip() else []:
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            raise RuleBroken(
                "calendars.window",
                _("Write windows as 09:00-12:00, 13:30-18:00; not “%(text)s”.") % {"text": part[:40]},
            )
        hours, minutes, end_hours, end_minutes = (int(number) for number in match.groups())
        start, end = hours * 60 + minutes, end_hours * 60 + end_minutes
        if minutes > 59 or end_minutes > 59 or start >= DAY or end > DAY:
            raise RuleBroken("calendars.window", _("“%(text)s” is no time of day.") % {"text": part[:40]})
        pairs.append((start, end if end > start else end + DAY))
    return check_windows(pairs)


def write_windows(windows: Iterable[Window]) -> str:
    """Windows as `read_windows` takes them."""
    return ", ".join(str(window) for window in windows)


def windows_json(windows: Iterable[Window]) -> list[list[int]]:
    """Windows as they are stored."""
    return [[window.start, window.end] for window in windows]


def merge(windows: Iterable[tuple[int, int]]) -> tuple[Window, ...]:
    """The same minutes as disjoint windows that do not touch, in order."""
    merged: list[Window] = []
    for start, end in sorted(windows):
        if merged and start <= merged[-1].end:
            merged[-1] = Window(merged[-1].start, max(end, merged[-1].end))
        elif start < end:
            merged.append(Window(start, end))
    return tuple(merged)


def first_half(windows: Sequence[Window]) -> tuple[Window, ...]:
    """The first half of the minutes of `windows` (rounded down): a half day counts half (D§1.2)."""
    left = sum(window.end - window.start for window in windows) // 2
    half = []
    for window in windows:
        length = min(left, window.end - window.start)
        if length > 0:
            half.append(Window(window.start, window.start + length))
            left -= length
    return tuple(half)


def as_pairs(stored: Any) -> list[Sequence[int]]:
    """A stored list of windows, refused (RuleBroken) when it is no list."""
    if not isinstance(stored, list | tuple):
        raise RuleBroken("calendars.window", _("Windows are a list of pairs of minutes."))
    return list(stored)
