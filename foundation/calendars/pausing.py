"""May the service clock pause? (D§10.6)"""

from __future__ import annotations

from datetime import datetime, timedelta

from foundation.calendars.clock_engine import GRACE, pause_breaks
from foundation.calendars.clock_record import course_of
from foundation.calendars.definition import Calendar
from foundation.calendars.limits import Limit, Runs, Target, Unit
from foundation.calendars.models import Clock


def longest_pause(at: datetime, longest: Target, calendar: Calendar | None = None) -> datetime:
    """Until when a pause that begins at `at` may last at most: `longest` in hours or calendar days, or in working days
    of `calendar` (D§10.6). Raises RuleBroken as `Limit` and `add_working`.
    """
    if longest.unit == Unit.DAY_END:
        return Limit(longest, Runs.CALENDAR, calendar).day_end(at)
    runs = Runs.WORKING if longest.unit == Unit.WORKING_DAYS else Runs.CALENDAR
    limit = Limit(longest, runs, calendar)
    return limit.after(at, limit.amount())


def pause_would_break(
    clock: Clock, *, at: datetime, until: datetime, hard_due: datetime, margin: timedelta = GRACE
) -> datetime | None:
    """When the clock would be due, were it paused from `at` to `until` (the longest allowed), if that passes the hard
    limit (`hard_due`, the statutory due moment) less `margin`: the pause must be refused. None: it may pause.

    One query. Raises RuleBroken as `pause_clock`.
    """
    course = course_of(clock.events.order_by("sequence"))
    return pause_breaks(course, at=at, until=until, hard_due=hard_due, margin=margin)
