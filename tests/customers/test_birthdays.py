"""Birthdays by the sun and by the moon, day by day through 2099 (D§1.11, D§1.12, D§26)."""

from __future__ import annotations

from calendar import isleap
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from holidays.calendars.chinese import _ChineseLunisolar
from hypothesis import given
from hypothesis import strategies as st

from customers import lunar
from customers.birthdays import Birthday, between, in_year, keys_of, next_birthday, year_of
from customers.lunar import LunarDay, gregorian_of, lunar_of

TABLE = Path(__file__).parent.parent / "fixtures" / "lunar_years.tsv"
# The Moon is new so near to midnight in Beijing that computations differ; the tables of the Hong Kong Observatory,
# which ours follow, begin these months a day later.
NEAR_MIDNIGHT = {(2057, 9, False), (2089, 8, False), (2097, 7, False)}
# Days of the year a lunar day has always had, kept by the holidays package; its own two slips left out: the New Year
# of 1916 (reckoned for another meridian than the almanac of its time) and the Mid-Autumn of 2089 (see above).
FEASTS = {
    "LUNAR_NEW_YEAR": (1, 1),
    "BUDDHA_BIRTHDAY": (4, 8),
    "DRAGON_BOAT": (5, 5),
    "MID_AUTUMN": (8, 15),
    "DOUBLE_NINTH": (9, 9),
}
SLIPS = {("LUNAR_NEW_YEAR", 1916), ("MID_AUTUMN", 2089)}
FIRST, LAST = date(1901, 2, 19), date(2100, 2, 8)

days = st.dates(FIRST, LAST)
solar = st.dates(date(2000, 1, 1), date(2000, 12, 31)).map(lambda day: Birthday(False, day.month, day.day))
lunar_days = st.builds(Birthday, st.just(True), st.integers(1, 12), st.integers(1, 30), st.booleans())


def computed() -> Iterator[tuple[date, LunarDay]]:
    """Every day and its place in the Chinese calendar by the fixture, an astronomical computation."""
    for line in TABLE.read_text("utf-8").splitlines()[1:]:
        year, begins, leap, lengths = line.split("\t")
        day = date.fromisoformat(begins)
        names = [(month, False) for month in range(1, 13)]
        if int(leap):
            names.insert(int(leap), (int(leap), True))
        for (month, is_leap), length in zip(names, map(int, lengths.split(",")), strict=True):
            for number in range(1, length + 1):
                yield day, LunarDay(int(year), month, is_leap, number)
                day += timedelta(days=1)


def test_the_oracle_holds_every_day() -> None:
    days = [day for day, _there in computed()]
    assert (days[0], days[-1], len(days)) == (FIRST, LAST, (LAST - FIRST).days + 1)


def test_every_day_of_two_centuries_is_where_astronomy_puts_it() -> None:
    differ = [there for day, there in computed() if lunar_of(day) != there]
    assert {(there.year, there.month, there.leap) for there in differ} == NEAR_MIDNIGHT
    for there in differ:  # by the one day alone
        day = gregorian_of(LunarDay(there.year, there.month, there.leap, 1))
        assert day is not None and lunar_of(day - timedelta(days=1)) == LunarDay(there.year, there.month - 1, False, 30)
    assert len(differ) == 90


def test_every_day_goes_there_and_back() -> None:
    day = FIRST
    before: LunarDay | None = None
    while day <= LAST:
        there = lunar_of(day)
        assert there is not None and gregorian_of(there) == day
        if before is not None:
            follows = there.day == before.day + 1 and there.month == before.month and there.leap == before.leap
            begins = there.day == 1 and before.day in (29, 30)
            assert follows or begins, day
        before = there
        day += timedelta(days=1)


@pytest.mark.parametrize("feast", FEASTS)
def test_the_feasts_of_two_centuries_are_on_their_days(feast: str) -> None:
    month, day = FEASTS[feast]
    known = getattr(_ChineseLunisolar, f"{feast}_DATES")
    for year in range(1901, 2100):
        if (feast, year) not in SLIPS:
            assert gregorian_of(LunarDay(year, month, False, day)) == date(year, *known[year]), year


def test_the_tables_end() -> None:
    assert (lunar.first_day(), lunar.last_day()) == (FIRST, LAST)
    assert lunar_of(FIRST - timedelta(days=1)) is None and lunar_of(LAST + timedelta(days=1)) is None
    assert gregorian_of(LunarDay(2100, 1, False, 1)) is None
    assert gregorian_of(LunarDay(2026, 5, True, 1)) is None  # no leap month in that year
    assert gregorian_of(LunarDay(2025, 6, True, 30)) is None  # a leap month of 29 days


@pytest.mark.parametrize(
    ("day", "there"),
    [
        (date(1949, 10, 1), LunarDay(1949, 8, False, 10)),
        (date(1976, 1, 31), LunarDay(1976, 1, False, 1)),
        (date(1984, 12, 22), LunarDay(1984, 11, False, 1)),
        (date(2000, 2, 5), LunarDay(2000, 1, False, 1)),
        (date(2020, 5, 23), LunarDay(2020, 4, True, 1)),
        (date(2023, 3, 22), LunarDay(2023, 2, True, 1)),
        (date(2025, 1, 29), LunarDay(2025, 1, False, 1)),
        (date(2025, 7, 25), LunarDay(2025, 6, True, 1)),
        (date(2026, 2, 17), LunarDay(2026, 1, False, 1)),
        (date(2026, 9, 25), LunarDay(2026, 8, False, 15)),
        (date(2033, 12, 22), LunarDay(2033, 11, True, 1)),
        (date(2034, 2, 19), LunarDay(2034, 1, False, 1)),
        (date(2099, 1, 21), LunarDay(2099, 1, False, 1)),
    ],
)
def test_days_everybody_can_look_up(day: date, there: LunarDay) -> None:
    assert lunar_of(day) == there and gregorian_of(there) == day


# --- D§26: born 29 February; lunar leap month --------------------------------------------------------------------


def test_29_february_is_greeted_on_the_28th_in_common_years() -> None:
    leapling = Birthday(False, 2, 29)
    found = between(leapling, date(2024, 1, 1), date(2028, 12, 31))
    assert [day.isoformat() for day in found] == ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]
    assert [in_year(leapling, year).day for year in (1900, 2000, 2096, 2100)] == [28, 29, 29, 28]  # type: ignore[union-attr]
    assert next_birthday(leapling, date(2025, 3, 1)) == date(2026, 2, 28)
    assert 229 in keys_of(date(2025, 2, 28)) and 229 not in keys_of(date(2024, 2, 28))
    assert keys_of(date(2024, 2, 29)) & {228, 229} == {229}


def test_a_leap_month_birthday_is_in_the_leap_month_of_the_years_that_have_it() -> None:
    born = Birthday(True, 6, 10, leap=True)
    assert in_year(born, 2025) == gregorian_of(LunarDay(2025, 6, True, 10)) == date(2025, 8, 3)
    assert in_year(born, 2026) == gregorian_of(LunarDay(2026, 6, False, 10)) == date(2026, 7, 23)
    # 2023 has a leap month too, another one.
    assert in_year(born, 2023) == gregorian_of(LunarDay(2023, 6, False, 10))
    # Who was born in the ordinary month is greeted in it alone.
    assert in_year(born._replace(leap=False), 2025) == date(2025, 7, 4)


def test_day_30_is_day_29_in_a_short_month() -> None:
    eve = Birthday(True, 12, 30)
    assert in_year(eve, 2023) == date(2024, 2, 9)  # the twelfth month had 30 days
    assert in_year(eve, 2024) == date(2025, 1, 28)  # it had 29: still the eve of the Spring Festival
    assert in_year(eve._replace(day=29), 2024) == date(2025, 1, 28)
    assert {eve.key, eve._replace(day=29).key} <= keys_of(date(2025, 1, 28))
    assert eve.key not in keys_of(date(2024, 2, 8))
    # A leap month's 30th in a leap month of 29 days, and in a year without one whose month has 29 days.
    assert in_year(Birthday(True, 6, 30, True), 2025) == gregorian_of(LunarDay(2025, 6, True, 29))


def test_a_gregorian_year_may_hold_no_greeting_or_two_and_a_lunar_year_holds_one() -> None:
    laba = Birthday(True, 12, 8)
    held = {year: between(laba, date(year, 1, 1), date(year, 12, 31)) for year in (2019, 2020, 2021, 2022, 2023)}
    assert {year: len(days) for year, days in held.items()} == {2019: 1, 2020: 1, 2021: 1, 2022: 2, 2023: 0}
    assert held[2022] == [date(2022, 1, 10), date(2022, 12, 30)]
    assert [year_of(laba, day) for day in held[2022]] == [2021, 2022]
    with pytest.raises(ValueError):
        year_of(laba, date(2022, 1, 11))


def test_outside_the_tables_there_is_no_date() -> None:
    assert in_year(Birthday(True, 1, 1), 2100) is None and in_year(Birthday(True, 1, 1), 1900) is None
    assert next_birthday(Birthday(True, 1, 1), date(2099, 1, 22)) is None
    assert next_birthday(Birthday(True, 12, 1), date(2099, 6, 1)) == date(2100, 1, 10)
    assert next_birthday(Birthday(False, 1, 1), date(2099, 1, 22)) == date(2100, 1, 1)
    assert keys_of(date(2100, 2, 9)) == {209}
    assert keys_of(date(2100, 2, 8)) > {208}


@pytest.mark.parametrize(("month", "most"), [(1, 0), (2, 29), (11, 29), (12, 0)])
def test_some_leap_months_never_come(month: int, most: int) -> None:
    assert lunar.longest(month, leap=True) == most
    assert lunar.longest(month, leap=False) == 30


def test_words() -> None:
    assert lunar.say_lunar(8, 15, leap=False) == "8th month, day 15"
    assert lunar.say_lunar(6, 1, leap=True) == "leap 6th month, day 1"


# --- what holds of every birthday ---------------------------------------------------------------------------------


@given(lunar_days, st.integers(1901, 2099))
def test_every_lunar_year_has_one_greeting_of_its_month(birthday: Birthday, year: int) -> None:
    day = in_year(birthday, year)
    assert day is not None
    there = lunar_of(day)
    assert there is not None and (there.year, there.month) == (year, birthday.month)
    assert there.day == birthday.day or (birthday.day, there.day) == (30, 29)
    assert there.leap <= birthday.leap
    assert year_of(birthday, day) == year
    first, last = gregorian_of(LunarDay(year, 1, False, 1)), (gregorian_of(LunarDay(year + 1, 1, False, 1)) or LAST)
    assert first is not None
    assert between(birthday, first, last - timedelta(days=1 if year < 2099 else 0)) == [day]


@given(solar | lunar_days, days)
def test_the_keys_of_a_day_are_the_birthdays_greeted_on_it(birthday: Birthday, day: date) -> None:
    assert (birthday.key in keys_of(day)) == (between(birthday, day, day) == [day])
    if (coming := next_birthday(birthday, day)) is not None:
        assert birthday.key in keys_of(coming)


@given(solar | lunar_days, st.dates(date(1901, 3, 1), date(2098, 12, 1)))
def test_nobody_waits_longer_than_thirteen_lunar_months_and_a_day(birthday: Birthday, day: date) -> None:
    coming = next_birthday(birthday, day)
    assert coming is not None and day <= coming <= day + timedelta(days=385)
    assert between(birthday, day, coming) == [coming]


def test_every_birthday_is_greeted_in_every_year() -> None:
    every = [
        Birthday(True, month, day, leap) for month in range(1, 13) for day in (1, 29, 30) for leap in (False, True)
    ]
    counted = dict.fromkeys((birthday.key for birthday in every), 0)
    day = FIRST
    while day <= LAST:
        for key in keys_of(day) & counted.keys():
            counted[key] += 1
        day += timedelta(days=1)
    assert set(counted.values()) == {199}


def test_common_years() -> None:
    for year in range(1901, 2100):
        assert in_year(Birthday(False, 2, 29), year) == date(year, 2, 29 if isleap(year) else 28)
