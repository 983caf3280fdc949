"""The ladder: where an account stands, what was done, what follows, and why; a pure function of what is known (D§13).

    position(facts, ladder, days, now) -> Position

It goes through the account's life from its first bill on. Whatever becomes known in the minute of a step comes before
it: a payment wins (D§26). The order in which facts were told has no part in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from billing.dunning.days import ActingDays
from billing.dunning.facts import AccountFacts, AccountKind, HoldKind, State, Step, at_hour
from billing.dunning.owing import ZERO
from billing.dunning.planning import Memory, Needs, Planned, next_step
from billing.dunning.rules import Ladder
from billing.dunning.situation import Situation, see
from foundation.common import clock

MOST_STEPS = 2_000
LEVELS = {Step.SUSPEND_ONE_WAY: 1, Step.SUSPEND_TWO_WAY: 2}


@dataclass(frozen=True, slots=True)
class Taken:
    """A step that was taken. `due`, `late_fee`: what was owed then; `due_date`: of the bill the case followed;
    `to_guardian`: told to the guardian as well; `nominal`: when it would have been by its number of days alone."""

    step: Step
    at: datetime
    due: Decimal
    late_fee: Decimal
    state: State
    due_date: date | None = None
    to_guardian: bool = False
    nominal: datetime | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """Where the account stands at `seen.at`. `restore_by`: until when a restoration is promised."""

    state: State
    taken: tuple[Taken, ...]
    ahead: tuple[Planned, ...]
    seen: Situation
    memory: Memory
    restore_by: datetime | None

    @property
    def late_fee(self) -> Decimal:
        return self.seen.late_fee

    @property
    def open_principal(self) -> Decimal:
        return sum((one.open for one in self.seen.books.standings), ZERO)

    @property
    def debt(self) -> bool:
        """The contract ended and is not paid: the debt stays (D§13.12)."""
        return self.memory.terminated and not self.seen.settled


def position(facts: AccountFacts, ladder: Ladder, days: ActingDays, now: datetime) -> Position:
    """Where an account stands at `now` (aware), steps taken and ahead with their moments."""
    course = Course(facts, ladder, days)
    course.run(now)
    memory, seen = course.memory, see(facts, ladder, now, course.memory.opened)
    state = state_of(memory, seen, ladder)
    ahead = tuple(ahead_of(course, now))
    restore_by = None
    if memory.restored_at is not None and state == State.RESTORING:
        restore_by = memory.restored_at + timedelta(hours=ladder.restore_hours)
    return Position(state, tuple(course.taken), ahead, seen, memory, restore_by)


class Course:
    """One account's life, step by step."""

    def __init__(self, facts: AccountFacts, ladder: Ladder, days: ActingDays, memory: Memory | None = None) -> None:
        self.facts, self.ladder, self.days = facts, ladder, days
        self.memory = memory or Memory()
        self.taken: list[Taken] = []

    def run(self, until: datetime) -> None:
        """Go on until a moment, everything of that minute included."""
        moments = sorted({moment for moment in self.facts.moments() if moment <= until})
        if not moments:
            return
        notices = sorted(
            (at_hour(day, self.ladder.notice_at), bill)
            for bill, day in self.facts.bill_dates
            if at_hour(day, self.ladder.notice_at) <= until
        )
        self.taken += [Taken(Step.BILL_NOTICE, at, ZERO, ZERO, State.NONE) for at, _bill in notices]
        at, n = moments[0], 0
        for _round in range(MOST_STEPS):
            while n < len(moments) and moments[n] <= at:
                n += 1
            seen = self.settle(at)
            step = next_step(self.memory, seen, self.facts, self.ladder, self.days, at)
            if step is not None and step.needs != Needs.NOTHING:
                step = None
            if n < len(moments) and (step is None or _minute(moments[n]) <= _minute(step.at)):
                at = moments[n]
                continue
            if step is None or step.at > until:
                break
            at = max(at, step.at)
            self.take(step, at)
        self.taken.sort(key=lambda one: one.at)

    def settle(self, at: datetime) -> Situation:
        """Take in what has become known by `at`: an older or younger bill to follow, money back, everything paid."""
        memory = self.memory
        seen = see(self.facts, self.ladder, at, memory.opened)
        key = seen.track.key if seen.track is not None else ""
        if not memory.terminated:
            if key != memory.track:
                # What a younger bill would have been told before is not made up for, and it needs its own warning.
                number = memory.round + 1 if memory.done else memory.round
                memory = replace(
                    memory, track=key, since=at, done={}, round=number, final_at=None, reversal=None, resumed=False
                )
            memory = self._reversed(memory, seen, at)
            memory = self._restored(memory, seen, at)
            memory = self._delivered(memory, at)
        if seen.due and memory.opened is None:
            memory = replace(memory, opened=at)
            seen = see(self.facts, self.ladder, at, at)
        elif seen.nothing_late and memory.level == 0:
            memory = replace(memory, opened=None, target=0)
        self.memory = memory
        return seen

    def _reversed(self, memory: Memory, seen: Situation, at: datetime) -> Memory:
        back = {one.key for one in self.facts.payments if one.reversed_at is not None and one.reversed_at <= at}
        new = back - memory.reversals
        if not new:
            return memory
        memory = replace(memory, reversals=memory.reversals | new)
        if not seen.due:
            return memory
        done = dict(memory.done)
        for step in (Step.FINAL_WARNING, Step.WARNING_2, Step.REVERSAL_NOTICE):
            done.pop(step, None)
        return replace(memory, reversal=at, done=done, round=memory.round + 1, final_at=None, restored_at=None)

    def _restored(self, memory: Memory, seen: Situation, at: datetime) -> Memory:
        if not memory.level:
            return memory
        by_lead = at in self.facts.lead_restores and any(hold.kind == HoldKind.PROMISE for hold in seen.holds)
        if not seen.clean and not by_lead:
            return memory
        self.taken.append(Taken(Step.RESTORE, at, seen.overdue, seen.late_fee, State.RESTORING))
        kept = {step: when for step, when in memory.done.items() if by_lead and step not in LEVELS}
        for step in (Step.FINAL_WARNING, Step.PRE_TERMINATION):
            kept.pop(step, None)
        return replace(
            memory,
            round=memory.round + 1,
            done=kept,
            since=memory.since if by_lead else at,
            final_at=None,
            level=0,
            level_at=None,
            target=memory.level if by_lead else 0,
            resumed=by_lead,
            restored_at=at,
        )

    def _delivered(self, memory: Memory, at: datetime) -> Memory:
        sent = memory.done.get(Step.FINAL_WARNING)
        if sent is None or memory.final_at is not None or self.facts.deliveries is None:
            return memory
        reached = [one.at for one in self.facts.deliveries if sent <= one.at <= at]
        return replace(memory, final_at=min(reached)) if reached else memory

    def take(self, planned: Planned, at: datetime) -> None:
        """Take a step at a moment."""
        memory = self.memory.did(planned)
        step = planned.step
        final = step == Step.FINAL_WARNING
        seen = see(self.facts, self.ladder, at, memory.opened)
        soon = at + timedelta(hours=self.ladder.reversal_hours)
        if step == Step.REVERSAL_NOTICE and seen.track is not None and seen.track.base <= soon:
            # The notice names date and amount: where nothing else stands before suspension, it is the final warning.
            memory = memory.did(Planned(Step.FINAL_WARNING, at))
            final = True
        if final:
            memory = replace(memory, final_at=at if self.facts.deliveries is None else None)
            memory = self._delivered(memory, at)
        if step in LEVELS:
            memory = replace(memory, level=LEVELS[step], level_at=at, target=0, resumed=False, restored_at=None)
        if step == Step.TERMINATION:
            memory = replace(memory, terminated=True)
        self.memory = memory
        told = self.facts.kind == AccountKind.MINOR and memory.opened is not None
        names = [step, Step.FINAL_WARNING] if final and step != Step.FINAL_WARNING else [step]
        for name in names:
            self.taken.append(
                Taken(
                    name,
                    at,
                    seen.due,
                    seen.late_fee,
                    state_of(memory, seen, self.ladder),
                    due_date=seen.track.due_date if seen.track is not None else None,
                    to_guardian=told,
                    nominal=planned.nominal,
                )
            )


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def state_of(memory: Memory, seen: Situation, ladder: Ladder) -> State:
    """The state of a case by what was done and what is known (D§13.4)."""
    if memory.terminated:
        return State.CLOSED if seen.settled else State.TERMINATED
    if memory.level == 2:
        return State.TERMINATION_NOTICE if Step.PRE_TERMINATION in memory.done else State.SUSPENDED_2WAY
    if memory.level == 1:
        return State.SUSPENDED_1WAY
    if memory.restored_at is not None and seen.at < memory.restored_at + timedelta(hours=ladder.restore_hours):
        return State.RESTORING
    track = seen.track
    if track is None:
        if not seen.nothing_late:
            return State.OVERDUE
        return State.CLOSED if seen.settled and (seen.books.standings or seen.books.shares) else State.NONE
    if seen.at >= track.overdue_from:
        if track.grace is not None and track.grace[0] <= clock.today(seen.at):
            return State.GRACE
        if {Step.WARNING_1, Step.WARNING_2, Step.FINAL_WARNING} & memory.done.keys():
            return State.WARNED
        return State.OVERDUE
    if {Step.REMINDER_1, Step.REMINDER_2} & memory.done.keys():
        return State.REMINDED
    return State.NONE


def ahead_of(course: Course, now: datetime) -> Iterator[Planned]:
    """What follows if nothing else happens, up to what waits for somebody's word."""
    facts = _as_known(course.facts, now)
    future = Course(facts, course.ladder, course.days)
    future.memory = course.memory
    at = now
    moments = sorted({moment for moment in facts.moments() if moment > now})
    for _round in range(MOST_STEPS):
        seen = future.settle(at)
        planned = next_step(future.memory, seen, facts, course.ladder, course.days, at)
        if moments and (planned is None or planned.needs != Needs.NOTHING or moments[0] <= planned.at):
            at = moments.pop(0)
            continue
        if planned is None:
            return
        yield planned
        if planned.needs != Needs.NOTHING:
            return
        at = max(at, planned.at)
        future.take(planned, at)


def _as_known(facts: AccountFacts, now: datetime) -> AccountFacts:
    """The facts as far as they are known at `now`; the end of a hold and the date of a bill are known beforehand."""
    return replace(
        facts,
        payments=tuple(
            replace(one, reversed_at=one.reversed_at if one.reversed_at and one.reversed_at <= now else None)
            for one in facts.payments
            if one.at <= now
        ),
        holds=tuple(hold for hold in facts.holds if hold.start <= now),
        grades=tuple(one for one in facts.grades if one.at <= now),
        contacts=tuple(one for one in facts.contacts if one <= now),
        approvals=tuple(one for one in facts.approvals if one.at <= now),
        deliveries=None,
        lead_restores=tuple(one for one in facts.lead_restores if one <= now),
        balances=tuple(one for one in facts.balances if one.at <= now),
    )
