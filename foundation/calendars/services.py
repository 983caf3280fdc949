"""Edits of work calendars: each writes the rows, a new frozen version and an audit entry in one
transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from foundation.audit.services import record
from foundation.calendars.definition import (
    FIRST_YEAR,
    LAST_YEAR,
    TABLE_KINDS,
    Calendar,
    Day,
    DayKind,
    check_day,
    check_zone,
)
from foundation.calendars.models import CalendarVersion, WorkCalendar, WorkCalendarDay, WorkWindow, import_note
from foundation.calendars.windows import Window, check_week, windows_json
from foundation.calendars.working_time import next_window
from foundation.common import clock
from foundation.common.errors import RuleBroken

Weekly = Sequence[Iterable[Sequence[int]]]
OWN_SOURCE = "own"
_FIELDS = {"name_en": 80, "name_zh": 80}


@dataclass(frozen=True, slots=True)
class ImportedYear:
    """What `import_year` did: rows of each kind now in the table, rows added and removed."""

    year: int
    holidays: int
    makeups: int
    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class NamedDay:
    """A special day with what people call it."""

    day: Day
    name_en: str = ""
    name_zh: str = ""
    source: str = OWN_SOURCE


@transaction.atomic
def create_calendar(
    code: str,
    *,
    actor: Any,
    name_en: str,
    name_zh: str,
    weekly: Weekly,
    zone: str = "Asia/Shanghai",
    day_minutes: int = 540,
    country: str = "",
    note: str = "",
) -> WorkCalendar:
    """A new calendar, version 1.

    `weekly`: windows (minutes) of seven weekdays, Monday first; `country`: whose public holidays
    `import_year` takes, empty for a calendar that knows none. Refuses (RuleBroken `calendars.*`) a code that
    exists or has other letters than A-Z, 0-9 and _, an unknown zone or country, wrong windows or none at all, a
    working day outside 1-1440 minutes.
    """
    if not code or len(code) > 32 or not code.replace("_", "A").isalnum() or not code.isascii() or code != code.upper():
        raise RuleBroken("calendars.code", _("A calendar's code has capital letters, digits and _ only, at most 32."))
    calendar = WorkCalendar(code=code)
    _fill(
        calendar,
        {
            "name_en": name_en,
            "name_zh": name_zh,
            "zone": zone,
            "day_minutes": day_minutes,
            "country": country,
        },
    )
    checked = check_week(weekly)
    try:
        with transaction.atomic():
            calendar.save()
    except IntegrityError as error:
        taken = _("There is a calendar %(code)s already.") % {"code": code}
        raise RuleBroken("calendars.code_taken", taken) from error
    _write_windows(calendar, checked)
    version = _new_version(calendar, actor=actor, note=note)
    record("calendar.created", target=calendar, actor=actor, detail={"code": code, "version": version.number})
    return calendar


@transaction.atomic
def change_calendar(
    code: str, *, actor: Any, weekly: Weekly | None = None, note: str = "", **fields: Any
) -> WorkCalendar:
    """Change windows (`weekly`, all seven days) or fields (name_en, name_zh, zone, day_minutes, country); a
    new version.

    An edit that changes nothing writes nothing. Refuses as `create_calendar`; `calendars.unknown` for a code
    nobody has.
    """
    calendar = _locked(code)
    before = {name: getattr(calendar, name) for name in ("name_en", "name_zh", "zone", "day_minutes", "country")}
    unknown = fields.keys() - before.keys()
    if unknown:
        raise TypeError(f"a calendar has no field {', '.join(sorted(unknown))}")
    _fill(calendar, {**before, **fields})
    changed = [name for name, old in before.items() if getattr(calendar, name) != old]
    if weekly is not None:
        checked = check_week(weekly)
        if checked != _weekly(calendar):
            changed.append("weekly")
            _write_windows(calendar, checked)
    if not changed:
        return calendar
    calendar.save(update_fields=["name_en", "name_zh", "zone", "day_minutes", "country"])
    version = _new_version(calendar, actor=actor, note=note)
    record(
        "calendar.changed",
        target=calendar,
        actor=actor,
        detail={"code": code, "version": version.number, "fields": changed},
    )
    return calendar


@transaction.atomic
def set_day(
    code: str,
    day: date,
    kind: str,
    *,
    actor: Any,
    windows: Iterable[Sequence[int]] = (),
    name_en: str = "",
    name_zh: str = "",
    source: str = OWN_SOURCE,
    note: str = "",
) -> WorkCalendar:
    """Make one date special: an exception (CLOSED, OPEN, HALF) or a row of the holiday table (HOLIDAY,
    MAKEUP).

    It takes the place of the date's row of the same layer. Refuses (RuleBroken) what `check_day` refuses and
    names too long.
    """
    named = NamedDay(check_day(day, kind, windows), name_en, name_zh, source)
    return _replace_days(code, [named], [], actor=actor, note=note)


@transaction.atomic
def clear_day(code: str, day: date, *, actor: Any, layer: str = "exception", note: str = "") -> WorkCalendar:
    """Take away the date's exception, or its row of the holiday table (`layer="table"`). Nothing there:
    nothing is written.
    """
    if layer not in ("exception", "table"):
        raise ValueError("the layers of a calendar are exception and table")
    return _replace_days(code, [], [(day, layer == "table")], actor=actor, note=note)


@transaction.atomic
def import_year(code: str, year: int, *, actor: Any) -> ImportedYear:
    """Fill the holiday table of one year from the public holidays of the calendar's country, make-up days
    included.

    Rows of the table entered by hand (source "own") and exceptions stay; rows of an earlier import that are
    gone from the source go. Running it again changes nothing. Refuses (RuleBroken) a calendar without
    country, a year outside the source.
    """
    calendar = _locked(code)
    days = public_days(calendar.country, year)
    stored = {row.date: row for row in calendar.days.filter(date__year=year, kind__in=sorted(TABLE_KINDS))}
    wanted = {named.day.date: named for named in days}
    own = {day for day, row in stored.items() if row.source == OWN_SOURCE}
    gone = [day for day in stored if day not in wanted and day not in own]
    new = [
        named for day, named in wanted.items() if day not in own and (day not in stored or _named(stored[day]) != named)
    ]
    _replace_days(code, new, [(day, True) for day in gone], actor=actor, note=import_note(calendar.country, year))
    kinds = list(calendar.days.filter(date__year=year, kind__in=sorted(TABLE_KINDS)).values_list("kind", flat=True))
    return ImportedYear(
        year=year,
        holidays=kinds.count(DayKind.HOLIDAY),
        makeups=kinds.count(DayKind.MAKEUP),
        added=len(new),
        removed=len(gone),
    )


def public_days(country: str, year: int) -> list[NamedDay]:
    """The public holidays and make-up working days of a country (ISO code) in one year, in order, with names
    in both languages.

    Weekends inside a holiday are days off by their weekday and are not listed. Refuses (RuleBroken) a country
    or year the source does not know.
    """
    import holidays  # 6 MB most processes never need

    if not country:
        raise RuleBroken("calendars.no_country", _("This calendar takes no public holidays: name its country first."))
    check_country(country)
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise RuleBroken("calendars.no_year", _("There are no public holidays known for %(year)s.") % {"year": year})
    english, chinese = (_table(country, year, language) for language in ("en_US", "zh_CN"))
    if not english:
        raise RuleBroken("calendars.no_year", _("There are no public holidays known for %(year)s.") % {"year": year})
    source = f"holidays {holidays.__version__}"
    found = [
        NamedDay(Day(day, DayKind.HOLIDAY), name[:120], chinese.get(day, name)[:120], source)
        for day, name in english.items()
    ]
    makeups = {day for day in english.weekend_workdays if day.year == year} - english.keys()
    found += [NamedDay(Day(day, DayKind.MAKEUP), source=source) for day in makeups]
    return sorted(found, key=lambda named: named.day.date)


def check_country(country: str) -> str:
    """An ISO country code with known public holidays, or empty. Refuses (RuleBroken `calendars.country`)
    any other.
    """
    import holidays

    if country and country not in holidays.list_supported_countries(include_aliases=False):
        raise RuleBroken(
            "calendars.country",
            _("No public holidays are known for the country “%(country)s”.") % {"country": country[:8]},
        )
    return country


def _table(country: str, year: int, language: str) -> Any:
    import holidays

    languages = holidays.country_holidays(country, years=year).supported_languages
    return holidays.country_holidays(country, years=year, language=language if language in languages else None)


def _locked(code: str) -> WorkCalendar:
    calendar = WorkCalendar.objects.select_for_update(no_key=True).filter(code=code).first()
    if calendar is None:
        raise RuleBroken("calendars.unknown", _("There is no calendar %(code)s.") % {"code": code[:32]})
    return calendar


def _fill(calendar: WorkCalendar, values: Mapping[str, Any]) -> None:
    for name, longest in _FIELDS.items():
        text = str(values[name]).strip()
        if not 1 <= len(text) <= longest:
            raise RuleBroken("calendars.name", _("A calendar needs a name in both languages, at most 80 characters."))
        setattr(calendar, name, text)
    calendar.zone = check_zone(values["zone"])
    calendar.country = check_country(values["country"])
    # The definition's own rule, asked before the row is written.
    Calendar(calendar.code, calendar.zone, ((),) * 7, day_minutes=values["day_minutes"])
    calendar.day_minutes = values["day_minutes"]


def _write_windows(calendar: WorkCalendar, weekly: tuple[tuple[Window, ...], ...]) -> None:
    calendar.windows.all().delete()
    WorkWindow.objects.bulk_create(
        WorkWindow(calendar=calendar, weekday=weekday, start_minute=window.start, end_minute=window.end)
        for weekday, windows in enumerate(weekly)
        for window in windows
    )


def _weekly(calendar: WorkCalendar) -> tuple[tuple[Window, ...], ...]:
    weekly: list[list[Window]] = [[] for _day in range(7)]
    for row in calendar.windows.order_by("weekday", "start_minute"):
        weekly[row.weekday].append(Window(row.start_minute, row.end_minute))
    return tuple(tuple(windows) for windows in weekly)


def _named(row: WorkCalendarDay) -> NamedDay:
    return NamedDay(check_day(row.date, row.kind, row.windows), row.name_en, row.name_zh, row.source)


def _replace_days(
    code: str, wanted: list[NamedDay], gone: list[tuple[date, bool]], *, actor: Any, note: str
) -> WorkCalendar:
    """Write `wanted` over the rows of the same date and layer and remove `gone` (date, is it the table's);
    one version.
    """
    calendar = _locked(code)
    removed = 0
    for named in wanted:
        if max(len(named.name_en), len(named.name_zh)) > 120 or len(named.source) > 60:
            raise RuleBroken("calendars.name", _("The name of a day has at most 120 characters."))
    places = [(named.day.date, named.day.kind in TABLE_KINDS) for named in wanted]
    for in_table in (True, False):
        dates = [day for day, table in places + gone if table == in_table]
        rows = calendar.days.filter(date__in=dates)
        rows = rows.filter(kind__in=sorted(TABLE_KINDS)) if in_table else rows.exclude(kind__in=sorted(TABLE_KINDS))
        removed += rows.delete()[0]
    if not wanted and not removed:
        return calendar
    WorkCalendarDay.objects.bulk_create(
        WorkCalendarDay(
            calendar=calendar,
            date=named.day.date,
            kind=named.day.kind.value,
            windows=windows_json(named.day.windows),
            name_en=named.name_en,
            name_zh=named.name_zh,
            source=named.source,
        )
        for named in wanted
    )
    version = _new_version(calendar, actor=actor, note=note)
    record(
        "calendar.days_changed",
        target=calendar,
        actor=actor,
        detail={
            "code": code,
            "version": version.number,
            "set": [[named.day.date.isoformat(), named.day.kind.value] for named in wanted],
            "cleared": [day.isoformat() for day, _table in gone],
        },
    )
    return calendar


def _new_version(calendar: WorkCalendar, *, actor: Any, note: str) -> CalendarVersion:
    """Freeze the rows as they are now. Raises RuleBroken when they break a rule together, `calendars.never_opens` when
    nothing is open any more: no deadline in working time would ever come."""
    calendar.version += 1
    frozen = Calendar(
        code=calendar.code,
        zone=calendar.zone,
        day_minutes=calendar.day_minutes,
        weekly=_weekly(calendar),
        days=tuple(_named(row).day for row in calendar.days.all()),
        version=calendar.version,
    )
    next_window(clock.now(), frozen)
    calendar.save(update_fields=["version"])
    return CalendarVersion.objects.create(
        calendar=calendar,
        number=calendar.version,
        definition=frozen.as_json(),
        note=note[:200],
        created_at=clock.now(),
        created_by_id=getattr(actor, "pk", None),
    )
