"""The two calendars every installation has (D§1.2), with China's public holidays of the years known when
it was built.
"""

from __future__ import annotations

from django.db import connections, transaction

from foundation.calendars.definition import Calendar
from foundation.calendars.models import SHIPPED_NOTE, CalendarVersion, WorkCalendar, WorkCalendarDay, WorkWindow
from foundation.calendars.queries import ROUND_THE_CLOCK, STANDARD
from foundation.calendars.services import public_days
from foundation.calendars.windows import DAY, Window
from foundation.common import clock

OFFICE = ((Window(9 * 60, 18 * 60),),) * 5 + ((), ())
ALWAYS = ((Window(0, DAY),),) * 7
SEEDED_YEARS = (2025, 2026)
SHIPPED = {
    STANDARD: ("Standard working week", "\u6807\u51c6\u5de5\u4f5c\u5468", OFFICE, 540, "CN"),
    ROUND_THE_CLOCK: ("Round the clock", "\u5168\u5929\u5019", ALWAYS, DAY, ""),
}


def seed(using: str = "default") -> list[str]:
    """Make the shipped calendars that do not exist; returns their codes. What exists is left as the operator
    has it.

    Runs after every `migrate`; writes no audit entry, for nobody changed anything.
    """
    if WorkCalendar._meta.db_table not in connections[using].introspection.table_names():
        return []  # migrated back to before the calendars
    made = []
    with transaction.atomic(using=using):
        present = set(WorkCalendar.objects.using(using).values_list("code", flat=True))
        for code in SHIPPED.keys() - present:
            _make(code, using)
            made.append(code)
    return sorted(made)


def _make(code: str, using: str) -> None:
    name_en, name_zh, weekly, day_minutes, country = SHIPPED[code]
    days = [named for year in SEEDED_YEARS for named in public_days(country, year)] if country else []
    calendar, created = WorkCalendar.objects.using(using).get_or_create(
        code=code,
        defaults={
            "name_en": name_en,
            "name_zh": name_zh,
            "day_minutes": day_minutes,
            "country": country,
            "version": 1,
        },
    )
    if not created:
        return  # another migrate was first
    WorkWindow.objects.using(using).bulk_create(
        WorkWindow(calendar=calendar, weekday=weekday, start_minute=window.start, end_minute=window.end)
        for weekday, windows in enumerate(weekly)
        for window in windows
    )
    WorkCalendarDay.objects.using(using).bulk_create(
        WorkCalendarDay(
            calendar=calendar,
            date=named.day.date,
            kind=named.day.kind.value,
            name_en=named.name_en,
            name_zh=named.name_zh,
            source=named.source,
        )
        for named in days
    )
    frozen = Calendar(
        code, calendar.zone, weekly, tuple(named.day for named in days), day_minutes=day_minutes, version=1
    )
    CalendarVersion.objects.using(using).create(
        calendar=calendar, number=1, definition=frozen.as_json(), note=SHIPPED_NOTE, created_at=clock.now()
    )
