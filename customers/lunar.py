"""The Chinese calendar: a day in it, a day from it, its words. From the tables of borax, lunar years 1901 to 2099."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import NamedTuple

from borax.calendars.lunardate import LCalendars, LunarDate
from django.utils.translation import pgettext

FIRST_YEAR, LAST_YEAR = 1901, 2099
_MONTHS = (
    lambda: pgettext("lunar", "1st month"),
    lambda: pgettext("lunar", "2nd month"),
    lambda: pgettext("lunar", "3rd month"),
    lambda: pgettext("lunar", "4th month"),
    lambda: pgettext("lunar", "5th month"),
    lambda: pgettext("lunar", "6th month"),
    lambda: pgettext("lunar", "7th month"),
    lambda: pgettext("lunar", "8th month"),
    lambda: pgettext("lunar", "9th month"),
    lambda: pgettext("lunar", "10th month"),
    lambda: pgettext("lunar", "11th month"),
    lambda: pgettext("lunar", "12th month"),
)
_DAYS = (
    lambda: pgettext("lunar", "day 1"),
    lambda: pgettext("lunar", "day 2"),
    lambda: pgettext("lunar", "day 3"),
    lambda: pgettext("lunar", "day 4"),
    lambda: pgettext("lunar", "day 5"),
    lambda: pgettext("lunar", "day 6"),
    lambda: pgettext("lunar", "day 7"),
    lambda: pgettext("lunar", "day 8"),
    lambda: pgettext("lunar", "day 9"),
    lambda: pgettext("lunar", "day 10"),
    lambda: pgettext("lunar", "day 11"),
    lambda: pgettext("lunar", "day 12"),
    lambda: pgettext("lunar", "day 13"),
    lambda: pgettext("lunar", "day 14"),
    lambda: pgettext("lunar", "day 15"),
    lambda: pgettext("lunar", "day 16"),
    lambda: pgettext("lunar", "day 17"),
    lambda: pgettext("lunar", "day 18"),
    lambda: pgettext("lunar", "day 19"),
    lambda: pgettext("lunar", "day 20"),
    lambda: pgettext("lunar", "day 21"),
    lambda: pgettext("lunar", "day 22"),
    lambda: pgettext("lunar", "day 23"),
    lambda: pgettext("lunar", "day 24"),
    lambda: pgettext("lunar", "day 25"),
    lambda: pgettext("lunar", "day 26"),
    lambda: pgettext("lunar", "day 27"),
    lambda: pgettext("lunar", "day 28"),
    lambda: pgettext("lunar", "day 29"),
    lambda: pgettext("lunar", "day 30"),
)


class Month(NamedTuple):
    """A month of the Chinese calendar: the day it begins, its lunar year, number, whether a leap one, its 29 or 30
    days."""

    begins: date
    year: int
    month: int
    leap: bool
    days: int


@dataclass(frozen=True, order=True)
class LunarDay:
    """A day of the Chinese calendar."""

    year: int
    month: int
    leap: bool
    day: int


@cache
def months() -> tuple[Month, ...]:
    """Every month of the tables in order."""
    begins = LunarDate(FIRST_YEAR, 1, 1).to_solar_date()
    found = []
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        for month, days, leap in LCalendars.iter_year_month(year):
            found.append(Month(begins, year, month, bool(leap), days))
            begins += timedelta(days=days)
    return tuple(found)


@cache
def _begins() -> list[date]:
    return [month.begins for month in months()]


@cache
def _by_name() -> dict[tuple[int, int, bool], Month]:
    return {(month.year, month.month, month.leap): month for month in months()}


def first_day() -> date:
    """The first day the tables hold."""
    return months()[0].begins


def last_day() -> date:
    """The last day the tables hold."""
    return months()[-1].begins + timedelta(days=months()[-1].days - 1)


def month_of(day: date) -> Month | None:
    """The month a Gregorian day lies in, or None outside the tables."""
    at = bisect_right(_begins(), day) - 1
    if at < 0 or day > last_day():
        return None
    return months()[at]


def lunar_of(day: date) -> LunarDay | None:
    """The day of the Chinese calendar, or None outside the tables."""
    month = month_of(day)
    return LunarDay(month.year, month.month, month.leap, (day - month.begins).days + 1) if month else None


def month_in(year: int, month: int, *, leap: bool) -> Month | None:
    """A month by its name, or None when that year has none of it, or lies outside the tables."""
    return _by_name().get((year, month, leap))


def gregorian_of(day: LunarDay) -> date | None:
    """The Gregorian day, or None when there is no such day, or outside the tables."""
    month = month_in(day.year, day.month, leap=day.leap)
    return month.begins + timedelta(days=day.day - 1) if month and 1 <= day.day <= month.days else None


@cache
def longest(month: int, *, leap: bool) -> int:
    """How many days the month has at most in any year of the tables: 30, 29, or 0 when there is never such a month."""
    return max((one.days for one in months() if (one.month, one.leap) == (month, leap)), default=0)


def say_month(month: int, *, leap: bool) -> str:
    """The name of a month, 1 to 12, in the language of the reader."""
    name = _MONTHS[month - 1]()
    return pgettext("lunar", "leap %(month)s") % {"month": name} if leap else name


def say_lunar(month: int, day: int, *, leap: bool) -> str:
    """A day of a lunar year in the words of the reader's language: month 1 to 12, day 1 to 30."""
    return pgettext("lunar", "%(month)s, %(day)s") % {"month": say_month(month, leap=leap), "day": _DAYS[day - 1]()}
