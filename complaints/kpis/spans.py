"""Periods of figures: days, weeks and months of the business zone (D§25)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _

from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.ui.wording import say_day, say_moment

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LONGEST = timedelta(days=3 * 366)


@dataclass(frozen=True)
class Span:
    """From `start` (of it) to `end` (not of it), aware moments."""

    start: datetime
    end: datetime

    @classmethod
    def of_days(cls, first: date, last: date) -> Span:
        """Whole days of the business zone, the last one included."""
        return cls(clock.business_midnight(first), clock.business_midnight(last + DAY))

    @classmethod
    def today(cls, now: datetime) -> Span:
        return cls.of_days(clock.today(now), clock.today(now))

    @classmethod
    def last_days(cls, now: datetime, days: int) -> Span:
        """So many days, today included."""
        today = clock.today(now)
        return cls.of_days(today - DAY * (days - 1), today)

    @classmethod
    def this_week(cls, now: datetime) -> Span:
        """Monday to Sunday."""
        today = clock.today(now)
        monday = today - DAY * today.weekday()
        return cls.of_days(monday, monday + DAY * 6)

    @classmethod
    def this_month(cls, now: datetime) -> Span:
        first = clock.today(now).replace(day=1)
        following = (first + DAY * 31).replace(day=1)
        return cls.of_days(first, following - DAY)

    @classmethod
    def read(cls, start: str, end: str) -> Span:
        """From texts as `text` writes them. Raises RuleBroken "complaint.bad_period" for what is none, ends before it
        begins or lasts more than three years."""
        try:
            span = cls(_moment(start), _moment(end))
            good = timedelta(0) < span.end - span.start <= LONGEST
        except (ValueError, OverflowError):
            good = False
        if not good:
            raise RuleBroken(
                "complaint.bad_period",
                _("This period cannot be understood: it has a first and a last day, and at most three years."),
            )
        return span

    def text(self) -> tuple[str, str]:
        """Both ends as they stand in an address: days as days, other moments to the minute, in the business zone."""
        return _text(self.start), _text(self.end)

    def days(self) -> list[date]:
        """The days it touches."""
        first, last = clock.today(self.start), clock.today(self.end - timedelta(microseconds=1))
        return [first + DAY * number for number in range((last - first).days + 1)]

    def in_words(self) -> str:
        """Said in the active language."""
        days = self.days()
        if any(len(text) > 10 for text in self.text()):
            return _("%(start)s to %(end)s") % {"start": say_moment(self.start), "end": say_moment(self.end)}
        if len(days) == 1:
            return say_day(days[0])
        return _("%(start)s to %(end)s") % {"start": say_day(days[0]), "end": say_day(days[-1])}


def month_of(text: str, now: date) -> date:
    """The month an address names ("2026-11"), the running one where it names none or one to come."""
    try:
        found = date.fromisoformat(f"{text[:7]}-01")
    except ValueError:
        found = now
    return min(found, now).replace(day=1)


def next_month(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def month_before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


def span_of(month: date) -> Span:
    """Its days in the business zone."""
    return Span.of_days(month, next_month(month) - timedelta(days=1))


def _moment(text: str) -> datetime:
    """A day (its beginning) or a moment to the minute, in the business zone."""
    found = datetime.fromisoformat(text[:16])
    return found.replace(tzinfo=clock.BUSINESS_ZONE)


def _text(moment: datetime) -> str:
    local = moment.astimezone(clock.BUSINESS_ZONE)
    return local.date().isoformat() if (local.hour, local.minute) == (0, 0) else local.strftime("%Y-%m-%dT%H:%M")
