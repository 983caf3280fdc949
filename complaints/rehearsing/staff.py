"""A staffing rule over the cases of a period: who would have come through with which case, and when.

A rule is the staff of a unit: minutes of work a case takes, and shifts of so many people with their hours. Cases are
taken in order of receipt by whoever is through with theirs first; a case begun goes on in the next hours of the same
person. Holidays are those of the unit's calendar.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heapreplace
from typing import Any

from django.utils.translation import gettext as _

from complaints.rehearsing.sides import Side
from foundation.calendars.definition import Calendar, DayKind
from foundation.calendars.windows import as_pairs, check_windows, windows_json
from foundation.calendars.working_time import add_working, next_window, working_between
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.policies.drafting import keep_draft
from foundation.policies.models import Draft
from staff.models import OrgUnit, User

MOST_PEOPLE, MOST_SHIFTS, LONGEST_MINUTES = 500, 12, 10_000
SHARED_DAYS = frozenset({DayKind.HOLIDAY, DayKind.CLOSED, DayKind.MAKEUP, DayKind.HALF})


@dataclass(frozen=True)
class Shift:
    """So many people who work the same hours. `days`: weekdays, Monday 0."""

    people: int
    days: tuple[int, ...]
    windows: tuple[Any, ...]


def draft_staffing(unit: OrgUnit, *, minutes: int, shifts: Iterable[Shift], actor: User, note: str = "") -> Draft:
    """Keep who would work when in a unit, and how long a case takes them.

    Refuses (RuleBroken) "complaint.staffing": less than one minute or more than 10,000 a case, no people or more than
    500 in a shift, none or more than 12 shifts, a shift without days or hours; and as windows are refused.
    """
    found = list(shifts)
    if not 1 <= minutes <= LONGEST_MINUTES:
        raise RuleBroken("complaint.staffing", _("A case takes between 1 and 10,000 minutes."))
    if not 1 <= len(found) <= MOST_SHIFTS:
        raise RuleBroken("complaint.staffing", _("Name at least one shift, at most twelve."))
    rows = []
    for shift in found:
        if not 1 <= shift.people <= MOST_PEOPLE:
            raise RuleBroken("complaint.staffing", _("A shift has between 1 and 500 people."))
        windows = check_windows(shift.windows)
        if not windows or not shift.days or not set(shift.days) <= set(range(7)):
            raise RuleBroken("complaint.staffing", _("A shift without days and hours never works."))
        rows.append({"people": shift.people, "days": sorted(set(shift.days)), "windows": windows_json(windows)})
    content = {"minutes": minutes, "shifts": rows}
    for post in posts_of(content, _unit_calendar(unit)):
        next_window(clock.now(), post.hours)
    return keep_draft(Draft.Kind.STAFFING, str(unit.pk), content, actor, note)


def _unit_calendar(unit: OrgUnit) -> Calendar:
    return Side([], clock.now()).calendar(unit.calendar_code)


@dataclass(frozen=True)
class Post:
    """A shift as it works: its people and their hours."""

    people: int
    hours: Calendar


def posts_of(content: dict[str, Any], calendar: Calendar) -> list[Post]:
    """The shifts of a staffing rule in the zone and with the holidays of the unit's calendar."""
    days = tuple(day for day in calendar.days if day.kind in SHARED_DAYS)
    posts = []
    for shift in content["shifts"]:
        windows = check_windows(as_pairs(shift["windows"]))
        weekly = tuple(windows if day in shift["days"] else () for day in range(7))
        hours = Calendar("STAFF", calendar.zone, weekly, days, day_minutes=calendar.day_minutes)
        posts.append(Post(shift["people"], hours))
    return posts


class Staff:
    """The people of one unit, taking cases one after the other."""

    def __init__(self, content: dict[str, Any], calendar: Calendar, since: datetime) -> None:
        """From `since` on all are free."""
        self.posts = posts_of(content, calendar)
        self.work = timedelta(minutes=content["minutes"])
        self._free = [[since] * post.people for post in self.posts]

    def take(self, received_at: datetime) -> datetime:
        """When they are through with the next case; cases come in order of receipt."""
        ends = []
        for number, post in enumerate(self.posts):
            start = max(self._free[number][0], received_at)
            ends.append((add_working(start, self.work, post.hours), number))
        done, number = min(ends)
        heapreplace(self._free[number], done)
        return done

    def room(self, start: datetime, end: datetime) -> float:
        """How many cases they can come through with between two moments."""
        worked = sum((working_between(start, end, post.hours) * post.people for post in self.posts), timedelta())
        return worked / self.work


def staff_of(side: Side, units: dict[int, OrgUnit], since: datetime) -> dict[int, Staff]:
    """The staff of a side by unit."""
    return {
        unit: Staff(content, side.calendar(units[unit].calendar_code), since)
        for unit, content in side.staff.items()
        if unit in units
    }


def staffed(unit: OrgUnit, staff: dict[int, Staff]) -> Staff | None:
    """Who works on the cases of a unit: its own staff, or that of the nearest unit above."""
    return next((staff[one] for one in unit.path_ids if one in staff), None)
