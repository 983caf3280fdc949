"""Rows of calendars (`work.py`) and of the clocks that run by them (`clocks.py`)."""

from foundation.calendars.models.clocks import Clock, ClockEvent, ClockMark
from foundation.calendars.models.work import (
    SHIPPED_NOTE,
    CalendarVersion,
    WorkCalendar,
    WorkCalendarDay,
    WorkWindow,
    import_note,
)

__all__ = [
    "SHIPPED_NOTE",
    "CalendarVersion",
    "Clock",
    "ClockEvent",
    "ClockMark",
    "WorkCalendar",
    "WorkCalendarDay",
    "WorkWindow",
    "import_note",
]
