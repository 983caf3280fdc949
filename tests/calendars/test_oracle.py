"""Working-time arithmetic against the minute counter on random calendars (issue: done when 5)."""

from __future__ import annotations

import os
import random
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context

import django

from foundation.calendars.definition import Calendar, check_day
from foundation.calendars.windows import Window
from foundation.calendars.working_time import (
    add_working,
    is_working,
    next_window,
    subtract_working,
    working_between,
)
from foundation.common.errors import RuleBroken
from tests.calendars.minute_counter import MinuteCounter

# With each zone a moment near which its clock does something unusual.
ZONES = [
    ("Asia/Shanghai", date(2025, 10, 1)),
    ("Asia/Shanghai", date(1990, 9, 16)),  # summer time of 1986-1991
    ("UTC", date(2024, 2, 29)),
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2025, 10, 26)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),  # half an hour
    ("Australia/Lord_Howe", date(2025, 10, 5)),
    ("America/Havana", date(2025, 11, 2)),  # 01:00 becomes 00:00
    ("America/Santiago", date(2026, 4, 4)),  # 24:00 becomes 23:00
    ("America/Santiago", date(2025, 9, 7)),  # 00:00 becomes 01:00
    ("America/St_Johns", date(2010, 11, 7)),  # 00:01 becomes 23:01 of the day before
    ("Pacific/Apia", date(2011, 12, 30)),  # a day that never was
    ("Africa/Casablanca", date(2025, 2, 23)),
    ("Asia/Kathmandu", date(2025, 1, 1)),
]
KINDS = ["HOLIDAY", "MAKEUP", "CLOSED", "OPEN", "HALF"]
DAYS_WATCHED = 36
CASES_A_CALENDAR = 50


def random_windows(chance: random.Random, at_night: bool = True) -> list[tuple[int, int]]:
    """One to three windows of a day, in order, sometimes over midnight, sometimes touching."""
    style = chance.random()
    if style < 0.15:
        return [(0, 1440)]
    if style < 0.3 and at_night:
        start = chance.randrange(600, 1440)
        return [(start, start + chance.randrange(1, 1441))]
    marks = sorted(chance.sample(range(0, 1441, chance.choice([1, 15, 30])), chance.choice([2, 4, 6])))
    if chance.random() < 0.1 and len(marks) > 2:
        marks[2] = marks[1]
    return list(zip(marks[::2], marks[1::2], strict=True))


def random_calendar(chance: random.Random) -> tuple[str, list, list, date]:
    zone, near = chance.choice(ZONES)
    first = near - timedelta(days=chance.randrange(3, DAYS_WATCHED - 6))
    while True:
        pattern = chance.random()
        if pattern < 0.1:
            weekly = [[(0, 1440)]] * 7
        elif pattern < 0.5:
            office = random_windows(chance, at_night=False)
            weekly = [office] * 5 + [[], []]
        else:
            weekly = [random_windows(chance) if chance.random() < 0.75 else [] for _ in range(7)]
        days = []
        for offset in chance.sample(range(DAYS_WATCHED), chance.choice([0, 0, 2, 6, 12])):
            kind = chance.choice(KINDS)
            windows = (
                random_windows(chance)
                if kind == "OPEN" or (kind in ("MAKEUP", "HALF") and chance.random() < 0.3)
                else []
            )
            days.append((first + timedelta(days=offset), kind, windows))
            if chance.random() < 0.2 and kind in ("CLOSED", "OPEN", "HALF"):
                days.append((first + timedelta(days=offset), chance.choice(["HOLIDAY", "MAKEUP"]), []))
        try:
            build(zone, weekly, days)
        except RuleBroken:  # a window of the week runs into the next day's
            continue
        return zone, weekly, days, first


def build(zone: str, weekly: list, days: list) -> Calendar:
    return Calendar(
        code="RANDOM",
        zone=zone,
        weekly=tuple(tuple(Window(*pair) for pair in windows) for windows in weekly),
        days=tuple(check_day(*day) for day in days),
    )


def check_calendars(seed: int, calendars: int) -> int:
    """Draws calendars and compares 50 questions of each with the counter; returns how many were decided."""
    chance, decided = random.Random(seed), 0
    for _ in range(calendars):
        zone, weekly, days, first = random_calendar(chance)
        calendar = build(zone, weekly, days)
        counter = MinuteCounter(zone, weekly, days, first, first + timedelta(days=DAYS_WATCHED))
        seconds = DAYS_WATCHED * 86_400
        told = f"seed {seed}: {calendar!r}"
        for _ in range(CASES_A_CALENDAR):
            one, other = sorted(
                counter.begin + timedelta(seconds=chance.randrange(0, seconds, chance.choice([1, 60, 1800])))
                for _ in range(2)
            )
            between = timedelta(seconds=counter.seconds_between(one, other))
            assert working_between(one, other, calendar) == between, (told, one, other)
            assert working_between(other, one, calendar) == -between, (told, one, other)
            assert is_working(one, calendar) == counter.is_working(one), (told, one)
            amount = chance.choice([0, 1, 30, 540, chance.randrange(20_000), between // timedelta(minutes=1)])
            expected = counter.after(one, amount * 60)
            if expected is None:
                continue
            assert add_working(one, amount, calendar) == expected, (told, one, amount)
            if amount:
                begins = subtract_working(expected, amount, calendar)
                assert counter.seconds_between(begins, expected) == amount * 60, (told, expected, amount)
                assert counter.is_working(begins), (told, expected, amount)
            opens, closes = None, None
            first_working = counter.after(one, 1)
            if first_working is not None:
                opens = first_working - timedelta(seconds=1)
                found = next_window(one, calendar)
                assert found.opens == opens, (told, one)
                minute = int((opens - counter.begin).total_seconds()) // 60
                rest = counter.flags.find(0, minute)
                if rest != -1:
                    closes = counter.begin + timedelta(minutes=rest)
                    assert found.closes == closes or (found.closes is None and rest - minute >= 31 * 1440), (
                        told,
                        one,
                    )
            decided += 1
    return decided


def test_arithmetic_equals_the_minute_counter() -> None:
    if os.environ.get("CARELINE_DEEP"):
        seeds = range(1_000, 1_230)
        with ProcessPoolExecutor(
            max_workers=os.cpu_count(), mp_context=get_context("spawn"), initializer=django.setup
        ) as pool:
            assert sum(pool.map(check_calendars, seeds, [10] * len(seeds))) >= 100_000
    else:
        assert check_calendars(seed=20260101, calendars=40) >= 1_800


def test_years_of_working_time_equal_the_minute_counter() -> None:
    weekly = [[(540, 720), (780, 1080)]] * 5 + [[(600, 800)], [(60, 300)]]  # the clock changes on a Sunday
    days = [(date(2025, 10, day), "HOLIDAY", []) for day in range(1, 9)] + [(date(2026, 5, 9), "MAKEUP", [])]
    calendar = build("Europe/Berlin", weekly, days)
    counter = MinuteCounter("Europe/Berlin", weekly, days, date(2025, 1, 1), date(2027, 1, 1))
    start = datetime(2025, 1, 3, 9, 41, 7, tzinfo=UTC)
    for amount in range(0, 240_000, 7_919):
        expected = counter.after(start, amount * 60)
        assert add_working(start, amount, calendar) == expected
        assert working_between(start, expected, calendar) == timedelta(minutes=amount)
