"""Named cases of working time (D§1.2-1.5, D§26)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from foundation.calendars.definition import Calendar, DayKind, check_day
from foundation.calendars.windows import Window, check_windows, read_windows, write_windows
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


# The windows themselves.


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
