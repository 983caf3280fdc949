"""Reads of work calendars: the loader clocks use, and what pages show."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from threading import Lock

from django.db import connection
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from foundation.calendars.definition import FIRST_YEAR, LAST_YEAR, TABLE_KINDS, Calendar, DayKind
from foundation.calendars.models import CalendarVersion, WorkCalendar, WorkCalendarDay
from foundation.calendars.windows import Window
from foundation.common.errors import RuleBroken
from foundation.common.prepared import prepared

STANDARD = "STANDARD"
ROUND_THE_CLOCK = "ROUND_THE_CLOCK"
WARN_FROM_MONTH = 12
_KEPT = 256
_frozen: OrderedDict[int, Calendar] = OrderedDict()
_lock = Lock()


def calendar_for(code: str, *, at: datetime | None = None, version: int | None = None) -> Calendar:
    """The calendar `code` as clocks use it: the newest version, the one in force `at` a moment, or the
    numbered one.

    One indexed query; the definition itself is kept by the key of its version, whose content never changes.
    Before the first version the first one holds. Refuses (RuleBroken `calendars.unknown`) a code or version
    that does not exist.
    """
    versions = CalendarVersion.objects.filter(calendar__code=code).order_by("-number")
    if version is not None:
        key = versions.filter(number=version).values_list("pk", flat=True).first()
    elif at is not None:
        key = versions.filter(created_at__lte=at).values_list("pk", flat=True).first()
        if key is None:
            key = versions.reverse().values_list("pk", flat=True).first()
    else:
        key = versions.values_list("pk", flat=True).first()
    if key is None:
        raise RuleBroken("calendars.unknown", _("There is no calendar %(code)s.") % {"code": code[:32]})
    return calendar_of_version(key)


_NEWEST = """
SELECT v.id FROM calendars_calendarversion v JOIN calendars_workcalendar c ON c.id = v.calendar_id
WHERE c.code = %s ORDER BY v.number DESC LIMIT 1
"""


def newest_version(code: str) -> int:
    """The key of the newest version of a calendar, as clocks store it; one indexed query.

    Refuses (RuleBroken `calendars.unknown`) a code that does not exist.
    """
    with connection.cursor() as cursor:  # asked whenever a clock starts: no time for more
        cursor.execute(*prepared(_NEWEST, [code]))
        found = cursor.fetchone()
    if found is None:
        raise RuleBroken("calendars.unknown", _("There is no calendar %(code)s.") % {"code": code[:32]})
    return int(found[0])


def calendar_of_version(key: int) -> Calendar:
    """The calendar a version froze, by the version's key; no query once it is known here.

    Raises CalendarVersion.DoesNotExist for a key nobody has.
    """
    with _lock:
        if key in _frozen:
            _frozen.move_to_end(key)
            return _frozen[key]
    row = CalendarVersion.objects.select_related("calendar").get(pk=key)
    calendar = Calendar.from_json(row.calendar.code, row.number, row.definition)
    with _lock:
        _frozen[key] = calendar
        while len(_frozen) > _KEPT:
            _frozen.popitem(last=False)
    return calendar


@dataclass(frozen=True, slots=True)
class MissingYear:
    """A calendar whose holiday table is not ready for a year: no rows at all, or no make-up days yet."""

    code: str
    name: str
    year: int
    holidays: int

    def in_words(self) -> str:
        """One sentence in the active language."""
        if not self.holidays:
            return _("%(name)s has no holidays for %(year)s: weekdays are used.") % {
                "name": self.name,
                "year": self.year,
            }
        return _("%(name)s has no make-up days for %(year)s yet.") % {"name": self.name, "year": self.year}


def missing_next_year(today: date) -> list[MissingYear]:
    """From 1 December: calendars with a country whose table for next year is empty, or without make-up
    days where this year had some (D§26). Until somebody fills it the weekdays are used.
    """
    if today.month < WARN_FROM_MONTH:
        return []
    year = today.year + 1
    found = (
        WorkCalendar.objects.exclude(country="")
        .annotate(
            rows=Count("days", filter=Q(days__date__year=year, days__kind__in=sorted(TABLE_KINDS))),
            makeups=Count("days", filter=Q(days__date__year=year, days__kind=DayKind.MAKEUP)),
            makeups_now=Count("days", filter=Q(days__date__year=today.year, days__kind=DayKind.MAKEUP)),
        )
        .order_by("code")
    )
    return [
        MissingYear(calendar.code, str(calendar), year, calendar.rows)
        for calendar in found
        if not calendar.rows or (calendar.makeups_now and not calendar.makeups)
    ]


@dataclass(frozen=True, slots=True)
class DayView:
    """One date of the year page: the windows that begin on it after all exceptions, and the rows behind
    them.
    """

    date: date
    windows: tuple[Window, ...]
    rows: tuple[WorkCalendarDay, ...]

    @property
    def is_open(self) -> bool:
        return bool(self.windows)


def year_view(code: str, year: int) -> list[DayView]:
    """Every day of a year, in order, with its windows and special rows (exceptions first). Two queries
    besides the loader's.

    Refuses (RuleBroken) a code that does not exist (`calendars.unknown`) and a year no calendar has
    (`calendars.no_year`).
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise RuleBroken("calendars.no_year", _("A calendar has no year %(year)s.") % {"year": year})
    calendar = calendar_for(code)
    rows: dict[date, list[WorkCalendarDay]] = {}
    for row in WorkCalendarDay.objects.filter(calendar__code=code, date__year=year):
        rows.setdefault(row.date, []).append(row)
    first = date(year, 1, 1)
    days = [first + timedelta(days=offset) for offset in range((date(year + 1, 1, 1) - first).days)]
    return [
        DayView(
            day,
            calendar.windows_of(day),
            tuple(sorted(rows.get(day, ()), key=lambda row: row.kind in TABLE_KINDS)),
        )
        for day in days
    ]


def list_calendars() -> list[WorkCalendar]:
    """All calendars with their weekly windows, by code; two queries."""
    return list(WorkCalendar.objects.prefetch_related("windows").order_by("code"))


def calendar_versions(code: str) -> list[CalendarVersion]:
    """The versions of a calendar, newest first, without their definitions."""
    return list(CalendarVersion.objects.filter(calendar__code=code).defer("definition").order_by("-number"))
