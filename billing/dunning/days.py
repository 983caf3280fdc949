"""On which days and at which hours services may be suspended or ended, and messages of the ladder leave (D§13.5)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from billing.dunning.facts import DAY, at_hour
from billing.dunning.rules import Ladder
from foundation.calendars.definition import Calendar, DayKind
from foundation.common import clock

LONGEST_CLOSED = 60
LOOK_AHEAD = 5 * 366


class ActingDays:
    """The days of a calendar on which services may be suspended or ended; worked out once for many accounts."""

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar
        self._holidays = frozenset(day.date for day in calendar.days if day.kind == DayKind.HOLIDAY)
        self._known: dict[date, bool] = {}

    def may_act(self, day: date) -> bool:
        """A working day, and not the last one before a public holiday.

        The weekend in front of a holiday belongs to it: nobody is cut off on the Friday before a holiday's Monday.
        """
        if day not in self._known:
            self._known[day] = bool(self.calendar.windows_of(day)) and not self._holiday_follows(day)
        return self._known[day]

    def _holiday_follows(self, day: date) -> bool:
        for ahead in range(1, LONGEST_CLOSED):
            following = day + timedelta(days=ahead)
            if following in self._holidays:
                return True
            if self.calendar.windows_of(following):
                return False
        return False

    def next_act(self, earliest: datetime, ladder: Ladder) -> datetime:
        """The first moment from `earliest` on at which services may be suspended or ended.

        Raises ValueError when the calendar has no such day within five years.
        """
        local = earliest.astimezone(clock.BUSINESS_ZONE)
        for ahead in range(LOOK_AHEAD):
            day = local.date() + timedelta(days=ahead)
            if self.may_act(day) and local < at_hour(day, ladder.acts_until):
                return max(at_hour(day, ladder.acts_from), local)
        raise ValueError("the calendar has no working day within five years")


def next_notice(earliest: datetime, ladder: Ladder) -> datetime:
    """The first moment from `earliest` on at which a day's messages leave."""
    local = earliest.astimezone(clock.BUSINESS_ZONE)
    today = at_hour(local.date(), ladder.notice_at)
    return today if local <= today else at_hour(local.date() + DAY, ladder.notice_at)
