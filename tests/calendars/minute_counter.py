"""The oracle of working time: one flag a minute, found by watching the local clock tick, nothing computed.

A window is being worked from the minute the clock first shows its start, or anything later, to the minute it
first shows its end. So the counter keeps the latest time the clock has shown: it does not go back when the
clock does.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)


def windows_on(day: date, weekly: list, days: list) -> list[tuple[int, int]]:
    """What is worked from `day` on, by reading the rules aloud: exception, else holiday table, else
    weekday.
    """
    full = next((windows for windows in weekly if windows), [])
    table = {row[0]: row for row in days if row[1] in ("HOLIDAY", "MAKEUP")}
    exceptions = {row[0]: row for row in days if row[1] not in ("HOLIDAY", "MAKEUP")}
    usual = weekly[day.weekday()]
    if day in table:
        usual = [] if table[day][1] == "HOLIDAY" else table[day][2] or full
    if day not in exceptions:
        return usual
    _, kind, windows = exceptions[day]
    if kind == "CLOSED":
        return []
    if windows:
        return windows
    usual = usual or full
    minutes = [minute for start, end in usual for minute in range(start, end)]
    return [(minute, minute + 1) for minute in minutes[: len(minutes) // 2]]


class MinuteCounter:
    """Counts working minutes in [first day, last day) of a calendar, UTC minute by UTC minute."""

    def __init__(self, zone: str, weekly: list, days: list, first: date, last: date) -> None:
        tz = ZoneInfo(zone)
        self.begin = datetime(first.year, first.month, first.day, tzinfo=UTC)
        worked: set[tuple[date, int]] = set()
        day = first - timedelta(days=3)
        while day < last + timedelta(days=3):
            for start, end in windows_on(day, weekly, days):
                for minute in range(start, end):
                    worked.add((day + timedelta(days=minute // 1440), minute % 1440))
            day += timedelta(days=1)
        self.flags = bytearray()
        shown = datetime.min
        at = self.begin - timedelta(days=1)
        end = datetime(last.year, last.month, last.day, tzinfo=UTC)
        while at < end:
            shown = max(shown, at.astimezone(tz).replace(tzinfo=None))
            if at >= self.begin:
                self.flags.append((shown.date(), shown.hour * 60 + shown.minute) in worked)
            at += MINUTE
        self.counted = [0, *accumulate(self.flags)]

    def seconds_until(self, at: datetime) -> int:
        """Working seconds from the beginning to `at` (whole seconds)."""
        minute, second = divmod(int((at - self.begin).total_seconds()), 60)
        return self.counted[minute] * 60 + (second if second and self.flags[minute] else 0)

    def seconds_between(self, start: datetime, end: datetime) -> int:
        return self.seconds_until(end) - self.seconds_until(start)

    def after(self, start: datetime, seconds: int) -> datetime | None:
        """The first second by which `seconds` more have been counted; None beyond the horizon."""
        goal = self.seconds_until(start) + seconds
        full_minutes = -(-goal // 60)
        if seconds == 0:
            return start
        if full_minutes > self.counted[-1]:
            return None
        minute = bisect_left(self.counted, full_minutes) - 1
        return self.begin + timedelta(seconds=minute * 60 + goal - self.counted[minute] * 60)

    def is_working(self, at: datetime) -> bool:
        return bool(self.flags[int((at - self.begin).total_seconds()) // 60])
