"""Clocks of the businesses: started, paused, resumed, given another limit, stopped.

Every function works in the caller's transaction and under the caller's lock of what the clock belongs to; the clock's
row is locked besides. `at` is the moment of the event (aware, not before the last event), `actor` a User or None for
the timer, `done_by` who did it for somebody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from foundation.calendars import marks as marking
from foundation.calendars.clock_engine import Course, Event, EventType
from foundation.calendars.clock_record import Rule, course_of, event_from, figures_of, newest_rule
from foundation.calendars.clock_writing import insert_clocks
from foundation.calendars.definition import Calendar
from foundation.calendars.limits import Runs, Target
from foundation.calendars.marks import STANDARD_MARKS, Marks
from foundation.calendars.models import CalendarVersion, Clock, ClockEvent, ClockMark
from foundation.calendars.queries import newest_version
from foundation.common.errors import RuleBroken


@dataclass(frozen=True, slots=True)
class NewClock:
    """A clock to be started. `calendar`: its code (the newest version holds), a Calendar at its version, or None for
    one that runs always by the business zone. `at`: its own start, say the receipt; else that of the call.
    """

    owner_kind: str
    owner_id: int
    kind: str
    target: Target
    runs: Runs
    calendar: Calendar | str | None = None
    marks: Marks = STANDARD_MARKS
    policy_key: str = ""
    policy_version: int | None = None
    reason: str = ""
    at: datetime | None = None


def start_clock(
    owner_kind: str,
    owner_id: int,
    kind: str,
    *,
    target: Target,
    runs: Runs,
    at: datetime,
    actor: Any,
    calendar: Calendar | str | None = None,
    marks: Marks = STANDARD_MARKS,
    policy_key: str = "",
    policy_version: int | None = None,
    reason: str = "",
    done_by: Any = None,
) -> Clock:
    """Start one clock; as `start_clocks`."""
    new = NewClock(owner_kind, owner_id, kind, target, runs, calendar, marks, policy_key, policy_version, reason)
    return start_clocks([new], at=at, actor=actor, done_by=done_by)[0]


def start_clocks(new: Sequence[NewClock], *, at: datetime, actor: Any, done_by: Any = None) -> list[Clock]:
    """Start clocks, with their first event and marks: one statement for any number, and one look at each calendar.

    Under a lock of the owner. Refuses (RuleBroken, nothing is written) `clocks.open_already`: one of the kind is open;
    `clocks.target`: what does not go together; `calendars.unknown`; `calendars.never_opens` and `calendars.too_far`: a
    limit never reached.
    """
    versions = {one.calendar: _version_of(one.calendar) for one in new}
    clocks: list[Clock] = []
    events: list[ClockEvent] = []
    marks: list[ClockMark] = []
    for one in new:
        rule = Rule(one.target, one.runs, versions[one.calendar], one.marks, one.policy_key, one.policy_version)
        course = Course.begin(Event(EventType.START, one.at or at, limit=rule.limit()))
        check_reachable(course)
        clock = Clock(owner_kind=one.owner_kind, owner_id=one.owner_id, kind=one.kind)
        _put(clock, figures_of(course, rule, last=EventType.START, sequence=1))
        clocks.append(clock)
        events.append(_event(clock, EventType.START, course.started_at, actor, done_by, one.reason, rule=rule))
        marks += marking.first_marks(clock, course, one.marks)
    if clocks and not insert_clocks(clocks, events, marks):
        raise RuleBroken("clocks.open_already", _("A clock of this kind is running already."))
    return clocks


@transaction.atomic
def pause_clock(
    clock_id: int,
    *,
    at: datetime,
    actor: Any,
    reason: str,
    evidence: str = "",
    until: datetime | None = None,
    done_by: Any = None,
) -> Clock:
    """Open a pause; its number is `clock.sequence`. `until`: when it shall end at the latest.

    Whether the reason, its limit and the statutory clock allow it (D§10.6) the caller asks first:
    `pausing.pause_would_break`. Refuses (RuleBroken) `clocks.not_open`, `clocks.never_pauses`, `clocks.order`.
    """
    clock, course, rule = _opened(clock_id)
    stood = bool(course.pauses)
    event = _event(clock, EventType.PAUSE, at, actor, done_by, reason, evidence=evidence, until=until)
    _take(clock, course, rule, event)
    if not stood:
        marking.hold_marks(clock, at)
    return clock


@transaction.atomic
def resume_clock(
    clock_id: int,
    *,
    at: datetime,
    actor: Any,
    pause: int | None = None,
    reason: str = "",
    evidence: str = "",
    done_by: Any = None,
) -> Clock:
    """End one pause by its number, or all that are open; the clock runs again when the last has ended.

    Refuses (RuleBroken) `clocks.no_pause`: there is none; `clocks.not_open`, `clocks.order`.
    """
    clock, course, rule = _opened(clock_id)
    ending = sorted(course.pauses) if pause is None else [pause]
    if not ending:
        raise RuleBroken("clocks.no_pause", _("There is no such pause to end."))
    for number in ending:
        event = _event(clock, EventType.RESUME, at, actor, done_by, reason, evidence=evidence, pause=number)
        _take(clock, course, rule, event)
    if not course.pauses:
        marking.renew_marks(clock, course)
    return clock


@transaction.atomic
def retarget_clock(
    clock_id: int,
    *,
    at: datetime,
    actor: Any,
    target: Target | None = None,
    runs: Runs | None = None,
    calendar: Calendar | str | None = None,
    since: datetime | None = None,
    marks: Marks | None = None,
    policy_key: str | None = None,
    policy_version: int | None = None,
    reason: str = "",
    done_by: Any = None,
) -> Clock:
    """Give an open clock another limit, hours or an earlier start (`since`, D§10.5); what is not named stays.

    Counted anew from the start, pauses stay taken out; a limit that is over already means late at once and 24 hours
    more (D§26; not by the end of a day). A miss stays a miss. Refuses (RuleBroken) `clocks.same`: nothing changes;
    `clocks.not_open`, `clocks.order`, `clocks.target`, `clocks.never_pauses`, `calendars.*` as `start_clocks`.
    """
    clock, course, before = _opened(clock_id)
    rule = replace(
        before,
        target=target or before.target,
        runs=runs or before.runs,
        calendar_version=before.calendar_version if calendar is None else _version_of(calendar),
        marks=marks or before.marks,
        policy_key=before.policy_key if policy_key is None else policy_key,
        policy_version=before.policy_version if policy_key is None and policy_version is None else policy_version,
        since=since if since is not None and since != clock.started_at else None,
    )
    if rule == replace(before, since=None):
        raise RuleBroken("clocks.same", _("That is the limit the clock has."))
    _take(clock, course, rule, _event(clock, EventType.RETARGET, at, actor, done_by, reason, rule=rule))
    check_reachable(course)
    marking.next_round([(clock, course, rule.marks)], at)
    return clock


@transaction.atomic
def stop_clock(
    clock_id: int, *, at: datetime, actor: Any, judged: bool = True, reason: str = "", done_by: Any = None
) -> Clock:
    """The duty is done: MET, or MISSED when the due moment passed before `at` while the clock ran.

    `judged` false: it ended otherwise (withdrawn, merged away) and counts as STOPPED unless it was missed before.
    Refuses (RuleBroken) `clocks.not_open`, `clocks.order`.
    """
    clock, course, rule = _opened(clock_id)
    kind = EventType.STOP if judged else EventType.CANCEL
    _take(clock, course, rule, _event(clock, kind, at, actor, done_by, reason))
    marking.end_marks([clock], at)
    return clock


@transaction.atomic
def stop_clocks(
    clock_ids: Sequence[int], *, at: datetime, actor: Any, judged: bool = True, reason: str = "", done_by: Any = None
) -> list[Clock]:
    """Stop many, each as `stop_clock` (at its own start, where that is later than `at`): a few statements for any
    number. Refuses (RuleBroken) `clocks.not_open`: one of them has been stopped; `clocks.order`."""
    locked = Clock.objects.select_for_update(no_key=True).filter(pk__in=clock_ids).order_by("pk")
    clocks = list(locked)
    if len(clocks) != len(set(clock_ids)) or not all(clock.is_open for clock in clocks):
        raise RuleBroken("clocks.not_open", _("The clock has been stopped."))
    told: dict[int, list[ClockEvent]] = {clock.pk: [] for clock in clocks}
    for row in ClockEvent.objects.filter(clock__in=told).order_by("clock", "sequence"):
        told[row.clock_id].append(row)
    kind, events = EventType.STOP if judged else EventType.CANCEL, []
    for clock in clocks:
        course, rule = course_of(told[clock.pk]), newest_rule(told[clock.pk])
        event = _event(clock, kind, max(at, clock.started_at), actor, done_by, reason)
        figures = _apply(clock, course, rule, event)
        events.append(event)
    if clocks:
        ClockEvent.objects.bulk_create(events, batch_size=1_000)
        Clock.objects.bulk_update(clocks, list(figures), batch_size=1_000)
        marking.end_marks(clocks, at)
    return clocks


@transaction.atomic
def mark_missed(now: datetime, *, owner_kind: str, limit: int = 5_000) -> list[int]:
    """Write down the misses of clocks that ran past their due moment: `missed_at` is that moment. Their keys.

    One statement; what others hold is passed over and found the next time, no miss is written twice.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE clock SET missed_at = due_at WHERE id = ANY(ARRAY(
                 SELECT id FROM clock WHERE owner_kind = %s AND state = 'RUNNING' AND missed_at IS NULL AND due_at < %s
                 ORDER BY due_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED))
               RETURNING id""",
            [owner_kind, now, limit],
        )
        return [key for (key,) in cursor.fetchall()]


def _opened(clock_id: int) -> tuple[Clock, Course, Rule]:
    clock = Clock.objects.select_for_update(no_key=True).filter(pk=clock_id).first()
    if clock is None or not clock.is_open:
        raise RuleBroken("clocks.not_open", _("The clock has been stopped."))
    rows = list(clock.events.order_by("sequence"))
    return clock, course_of(rows), newest_rule(rows)


def _take(clock: Clock, course: Course, rule: Rule, event: ClockEvent) -> None:
    """Apply the next event to the course and write both rows."""
    figures = _apply(clock, course, rule, event)
    event.save(force_insert=True)
    clock.save(update_fields=list(figures))


def _apply(clock: Clock, course: Course, rule: Rule, event: ClockEvent) -> dict[str, Any]:
    event.sequence = clock.sequence + 1
    course.apply(event_from(event))
    figures = figures_of(course, rule, last=event.type, sequence=event.sequence)
    _put(clock, figures)
    return figures


def _put(clock: Clock, figures: dict[str, Any]) -> None:
    for name, value in figures.items():
        setattr(clock, name, value)


def _event(
    clock: Clock,
    kind: EventType,
    at: datetime,
    actor: Any,
    done_by: Any,
    reason: str,
    *,
    rule: Rule | None = None,
    **more: Any,
) -> ClockEvent:
    return ClockEvent(
        clock=clock,
        sequence=1,
        type=kind.value,
        at=at,
        reason=reason,
        rule=rule.as_json() if rule else None,
        actor_id=getattr(actor, "pk", None),
        done_by_id=getattr(done_by, "pk", None),
        **more,
    )


def check_reachable(course: Course) -> None:
    """Refuse (RuleBroken `calendars.never_opens`, `calendars.too_far`) a limit never reached: nobody would be told."""
    if course.fault == "calendars.never_opens":
        raise RuleBroken(course.fault, _("The hours chosen never open again: the limit would never be reached."))
    if course.fault:
        raise RuleBroken(course.fault, _("The limit would not be reached within 100 years."))


def _version_of(calendar: Calendar | str | None) -> int | None:
    if calendar is None:
        return None
    if isinstance(calendar, str):
        return newest_version(calendar)
    return CalendarVersion.objects.values_list("pk", flat=True).get(
        calendar__code=calendar.code, number=calendar.version
    )
