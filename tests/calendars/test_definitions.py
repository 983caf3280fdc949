"""Windows and days as people type them, and what no calendar may be (D§1.2, 1.4)."""

from __future__ import annotations

from datetime import date

import pytest

from foundation.calendars.definition import Calendar, DayKind, check_day
from foundation.calendars.windows import Window, check_windows, read_windows, write_windows
from foundation.common.errors import RuleBroken
from tests.calendars.making import MAY_2026, NIGHTS, OFFICE, calendar


@pytest.mark.parametrize(
    ("text", "windows"),
    [
        ("09:00-12:00, 13:30-18:00", ((540, 720), (810, 1080))),
        ("13:30–18:00；9：00～12：00", ((540, 720), (810, 1080))),
        ("22:00-06:00", ((1320, 1800),)),
        ("00:00-24:00", ((0, 1440),)),
        ("00:00-00:00", ((0, 1440),)),
        ("09:00-09:00", ((540, 1980),)),
        ("", ()),
    ],
)
def test_windows_as_people_type_them(text: str, windows: tuple) -> None:
    assert read_windows(text) == windows
    assert read_windows(write_windows(read_windows(text))) == windows


@pytest.mark.parametrize(
    "text",
    ["9-12", "09:00", "25:00-26:00", "09:60-10:00", "24:00-01:00", "09:00-12:00, 11:00-13:00", "x" * 999],
)
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(RuleBroken) as no:
        read_windows(text)
    assert no.value.code == "calendars.window"
    assert len(no.value.message) < 120


@pytest.mark.parametrize(
    "pair", [(540,), (540, 540), (540, 1981), (-1, 10), (1440, 1500), (1.5, 2), ("09", "10"), "ab", (True, 5)]
)
def test_pairs_that_are_no_window_are_refused(pair: object) -> None:
    with pytest.raises(RuleBroken):
        check_windows([pair])  # type: ignore[list-item]


def test_a_window_may_not_run_into_the_next_days_not_on_sunday_either() -> None:
    late, early = (Window(1320, 1800),), (Window(300, 400),)
    for weekly in ((late, early, (), (), (), (), ()), (early, (), (), (), (), (), late)):
        with pytest.raises(RuleBroken, match="next day"):
            calendar(weekly)


@pytest.mark.parametrize(
    ("day", "kind", "windows", "code"),
    [
        (date(2026, 1, 1), "PARTY", (), "calendars.day_kind"),
        (date(1, 1, 1), "CLOSED", (), "calendars.day_range"),
        (date(9999, 1, 1), "CLOSED", (), "calendars.day_range"),
        (date(2026, 1, 1), "CLOSED", ((540, 600),), "calendars.day_windows"),
        (date(2026, 1, 1), "HOLIDAY", ((540, 600),), "calendars.day_windows"),
        (date(2026, 1, 1), "OPEN", (), "calendars.day_windows"),
    ],
)
def test_days_that_make_no_sense_are_refused(day: date, kind: str, windows: tuple, code: str) -> None:
    with pytest.raises(RuleBroken) as no:
        check_day(day, kind, windows)
    assert no.value.code == code


def test_two_exceptions_on_one_date_are_refused() -> None:
    with pytest.raises(RuleBroken, match="2026-03-03 is listed twice"):
        calendar(OFFICE, ("2026-03-03", "CLOSED"), ("2026-03-03", "HALF"))


def test_a_definition_stored_and_read_again_is_equal() -> None:
    rules = calendar(NIGHTS, *MAY_2026, ("2026-05-04", "OPEN", "23:00-01:00"), zone="Europe/Berlin", day_minutes=480)
    again = Calendar.from_json("TEST", 0, rules.as_json())
    assert again == rules
    assert again.days[1].kind is DayKind.HOLIDAY


def test_an_unknown_zone_and_a_day_of_no_minutes_are_refused() -> None:
    with pytest.raises(RuleBroken, match="Mars/Base"):
        calendar(zone="Mars/Base")
    for minutes in (0, 1441):
        with pytest.raises(RuleBroken, match="1440"):
            calendar(day_minutes=minutes)
