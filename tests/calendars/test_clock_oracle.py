"""Clocks against the minute clock on random hours, pauses, changes of the limit and of the zone (done when 1)."""

from __future__ import annotations

import os
import random
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context
from typing import Any
from zoneinfo import ZoneInfo

import django
import pytest

from foundation.calendars.clock_engine import Course, Event, EventType
from foundation.calendars.definition import Calendar
from foundation.calendars.limits import Limit, Runs, Target
from foundation.calendars.trying import try_clock
from tests.calendars.minute_clock import MinuteClock, bits_of
from tests.calendars.minute_counter import MinuteCounter, windows_on
from tests.calendars.test_oracle import DAYS_WATCHED, ZONES, build, random_calendar

MINUTE = timedelta(minutes=1)
END = DAYS_WATCHED * 1440
STEPS = [0, 1, 7, 30, 60, 240, 540, 1440]
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Hours = tuple[Calendar, int, dict[str, Any]]


def hours_of(zone: str, weekly: list, days: list, first: date) -> Hours:
    """A calendar, the bits of its minutes, and the same as `clock_try` takes it."""
    counter = MinuteCounter(zone, weekly, days, first, first + timedelta(days=DAYS_WATCHED))
    written = {
        "zone": zone,
        "windows": {name: written_windows(windows) for name, windows in zip(WEEKDAYS, weekly, strict=True)},
        "exceptions": [
            {"date": day.isoformat(), "windows": written_windows(windows_on(day, weekly, days))}
            for day in sorted({row[0] for row in days})
        ],
        "day_minutes": 540,
    }
    return build(zone, weekly, days), bits_of(counter), written


def written_windows(windows: list[tuple[int, int]]) -> list[list[str]]:
    joined: list[tuple[int, int]] = []
    for start, end in windows:  # the oracle counts half a day minute by minute
        if joined and joined[-1][1] == start and end - joined[-1][0] <= 1440:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return [[clock_face(start), clock_face(end if end <= 1440 else end - 1440)] for start, end in joined]


def clock_face(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def random_limit(chance: random.Random, hours: Hours) -> tuple[Limit, int, dict[str, Any]]:
    """A limit, the bits of the minutes it runs, and its words."""
    calendar, bits, written = hours
    if chance.random() < 0.3:
        if chance.random() < 0.3:
            days = chance.randrange(1, 6)
            limit, words = Limit(Target.calendar_days(days), Runs.CALENDAR, calendar), {"calendar_days": days}
        else:
            minutes = chance.choice([1, 30, 60, 1440, chance.randrange(1, 6_000)])
            limit, words = Limit(Target.minutes(minutes), Runs.CALENDAR, calendar), as_hours(minutes)
        return limit, (1 << (END + 1)) - 1, {**written, "kind": "CALENDAR", "target": words}
    if chance.random() < 0.3:
        days = chance.randrange(1, 5)
        limit, words = Limit(Target.working_days(days), Runs.WORKING, calendar), {"working_days": days}
    else:
        minutes = chance.choice([1, 30, 60, 240, 540, chance.randrange(1, 4_000)])
        limit, words = Limit(Target.minutes(minutes), Runs.WORKING, calendar), as_hours(minutes)
    return limit, bits, {**written, "kind": "WORKING", "target": words}


def as_hours(minutes: int) -> dict[str, Any]:
    return {"hours": minutes // 60 if minutes % 60 == 0 else minutes / 60}


def random_course(chance: random.Random, hours: list[Hours], begin: datetime) -> tuple[list, MinuteClock, int]:
    """Events as the engine and as the command take them, the oracle after them, and a moment not before the last."""

    def moment(minute: int) -> datetime:
        return begin + minute * MINUTE

    minute = chance.randrange(END // 2)
    limit, bits, words = random_limit(chance, hours[0])
    oracle = MinuteClock(bits, limit.amount() // MINUTE, minute, END)
    events = [Event(EventType.START, moment(minute), limit=limit)]
    lines: list[dict[str, Any]] = [{"type": "start"}]
    number = 0
    for _step in range(chance.choice([0, 1, 2, 2, 4, 6, 10])):
        later = chance.choice([*STEPS, chance.randrange(3_000)])
        if chance.random() < 0.15 and oracle.due is not None:
            later = oracle.due - minute  # just in time
        if not 0 <= later <= END - 1 - minute:
            continue
        minute += later
        act = chance.choice(
            ["pause", "pause", "resume", "resume", "retarget", "stop" if chance.random() < 0.3 else "pause"]
        )
        if act == "pause":
            number += 1
            oracle.pause(number, minute)
            events.append(Event(EventType.PAUSE, moment(minute), pause=number))
            lines.append({"type": "pause", "id": number})
        elif act == "resume" and oracle.pauses:
            ending = chance.choice(sorted(oracle.pauses))
            oracle.resume(ending, minute)
            events.append(Event(EventType.RESUME, moment(minute), pause=ending))
            lines.append({"type": "resume", "id": ending})
        elif act == "retarget":
            limit, bits, words_now = random_limit(chance, chance.choice(hours))
            oracle.retarget(bits, limit.amount() // MINUTE, minute)
            events.append(Event(EventType.RETARGET, moment(minute), limit=limit))
            lines.append({"type": "retarget", **words_now})
        elif act == "stop":
            oracle.stop(minute)
            events.append(Event(EventType.STOP, moment(minute)))
            lines.append({"type": "stop"})
            break
        else:
            minute -= later
    now = min(END, minute + chance.choice([0, 0, 1, 60, 1440, chance.randrange(20_000)]))
    zone = ZoneInfo(words["zone"])
    for event, line in zip(events, lines, strict=True):
        line["at"] = event.at.astimezone(chance.choice([zone, UTC])).isoformat()
    return [events, {**words, "events": lines, "now": moment(now).isoformat()}], oracle, now


def check_clocks(seed: int, boards: int, cases: int) -> int:
    """Draws pairs of calendars with `cases` clocks each and compares every figure; returns how many were compared."""
    chance, compared = random.Random(seed), 0
    for _board in range(boards):
        first_hours = random_calendar(chance)
        zone, weekly, days, first = random_calendar(chance)
        shift = first_hours[3] - first
        days = [(day + shift, *rest) for day, *rest in days]
        hours = [hours_of(*first_hours), hours_of(zone, weekly, days, first_hours[3])]
        begin = datetime(*first_hours[3].timetuple()[:3], tzinfo=UTC)
        for case in range(cases):
            (events, line), oracle, now = random_course(chance, hours, begin)
            course = Course.begin(events[0])
            for event in events[1:]:
                course.apply(event)
            figures = course.read(begin + now * MINUTE)
            due, elapsed, remaining, state = oracle.read(now)
            told = f"seed {seed}: {line}"
            assert figures.state == state, told
            assert figures.elapsed == elapsed * MINUTE, told
            assert figures.remaining == remaining * MINUTE, told
            if due is None or due <= END:
                assert figures.due == (None if due is None else begin + due * MINUTE), told
            else:
                assert figures.due is None or figures.due > begin + END * MINUTE, told
            if case % 25 == 0:
                answer = try_clock(line)
                assert (answer["elapsed_minutes"], answer["remaining_minutes"]) == (elapsed, remaining), told
                assert answer["state"] == state, told
                said = None if answer["due"] is None else datetime.fromisoformat(answer["due"])
                assert said == figures.due and all(step["words"] for step in answer["why"]), told
            compared += 1
    return compared


@pytest.mark.covers("CMP-09", "CMP-28")
def test_every_figure_of_a_clock_equals_the_minute_clock() -> None:
    if os.environ.get("CARELINE_DEEP"):
        seeds = range(2_000, 2_200)
        with ProcessPoolExecutor(
            max_workers=os.cpu_count(), mp_context=get_context("spawn"), initializer=django.setup
        ) as pool:
            compared = sum(pool.map(check_clocks, seeds, [2] * len(seeds), [2_500] * len(seeds)))
        assert compared >= 1_000_000
    else:
        assert check_clocks(seed=20260104, boards=3, cases=300) == 900


@pytest.mark.covers("CMP-09")
def test_the_end_of_day_n_is_found_by_watching_the_clock() -> None:
    chance = random.Random(3)
    for _ in range(40):
        zone, near = chance.choice(ZONES)
        tz, days = ZoneInfo(zone), chance.randrange(0, 20)
        at = datetime(near.year, near.month, near.day, tzinfo=UTC) - timedelta(minutes=chance.randrange(30 * 1440))
        calendar = Calendar(code="Z", zone=zone, weekly=((),) * 7)
        course = Course.begin(Event(EventType.START, at, limit=Limit(Target.end_of_day(days), Runs.CALENDAR, calendar)))
        day = at.astimezone(tz).date() + timedelta(days=days)
        shown = at.replace(second=0) + timedelta(days=max(days - 2, 0))
        while (face := shown.astimezone(tz)).date() <= day and (face.date(), face.hour, face.minute) != (day, 23, 59):
            shown += MINUTE
        if face.date() == day:  # else a day that never was, or ended early
            assert course.due == shown + timedelta(seconds=59), (zone, at, days)
            assert course.read(course.due).state == "running"
            assert course.read(course.due + timedelta(seconds=1)).state == "breached"
