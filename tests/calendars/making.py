"""Calendars of the named cases of working time."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from foundation.calendars.definition import Calendar, check_day
from foundation.calendars.windows import read_windows

SHANGHAI = "Asia/Shanghai"
OFFICE = (read_windows("09:00-18:00"),) * 5 + ((), ())
ALWAYS = (read_windows("00:00-24:00"),) * 7
NIGHTS = (read_windows("22:00-06:00"),) * 7
CLOSED_WEEK = ((),) * 7


def calendar(weekly: tuple = OFFICE, *days: tuple, zone: str = SHANGHAI, day_minutes: int = 540) -> Calendar:
    """`days`: (iso date, kind, windows as typed)."""
    special = tuple(
        check_day(date.fromisoformat(day), kind, read_windows(*typed) if typed else ()) for day, kind, *typed in days
    )
    return Calendar("TEST", zone, weekly, special, day_minutes=day_minutes)


def at(text: str, zone: str = SHANGHAI, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


# May Day 2026 as China has it: off from Friday 1 to Tuesday 5, made up on Saturday 9.
MAY_2026 = (
    ("2026-05-01", "HOLIDAY"),
    ("2026-05-04", "HOLIDAY"),
    ("2026-05-05", "HOLIDAY"),
    ("2026-05-09", "MAKEUP"),
)
