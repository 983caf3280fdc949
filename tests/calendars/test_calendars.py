"""Work calendars as rows: edits, versions, China's years, the loader, the warning for next year."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import Error, IntegrityError, transaction

from foundation.audit.models import AuditEntry
from foundation.calendars import services
from foundation.calendars.definition import Calendar
from foundation.calendars.models import CalendarVersion, WorkCalendar, WorkCalendarDay, WorkWindow
from foundation.calendars.queries import (
    ROUND_THE_CLOCK,
    STANDARD,
    calendar_for,
    calendar_versions,
    list_calendars,
    missing_next_year,
    year_view,
)
from foundation.calendars.seed import seed
from foundation.calendars.windows import Window, read_windows
from foundation.calendars.working_time import add_working, working_between, working_days
from foundation.common import clock
from foundation.common.errors import RuleBroken

pytestmark = pytest.mark.django_db
ADMIN = SimpleNamespace(pk=77)
OFFICE = [read_windows("09:00-18:00")] * 5 + [(), ()]


def shanghai(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=clock.BUSINESS_ZONE).astimezone(UTC)


def make(code: str = "HALL", **fields: Any) -> WorkCalendar:
    given = {"actor": ADMIN, "name_en": "Hall", "name_zh": "营业厅", "weekly": OFFICE, "country": "CN", **fields}
    return services.create_calendar(code, **given)


def nothing_happened(calendar: WorkCalendar, version: int = 1) -> None:
    calendar.refresh_from_db()
    assert calendar.version == version == calendar.versions.count()
    assert AuditEntry.objects.filter(target_id=str(calendar.pk)).count() == version


def test_every_installation_has_the_working_week_of_nine_hours_and_the_round_the_clock_calendar() -> None:
    week, always = calendar_for(STANDARD), calendar_for(ROUND_THE_CLOCK)
    assert week.weekly == tuple(tuple(windows) for windows in OFFICE)
    assert (week.zone, week.day_minutes, always.day_minutes) == ("Asia/Shanghai", 540, 1440)
    assert always.always_open
    assert [str(calendar.code) for calendar in list_calendars()] == [ROUND_THE_CLOCK, STANDARD]


def test_seeding_again_changes_nothing_and_brings_back_only_what_is_gone() -> None:
    services.set_day(STANDARD, date(2026, 7, 1), "CLOSED", actor=ADMIN)
    assert seed() == []
    assert WorkCalendar.objects.get(code=STANDARD).version == 2


@pytest.mark.parametrize(
    ("start", "minutes", "due"),
    [
        # Spring Festival 2026: off 15-23 February, made up on Saturdays 14 and 28.
        ("2026-02-13 17:00", 120, "2026-02-14 10:00"),
        ("2026-02-14 17:00", 120, "2026-02-24 10:00"),
        ("2026-02-27 17:00", 120, "2026-02-28 10:00"),
        # National Day and Mid-Autumn 2025: off 1-8 October, made up on Sunday 28 September and Saturday 11 October.
        ("2025-09-27 12:00", 60, "2025-09-28 10:00"),
        ("2025-09-30 17:30", 60, "2025-10-09 09:30"),
        ("2025-10-10 17:30", 60, "2025-10-11 09:30"),
    ],
)
def test_the_seeded_years_are_chinas(start: str, minutes: int, due: str) -> None:
    assert add_working(shanghai(start), minutes, calendar_for(STANDARD)) == shanghai(due)


@pytest.mark.parametrize(("year", "days"), [(2025, 248), (2026, 248)])
def test_working_days_of_a_seeded_year(year: int, days: int) -> None:
    week = calendar_for(STANDARD)
    first, last = shanghai(f"{year}-01-01"), shanghai(f"{year + 1}-01-01")
    assert working_between(first, last, week) == timedelta(minutes=working_days(days, week))
    assert sum(day.is_open for day in year_view(STANDARD, year)) == days


def test_an_edit_is_a_new_version_and_the_old_one_still_computes_as_before() -> None:
    calendar = make()
    before = calendar_for("HALL")
    services.set_day(
        "HALL", date(2026, 3, 3), "CLOSED", actor=ADMIN, name_en="Moving house", name_zh="搬迁", note="lease"
    )
    start = shanghai("2026-03-02 17:00")
    assert add_working(start, 120, calendar_for("HALL")) == shanghai("2026-03-04 10:00")
    assert add_working(start, 120, calendar_for("HALL", version=1)) == shanghai("2026-03-03 10:00")
    assert calendar_for("HALL", version=1) == before
    newest, first = calendar_versions("HALL")
    assert (newest.number, newest.note, newest.created_by_id, first.number) == (2, "lease", 77, 1)
    assert list(AuditEntry.objects.order_by("id").values_list("verb", "actor_id", "target_id")) == [
        ("calendar.created", 77, str(calendar.pk)),
        ("calendar.days_changed", 77, str(calendar.pk)),
    ]


def test_the_version_in_force_at_a_moment(travel: Any) -> None:
    with travel(shanghai("2026-03-01 12:00")):
        make()
    with travel(shanghai("2026-03-10 12:00")):
        services.change_calendar("HALL", actor=ADMIN, day_minutes=480)
    assert calendar_for("HALL", at=shanghai("2026-03-05 00:00")).version == 1
    assert calendar_for("HALL", at=shanghai("2026-03-10 12:00")).version == 2
    assert calendar_for("HALL", at=shanghai("2020-01-01 00:00")).version == 1
    assert calendar_for("HALL").version == 2


def test_the_loader_asks_the_database_once_for_a_version_it_knows(django_assert_num_queries: Any) -> None:
    make()
    first = calendar_for("HALL")
    with django_assert_num_queries(1):
        assert calendar_for("HALL") is first


def test_windows_and_fields_change_together_in_one_version() -> None:
    make()
    split = [read_windows("09:00-12:00, 13:00-18:00")] * 6 + [read_windows("22:00-06:00")]
    calendar = services.change_calendar("HALL", actor=ADMIN, weekly=split, zone="Europe/Berlin", day_minutes=480)
    frozen = calendar_for("HALL")
    assert (calendar.version, frozen.version, frozen.zone, frozen.day_minutes) == (2, 2, "Europe/Berlin", 480)
    assert frozen.weekly == tuple(split)
    assert AuditEntry.objects.get(verb="calendar.changed").detail["fields"] == ["zone", "day_minutes", "weekly"]


def test_an_edit_that_changes_nothing_writes_nothing() -> None:
    calendar = make()
    services.change_calendar("HALL", actor=ADMIN, weekly=OFFICE, day_minutes=540)
    services.clear_day("HALL", date(2026, 3, 3), actor=ADMIN)
    nothing_happened(calendar)


def test_exception_and_holiday_of_one_date_live_in_two_layers() -> None:
    make()
    day = date(2026, 10, 1)
    services.set_day("HALL", day, "HOLIDAY", actor=ADMIN)
    services.set_day("HALL", day, "OPEN", actor=ADMIN, windows=read_windows("10:00-12:00"))
    assert calendar_for("HALL").windows_of(day) == (Window(600, 720),)
    services.set_day("HALL", day, "HALF", actor=ADMIN)
    assert calendar_for("HALL").windows_of(day) == (Window(540, 810),)
    services.clear_day("HALL", day, actor=ADMIN)
    assert calendar_for("HALL").windows_of(day) == ()
    services.clear_day("HALL", day, actor=ADMIN, layer="table")
    assert calendar_for("HALL").windows_of(day) == (Window(540, 1080),)
    assert calendar_for("HALL").version == 6


REFUSED = [
    ({"weekly": [read_windows("09:00-18:00")] * 6}, "calendars.week"),
    ({"weekly": [[(540, 720), (700, 800)]] + [()] * 6}, "calendars.window"),
    ({"zone": "Asia/Shangri-La"}, "calendars.zone"),
    ({"zone": "../etc/passwd"}, "calendars.zone"),
    ({"day_minutes": 0}, "calendars.day_minutes"),
    ({"country": "XX"}, "calendars.country"),
    ({"name_zh": " "}, "calendars.name"),
    ({"name_en": "x" * 81}, "calendars.name"),
]


@pytest.mark.parametrize(("fields", "code"), REFUSED)
def test_wrong_edits_are_refused_and_nothing_happens(fields: dict, code: str) -> None:
    calendar = make()
    with pytest.raises(RuleBroken) as no, transaction.atomic():
        services.change_calendar("HALL", actor=ADMIN, **fields)
    assert no.value.code == code
    nothing_happened(calendar)
    with pytest.raises(RuleBroken) as no, transaction.atomic():
        make("OTHER", **fields)
    assert no.value.code == code
    assert not WorkCalendar.objects.filter(code="OTHER").exists()


@pytest.mark.parametrize("code", ["", "hall", "HALL 1", "厅", "H" * 33, "A-B"])
def test_a_code_is_capital_letters_digits_and_underscores(code: str) -> None:
    with pytest.raises(RuleBroken) as no:
        make(code)
    assert no.value.code == "calendars.code"


def test_a_code_is_given_once_and_an_unknown_one_is_named() -> None:
    with pytest.raises(RuleBroken, match=STANDARD):
        make(STANDARD)
    for act in (
        lambda: services.change_calendar("NOBODY", actor=ADMIN, day_minutes=480),
        lambda: services.set_day("NOBODY", date(2026, 1, 1), "CLOSED", actor=ADMIN),
        lambda: services.import_year("NOBODY", 2026, actor=ADMIN),
        lambda: calendar_for("NOBODY"),
        lambda: calendar_for(STANDARD, version=9),
        lambda: year_view("NOBODY", 2026),
    ):
        with pytest.raises(RuleBroken) as no:
            act()
        assert no.value.code == "calendars.unknown"


def test_a_wrong_day_is_refused_and_nothing_happens() -> None:
    calendar = make()
    for kind, windows, name in (
        ("OPEN", (), ""),
        ("CLOSED", ((1, 2),), ""),
        ("FEAST", (), ""),
        ("CLOSED", (), "x" * 121),
    ):
        with pytest.raises(RuleBroken), transaction.atomic():
            services.set_day("HALL", date(2026, 3, 3), kind, actor=ADMIN, windows=windows, name_en=name)
    nothing_happened(calendar)


def test_importing_a_year_fills_the_table_with_names_in_both_languages() -> None:
    make()
    found = services.import_year("HALL", 2026, actor=ADMIN)
    assert (found.holidays, found.makeups, found.added, found.removed) == (22, 6, 28, 0)
    eve = WorkCalendarDay.objects.get(calendar__code="HALL", date=date(2026, 2, 16))
    assert (eve.kind, eve.name_en, eve.name_zh) == ("HOLIDAY", "Chinese New Year's Eve", "农历除夕")
    assert calendar_for("HALL").days == tuple(day for day in calendar_for(STANDARD).days if day.date.year == 2026)


def test_importing_again_changes_nothing_and_keeps_rows_entered_by_hand() -> None:
    calendar = make()
    services.set_day("HALL", date(2026, 2, 14), "HOLIDAY", actor=ADMIN, name_en="Own rule", name_zh="自定")
    services.set_day("HALL", date(2026, 2, 17), "OPEN", actor=ADMIN, windows=[(600, 900)])
    services.import_year("HALL", 2026, actor=ADMIN)
    again = services.import_year("HALL", 2026, actor=ADMIN)
    assert (again.added, again.removed) == (0, 0)
    nothing_happened(calendar, version=4)
    assert calendar_for("HALL").windows_of(date(2026, 2, 14)) == ()
    assert calendar_for("HALL").windows_of(date(2026, 2, 17)) == (Window(600, 900),)


def test_importing_takes_away_rows_of_an_earlier_import_the_source_no_longer_has() -> None:
    make()
    services.set_day("HALL", date(2026, 7, 15), "HOLIDAY", actor=ADMIN, source="holidays 0.0")
    found = services.import_year("HALL", 2026, actor=ADMIN)
    assert found.removed == 1
    assert calendar_for("HALL").windows_of(date(2026, 7, 15)) == (Window(540, 1080),)


def test_a_year_or_country_nobody_knows_is_refused_and_nothing_happens() -> None:
    calendar = make()
    for year in (1, 1500, 9999):
        with pytest.raises(RuleBroken) as no, transaction.atomic():
            services.import_year("HALL", year, actor=ADMIN)
        assert no.value.code == "calendars.no_year"
    with pytest.raises(RuleBroken) as no:
        services.import_year(ROUND_THE_CLOCK, 2026, actor=ADMIN)
    assert no.value.code == "calendars.no_country"
    nothing_happened(calendar)


@pytest.mark.parametrize("year", [0, 1989, 2200, 9999, 10_000])
def test_the_year_page_has_no_year_out_of_range(year: int) -> None:
    with pytest.raises(RuleBroken) as no:
        year_view(STANDARD, year)
    assert no.value.code == "calendars.no_year"


def test_calendar_table_missing_for_next_year_warns_from_1_december() -> None:
    assert missing_next_year(date(2026, 11, 30)) == []
    (missing,) = missing_next_year(date(2026, 12, 1))
    assert (missing.code, missing.year, missing.holidays) == (STANDARD, 2027, 0)
    assert "2027" in missing.in_words()
    services.import_year(STANDARD, 2027, actor=ADMIN)  # the source knows the holidays, not yet the make-up days
    (missing,) = missing_next_year(date(2026, 12, 31))
    assert missing.holidays == 19
    services.set_day(STANDARD, date(2027, 2, 20), "MAKEUP", actor=ADMIN)
    assert missing_next_year(date(2026, 12, 31)) == []
    assert missing_next_year(date(2025, 12, 31)) == []


def test_the_year_page_shows_every_day_with_its_reasons_in_three_queries(django_assert_num_queries: Any) -> None:
    make()
    services.import_year("HALL", 2026, actor=ADMIN)
    services.set_day("HALL", date(2026, 5, 1), "OPEN", actor=ADMIN, windows=[(600, 720)])
    calendar_for("HALL")
    with django_assert_num_queries(2):
        days = year_view("HALL", 2026)
    assert (len(days), days[0].date, days[-1].date) == (365, date(2026, 1, 1), date(2026, 12, 31))
    may_day = days[120]
    assert (may_day.date, may_day.windows) == (date(2026, 5, 1), (Window(600, 720),))
    assert [row.kind for row in may_day.rows] == ["OPEN", "HOLIDAY"]


# What the database itself refuses.


@pytest.mark.parametrize(
    ("weekday", "start", "end"), [(0, 600, 700), (0, 0, 541), (7, 0, 60), (5, 1440, 1500), (5, 60, 60), (5, 60, 1501)]
)
def test_the_database_refuses_windows_that_overlap_or_make_no_sense(weekday: int, start: int, end: int) -> None:
    calendar = make()
    with pytest.raises(IntegrityError), transaction.atomic():
        WorkWindow.objects.create(calendar=calendar, weekday=weekday, start_minute=start, end_minute=end)


def test_the_database_refuses_a_second_row_of_a_layer_and_windows_on_a_closed_day() -> None:
    calendar = make()
    services.set_day("HALL", date(2026, 3, 3), "CLOSED", actor=ADMIN)
    for kind, windows in (("HALF", []), ("OPEN", [[1, 2]])):
        with pytest.raises(IntegrityError), transaction.atomic():
            WorkCalendarDay.objects.create(
                calendar=calendar, date=date(2026, 3, 3), kind=kind, windows=windows, source="x"
            )
    for kind, windows in (("HOLIDAY", [[1, 2]]), ("OPEN", []), ("PARTY", [])):
        with pytest.raises(IntegrityError), transaction.atomic():
            WorkCalendarDay.objects.create(
                calendar=calendar, date=date(2026, 3, 4), kind=kind, windows=windows, source="x"
            )


def test_a_version_can_be_neither_changed_nor_deleted() -> None:
    make()
    versions = CalendarVersion.objects.filter(calendar__code="HALL")
    for act in (lambda: versions.update(note="x"), lambda: versions.delete()):
        with pytest.raises(Error, match="append"), transaction.atomic():
            act()
    assert versions.get().note == ""


def test_a_stored_definition_gives_an_equal_calendar() -> None:
    make()
    services.import_year("HALL", 2026, actor=ADMIN)
    stored = CalendarVersion.objects.get(calendar__code="HALL", number=2)
    assert Calendar.from_json("HALL", 2, stored.definition) == calendar_for("HALL")
