"""The clocks of a case: the only place that starts, pauses, stops and retargets them (D§10.4-10.8, 23).

`CaseClocks` holds the open clocks of one locked case through one act. Lists read copies on the case (`copies`), which
`ground.save_case` writes with whatever else the act changes; `readings` go into the history row.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import connection

from complaints.lifecycle import OWNER_KIND, ClockKind, Grade
from complaints.models import AppealCase, Complaint
from complaints.rules import (
    MINUTE,
    QUICKER,
    SERVICE,
    STATUTORY,
    Rule,
    authority_end,
    authority_rule,
    day_and_night,
    duty_key,
    half_of,
    rule_for,
    service_key,
    statutory_rule,
)
from foundation.calendars.clock_engine import UNREACHABLE
from foundation.calendars.clock_queries import clocks_of, read_clock
from foundation.calendars.clocks import NewClock, pause_clock, resume_clock, retarget_clock, start_clocks, stop_clock
from foundation.calendars.limits import Runs
from foundation.calendars.marks import Marks
from foundation.calendars.models import Clock
from foundation.calendars.queries import calendar_for
from foundation.common.errors import RuleBroken
from foundation.common.prepared import prepared
from foundation.policies.reading import row_in_force
from interactions.lifecycle import Channel
from staff.models import User

# Written complaints wait for somebody to acknowledge them; others are acknowledged when they are registered (D§10.3).
ACKNOWLEDGED_LATER = (Channel.EMAIL, Channel.LETTER)
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
        try:
            begun = start_clocks(new, at=self.at, actor=self.actor)
        except RuleBroken as no:
            if no.code not in UNREACHABLE:
                raise
            # The unit's hours never open again: that keeps no complaint out, its limits run day and night.
            begun = start_clocks([_day_and_night(one) for one in new], at=self.at, actor=self.actor)
        self.open |= {clock.kind: clock for clock in begun}
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

    def rest(self, *, reason: str) -> None:
        """The service clock stands still until `resume`, for as long as somebody else decides (a mediation)."""
        if SERVICE in self.open:
            clock = self.open[SERVICE]
            self.open[SERVICE] = pause_clock(clock.pk, at=self._after(clock), actor=self.actor, reason=reason)
            self.changed = True

    def resume(self, *, reason: str, progress: bool = True) -> None:
        """The service clock goes on, and the customer hears of progress again (unless `progress` is false)."""
        clock = self.open.get(SERVICE)
        if clock is not None and clock.state == Clock.State.PAUSED:
            self.open[SERVICE] = resume_clock(clock.pk, at=self._after(clock), actor=self.actor, reason=reason)
            self.changed = True
        if progress:
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
        case = self.case
        if case.grade == Grade.SKIP_LEVEL:
            return authority_rule(authority_limit(case), self._service_start())
        return rule_for(SERVICE, service_key(case.grade, case.path), case.work_unit)

    def half_service(self) -> Rule:
        """Half the service limit, at least the floor (D§10.8): of a reopened or returned case."""
        rule = self.service()
        calendar = calendar_for(rule.calendar) if rule.calendar else None
        return half_of(rule, calendar, self.case.work_unit, self._service_start())

    def _service_start(self) -> datetime:
        return self.open[SERVICE].started_at if SERVICE in self.open else self.at

    def regraded(self) -> Rule:
        """The service limit after a change of grade: half of it where the case was reopened or returned."""
        return self.half_service() if self.case.reopened or self.case.returned else self.service()

    def disputed(self) -> Rule:
        """The new service limit of a disputed answer."""
        return rule_for(SERVICE, "complaints.disputed_days", self.case.work_unit)

    def statutory(self, since: datetime) -> Rule:
        """The law's limit for what came at `since` (D§1.3)."""
        return statutory_rule(since)

    def duty(self, kind: ClockKind) -> Rule:
        """The limit of a step (D§10.3, 23)."""
        tier = self._tier() if kind in QUICKER else ""
        return rule_for(kind, duty_key(kind, self.case.grade, tier), self.case.work_unit)

    def _tier(self) -> str:
        """The tier of the customer."""
        if self.case.customer_id is None:
            return ""
        with connection.cursor() as cursor:
            cursor.execute(
                *prepared("SELECT tier FROM customers_facts WHERE customer_id = %s", [self.case.customer_id])
            )
            found = cursor.fetchone()
        return found[0] if found else ""

    def _version(self, key: str) -> int | None:
        row = row_in_force(key, at=self.at, unit=self.case.work_unit)
        return None if row is None else row.id

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


def _day_and_night(new: NewClock) -> NewClock:
    """The same limit in calendar time; a working day is then a day."""
    return replace(new, target=day_and_night(new.target), runs=Runs.CALENDAR, calendar=None)


def authority_limit(case: Complaint) -> datetime:
    """By when a skip-level case is answered: some working days before the date in the authority's letter; without one,
    before a number of days from receipt (D§10.4, 11.2)."""
    letter = AppealCase.objects.filter(complaint=case, closed_at=None).order_by("due_on").first()
    if letter is not None:
        return letter.internal_due_at
    return authority_end(case.received_at, case.work_unit, calendar_for(case.work_unit.calendar_code))
