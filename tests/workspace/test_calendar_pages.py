"""Work calendars in the browser: the year, a day, the week, the import of holidays."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from foundation.calendars.models import CalendarVersion, WorkCalendar, WorkCalendarDay
from foundation.calendars.queries import calendar_for
from tests.workspace.making import enter, person, queries

pytestmark = pytest.mark.django_db
PAGE = "/admin/calendars/STANDARD/2026/"
WEEK = {f"week-day{weekday}": "09:00-18:00" for weekday in range(5)} | {"week-day5": "", "week-day6": ""}


def hours(day: date) -> list[str]:
    return [str(window) for window in calendar_for("STANDARD").windows_of(day)]


def versions() -> int:
    return CalendarVersion.objects.filter(calendar__code="STANDARD").count()


def test_the_year_shows_holidays_and_the_list_the_weekly_hours(travel):
    client = enter(person("POLICY_ADMIN"))
    with travel(datetime(2026, 11, 24, 4, 0, tzinfo=UTC)):
        page = client.get(PAGE).content.decode()
        listed = client.get("/admin/calendars/").content.decode()
    assert "National Day" in page and page.count('<table class="month">') == 12 and 'aria-current="date"' in page
    assert "Mon–Fri 09:00-18:00" in listed
    with queries() as seen:
        client.get(PAGE)
    assert len(seen) <= 13


def test_versions_say_in_words_where_they_come_from():
    client = enter(person("POLICY_ADMIN"))
    client.post(PAGE.replace("2026", "2027"), {"act": "import"})
    client.post(PAGE, WEEK | {"act": "week", "week-day0": "10:00-18:00", "week-note": "winter"})
    page = client.get(PAGE).content.decode()
    for words in ("1 · as shipped", "2 · Public holidays 2027 imported (CN)", "3 · winter"):
        assert words in page
    assert "shipped</div>" in page and "import CN" not in page


@pytest.mark.parametrize("address", ["STANDARD/1989", "STANDARD/2200", "STANDARD/9999", "STANDARD/0", "NONE/2026"])
def test_years_and_calendars_that_do_not_exist_are_not_found(address):
    assert enter(person("POLICY_ADMIN")).get(f"/admin/calendars/{address}/").status_code == 404


@pytest.mark.parametrize("year", [1990, 2199])
def test_the_edges_of_the_calendar_have_a_page(year):
    assert enter(person("POLICY_ADMIN")).get(f"/admin/calendars/STANDARD/{year}/").status_code == 200


def test_a_day_gets_own_hours_and_becomes_ordinary_again():
    client, day = enter(person("POLICY_ADMIN")), date(2026, 12, 5)
    asked = {"act": "day", "day": "2026-12-05", "kind": "OPEN", "windows": "10:00-12:00", "note": "Stock-taking"}
    assert client.post(PAGE, asked).url == PAGE
    assert hours(day) == ["10:00-12:00"]
    assert "2026-12-05 Stock-taking" in client.get(PAGE).content.decode()
    client.post(PAGE, {"act": "day", "day": "2026-12-05", "kind": "", "note": "cancelled"})
    assert hours(day) == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "OPEN", "windows": ""}, "needs its windows"),
        ({"kind": "OPEN", "windows": "late"}, "Write windows as"),
        ({"kind": "CLOSED", "windows": "09:00-10:00"}, "has no windows"),
        ({"kind": "CLOSED", "day": "0001-01-01"}, "between the years"),
        ({"kind": "CLOSED", "day": "9999-12-31"}, "between the years"),
        ({"kind": "CLOSED", "day": "someday"}, "valid date"),
        ({"kind": "CLOSED", "note": ""}, "required"),
    ],
)
def test_a_wrong_day_is_refused_in_words_and_nothing_changes(fields, words):
    before = versions(), WorkCalendarDay.objects.count()
    asked = {"act": "day", "day": "2026-12-05", "windows": "", "note": "because"} | fields
    response = enter(person("POLICY_ADMIN")).post(PAGE, asked)
    assert response.status_code == 422 and words in response.content.decode()
    assert (versions(), WorkCalendarDay.objects.count()) == before


def test_the_week_changes_and_a_wrong_one_keeps_what_was_typed():
    client = enter(person("POLICY_ADMIN"))
    asked = WEEK | {"act": "week", "week-day5": "10:00-14:00", "week-note": "Saturdays"}
    assert client.post(PAGE, asked).status_code == 302
    assert hours(date(2026, 11, 28)) == ["10:00-14:00"]
    number = versions()
    refused = client.post(PAGE, asked | {"week-day0": "9 to 5"})
    assert refused.status_code == 422 and 'value="9 to 5"' in refused.content.decode()
    assert versions() == number


def test_the_holidays_of_a_year_are_imported_once_and_unknown_years_refused():
    client = enter(person("SYS_ADMIN"))
    WorkCalendarDay.objects.filter(calendar__code="STANDARD", date__year=2025).delete()
    page = "/admin/calendars/STANDARD/2025/"
    said = client.post(page, {"act": "import"}, follow=True).content.decode()
    found = WorkCalendarDay.objects.filter(calendar__code="STANDARD", date__year=2025)
    holidays, makeups = (found.filter(kind=kind).count() for kind in ("HOLIDAY", "MAKEUP"))
    assert holidays and makeups
    assert f"{holidays} holidays and {makeups} make-up days are in the table of 2025." in said
    number = versions()
    client.post(page, {"act": "import"})
    assert versions() == number
    WorkCalendar.objects.filter(code="STANDARD").update(country="")
    assert client.post(page, {"act": "import"}).status_code == 422


def test_who_may_not_change_gets_no_form_and_changes_nothing():
    before = versions()
    agent = enter(person("AGENT"))
    assert agent.get(PAGE).status_code == 403 and agent.post(PAGE, {"act": "import"}).status_code == 403
    assert enter(person("POLICY_ADMIN")).post(PAGE, {"act": "explode"}).status_code == 400
    assert versions() == before
