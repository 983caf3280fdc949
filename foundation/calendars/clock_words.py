"""Why this deadline? What a clock's events made of it, step by step (design §4, "explanation")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from foundation.calendars.clock_engine import Course, Event, EventType
from foundation.calendars.clock_record import event_from
from foundation.calendars.limits import Limit, Runs, Unit
from foundation.calendars.models import Clock
from foundation.calendars.working_time import next_window
from foundation.common.errors import RuleBroken
from foundation.common.explain import Explanation, register_codes

MINUTE = timedelta(minutes=1)
CLOCK = "clock"
OTHER_VERSION, OTHER_POLICY = "CALENDAR_VERSION", "POLICY_VERSION"
MOVED = (OTHER_VERSION, OTHER_POLICY)  # why a limit changed though nothing happened to the duty


def name_reasons(owner_kind: str, labels: Mapping[str, Any]) -> None:
    """Say in words the codes an app gives as reasons of pauses and changes of its clocks (code -> lazy translation)."""
    own = {
        OTHER_VERSION: gettext_lazy("another version of the work calendar"),
        OTHER_POLICY: gettext_lazy("another value of the policy"),
        **labels,
    }
    register_codes(_reasons(owner_kind), "reason", own)


def _reasons(owner_kind: str) -> str:
    return f"clock.reason:{owner_kind}"


def explain_clock(clock: Clock, now: datetime) -> Explanation:
    """Why a stored clock is due when it is, as it stands at `now`; one query."""
    return explain([event_from(row) for row in clock.events.order_by("sequence")], now, clock.owner_kind)


def explain(events: Iterable[Event], now: datetime, owner_kind: str = "") -> Explanation:
    """Why a clock with these events is due when it is, as it stands at `now`: times on the clock of its calendar,
    reasons in the words of the app it belongs to.

    Raises RuleBroken as `clock_engine.run`.
    """
    why, taken, rule = Explanation(), list(events), _reasons(owner_kind)
    course = Course.begin(taken[0])
    _say_limit(why, course.limit)
    _say_start(why, course)
    reasons: list[str] = []
    for event in taken[1:]:
        stood_since = _stood_since(course)
        course.apply(event)
        if event.type == EventType.PAUSE:
            reasons.append(event.reason)
        elif event.type == EventType.RETARGET:
            _say_change(why, course, event, rule)
        if stood_since and not course.pauses:
            _say_pause(why, course.limit, stood_since, event.at)
            _say_reasons(why, reasons, rule)
            reasons = []
    _say_standing(why, course, now, reasons, rule)
    return why


def _say_limit(why: Explanation, limit: Limit) -> None:
    target, calendar = limit.target, limit.calendar
    if target.unit == Unit.DAY_END:
        words = _("The limit is the end of day %(value)s; the day of receipt is not counted.")
        why.add("target", target.amount, CLOCK, words, "D§1.3")
    elif target.unit == Unit.WORKING_DAYS and calendar is not None:
        words = _("The limit is %(value)s working days of %(hours)s h %(minutes)s min each.")
        why.add("target", target.amount, CLOCK, words, "D§1.2", **_parts(timedelta(minutes=calendar.day_minutes)))
    elif target.unit == Unit.CALENDAR_DAYS:
        why.add("target", target.amount, CLOCK, _("The limit is %(value)s days of 24 hours."), "D§1.2")
    else:
        words = _("The limit is %(hours)s h %(minutes)s min.")
        why.add("target", target.amount, CLOCK, words, "D§1.2", **_parts(limit.amount()))
    if limit.runs == Runs.CALENDAR or calendar is None:
        why.add("runs", limit.runs.value, CLOCK, _("It runs always, at night and on holidays too."), "D§1.2")
    elif calendar.version:
        words = _("It runs in the working hours of the calendar %(value)s, version %(version)s.")
        why.add("calendar", calendar.code, CLOCK, words, "D§1.2", version=calendar.version)
    else:
        why.add("calendar", calendar.code, CLOCK, _("It runs in the working hours given."), "D§1.2")


def _say_start(why: Explanation, course: Course) -> None:
    limit, at = course.limit, course.started_at
    if limit.runs == Runs.WORKING and limit.calendar is not None:
        try:
            opens = next_window(at, limit.calendar).opens
        except RuleBroken:
            opens = at
        if opens > at:
            words = _("It started %(value)s, outside working hours: it runs from %(opens)s.")
            why.add("start", _local(at, limit), CLOCK, words, "D§1.2", opens=_local(opens, limit))
            return
    why.add("start", _local(at, limit), CLOCK, _("It started %(value)s."), "D§1.2")


def _say_pause(why: Explanation, limit: Limit, since: datetime, until: datetime) -> None:
    words = _("It stood still from %(value)s to %(until)s: %(hours)s h %(minutes)s min of its own time do not count.")
    taken = _parts(limit.counted(since, until))
    why.add("pause", _local(since, limit), CLOCK, words, "D§10.6", until=_local(until, limit), **taken)


def _say_reasons(why: Explanation, reasons: list[str], rule: str) -> None:
    for reason in dict.fromkeys(reasons):
        if reason:
            why.add("reason", reason, rule, _("Reason of the pause: %(value)s."), "D§10.6")


def _say_change(why: Explanation, course: Course, event: Event, rule: str) -> None:
    limit = course.limit
    words = _("The limit was changed %(value)s; it is counted anew from the start, pauses stay taken out.")
    why.add("retarget", _local(event.at, limit), CLOCK, words, "D§26")
    if event.reason:
        why.add("reason", event.reason, rule, _("Reason of the change: %(value)s."))
    _say_limit(why, limit)
    if event.since is not None and course.started_at == event.since:
        why.add("since", _local(event.since, limit), CLOCK, _("It counts from %(value)s on."), "D§10.5")
    if course.grace:
        words = _("The new limit was over already: that is late, and there are 24 hours more.")
        why.add("grace", 24, CLOCK, words, "D§26")


def _say_standing(why: Explanation, course: Course, now: datetime, reasons: list[str], rule: str) -> None:
    limit, figures = course.limit, course.read(now)
    at = course.stopped_at or max(now, course.last_at)
    if (stood := _stood_since(course)) is not None and course.stopped_at is None:
        words = _("It stands still since %(value)s; it cannot be missed meanwhile.")
        why.add("pause", _local(stood, limit), CLOCK, words, "D§10.6")
        _say_reasons(why, reasons, rule)
    words = _("By %(value)s it has run %(hours)s h %(minutes)s min.")
    why.add("elapsed", _local(at, limit), CLOCK, words, "", **_parts(figures.elapsed))
    if figures.due is not None:
        why.add("due", _local(figures.due, limit), CLOCK, _("So it is due %(value)s."), "D§1.2")
    elif course.fault == "calendars.never_opens":
        words = _("It is never due: the hours given do not open often enough.")
        why.add("due", None, CLOCK, words, "D§1.2")
    elif course.fault:
        why.add("due", None, CLOCK, _("It is not due within 100 years."), "D§1.2")
    else:
        words = _("%(hours)s h %(minutes)s min are left; when it runs again, they give the new due moment.")
        why.add("left", None, CLOCK, words, "D§10.6", **_parts(figures.remaining))
    missed = course.missed_at or (figures.due if course.is_late(at) else None)
    if missed is not None:
        words = _("It was missed %(value)s, and that stays so.")
        why.add("missed", _local(missed, limit), CLOCK, words, "D§1.2")
    if course.stopped_at is not None:
        words = _("It ended %(value)s.") if missed else _("It ended %(value)s, in time.")
        why.add("stop", _local(course.stopped_at, limit), CLOCK, words, "D§1.2")


def _stood_since(course: Course) -> datetime | None:
    """When the present standstill began."""
    if not course.pauses or course.running_since is not None:
        return None
    return course.stretches[-1][1]


def _parts(length: timedelta) -> dict[str, Any]:
    hours, minutes = divmod(max(length, timedelta()) // MINUTE, 60)
    return {"hours": hours, "minutes": minutes}


def _local(moment: datetime, limit: Limit) -> str:
    local = moment.astimezone(limit.zone)
    return local.strftime("%Y-%m-%d %H:%M:%S" if local.second else "%Y-%m-%d %H:%M")
