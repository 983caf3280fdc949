"""Between the rows of a clock and the engine: what an event stores, and the figures a clock stores."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from foundation.calendars.clock_engine import Course, Event, EventType, run
from foundation.calendars.definition import Calendar
from foundation.calendars.limits import Limit, Runs, Target, Unit
from foundation.calendars.marks import STANDARD_MARKS, Marks
from foundation.calendars.models import Clock, ClockEvent
from foundation.calendars.queries import calendar_of_version

FIGURES = (
    "runs", "unit", "amount", "calendar_version_id", "policy_key", "policy_version", "started_at", "state", "due_at",
    "running_since", "ran", "left", "missed_at", "stopped_at", "round", "sequence", "grace",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """What a START or RETARGET sets: the limit with the version of its calendar, its marks, and the policy behind;
    `since` and `grace` as of `clock_engine.Event`. `calendar`: one no version holds yet, in the place of the version's,
    to look at what would be; it is never stored.
    """

    target: Target
    runs: Runs
    calendar_version: int | None = None
    marks: Marks = STANDARD_MARKS
    policy_key: str = ""
    policy_version: int | None = None
    since: datetime | None = None
    grace: bool = True
    calendar: Calendar | None = None

    def limit(self) -> Limit:
        """The limit to compute with; refuses (RuleBroken `clocks.target`) what does not go together."""
        calendar = self.calendar
        if calendar is None and self.calendar_version is not None:
            calendar = calendar_of_version(self.calendar_version)
        return Limit(self.target, self.runs, calendar)

    def as_json(self) -> dict[str, Any]:
        """As an event stores it; `rule_from` gives an equal one."""
        return {
            "runs": self.runs.value,
            "unit": self.target.unit.value,
            "amount": self.target.amount,
            "calendar": self.calendar_version,
            "percents": list(self.marks.percents),
            "days": list(self.marks.days),
            "policy": self.policy_key,
            "policy_version": self.policy_version,
            "since": self.since.isoformat() if self.since else None,
            "grace": self.grace,
        }


def rule_from(stored: dict[str, Any]) -> Rule:
    """The rule an event stored."""
    return Rule(
        target=Target(Unit(stored["unit"]), stored["amount"]),
        runs=Runs(stored["runs"]),
        calendar_version=stored["calendar"],
        marks=Marks(tuple(stored["percents"]), tuple(stored["days"])),
        policy_key=stored["policy"],
        policy_version=stored["policy_version"],
        since=datetime.fromisoformat(stored["since"]) if stored["since"] else None,
        grace=stored["grace"],
    )


def newest_rule(rows: Iterable[ClockEvent]) -> Rule:
    """The rule in force after these events, without what only the change itself needed."""
    newest = [row.rule for row in rows if row.rule is not None][-1]
    return replace(rule_from(newest), since=None, grace=True)


def event_from(row: ClockEvent) -> Event:
    """A stored event as the engine takes it."""
    kind = EventType(row.type)
    rule = rule_from(row.rule) if row.rule is not None else None
    return Event(
        kind,
        row.at,
        limit=rule.limit() if rule else None,
        since=rule.since if rule else None,
        pause=row.sequence if kind == EventType.PAUSE else row.pause,
        reason=row.reason,
        grace=rule is None or rule.grace,
    )


def course_of(rows: Iterable[ClockEvent]) -> Course:
    """The course of stored events, in their order."""
    return run(event_from(row) for row in rows)


def state_of(course: Course, last: str) -> Clock.State:
    """The stored state of a course whose last event was `last`."""
    if course.stopped_at is None:
        return Clock.State.PAUSED if course.pauses else Clock.State.RUNNING
    if course.missed_at is not None:
        return Clock.State.MISSED
    return Clock.State.STOPPED if last == EventType.CANCEL else Clock.State.MET


def figures_of(course: Course, rule: Rule, *, last: str, sequence: int) -> dict[str, Any]:
    """The stored figures of a clock, by column, from its course alone."""
    return {
        "runs": rule.runs.value,
        "unit": rule.target.unit.value,
        "amount": rule.target.amount,
        "calendar_version_id": rule.calendar_version,
        "policy_key": rule.policy_key,
        "policy_version": rule.policy_version,
        "started_at": course.started_at,
        "state": state_of(course, last).value,
        "due_at": course.due,
        "running_since": course.running_since,
        "ran": course.ran,
        "left": course.left,
        "missed_at": course.missed_at,
        "stopped_at": course.stopped_at,
        "round": course.rounds,
        "sequence": sequence,
        "grace": course.grace,
    }


def limit_of(clock: Clock) -> Limit:
    """The limit of a stored clock as it is now."""
    version = clock.calendar_version_id
    calendar = None if version is None else calendar_of_version(version)
    return Limit(Target(Unit(clock.unit), clock.amount), Runs(clock.runs), calendar)


def elapsed_of(clock: Clock, now: datetime) -> timedelta:
    """Running time of a stored clock until `now`, from its row alone."""
    if clock.running_since is None:
        return clock.ran
    return clock.ran + limit_of(clock).counted(clock.running_since, max(now, clock.running_since))
