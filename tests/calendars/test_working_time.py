"""Named cases of working time (D§1.2-1.5, D§26)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from foundation.calendars.definition import Calendar
from foundation.calendars.windows import read_windows
from foundation.calendars.working_time import (
    Opening,
    add_months,
    add_working,
    is_working,
    next_window,
    overdue_days,
    statutory_due,
    subtract_working,
    working_between,
    working_days,
)
from foundation.common.errors import RuleBroken
from tests.calendars.making import ALWAYS, CLOSED_WEEK, MAY_2026, NIGHTS, OFFICE, at, calendar

DUE = [
    # name, calendar, start, minutes, due
    ("inside one window", calendar(), "2026-03-02 10:00", 90, "2026-03-02 11:30"),
    ("before the window opens", calendar(), "2026-03-02 06:00", 60, "2026-03-02 10:00"),
    ("after it closed", calendar(), "2026-03-02 18:30", 60, "2026-03-03 10:00"),
    (
        "ends with the day: that day's end, not the next morning",
        calendar(),
        "2026-03-02 17:00",
        60,
        "2026-03-02 18:00",
    ),
    ("one minute more is the next morning", calendar(), "2026-03-02 17:00", 61, "2026-03-03 09:01"),
    ("started at the end of the day", calendar(), "2026-03-02 18:00", 1, "2026-03-03 09:01"),
    ("a whole working day ends with it", calendar(), "2026-03-02 09:00", 540, "2026-03-02 18:00"),
    ("a working day from noon", calendar(), "2026-03-02 12:00", 540, "2026-03-03 12:00"),
    ("over the weekend", calendar(), "2026-03-06 17:00", 120, "2026-03-09 10:00"),
    ("started on a Sunday", calendar(), "2026-03-08 12:00", 30, "2026-03-09 09:30"),
    ("seconds are kept", calendar(), "2026-03-02 17:59:30", 1, "2026-03-03 09:00:30"),
    (
        "nothing to run is due at once, out of hours too",
        calendar(),
        "2026-03-07 03:00",
        0,
        "2026-03-07 03:00",
    ),
    ("holiday", calendar(OFFICE, *MAY_2026), "2026-04-30 17:00", 120, "2026-05-06 10:00"),
    (
        "make-up day works with a weekday's hours",
        calendar(OFFICE, *MAY_2026),
        "2026-05-08 18:00",
        60,
        "2026-05-09 10:00",
    ),
    (
        "five working days over May Day",
        calendar(OFFICE, *MAY_2026),
        "2026-04-30 15:00",
        2700,
        "2026-05-11 15:00",
    ),
    (
        "a half day counts half",
        calendar(OFFICE, ("2026-03-03", "HALF")),
        "2026-03-02 18:00",
        540,
        "2026-03-04 13:30",
    ),
    (
        "the half of a day with a lunch break",
        calendar((read_windows("09:00-12:00, 13:00-18:00"),) * 7, ("2026-03-03", "HALF")),
        "2026-03-03 08:00",
        241,
        "2026-03-04 09:01",
    ),
    (
        "a half day with its own hours",
        calendar(OFFICE, ("2026-03-03", "HALF", "13:00-17:00")),
        "2026-03-03 09:00",
        30,
        "2026-03-03 13:30",
    ),
    (
        "a half day on a holiday is half of a full day",
        calendar(OFFICE, ("2026-03-03", "HOLIDAY"), ("2026-03-03", "HALF")),
        "2026-03-03 00:00",
        270,
        "2026-03-03 13:30",
    ),
    (
        "open on a holiday: the exception wins",
        calendar(OFFICE, ("2026-05-01", "HOLIDAY"), ("2026-05-01", "OPEN", "10:00-12:00")),
        "2026-04-30 18:00",
        60,
        "2026-05-01 11:00",
    ),
    (
        "closed on a make-up day: the exception wins",
        calendar(OFFICE, ("2026-05-09", "MAKEUP"), ("2026-05-09", "CLOSED")),
        "2026-05-08 18:00",
        60,
        "2026-05-11 10:00",
    ),
    (
        "lunch break",
        calendar((read_windows("09:00-12:00, 13:00-18:00"),) * 7),
        "2026-03-02 11:30",
        60,
        "2026-03-02 13:30",
    ),
    ("over midnight", calendar(NIGHTS), "2026-03-02 23:00", 180, "2026-03-03 02:00"),
    ("the end of a night", calendar(NIGHTS), "2026-03-02 23:00", 420, "2026-03-03 06:00"),
    (
        "the night before a closed day runs to its end",
        calendar(NIGHTS, ("2026-03-03", "CLOSED")),
        "2026-03-02 22:00",
        480,
        "2026-03-03 06:00",
    ),
    (
        "a closed day begins no night",
        calendar(NIGHTS, ("2026-03-03", "CLOSED")),
        "2026-03-03 06:00",
        1,
        "2026-03-04 22:01",
    ),
    (
        "nights that overlap by an exception count once",
        calendar(NIGHTS, ("2026-03-03", "OPEN", "05:00-07:00")),
        "2026-03-03 04:00",
        180,
        "2026-03-03 07:00",
    ),
    ("round the clock", calendar(ALWAYS, day_minutes=1440), "2026-12-31 23:59:59", 1, "2027-01-01 00:00:59"),
    (
        "round the clock with one closed day",
        calendar(ALWAYS, ("2026-03-03", "CLOSED")),
        "2026-03-02 23:00",
        120,
        "2026-03-04 01:00",
    ),
    (
        "29 February is worked",
        calendar((read_windows("09:00-18:00"),) * 7),
        "2028-02-28 18:00",
        60,
        "2028-02-29 10:00",
    ),
    ("ten years on", calendar(), "2026-01-05 09:00", 540 * 5 * 520 + 1, "2035-12-24 09:01"),
]


@pytest.mark.parametrize(
    ("rules", "start", "minutes", "due"), [case[1:] for case in DUE], ids=[case[0] for case in DUE]
)
def test_when_working_minutes_have_run(rules: Calendar, start: str, minutes: int, due: str) -> None:
    assert add_working(at(start), minutes, rules) == at(due)
    assert working_between(at(start), at(due), rules) == timedelta(minutes=minutes)


def test_a_window_holds_its_start_and_not_its_end() -> None:
    rules = calendar()
    assert not is_working(at("2026-03-02 08:59:59"), rules)
    assert is_working(at("2026-03-02 09:00"), rules)
    assert is_working(at("2026-03-02 17:59:59.999999"), rules)
    assert not is_working(at("2026-03-02 18:00"), rules)


def test_time_left_of_a_paused_clock_keeps_its_seconds() -> None:
    rules, start, pause = calendar(), at("2026-03-02 16:00:20"), at("2026-03-02 17:30:50")
    used = working_between(start, pause, rules)
    assert used == timedelta(hours=1, minutes=30, seconds=30)
    left = timedelta(minutes=working_days(1, rules)) - used
    assert add_working(at("2026-03-05 09:00"), left, rules) == at("2026-03-05 16:29:30")


def test_time_between_is_negative_backwards() -> None:
    assert working_between(at("2026-03-03 10:00"), at("2026-03-02 17:00"), calendar()) == -timedelta(hours=2)


BACK = [
    ("two working days before a Monday", "2026-03-09 12:00", 1080, "2026-03-05 12:00"),
    ("begins with a window: that window's start", "2026-03-03 10:00", 60, "2026-03-03 09:00"),
    ("one minute more is the evening before", "2026-03-03 10:00", 61, "2026-03-02 17:59"),
    ("from out of hours", "2026-03-08 03:00", 60, "2026-03-06 17:00"),
    ("nothing", "2026-03-08 03:00", 0, "2026-03-08 03:00"),
]


@pytest.mark.parametrize(("end", "minutes", "begin"), [case[1:] for case in BACK], ids=[case[0] for case in BACK])
def test_working_time_counted_back(end: str, minutes: int, begin: str) -> None:
    assert subtract_working(at(end), minutes, calendar()) == at(begin)


def test_n_working_days_are_n_times_the_calendars_day() -> None:
    assert working_days(5, calendar()) == 2_700
    assert working_days(5, calendar(ALWAYS, day_minutes=1440)) == 7_200


NEXT = [
    ("inside a window", calendar(), "2026-03-02 10:00", "2026-03-02 10:00", "2026-03-02 18:00"),
    ("at its end", calendar(), "2026-03-06 18:00", "2026-03-09 09:00", "2026-03-09 18:00"),
    ("over midnight", calendar(NIGHTS), "2026-03-02 12:00", "2026-03-02 22:00", "2026-03-03 06:00"),
    ("round the clock", calendar(ALWAYS), "2026-03-02 12:00", "2026-03-02 12:00", None),
    (
        "until a closed day",
        calendar(ALWAYS, ("2026-03-05", "CLOSED")),
        "2026-03-02 12:00",
        "2026-03-02 12:00",
        "2026-03-05 00:00",
    ),
    (
        "not within a month",
        calendar(ALWAYS, ("2026-06-05", "CLOSED")),
        "2026-03-02 12:00",
        "2026-03-02 12:00",
        None,
    ),
]


@pytest.mark.parametrize(
    ("rules", "when", "opens", "closes"), [case[1:] for case in NEXT], ids=[case[0] for case in NEXT]
)
def test_next_window(rules: Calendar, when: str, opens: str, closes: str | None) -> None:
    assert next_window(at(when), rules) == Opening(at(opens), at(closes) if closes else None)


def test_a_calendar_that_never_opens_is_refused_with_words() -> None:
    for act in (
        lambda rules: add_working(at("2026-03-02 10:00"), 1, rules),
        lambda rules: subtract_working(at("2026-03-02 10:00"), 1, rules),
        lambda rules: next_window(at("2026-03-02 10:00"), rules),
    ):
        with pytest.raises(RuleBroken) as no:
            act(calendar(CLOSED_WEEK))
        assert no.value.code == "calendars.never_opens"
        assert "TEST" in no.value.message
    assert add_working(at("2026-03-02 10:00"), 0, calendar(CLOSED_WEEK)) == at("2026-03-02 10:00")


def test_a_calendar_of_single_days_gives_what_it_has_and_then_refuses() -> None:
    rules = calendar(CLOSED_WEEK, ("2026-03-05", "OPEN", "09:00-10:00"), ("2029-07-07", "OPEN", "23:00-01:00"))
    assert add_working(at("2026-03-02 10:00"), 61, rules) == at("2029-07-07 23:01")
    assert add_working(at("2026-03-02 10:00"), 180, rules) == at("2029-07-08 01:00")
    assert subtract_working(at("2030-01-01 00:00"), 121, rules) == at("2026-03-05 09:59")
    with pytest.raises(RuleBroken, match="no working time left"):
        add_working(at("2026-03-02 10:00"), 181, rules)


def test_amounts_and_moments_out_of_reason_are_refused() -> None:
    with pytest.raises(RuleBroken) as no:
        add_working(at("2026-03-02 10:00"), 540 * 365 * 101, calendar())
    assert no.value.code == "calendars.too_far"
    with pytest.raises(RuleBroken) as no:
        add_working(at("9999-12-31 10:00"), 1, calendar())
    assert no.value.code == "calendars.out_of_range"
    with pytest.raises(ValueError, match="negative"):
        add_working(at("2026-03-02 10:00"), -1, calendar())
    with pytest.raises(ValueError, match="aware"):
        add_working(datetime(2026, 3, 2, 10), 1, calendar())


# D§1.3 and the rows of D§26 that speak of time.


def test_complaint_at_23_59_that_day_is_day_0_and_day_15_ends_15_days_later() -> None:
    assert statutory_due(at("2026-03-02 23:59"), 15) == at("2026-03-17 23:59:59")
    assert statutory_due(at("2026-03-03 00:00"), 15) == at("2026-03-18 23:59:59")


def test_the_statutory_day_is_the_business_zones_wherever_the_clock_stands() -> None:
    assert statutory_due(datetime(2026, 3, 2, 16, 30, tzinfo=UTC), 15) == at("2026-03-18 23:59:59")
    assert statutory_due(at("2026-03-02 12:00", "America/New_York"), 15) == at("2026-03-18 23:59:59")


def test_a_holiday_on_day_n_does_not_extend_the_statutory_deadline() -> None:
    assert statutory_due(at("2026-09-16 10:00"), 15) == at("2026-10-01 23:59:59")


def test_statutory_holiday_inside_48_h_limits_the_calendar_clock_runs_on() -> None:
    start = at("2026-05-01 10:00")
    assert start + timedelta(hours=48) == at("2026-05-03 10:00")
    round_the_clock = calendar(ALWAYS, day_minutes=1440)
    assert add_working(start, 48 * 60, round_the_clock) == at("2026-05-03 10:00")
    assert add_working(start, 60, calendar(OFFICE, *MAY_2026)) == at("2026-05-06 10:00")


def test_calendar_table_missing_for_next_year_weekdays_are_used() -> None:
    rules = calendar(OFFICE, *MAY_2026)
    assert add_working(at("2026-12-31 17:00"), 120, rules) == at("2027-01-01 10:00")


def test_change_of_grade_recomputes_the_limit_from_the_start() -> None:
    start, now, rules = at("2026-03-02 10:00"), at("2026-03-04 12:00"), calendar()
    assert add_working(start, working_days(5, rules), rules) == at("2026-03-09 10:00")
    assert start + timedelta(hours=24) < now


def test_a_pause_takes_out_only_the_clocks_own_running_time() -> None:
    """D§10.6: paused from Friday afternoon to Monday morning costs the two working hours in between."""
    rules = calendar()
    assert working_between(at("2026-03-06 17:00"), at("2026-03-09 10:00"), rules) == timedelta(hours=2)


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2028-02-29", 12, "2029-02-28"),
        ("2028-02-29", 48, "2032-02-29"),
        ("2026-02-28", 1, "2026-03-28"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2026-03-31", -1, "2026-02-28"),
        ("2026-01-10", -1, "2025-12-10"),
        ("2026-05-31", 0, "2026-05-31"),
    ],
)
def test_months_keep_the_day_number_clipped(day: str, months: int, expected: str) -> None:
    assert add_months(date.fromisoformat(day), months) == date.fromisoformat(expected)


def test_more_than_30_days_overdue_begins_with_the_31st() -> None:
    due = date(2026, 2, 10)
    assert overdue_days(due, date(2026, 2, 10)) == 0
    assert overdue_days(due, date(2026, 3, 12)) == 30
    assert overdue_days(due, date(2026, 3, 13)) == 31
    assert overdue_days(due, date(2026, 2, 9)) == -1
