"""Dates, times, spans and money in the words of the active language (D§1.1: in the business zone).

Aware datetimes come in, plain text goes out. Relative words never stand alone: the tags add the moment itself.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache, lru_cache
from typing import Any

from django.db.models import Choices
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from foundation.common import clock
from foundation.common.sentences import join_words as join_words

CENT = Decimal("0.01")


def month_word(number: int) -> str:
    """The short name of month 1 to 12."""
    return _months(get_language())[number - 1]


def weekday_word(number: int) -> str:
    """The short name of weekday 0 (Monday) to 6."""
    return _weekdays(get_language())[number]


@cache
def _months(_language: str | None) -> tuple[str, ...]:
    return (
        pgettext("month", "Jan"),
        pgettext("month", "Feb"),
        pgettext("month", "Mar"),
        pgettext("month", "Apr"),
        pgettext("month", "May"),
        pgettext("month", "Jun"),
        pgettext("month", "Jul"),
        pgettext("month", "Aug"),
        pgettext("month", "Sep"),
        pgettext("month", "Oct"),
        pgettext("month", "Nov"),
        pgettext("month", "Dec"),
    )


@cache
def _weekdays(_language: str | None) -> tuple[str, ...]:
    return (
        pgettext("weekday", "Mon"),
        pgettext("weekday", "Tue"),
        pgettext("weekday", "Wed"),
        pgettext("weekday", "Thu"),
        pgettext("weekday", "Fri"),
        pgettext("weekday", "Sat"),
        pgettext("weekday", "Sun"),
    )


def local(moment: datetime) -> datetime:
    """The moment in the zone the user reads."""
    return moment.astimezone(clock.BUSINESS_ZONE)


def say_date(day: date | datetime) -> str:
    """`Sun, Nov 22`; with the year when it is not this year's."""
    if isinstance(day, datetime):
        day = local(day).date()
    return _date(get_language(), day, with_year=day.year != local(clock.now()).year)


@lru_cache(maxsize=2_048)
def _date(_language: str | None, day: date, *, with_year: bool) -> str:
    parts = {
        "year": day.year,
        "month": month_word(day.month),
        "day": day.day,
        "weekday": weekday_word(day.weekday()),
    }
    if with_year:
        return pgettext("date", "%(weekday)s, %(month)s %(day)s, %(year)s") % parts
    return pgettext("date", "%(weekday)s, %(month)s %(day)s") % parts


def say_time(moment: datetime) -> str:
    """`10:24`, 24 hours."""
    return local(moment).strftime("%H:%M")


def say_moment(moment: datetime) -> str:
    """Date and time, absolute: `Sun, Nov 22 10:24`."""
    here = local(moment)
    return f"{say_date(here.date())} {here:%H:%M}"


def say_day(day: date) -> str:
    """The head of a day in a list: `Today · Sun, Nov 22`, `Yesterday · …`, or the date alone."""
    distance = (local(clock.now()).date() - day).days
    if distance == 0:
        return _("Today, %(date)s") % {"date": say_date(day)}
    if distance == 1:
        return _("Yesterday, %(date)s") % {"date": say_date(day)}
    return say_date(day)


def say_since(moment: datetime) -> str:
    """`12 minutes ago` or `in 3 hours`; beyond a week the date."""
    seconds = (clock.now() - moment).total_seconds()
    past, away = seconds >= 0, abs(seconds)
    if away < 60:
        return _("just now") if past else _("in a moment")
    if away < 3600:
        n = int(away // 60)
        return (
            ngettext("%(n)s minute ago", "%(n)s minutes ago", n)
            if past
            else ngettext("in %(n)s minute", "in %(n)s minutes", n)
        ) % {"n": n}
    if away < 86400:
        n = int(away // 3600)
        return (
            ngettext("%(n)s hour ago", "%(n)s hours ago", n) if past else ngettext("in %(n)s hour", "in %(n)s hours", n)
        ) % {"n": n}
    if away < 7 * 86400:
        n = int(away // 86400)
        return (
            ngettext("%(n)s day ago", "%(n)s days ago", n) if past else ngettext("in %(n)s day", "in %(n)s days", n)
        ) % {"n": n}
    return say_date(moment)


def say_choice(choices: type[Choices], code: Any) -> str:
    """The label of a stored code; the code itself where nothing is called so. For lists: quicker than the model's own
    `get_…_display`."""
    return _labels(get_language(), choices).get(code, str(code))


@cache
def _labels(_language: str | None, choices: type[Choices]) -> dict[Any, str]:
    return {code: str(label) for code, label in choices.choices}


def say_span(seconds: float) -> str:
    """A span without its sign: `h:mm` up to a day, `3 d 4 h` above; minutes are rounded down."""
    minutes = int(abs(seconds) // 60)
    if minutes < 24 * 60:
        return f"{minutes // 60}:{minutes % 60:02d}"
    return _("%(days)s d %(hours)s h") % {"days": minutes // 1440, "hours": minutes % 1440 // 60}


def say_money(amount: Decimal | int | None) -> str:
    """CNY with two decimals and thousands: `¥ 1,240.00`; a dash for None. Refuses floats."""
    if amount is None:
        return "–"
    if isinstance(amount, float):
        raise TypeError("money is Decimal, never float")
    value = Decimal(amount).quantize(CENT, rounding=ROUND_HALF_UP)
    sign = "−" if value < 0 else ""
    return f"{sign}¥\N{NO-BREAK SPACE}{abs(value):,.2f}"
