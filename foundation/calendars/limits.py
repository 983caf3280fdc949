"""How long a duty may take: an amount, in which hours it runs, and by whose calendar (D§1.2, D§1.3). No database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from foundation.calendars.definition import Calendar
from foundation.calendars.windows import DAY
from foundation.calendars.working_time import add_working, statutory_due, working_between, working_days
from foundation.common.clock import BUSINESS_ZONE
from foundation.common.errors import RuleBroken

LONGEST_MINUTES = 100 * 366 * DAY


class Runs(StrEnum):
    """WORKING runs inside the windows of a calendar, CALENDAR always (D§1.2)."""

    WORKING = "WORKING"
    CALENDAR = "CALENDAR"


class Unit(StrEnum):
    """What the amount of a target counts. DAY_END is the statutory form: the end of day N (D§1.3)."""

    MINUTES = "MINUTES"
    WORKING_DAYS = "WORKING_DAYS"
    CALENDAR_DAYS = "CALENDAR_DAYS"
    DAY_END = "DAY_END"


@dataclass(frozen=True, slots=True)
class Target:
    """An amount of running time. Refuses (RuleBroken `clocks.target`) less than one (DAY_END: than none) and more than
    100 years.
    """

    unit: Unit
    amount: int

    def __post_init__(self) -> None:
        if type(self.amount) is not int:
            raise RuleBroken("clocks.target", _("A limit is a whole number of minutes or days."))
        if self.amount < (0 if self.unit == Unit.DAY_END else 1):
            raise RuleBroken("clocks.target", _("A limit must be longer than nothing."))
        if self.amount > (LONGEST_MINUTES if self.unit == Unit.MINUTES else LONGEST_MINUTES // DAY):
            raise RuleBroken("clocks.target", _("A limit lasts at most 100 years."))

    @classmethod
    def minutes(cls, minutes: int) -> Target:
        return cls(Unit.MINUTES, minutes)

    @classmethod
    def hours(cls, hours: int) -> Target:
        return cls(Unit.MINUTES, hours * 60)

    @classmethod
    def working_days(cls, days: int) -> Target:
        """`days` x the calendar's `day_minutes` of running time (D§1.2)."""
        return cls(Unit.WORKING_DAYS, days)

    @classmethod
    def calendar_days(cls, days: int) -> Target:
        """`days` x 24 h of running time."""
        return cls(Unit.CALENDAR_DAYS, days)

    @classmethod
    def end_of_day(cls, days: int) -> Target:
        """23:59:59 of day `days`, the day of receipt being day 0 (D§1.3)."""
        return cls(Unit.DAY_END, days)


@dataclass(frozen=True, slots=True)
class Limit:
    """A target with the hours it runs in. `calendar` may be None where it runs always: the business zone holds.

    Refuses (RuleBroken `clocks.target`) a working clock without calendar, working days of a clock that runs always,
    and calendar days or the end of a day of one that does not.
    """

    target: Target
    runs: Runs
    calendar: Calendar | None = None

    def __post_init__(self) -> None:
        unit = self.target.unit
        if self.runs == Runs.WORKING and self.calendar is None:
            raise RuleBroken("clocks.target", _("A clock that runs in working hours needs a calendar."))
        if self.runs == Runs.WORKING and unit in (Unit.CALENDAR_DAYS, Unit.DAY_END):
            raise RuleBroken("clocks.target", _("A clock that runs in working hours is not limited by calendar days."))
        if self.runs == Runs.CALENDAR and unit == Unit.WORKING_DAYS:
            raise RuleBroken("clocks.target", _("A clock that runs always is not limited by working days."))

    @property
    def zone(self) -> ZoneInfo:
        return self.calendar.tz if self.calendar else BUSINESS_ZONE

    @property
    def never_pauses(self) -> bool:
        """The statutory form runs to a date, whatever happens (D§10.5)."""
        return self.target.unit == Unit.DAY_END

    def same_hours(self, other: Limit) -> bool:
        """Whether both count the same running time between any two moments."""
        return self.runs == other.runs and (self.runs == Runs.CALENDAR or self.calendar == other.calendar)

    def amount(self) -> timedelta:
        """The running time allowed; for the end of a day see `day_end`."""
        if self.target.unit == Unit.MINUTES:
            return timedelta(minutes=self.target.amount)
        if self.target.unit == Unit.WORKING_DAYS and self.calendar is not None:
            return timedelta(minutes=working_days(self.target.amount, self.calendar))
        return timedelta(days=self.target.amount)

    def day_end(self, since: datetime) -> datetime:
        """When the day ends that limits a duty received at `since` (D§1.3)."""
        return statutory_due(since, self.target.amount, self.zone)

    def counted(self, start: datetime, end: datetime) -> timedelta:
        """Running time between two moments, `start` not after `end`."""
        if self.runs == Runs.WORKING and self.calendar is not None:
            return working_between(start, end, self.calendar)
        return end - start

    def after(self, start: datetime, left: timedelta) -> datetime:
        """The earliest moment by which `left` has run since `start`; raises as `add_working`."""
        if self.runs == Runs.WORKING and self.calendar is not None:
            return add_working(start, left, self.calendar)
        return start + left
