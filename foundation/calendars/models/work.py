"""Work calendars as rows: what screens edit. What clocks compute with is the frozen definition of a
version.
"""

from __future__ import annotations

import re
from typing import ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import IntegerRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import get_language, gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from foundation.audit.models import APPEND_ONLY
from foundation.calendars.definition import CLOSED_KINDS, TABLE_KINDS, DayKind
from foundation.calendars.windows import DAY, Window
from foundation.common.personal import Personal

SHIPPED_NOTE = "shipped"
_IMPORT_NOTE = re.compile(r"import (?P<country>[A-Z]{2}) (?P<year>\d{4})")

_TABLE = sorted(kind.value for kind in TABLE_KINDS)
_CLOSED = sorted(kind.value for kind in CLOSED_KINDS)


class WorkCalendar(models.Model):
    """When a unit works: windows by weekday in a zone, and special days (D§1.2). `version` is the newest
    CalendarVersion.
    """

    personal: ClassVar = Personal(of=None, plain=("code", "name_en", "name_zh", "zone", "country"))

    code = models.CharField(max_length=32, unique=True)
    name_en = models.CharField(max_length=80)
    name_zh = models.CharField(max_length=80)
    zone = models.CharField(max_length=64, default="Asia/Shanghai")
    day_minutes = models.PositiveSmallIntegerField(default=540)
    country = models.CharField(max_length=2, blank=True)
    version = models.PositiveIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["code"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(day_minutes__gte=1, day_minutes__lte=DAY), name="work_calendar_day_minutes"
            ),
            models.CheckConstraint(condition=~Q(code=""), name="work_calendar_code"),
        ]

    def __str__(self) -> str:
        return self.name_en if (get_language() or "").startswith("en") else self.name_zh


class WorkWindow(models.Model):
    """A window of a weekday (Monday 0): minutes of the local day, the end above 1440 when it runs over
    midnight.
    """

    personal: ClassVar = Personal(of=None)

    calendar = models.ForeignKey(WorkCalendar, on_delete=models.CASCADE, related_name="windows", db_index=False)
    weekday = models.PositiveSmallIntegerField()
    start_minute = models.PositiveSmallIntegerField()
    end_minute = models.PositiveSmallIntegerField()

    class Meta:
        ordering: ClassVar = ["calendar", "weekday", "start_minute"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(
                    weekday__lte=6,
                    start_minute__lt=DAY,
                    end_minute__gt=F("start_minute"),
                    end_minute__lte=F("start_minute") + DAY,
                ),
                name="work_window_range",
            ),
            ExclusionConstraint(
                name="work_window_overlap",
                expressions=[
                    ("calendar", RangeOperators.EQUAL),
                    (
                        Func(
                            F("weekday") * Value(DAY) + F("start_minute"),
                            F("weekday") * Value(DAY) + F("end_minute"),
                            function="int4range",
                            output_field=IntegerRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self) -> str:
        return str(Window(self.start_minute, self.end_minute))


class WorkCalendarDay(models.Model):
    """A special date: a row of the holiday table (HOLIDAY, MAKEUP) or an exception of this calendar, which
    wins over it.
    """

    personal: ClassVar = Personal(of=None, plain=("kind", "windows", "name_en", "name_zh", "source"))

    class Kind(models.TextChoices):
        HOLIDAY = DayKind.HOLIDAY.value, _("Public holiday")
        MAKEUP = DayKind.MAKEUP.value, _("Make-up working day")
        CLOSED = DayKind.CLOSED.value, pgettext_lazy("day", "Closed")
        OPEN = DayKind.OPEN.value, _("Open with own hours")
        HALF = DayKind.HALF.value, _("Half day")

    calendar = models.ForeignKey(WorkCalendar, on_delete=models.CASCADE, related_name="days", db_index=False)
    date = models.DateField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    windows = models.JSONField(default=list, blank=True)
    name_en = models.CharField(max_length=120, blank=True)
    name_zh = models.CharField(max_length=120, blank=True)
    source = models.CharField(max_length=60)

    class Meta:
        ordering: ClassVar = ["calendar", "date", "kind"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["calendar", "date"],
                condition=Q(kind__in=_TABLE),
                name="work_calendar_day_table_once",
            ),
            models.UniqueConstraint(
                fields=["calendar", "date"],
                condition=~Q(kind__in=_TABLE),
                name="work_calendar_day_exception_once",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=_CLOSED, windows=[])
                | (Q(kind=DayKind.OPEN.value) & ~Q(windows=[]))
                | Q(kind__in=[DayKind.HALF.value, DayKind.MAKEUP.value]),
                name="work_calendar_day_windows",
            ),
        ]

    def __str__(self) -> str:
        name = self.name_en if (get_language() or "").startswith("en") else self.name_zh
        return f"{self.date.isoformat()} {name or self.get_kind_display()}"


class CalendarVersion(models.Model):
    """The frozen definition of a calendar after one edit; a clock names the version it was computed with
    (D§1.2).
    """

    personal: ClassVar = Personal(of=None, plain=("definition", "note"))

    calendar = models.ForeignKey(WorkCalendar, on_delete=models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    definition = models.JSONField()
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    created_by_id = models.BigIntegerField(null=True)

    class Meta:
        triggers: ClassVar = APPEND_ONLY
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["calendar", "number"], name="work_calendar_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.calendar_id} v{self.number}"

    @property
    def note_in_words(self) -> str:
        """The note as people read it: what the product itself wrote in the active language, the rest as typed."""
        if self.note == SHIPPED_NOTE:
            return gettext("as shipped")
        imported = _IMPORT_NOTE.fullmatch(self.note)
        if imported is None:
            return self.note
        return gettext("Public holidays %(year)s imported (%(country)s)") % imported.groupdict()


def import_note(country: str, year: int) -> str:
    """What the version of an imported year says of itself, as it is stored."""
    return f"import {country} {year}"
