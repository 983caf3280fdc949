"""Working time where clocks are put forward and back (D§1.5, D§26)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from foundation.calendars.windows import read_windows
from foundation.calendars.working_time import (
    add_working,
    is_working,
    working_between,
)
from tests.calendars.making import NIGHTS, OFFICE, at, calendar

ZONED = [
    # Europe/Berlin loses 02:00-03:00 on 29 March 2026 and has it twice on 25 October.
    (
        "spring: a night is an hour short",
        "Europe/Berlin",
        NIGHTS,
        "2026-03-28 22:00",
        420,
        "2026-03-29 06:00",
    ),
    ("autumn: a night is an hour long", "Europe/Berlin", NIGHTS, "2026-10-24 22:00", 540, "2026-10-25 06:00"),
    (
        "spring: a window inside the lost hour is not worked",
        "Europe/Berlin",
        (read_windows("02:10-02:50"),) * 7,
        "2026-03-28 12:00",
        40,
        "2026-03-30 02:50",
    ),
    (
        "spring: a window that begins in the lost hour begins at its end",
        "Europe/Berlin",
        (read_windows("02:30-04:00"),) * 7,
        "2026-03-29 00:00",
        60,
        "2026-03-29 04:00",
    ),
    (
        "spring: a window that ends in the lost hour ends at its start",
        "Europe/Berlin",
        (read_windows("01:00-02:30"),) * 7,
        "2026-03-29 00:00",
        61,
        "2026-03-30 01:01",
    ),
    (
        "autumn: an hour shown twice is worked twice",
        "Europe/Berlin",
        (read_windows("02:00-03:00"),) * 7,
        "2026-10-25 00:00",
        120,
        "2026-10-25 03:00",
    ),
    ("New York in spring", "America/New_York", NIGHTS, "2026-03-07 22:00", 420, "2026-03-08 06:00"),
    ("New York in autumn", "America/New_York", NIGHTS, "2026-10-31 22:00", 540, "2026-11-01 06:00"),
    ("office hours do not notice", "America/New_York", OFFICE, "2026-03-06 17:00", 120, "2026-03-09 10:00"),
    (
        "Lord Howe loses half an hour",
        "Australia/Lord_Howe",
        NIGHTS,
        "2026-10-03 22:00",
        450,
        "2026-10-04 06:00",
    ),
    (
        "Lord Howe wins half an hour",
        "Australia/Lord_Howe",
        NIGHTS,
        "2026-04-04 22:00",
        510,
        "2026-04-05 06:00",
    ),
    ("a day that never was (Samoa)", "Pacific/Apia", OFFICE, "2011-12-29 17:00", 120, "2012-01-02 10:00"),
]


@pytest.mark.parametrize(
    ("zone", "weekly", "start", "minutes", "due"),
    [case[1:] for case in ZONED],
    ids=[case[0] for case in ZONED],
)
def test_zones_that_change_their_clocks(zone: str, weekly: tuple, start: str, minutes: int, due: str) -> None:
    rules = calendar(weekly, zone=zone)
    assert add_working(at(start, zone), minutes, rules) == at(due, zone)
    assert working_between(at(start, zone), at(due, zone), rules) == timedelta(minutes=minutes)


def test_a_window_ending_in_the_hour_shown_twice_ends_at_its_first_showing() -> None:
    rules = calendar((read_windows("01:00-02:30"),) * 7, zone="Europe/Berlin")
    first, second = (at("2026-10-25 02:30", "Europe/Berlin", fold) for fold in (0, 1))
    assert add_working(at("2026-10-25 01:00", "Europe/Berlin"), 90, rules) == first
    assert not is_working(first, rules)
    assert not is_working(second - timedelta(minutes=1), rules)


def test_a_clock_that_goes_back_over_midnight_stays_in_the_new_day() -> None:
    """St John's, 7 November 2010: 00:01 became 23:01 of the day before; the new day had begun a minute earlier."""
    rules = calendar((read_windows("23:00-24:00"),) * 7, zone="America/St_Johns")
    shown_again = at("2010-11-06 23:30", "America/St_Johns", fold=1)
    assert not is_working(shown_again, rules)
    assert add_working(shown_again, 1, rules) == at("2010-11-07 23:01", "America/St_Johns")
    night = calendar((read_windows("00:00-02:00"),) * 7, zone="America/St_Johns")
    assert is_working(shown_again, night)
    assert add_working(at("2010-11-06 12:00", "America/St_Johns"), 180, night) == at(
        "2010-11-07 02:00", "America/St_Johns"
    )
    assert working_between(shown_again, at("2010-11-07 03:00", "America/St_Johns"), night) == timedelta(minutes=150)


def test_results_are_in_utc_whatever_the_zone_of_the_question() -> None:
    due = add_working(datetime(2026, 3, 2, 2, 0, tzinfo=UTC), 60, calendar())
    assert due == datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
    assert due.tzinfo is UTC
    assert add_working(at("2026-03-01 21:00", "America/New_York"), 60, calendar()) == due
