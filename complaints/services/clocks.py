"""The clocks of a case: the only place that starts, pauses, stops and retargets them (D§10.4-10.8, 23).

`CaseClocks` holds the open clocks of one locked case through one act. Lists read copies on the case (`copies`), which
`ground.save_case` writes with whatever else the act changes; `readings` go into the history row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from complaints.lifecycle import OWNER_KIND, RANK, ClockKind, Grade, Path
from complaints.models import AppealCase, Complaint
from complaints.statutory import statutory_days
from foundation.calendars.clock_queries import clocks_of, read_clock
from foundation.calendars.clocks import NewClock, pause_clock, resume_clock, retarget_clock, start_clocks, stop_clock
from foundation.calendars.limits import Limit, Runs, Target
from foundation.calendars.marks import Marks
from foundation.calendars.models import Clock
from foundation.calendars.queries import calendar_for
from foundation.calendars.working_time import statutory_due, subtract_working
from foundation.policies.reading import places, policy, snapshot
from interactions.lifecycle import Channel
from staff.models import User

MINUTE = timedelta(minutes=1)
# Written complaints wait for somebody to acknowledge them; others are acknowledged when they are registered (D§10.3).
ACKNOWLEDGED_LATER = (Channel.EMAIL, Channel.LETTER)
SERVICE, STATUTORY = ClockKind.SERVICE.value, ClockKind.STATUTORY.value
# Whose time runs in it is the customer: it is nobody's deadline.
NOT_OURS = (ClockKind.SILENCE.value,)
# At which share of a limit, or at the beginning of which day, somebody is told (D§10.7, 23).
MARKS: dict[str, Marks] = {
    SERVICE: Marks(percents=(50, 75, 100, 150)),
    STATUTORY: Marks(percents=(100,), days=(10, 13)),
    ClockKind.FIRST_CONTACT.value: Marks(percents=(100, 150)),
    ClockKind.PROGRESS.value: Marks(percents=(100, 150)),
}
ONCE = Marks(percents=(100,))


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


def is_grave(grade: str) -> bool:
    """Whether a grade has the short limits of the major ones."""
    return RANK[grade] >= RANK[Grade.MAJOR]


class CaseClocks:
    """The clocks of a locked case during one act at `at` by `actor` (None: the timer)."""

    def __init__(self, case: Complaint, *, at: datetime, actor: User | None, new: bool = False) -> None:
        """`new`: the case was registered just now and has none yet."""
        self.case, self.at, self.actor = case, at, actor
        found = [] if new or case.is_imported else clocks_of(OWNER_KIND, [case.pk], open_only=True)
        self.open: dict[str, Clock] = {clock.kind: clock for clock in found}
        self.stopped: dict[str, Clock] = {}
        self.changed = False

    # What acts do

    def start(self, *rules: Rule) -> None:
        """Start clocks; one of the kind that runs is ended unjudged before."""
        if self.case.is_imported:
            return
        self.stop(*(rule.kind for rule in rules), judged=False)
        new = [
            NewClock(
                OWNER_KIND,
                self.case.pk,
                rule.kind,
                rule.target,
                rule.runs,
                rule.calendar,
                MARKS.get(rule.kind, ONCE),
                rule.key,
                self._version(rule.key),
                at=rule.since,
            )
            for rule in rules
        ]
        self.open |= {clock.kind: clock for clock in start_clocks(new, at=self.at, actor=self.actor)}
        self.changed = True

    def stop(self, *kinds: str, judged: bool = True) -> None:
        """Stop those of the kinds that run; `judged` false: the duty ended otherwise."""
        for kind in kinds:
            if kind in self.open:
                clock = self.open.pop(kind)
                self.stopped[kind] = stop_clock(clock.pk, at=self._after(clock), actor=self.actor, judged=judged)
                self.changed = True

    def stop_all(self, *, judged: bool = False) -> None:
        """Stop whatever runs: the case has ended."""
        self.stop(*list(self.open), judged=judged)

    def pause(self, *, reason: str, until: datetime) -> None:
        """The service clock stands still, until `until` at the latest; the promise of progress ends with the news of
        the pause (D§10.6)."""
        if SERVICE in self.open:
            clock = self.open[SERVICE]
            self.open[SERVICE] = pause_clock(
                clock.pk, at=self._after(clock), actor=self.actor, reason=reason, until=until
            )
            self.changed = True
        self.stop(ClockKind.PROGRESS.value, judged=False)

    def resume(self, *, reason: str) -> None:
        """The service clock goes on, and the customer hears of progress again."""
        clock = self.open.get(SERVICE)
        if clock is not None and clock.state == Clock.State.PAUSED:
            self.open[SERVICE] = resume_clock(clock.pk, at=self._after(clock), actor=self.actor, reason=reason)
            self.changed = True
        self.start(self.duty(ClockKind.PROGRESS))

    def retarget(self, *rules: Rule, reason: str) -> None:
        """Give those of the kinds that run another limit, counted from their start (D§26)."""
        for rule in rules:
            clock = self.open.get(rule.kind)
            if clock is None or (clock.unit, clock.amount, clock.runs) == (
                rule.target.unit,
                rule.target.amount,
                rule.runs,
            ):
                continue
            self.open[rule.kind] = retarget_clock(
                clock.pk,
                at=self._after(clock),
                actor=self.actor,
                target=rule.target,
                runs=rule.runs,
                calendar=rule.calendar,
                policy_key=rule.key,
                policy_version=self._version(rule.key),
                reason=reason,
            )
            self.changed = True

    def begin(self) -> None:
        """A case is registered: the law's clock runs from its receipt, a written one waits to be acknowledged."""
        rules = [self.statutory(min(self.case.received_at, self.at))]
        if self.case.channel in ACKNOWLEDGED_LATER:
            rules.append(self.duty(ClockKind.ACKNOWLEDGE))
        self.start(*rules)

    # The limits

    def service(self) -> Rule:
        """The service limit of the case's grade and path (D§10.4)."""
        case, unit = self.case, self.case.work_unit
        if case.grade == Grade.SKIP_LEVEL:
            started = self.open[SERVICE].started_at if SERVICE in self.open else self.at
            minutes = max(1, (authority_limit(case) - started) // MINUTE)
            return Rule(SERVICE, Target.minutes(minutes), Runs.CALENDAR, "complaints.limit.authority_before")
        if case.grade == Grade.MAJOR:
            return self._span(SERVICE, "limit.major")
        if case.path == Path.WORKS:
            days = policy("complaints.limit.works", unit=unit)
            return Rule(SERVICE, Target.calendar_days(days), Runs.CALENDAR, "complaints.limit.works")
        return (
            self._days(SERVICE, "limit.cross_unit")
            if case.path == Path.CROSS_UNIT
            else self._span(SERVICE, "limit.simple")
        )

    def half_service(self) -> Rule:
        """Half the service limit, at least the floor (D§10.8): of a reopened or returned case."""
        rule, unit = self.service(), self.case.work_unit
        calendar = calendar_for(rule.calendar) if rule.calendar else None
        limit = Limit(rule.target, rule.runs, calendar)
        half = Target.minutes(max(1, limit.amount() // MINUTE // 2))
        floor = policy("complaints.reopen.floor", unit=unit)
        start = self.open[SERVICE].started_at if SERVICE in self.open else self.at
        if Limit(half, rule.runs, calendar).after(start, timedelta(minutes=half.amount)) >= start + floor:
            return Rule(SERVICE, half, rule.runs, rule.key, rule.calendar)
        return Rule(SERVICE, Target.minutes(floor // MINUTE), Runs.CALENDAR, "complaints.reopen.floor")

    def regraded(self) -> Rule:
        """The service limit after a change of grade: half of it where the case was reopened or returned."""
        return self.half_service() if self.case.reopened or self.case.returned else self.service()

    def disputed(self) -> Rule:
        """The new service limit of a disputed answer."""
        return self._days(SERVICE, "disputed_days")

    def statutory(self, since: datetime) -> Rule:
        """The law's limit for what came at `since`: the end of a day (D§1.3)."""
        target = Target.end_of_day(statutory_days(since))
        return Rule(STATUTORY, target, Runs.CALENDAR, "complaints.statutory", since=since)

    def duty(self, kind: ClockKind) -> Rule:
        """The limit of a step (D§10.3, 23)."""
        grave = is_grave(self.case.grade)
        if kind == ClockKind.ACKNOWLEDGE:
            return self._hours(kind, "acknowledge_hours")
        if kind in (ClockKind.ASSESS, ClockKind.ACCEPT):
            name = kind.value
            return self._span(kind, f"{name}_major") if grave else self._hours(kind, f"{name}_hours")
        if kind == ClockKind.FIRST_CONTACT and grave:
            return self._span(kind, "limit.major_position")
        if kind == ClockKind.LEAD_CONTACT:
            return self._days(kind, "lead_contact_days")
        return self._span(kind, {ClockKind.CALLBACK: "callback.within"}.get(kind, kind.value))

    def _span(self, kind: str, name: str) -> Rule:
        span: timedelta = policy(f"complaints.{name}", unit=self.case.work_unit)
        return Rule(str(kind), Target.minutes(max(1, span // MINUTE)), Runs.CALENDAR, f"complaints.{name}")

    def _hours(self, kind: str, name: str) -> Rule:
        hours = policy(f"complaints.{name}", unit=self.case.work_unit)
        calendar = self.case.work_unit.calendar_code
        return Rule(str(kind), Target.hours(hours), Runs.WORKING, f"complaints.{name}", calendar)

    def _days(self, kind: str, name: str) -> Rule:
        days = policy(f"complaints.{name}", unit=self.case.work_unit)
        calendar = self.case.work_unit.calendar_code
        return Rule(str(kind), Target.working_days(days), Runs.WORKING, f"complaints.{name}", calendar)

    def _version(self, key: str) -> int | None:
        settings = snapshot()
        rows = (settings.in_force(place, self.at) for place in places(key, self.case.work_unit, None))
        return next((row.id for row in rows if row is not None), None)

    def _after(self, clock: Clock) -> datetime:
        """The moment of the act, never before the clock began (a receipt noted with a later minute)."""
        return max(self.at, clock.started_at)

    # What is copied

    def copies(self) -> dict[str, Any]:
        """The columns of the case that repeat its clocks."""
        due = {kind: clock.due_at for kind, clock in self.open.items()}
        ours = [at for kind, at in due.items() if at is not None and kind not in NOT_OURS]
        return {
            "service_due_at": due.get(SERVICE),
            "statutory_due_at": due.get(STATUTORY),
            "next_due_at": min(ours, default=None),
            "service_late": self.case.service_late or self._late(SERVICE),
            "statutory_late": self.case.statutory_late or self._late(STATUTORY),
        }

    def _late(self, kind: str) -> bool:
        clocks = (self.open.get(kind), self.stopped.get(kind))
        return any(clock is not None and clock.is_late(self.at) for clock in clocks)

    def readings(self) -> dict[str, dict[str, int]]:
        """How each clock stands, in whole minutes: those that run, and those the act stopped."""
        found = {}
        for kind, clock in {**self.stopped, **self.open}.items():
            figures = read_clock(clock, self._after(clock))
            found[kind] = {"elapsed": figures.elapsed // MINUTE, "remaining": figures.remaining // MINUTE}
        return found


def authority_limit(case: Complaint) -> datetime:
    """By when a skip-level case is answered: some working days before the date in the authority's letter; without one,
    before a number of days from receipt (D§10.4, 11.2)."""
    letter = AppealCase.objects.filter(complaint=case, closed_at=None).order_by("due_on").first()
    if letter is not None:
        return letter.internal_due_at
    unit = case.work_unit
    end = statutory_due(case.received_at, policy("complaints.limit.authority_days", unit=unit))
    calendar = calendar_for(unit.calendar_code)
    before = policy("complaints.limit.authority_before", unit=unit) * calendar.day_minutes
    return subtract_working(end, before, calendar)
