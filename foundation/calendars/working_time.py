"""Working time: pure arithmetic on intervals (D§1.2-1.5). No database, no clock of its own.

Instants go in aware, in any zone, and come out in UTC. A window holds its start and not its end. Days on
which a zone changes its clock are taken as they are: a window lasts from the first instant the clock shows
its start (or a later time) to the first instant it shows its end, so a skipped hour is not worked and an hour
shown twice is worked twice.
"""

from __future__ import annotations

import calendar as gregorian
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from django.utils.translation import gettext as _

from foundation.calendars.definition import Calendar, Day, DayKind, Span
from foundation.calendars.instants import first_instant
from foundation.calendars.windows import Window
from foundation.common.clock import BUSINESS_ZONE
from foundation.common.errors import RuleBroken

__all__ = [
    "Calendar",
    "Day",
    "DayKind",
    "Opening",
    "Window",
    "add_months",
    "add_working",
    "is_working",
    "next_window",
    "overdue_days",
    "statutory_due",
    "subtract_working",
    "working_between",
    "working_days",
]

MICROSECOND = timedelta(microseconds=1)
HORIZON_DAYS = 36_525
EARLIEST_YEAR, LATEST_YEAR = 1900, 9800
OPEN_LOOKAHEAD_DAYS = 31


class Opening(NamedTuple):
    """Working time from `opens` to `closes` (UTC); `closes` is None when it does not stop within 31 days."""

    opens: datetime
    closes: datetime | None


def add_working(start: datetime, amount: int | timedelta, calendar: Calendar) -> datetime:
    """The earliest instant by which `amount` of working time has run since `start`.

    `amount`: working minutes, or a timedelta of working time (what a paused clock has left). Nothing to run
    gives `start` itself, in or out of hours; an amount that ends with a window gives that window's end, not
    the next one's start; seconds of the start are kept. Raises ValueError for a naive start or a negative
    amount, RuleBroken (`calendars.never_opens`, `calendars.too_far`) when the calendar does not open so often
    again, or not within 100 years, and `calendars.out_of_range` for a moment outside the years 1900-9800.
    """
    left, start = _amount(amount), _utc(start)
    if calendar.always_open or not left:
        return _plus(start, left)
    day = first_day = _day_of(start, calendar)
    for span in calendar.spans_on(day):
        begin = max(start, span.start)
        if begin < span.end:
            if span.end - begin >= left:
                return begin + left
            left -= span.end - begin
    day += 1
    week = timedelta(minutes=calendar.week_minutes)
    while day - first_day <= HORIZON_DAYS:
        if not week:
            day = _next_special(day, calendar)
        weeks = (calendar.plain_until(day) - day) // 7
        if week and weeks:
            weeks = min(weeks, (left - MICROSECOND) // week)
            left -= weeks * week
            day += 7 * weeks
        today = calendar.minutes_on(day)
        if today >= left:
            return _within(calendar.spans_on(day), left)
        left -= today
        day += 1
    raise _too_far()


def subtract_working(end: datetime, amount: int | timedelta, calendar: Calendar) -> datetime:
    """The latest instant from which `amount` of working time runs until `end` ("authority's date minus 2
    working days", D§10.4).

    Nothing to run gives `end` itself; an amount that begins with a window gives that window's start. Raises
    as `add_working`.
    """
    left, end = _amount(amount), _utc(end)
    if calendar.always_open or not left:
        return _plus(end, -left)
    day = last_day = _day_of(end, calendar)
    while last_day - day <= HORIZON_DAYS and day > 1:
        if day == last_day or calendar.minutes_on(day):
            for span in reversed(calendar.spans_on(day)):
                finish = min(end, span.end)
                if span.start < finish:
                    if finish - span.start >= left:
                        return finish - left
                    left -= finish - span.start
        day -= 1
        if not calendar.week_minutes and not (calendar.special and calendar.special[0] <= day):
            raise _never_opens(calendar)
    raise _too_far()


def working_between(start: datetime, end: datetime, calendar: Calendar) -> timedelta:
    """Working time in [start, end); negative when `end` lies before `start`. Raises ValueError for naive
    moments.
    """
    start, end = _utc(start), _utc(end)
    if end < start:
        return -working_between(end, start, calendar)
    if calendar.always_open:
        return end - start
    day, last = _day_of(start, calendar), _day_of(end, calendar)
    if day == last:
        return _inside(calendar, day, start, end)
    total = _inside(calendar, day, start, end) + _inside(calendar, last, start, end)
    day += 1
    week = timedelta(minutes=calendar.week_minutes)
    while day < last:
        weeks = (min(calendar.plain_until(day), last) - day) // 7
        if weeks:
            total += weeks * week
            day += 7 * weeks
        else:
            total += calendar.minutes_on(day)
            day += 1
    return total


def working_days(days: int, calendar: Calendar) -> int:
    """`days` working days in working minutes: days x the calendar's `day_minutes`, never days x 24 h
    (D§1.2).
    """
    return days * calendar.day_minutes


def is_working(at: datetime, calendar: Calendar) -> bool:
    """Whether work is done at that instant; at a window's end it is over."""
    at = _utc(at)
    return calendar.always_open or any(span.start <= at < span.end for span in calendar.spans_on(_day_of(at, calendar)))


def next_window(at: datetime, calendar: Calendar) -> Opening:
    """From when, at or after `at`, work is done, and until when; `opens` is `at` itself inside a window.

    Windows that touch (over midnight, day after day) are one. Raises RuleBroken `calendars.never_opens` when
    the calendar does not open again.
    """
    at = _utc(at)
    if calendar.always_open:
        return Opening(at, None)
    opens = add_working(at, timedelta(microseconds=1), calendar) - MICROSECOND
    closes, day = opens, _day_of(opens, calendar)
    for ahead in range(OPEN_LOOKAHEAD_DAYS + 1):
        for span in calendar.spans_on(day + ahead):
            if span.start <= closes < span.end:
                closes = span.end
        if closes < _midnight(day + ahead + 1, calendar):
            return Opening(opens, closes)
    return Opening(opens, None)


def statutory_due(received_at: datetime, days: int, zone: tzinfo = BUSINESS_ZONE) -> datetime:
    """When a statutory deadline of `days` days ends: 23:59:59 of day N in the business zone (D§1.3).

    The day of receipt is day 0; holidays neither stop nor extend it. Raises ValueError for a naive moment.
    """
    day = _utc(received_at).astimezone(zone).date() + timedelta(days=days)
    return datetime.combine(day, time(23, 59, 59), tzinfo=zone).astimezone(UTC)


def add_months(day: date, months: int) -> date:
    """`day` moved by `months` (may be negative), keeping the day number, clipped to the month's last day
    (D§1.5).
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, gregorian.monthrange(year, month + 1)[1]))


def overdue_days(due_date: date, today: date) -> int:
    """Calendar days since `due_date` (D§1.4); 0 or less when not overdue. "More than 30 days" means 31 or
    more.
    """
    return (today - due_date).days


def _amount(amount: int | timedelta) -> timedelta:
    left = amount if isinstance(amount, timedelta) else timedelta(minutes=amount)
    if left < timedelta():
        raise ValueError("working time cannot be negative here; use subtract_working")
    return left


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("working time needs aware datetimes")
    if not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
        raise RuleBroken("calendars.out_of_range", _("The moment lies outside every calendar."))
    return moment.astimezone(UTC)


def _plus(moment: datetime, step: timedelta) -> datetime:
    try:
        return moment + step
    except OverflowError:
        raise _too_far() from None


def _midnight(day: int, calendar: Calendar) -> datetime:
    return first_instant(datetime.fromordinal(day), calendar.tz)


def _day_of(at: datetime, calendar: Calendar) -> int:
    """The local day (ordinal) `at` belongs to. Where a clock goes back over midnight, the night after the
    first midnight is already the new day.
    """
    day = at.astimezone(calendar.tz).toordinal()
    return day + 1 if at >= _midnight(day + 1, calendar) else day


def _inside(calendar: Calendar, day: int, start: datetime, end: datetime) -> timedelta:
    pieces = (min(end, span.end) - max(start, span.start) for span in calendar.spans_on(day))
    return sum((piece for piece in pieces if piece > timedelta()), timedelta())


def _within(spans: list[Span], left: timedelta) -> datetime:
    for span in spans:
        if span.end - span.start >= left:
            return span.start + left
        left -= span.end - span.start
    raise AssertionError("the day's working time is the sum of its spans")


def _next_special(day: int, calendar: Calendar) -> int:
    found = next((special for special in calendar.special if special >= day), None)
    if found is None:
        raise _never_opens(calendar)
    return found


def _never_opens(calendar: Calendar) -> RuleBroken:
    return RuleBroken(
        "calendars.never_opens",
        _("The calendar %(code)s has no working time left.") % {"code": calendar.code},
    )


def _too_far() -> RuleBroken:
    return RuleBroken("calendars.too_far", _("The working time does not end within 100 years."))
