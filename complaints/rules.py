"""Which limit a policy sets for the clocks of a case, and in which hours it runs (D§10.3-10.8, 23).

Read from the policies in force, or from a draft of them (`foundation.policies.reading.drafted`): services start clocks
by it, and what looks at another limit before it holds gives recorded clocks their limits anew by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from complaints.lifecycle import RANK, ClockKind, Grade, Path
from complaints.statutory import statutory_days
from foundation.calendars.definition import Calendar
from foundation.calendars.limits import Limit, Runs, Target, Unit
from foundation.calendars.working_time import statutory_due, subtract_working
from foundation.policies.reading import policy, value_of
from staff.models import OrgUnit

MINUTE = timedelta(minutes=1)
SERVICE, STATUTORY = ClockKind.SERVICE.value, ClockKind.STATUTORY.value
LAW, FLOOR = "complaints.statutory", "complaints.reopen.floor"
AUTHORITY, AUTHORITY_DAYS = "complaints.limit.authority_before", "complaints.limit.authority_days"


class Shape(StrEnum):
    """How the value of a policy becomes a limit: a length of day and night, hours of work, working days, days."""

    SPAN = "SPAN"
    HOURS = "HOURS"
    WORKING_DAYS = "WORKING_DAYS"
    DAYS = "DAYS"


WORKING = (Shape.HOURS, Shape.WORKING_DAYS)
# Those of the service clock by grade and path; a reopened case gets half of one of them.
SERVICE_SHAPES: dict[str, Shape] = {
    "complaints.limit.simple": Shape.SPAN,
    "complaints.limit.cross_unit": Shape.WORKING_DAYS,
    "complaints.limit.works": Shape.DAYS,
    "complaints.limit.major": Shape.SPAN,
}
SHAPES: dict[str, Shape] = {
    **SERVICE_SHAPES,
    "complaints.limit.major_position": Shape.SPAN,
    "complaints.acknowledge_hours": Shape.HOURS,
    "complaints.assess_hours": Shape.HOURS,
    "complaints.assess_major": Shape.SPAN,
    "complaints.accept_hours": Shape.HOURS,
    "complaints.accept_major": Shape.SPAN,
    "complaints.assess_gold": Shape.HOURS,
    "complaints.accept_gold": Shape.HOURS,
    "complaints.first_contact": Shape.SPAN,
    "complaints.progress": Shape.SPAN,
    "complaints.silence": Shape.SPAN,
    "complaints.callback.within": Shape.SPAN,
    "complaints.lead_contact_days": Shape.WORKING_DAYS,
    "complaints.manager_hours": Shape.HOURS,
    "complaints.disputed_days": Shape.WORKING_DAYS,
}
# Steps that are quicker for grave cases and for customers of these tiers.
QUICKER = (ClockKind.ASSESS, ClockKind.ACCEPT)
GOLD_TIERS = ("GOLD", "PLATINUM", "DIAMOND")
# Every policy a clock of a case is limited by.
LIMITING = frozenset({*SHAPES, LAW, FLOOR, AUTHORITY, AUTHORITY_DAYS})


@dataclass(frozen=True)
class Rule:
    """A limit as a clock takes it, and the policy it comes from. `calendar`: a code for working time; `since`: when it
    begins, if not at the moment of the act."""

    kind: str
    target: Target
    runs: Runs
    key: str
    calendar: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What the limits of a case depend on. `has_date`: the date of a skip-level case is one that no
    policy changes, named by an authority or counted anew when the case came back."""

    unit: OrgUnit
    received_at: datetime
    grade: str
    path: str
    has_date: bool = False


def is_grave(grade: str) -> bool:
    """Whether a grade has the short limits of the major ones."""
    return RANK[grade] >= RANK[Grade.MAJOR]


def service_key(grade: str, path: str) -> str:
    """The policy of the service limit of a grade and path (D§10.4); a skip-level case has none of these."""
    if grade == Grade.MAJOR:
        return "complaints.limit.major"
    name = {Path.WORKS.value: "works", Path.CROSS_UNIT.value: "cross_unit"}.get(path, "simple")
    return f"complaints.limit.{name}"


def duty_key(kind: ClockKind, grade: str, tier: str = "") -> str:
    """The policy of the limit of a step (D§10.3, 23). A customer of a high tier is taken up faster (D§9.6)."""
    grave = is_grave(grade)
    if kind in QUICKER:
        name = "major" if grave else "gold" if tier in GOLD_TIERS else "hours"
        return f"complaints.{kind.value}_{name}"
    if kind == ClockKind.FIRST_CONTACT and grave:
        return "complaints.limit.major_position"
    named = {
        ClockKind.ACKNOWLEDGE: "acknowledge_hours",
        ClockKind.LEAD_CONTACT: "lead_contact_days",
        ClockKind.MANAGER: "manager_hours",
        ClockKind.CALLBACK: "callback.within",
    }
    return f"complaints.{named.get(kind, kind.value)}"


def target_of(key: str, value: Any) -> Target:
    """The whole limit that `value` of a policy in `SHAPES` sets."""
    shape = SHAPES[key]
    if shape == Shape.SPAN:
        return Target.minutes(max(1, value // MINUTE))
    if shape == Shape.HOURS:
        return Target.hours(value)
    return Target.working_days(value) if shape == Shape.WORKING_DAYS else Target.calendar_days(value)


def day_and_night(target: Target) -> Target:
    """The same limit of a clock that runs always, where a unit's hours never open again; a working day is then a
    day."""
    return Target.calendar_days(target.amount) if target.unit == Unit.WORKING_DAYS else target


def rule_for(kind: str, key: str, unit: OrgUnit) -> Rule:
    """The limit a policy in `SHAPES` sets in a unit now."""
    target = target_of(key, policy(key, unit=unit))
    if SHAPES[key] in WORKING:
        return Rule(str(kind), target, Runs.WORKING, key, unit.calendar_code)
    return Rule(str(kind), target, Runs.CALENDAR, key)


def statutory_rule(since: datetime) -> Rule:
    """The law's limit for what came at `since`: the end of a day (D§1.3)."""
    return Rule(STATUTORY, Target.end_of_day(statutory_days(since)), Runs.CALENDAR, LAW, since=since)


def authority_rule(end: datetime, started: datetime) -> Rule:
    """The service limit of a skip-level case that must be answered by `end` (D§10.4)."""
    minutes = max(1, (end - started) // MINUTE)
    return Rule(SERVICE, Target.minutes(minutes), Runs.CALENDAR, AUTHORITY)


def authority_end(received_at: datetime, unit: OrgUnit, calendar: Calendar) -> datetime:
    """By when a skip-level case is answered when no letter names a date: some working days of `calendar` before a
    number of days from receipt (D§10.4, 11.2)."""
    end = statutory_due(received_at, policy(AUTHORITY_DAYS, unit=unit))
    return subtract_working(end, policy(AUTHORITY, unit=unit) * calendar.day_minutes, calendar)


def half_of(rule: Rule, calendar: Calendar | None, unit: OrgUnit, start: datetime) -> Rule:
    """Half of a limit that begins at `start`, at least the floor (D§10.8). `calendar`: the one of the rule."""
    limit = Limit(rule.target, rule.runs, calendar)
    half = Target.minutes(max(1, limit.amount() // MINUTE // 2))
    floor = policy(FLOOR, unit=unit)
    if Limit(half, rule.runs, calendar).after(start, timedelta(minutes=half.amount)) >= start + floor:
        return Rule(SERVICE, half, rule.runs, rule.key, rule.calendar)
    return Rule(SERVICE, Target.minutes(floor // MINUTE), Runs.CALENDAR, FLOOR)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A limit a clock once got: its policy, the setting it was read from, and what it came to."""

    kind: str
    key: str
    version: int | None
    target: Target
    started_at: datetime


def rule_anew(recorded: Recorded, of: Subject, calendar_of: Callable[[str], Calendar]) -> Rule | None:
    """The limit the same duty gets by the policies in force (or drafted) now; None where no policy decides it.

    `calendar_of`: the calendar of a code. What was half of a limit is half of the present one (D§10.8).
    """
    key = recorded.key
    if key == LAW:
        return statutory_rule(recorded.started_at)
    if key == AUTHORITY:
        if of.has_date:
            return None
        return authority_rule(
            authority_end(of.received_at, of.unit, calendar_of(of.unit.calendar_code)), recorded.started_at
        )
    if key == FLOOR:
        key = service_key(of.grade, of.path)
    elif key not in SHAPES:
        return None
    elif not _was_halved(recorded):
        return rule_for(recorded.kind, key, of.unit)
    whole = rule_for(SERVICE, key, of.unit)
    return half_of(whole, calendar_of(whole.calendar) if whole.calendar else None, of.unit, recorded.started_at)


def _was_halved(recorded: Recorded) -> bool:
    key = recorded.key
    if key not in SERVICE_SHAPES or recorded.target.unit != Unit.MINUTES:
        return False
    return recorded.target != target_of(key, value_of(key, recorded.version))
