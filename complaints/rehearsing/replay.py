"""One case over again: its recorded events with the limits of a side, through the one engine of clocks.

What happened stays as it happened: when a clock began, stood still and stopped, and that the grade rose. Only the
limits and hours are another side's. Cases without clocks (records of the past) get those a case begins with.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby

from django.db.models import Q

from complaints.lifecycle import OWNER_KIND, ClockKind, Grade
from complaints.models import AppealCase, Complaint, Rehearsal, RehearsalLine
from complaints.models.cases import ComplaintQuerySet
from complaints.rehearsing.sides import Side
from complaints.rules import (
    SERVICE,
    STATUTORY,
    Rule,
    Subject,
    authority_end,
    authority_rule,
    day_and_night,
    rule_for,
    service_key,
    statutory_rule,
)
from foundation.calendars.clock_engine import Course, Event, EventType, run
from foundation.calendars.clock_record import Rule as StoredRule
from foundation.calendars.clock_record import event_from, rule_from
from foundation.calendars.clock_words import MOVED
from foundation.calendars.limits import Limit, Runs, Target
from foundation.calendars.models import Clock, ClockEvent
from staff.models import OrgUnit

# Whose time runs in it is the customer: it is nobody's deadline.
NOT_REHEARSED = (ClockKind.SILENCE.value,)


@dataclass(frozen=True, slots=True)
class Taken:
    """A case as a rehearsal reads it."""

    id: int
    received_at: datetime
    grade: str
    path: str
    unit_id: int
    answered_at: datetime | None
    came_back: bool

    def carried(self, since: datetime) -> bool:
        """It came before the period."""
        return self.received_at < since

    def waits(self, since: datetime) -> bool:
        """Nobody had answered it when the period began."""
        return self.answered_at is None or self.answered_at >= since


COLUMNS = ("pk", "received_at", "grade", "path", "work_unit_id", "answered_at", "reopened", "returned")


LONG_AGO = datetime(1900, 1, 1, tzinfo=UTC)


def taken_in(since: datetime, until: datetime) -> ComplaintQuerySet:
    """The cases received in a period, and those that were open when it began; when a record of the past was worked on
    nobody knows, so that it is none of those."""
    before = Q(closed_at=None) | Q(closed_at__gte=since)
    return Complaint.objects.filter(Q(received_at__gte=since) | Q(before, source=""), received_at__lt=until)


def cases_after(rows: ComplaintQuerySet, after: tuple[datetime, int], size: int) -> list[Taken]:
    """The next of the cases in order of receipt, behind (moment, id)."""
    rows = rows.filter(received_at__gte=after[0])
    rows = rows.exclude(received_at=after[0], pk__lte=after[1]).order_by("received_at", "pk")
    return [
        Taken(pk, received, grade, path, unit, answered, bool(reopened or returned))
        for pk, received, grade, path, unit, answered, reopened, returned in rows.values_list(*COLUMNS)[:size]
    ]


def units_with_paths() -> dict[int, OrgUnit]:
    """All units, each knowing those above it without asking again."""
    units = list(OrgUnit.objects.order_by("no"))
    above: list[OrgUnit] = []
    for unit in units:
        while above and above[-1].last_no < unit.no:
            above.pop()
        above.append(unit)
        unit.path_ids = [one.pk for one in reversed(above)]
    return {unit.pk: unit for unit in units}


def lines_of(
    rehearsal: Rehearsal, cases: list[Taken], units: dict[int, OrgUnit], left: Side, right: Side, since: datetime
) -> list[RehearsalLine]:
    """The lines of these cases, in their order: three queries, and those of calendars not met before. `since`: when the
    period begins; of cases from before it those lines that burden it."""
    as_of = rehearsal.as_of
    ids = [case.id for case in cases]
    clocks = Clock.objects.filter(owner_kind=OWNER_KIND, owner_id__in=ids).exclude(kind__in=NOT_REHEARSED)
    kinds = {pk: (owner, kind) for pk, owner, kind in clocks.values_list("pk", "owner_id", "kind")}
    rows = ClockEvent.objects.filter(clock__in=list(kinds), at__lte=as_of).order_by("clock_id", "sequence")
    events = {key: list(group) for key, group in groupby(rows.iterator(), key=lambda row: row.clock_id)}
    letters = set(AppealCase.objects.filter(complaint__in=ids).values_list("complaint_id", flat=True))
    of_case: dict[int, list[tuple[int, str]]] = {}
    for clock, (owner, kind) in sorted(kinds.items()):
        if clock in events and not _over(events[clock], since):
            of_case.setdefault(owner, []).append((clock, kind))
    work: list[_Work] = []
    for case in cases:
        if case.carried(since) and case.id not in of_case:
            continue  # nothing of it ran any more
        has_date = case.id in letters or case.came_back
        subject = Subject(units[case.unit_id], case.received_at, case.grade, case.path, has_date)
        for number, (clock_id, kind, past) in enumerate(_pasts(case, of_case.get(case.id, ()), events)):
            line = RehearsalLine(
                rehearsal=rehearsal,
                complaint_id=case.id,
                clock_id=clock_id,
                kind=kind,
                unit_id=case.unit_id,
                received_at=case.received_at,
                first=number == 0 and (not case.carried(since) or case.waits(since)),
                carried=case.carried(since),
            )
            work.append(_Work(line, past, subject, clock_id is not None or case.answered_at is not None))
    for side, name in ((left, "left"), (right, "right")):
        with side.reading():
            for one in work:
                due, late = _read(one, side, as_of)
                setattr(one.line, f"due_{name}", due)
                setattr(one.line, f"late_{name}", late)
    return [one.line for one in work if not one.line.carried or _burdens(one.line, since)]


def _over(rows: list[ClockEvent], since: datetime) -> bool:
    """It had stopped before the period."""
    return any(row.type == EventType.STOP and row.at < since for row in rows)


def _burdens(line: RehearsalLine, since: datetime) -> bool:
    """It stands for a case that waits, or falls due in the period or later."""
    return line.first or any(due is not None and due >= since for due in (line.due_left, line.due_right))


Past = list[ClockEvent] | Taken


@dataclass(slots=True)
class _Work:
    """A line to fill. `known`: whether it is on record when the duty was done, or that it is open."""

    line: RehearsalLine
    past: Past
    subject: Subject
    known: bool


def _pasts(
    case: Taken, clocks: Iterable[tuple[int, str]], events: dict[int, list[ClockEvent]]
) -> Iterable[tuple[int | None, str, Past]]:
    found = False
    for clock, kind in clocks:
        found = True
        yield clock, kind, events[clock]
    if not found:
        yield None, SERVICE, case
        yield None, STATUTORY, case


def _read(work: _Work, side: Side, as_of: datetime) -> tuple[datetime | None, bool | None]:
    """When it was due on a side, and whether that was missed; None when nobody can know. Inside `side.reading`."""
    past, kind = work.past, work.line.kind
    if isinstance(past, Taken):
        events = _supposed(past, kind, work.subject, side)
    else:
        events = _again(past, kind, work.subject, side)
    course = run(events)
    if course.fault:  # as `CaseClocks.start` has it: hours that never open again keep nobody waiting for ever
        course = run(replace(event, limit=event.limit and _always(event.limit)) for event in events)
    return course.due, (_is_late(course, as_of) if work.known else None)


def _always(limit: Limit) -> Limit:
    return Limit(day_and_night(limit.target), Runs.CALENDAR)


def _is_late(course: Course, as_of: datetime) -> bool:
    return course.missed_at is not None or course.is_late(as_of)


def _again(rows: list[ClockEvent], kind: str, subject: Subject, side: Side) -> list[Event]:
    """Recorded events with the limits of a side. That another version once moved the clock is left out: the side has
    one version."""
    found = []
    for row in rows:
        if row.rule is None:
            found.append(event_from(row))
        elif row.type == EventType.START or row.reason not in MOVED:
            recorded = rule_from(row.rule)
            rule = side.ruled(kind, recorded, rows[0].at, subject)
            event = Event(EventType(row.type), row.at, limit=rule.limit(), since=recorded.since, grace=recorded.grace)
            found.append(event)
    return found


_NOTHING = StoredRule(Target.minutes(1), Runs.CALENDAR)


def _supposed(case: Taken, kind: str, subject: Subject, side: Side) -> list[Event]:
    """What would have run for a record of the past: the limits a case begins with, from its receipt."""
    rule: Rule
    if kind == STATUTORY:
        rule = statutory_rule(case.received_at)
    elif case.grade == Grade.SKIP_LEVEL:
        calendar = side.calendar(subject.unit.calendar_code)
        rule = authority_rule(authority_end(case.received_at, subject.unit, calendar), case.received_at)
    else:
        rule = rule_for(SERVICE, service_key(case.grade, case.path), subject.unit)
    events = [Event(EventType.START, case.received_at, limit=side.stored(rule, _NOTHING).limit())]
    if case.answered_at is not None and case.answered_at >= case.received_at:
        events.append(Event(EventType.STOP, case.answered_at))
    return events
