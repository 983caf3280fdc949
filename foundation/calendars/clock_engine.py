"""A clock is its events: what is due, how long it ran and whether it was missed are computed from them and nothing
else (D§1.2, 10.5, 10.6, D§26). No database, no clock of its own.

Rules. A pause takes out running time of the clock only; of pauses that overlap the clock runs again when the last one
ends, and while it stands it cannot be missed. A change of the limit counts anew from the start, the pauses stay taken
out; where the new limit is over already, the duty is late and gets 24 hours more (not the statutory form, which ends
with its day). What was missed stays missed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from django.utils.translation import gettext as _

from foundation.calendars.limits import Limit
from foundation.common.errors import RuleBroken

GRACE = timedelta(hours=24)  # D§26: a raised grade whose limit is over
UNREACHABLE = frozenset({"calendars.never_opens", "calendars.too_far"})


class EventType(StrEnum):
    """What happens to a clock. STOP: the duty is done; CANCEL: it ended otherwise and is not judged."""

    START = "START"
    PAUSE = "PAUSE"
    RESUME = "RESUME"
    RETARGET = "RETARGET"
    STOP = "STOP"
    CANCEL = "CANCEL"


class Standing(StrEnum):
    """How a clock stands at a moment. BREACHED once the due moment passed while it ran, also after it stopped."""

    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    BREACHED = "breached"


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a clock. `at` is aware.

    `limit`: of START and RETARGET. `since`: RETARGET may move the start to an earlier moment (a merged case takes the
    earliest receipt, D§10.5). `pause`: PAUSE its number, RESUME the number of the pause that ends. `reason`: a code
    or a word for people. `grace`: RETARGET to a limit that is over already gives 24 hours more (D§26).
    """

    type: EventType
    at: datetime
    limit: Limit | None = None
    since: datetime | None = None
    pause: int | None = None
    reason: str = ""
    grace: bool = True


@dataclass(frozen=True, slots=True)
class Figures:
    """A clock at a moment. `due`: None while it is paused in time or never comes; `remaining`: negative when over."""

    due: datetime | None
    elapsed: timedelta
    remaining: timedelta
    state: Standing


@dataclass(slots=True)
class Course:
    """A clock after the events applied so far.

    `ran`: running time of the closed stretches; `running_since`: when the present stretch began, None while paused or
    stopped; `left`: the time left when it was paused; `grace`: the due moment is the 24 hours after a change that came
    too late, `late_on_resume` the same with the clock paused; `fault`: why no due moment can be named.
    """

    limit: Limit
    started_at: datetime
    last_at: datetime
    running_since: datetime | None
    rounds: int = 1
    stretches: list[tuple[datetime, datetime]] = field(default_factory=list)
    ran: timedelta = timedelta()
    pauses: dict[int, datetime] = field(default_factory=dict)
    due: datetime | None = None
    left: timedelta | None = None
    grace: bool = False
    late_on_resume: bool = False
    missed_at: datetime | None = None
    stopped_at: datetime | None = None
    fault: str = ""

    @classmethod
    def begin(cls, event: Event) -> Course:
        """The course after its START. Raises RuleBroken `clocks.order` for another event."""
        if event.type != EventType.START or event.limit is None:
            raise RuleBroken("clocks.order", _("A clock begins with its start."))
        at = event.at.astimezone(UTC)
        course = cls(event.limit, at, at, at)
        course._aim()
        return course

    def apply(self, event: Event) -> None:
        """Take one more event. Refuses (RuleBroken, before anything changes) `clocks.order`: one before the last
        one or a second start; `clocks.not_open`: after the stop; `clocks.never_pauses`: a pause of the statutory form;
        `clocks.no_pause`: the end of a pause that is not open; `clocks.target`: a start moved to later.
        """
        at = event.at.astimezone(UTC)
        if self.stopped_at is not None:
            raise RuleBroken("clocks.not_open", _("The clock has been stopped."))
        if at < self.last_at:
            raise RuleBroken("clocks.order", _("The events of a clock go in order of time."))
        self._check(event)
        if self.missed_at is None and self.is_late(at):
            self.missed_at = self.due
        self.last_at = at
        if event.type == EventType.PAUSE and event.pause is not None:
            self._pause(event.pause, at)
        elif event.type == EventType.RESUME and event.pause is not None:
            self._resume(event.pause, at)
        elif event.type == EventType.RETARGET and event.limit is not None:
            self._retarget(event.limit, at, event.since, event.grace)
        else:
            self._stand_still(at)
            self.stopped_at = at

    def is_late(self, at: datetime) -> bool:
        """Whether the due moment has passed by `at`, the clock running. At the due moment itself it is in time."""
        return self.running_since is not None and self.due is not None and self.due < at

    def elapsed(self, at: datetime) -> timedelta:
        """Running time until `at` (not before the last event); after the stop, until the stop."""
        if self.running_since is None:
            return self.ran
        return self.ran + self.limit.counted(self.running_since, max(at, self.running_since))

    def read(self, now: datetime) -> Figures:
        """The figures at `now`; a moment before the last event reads as that event's."""
        at = self.stopped_at or max(now.astimezone(UTC), self.last_at)
        elapsed = self.elapsed(at)
        if self.left is not None:
            remaining = self.left
        elif (self.grace or self.limit.never_pauses) and self.due is not None:
            remaining = self.due - at
        else:
            remaining = self.limit.amount() - elapsed
        return Figures(self.due, elapsed, remaining, self._standing(at))

    def _standing(self, at: datetime) -> Standing:
        if self.missed_at is not None or self.is_late(at):
            return Standing.BREACHED
        if self.stopped_at is not None:
            return Standing.MET
        return Standing.PAUSED if self.pauses else Standing.RUNNING

    def _check(self, event: Event) -> None:
        if event.type == EventType.START:
            raise RuleBroken("clocks.order", _("The clock has been started already."))
        if event.type == EventType.PAUSE and self.limit.never_pauses:
            raise RuleBroken("clocks.never_pauses", _("A limit by the end of a day never pauses."))
        if event.type == EventType.RESUME and event.pause not in self.pauses:
            raise RuleBroken("clocks.no_pause", _("There is no such pause to end."))
        if event.type == EventType.RETARGET:
            if event.limit is not None and event.limit.never_pauses and self.pauses:
                raise RuleBroken("clocks.never_pauses", _("A limit by the end of a day never pauses."))
            if event.since is not None and event.since > self.started_at:
                raise RuleBroken("clocks.target", _("The start of a clock moves to an earlier moment only."))

    def _stand_still(self, at: datetime) -> None:
        if self.running_since is not None:
            self.ran += self.limit.counted(self.running_since, at)
            self.stretches.append((self.running_since, at))
            self.running_since = None

    def _pause(self, number: int, at: datetime) -> None:
        if not self.pauses:
            self._stand_still(at)
            if self.grace and self.due is not None:
                self.left = self.due - at
            else:
                self.left = self.limit.amount() - self.ran
            if self.due is not None and self.due >= at:
                self.due = None
        self.pauses[number] = at

    def _resume(self, number: int, at: datetime) -> None:
        del self.pauses[number]
        if self.pauses:
            return
        self.running_since = at
        left, self.left = self.left, None
        if self.due is not None or left is None:
            return  # it had passed before the pause
        if self.late_on_resume:
            self.late_on_resume = False
            self.missed_at = self.missed_at or at
        if self.grace:
            self.due = at + left
        else:
            self._aim()

    def _retarget(self, limit: Limit, at: datetime, since: datetime | None, grace: bool) -> None:
        recount = not limit.same_hours(self.limit)
        self.limit = limit
        self.rounds += 1
        self.grace = self.late_on_resume = False
        if since is not None and since < self.started_at:
            self._move_start(since.astimezone(UTC))
            recount = True
        if recount:
            self.ran = sum((limit.counted(*stretch) for stretch in self.stretches), timedelta())
        self.due = self.left = None
        if self.pauses:
            self.left = limit.amount() - self.ran
            if self._is_over() and grace:
                self.grace = self.late_on_resume = True
                self.left = GRACE
            return
        self._aim()
        if limit.never_pauses:
            return
        if self._is_over() or (self.due is not None and self.due < at):
            self.missed_at = self.missed_at or at
            if grace:
                self.grace, self.due = True, at + GRACE

    def _is_over(self) -> bool:
        """Whether the limit passed in a stretch that is closed. Used up exactly, it passed if the clock ran on after
        that, be it out of hours."""
        left = self.limit.amount() - self.ran
        if left:
            return left < timedelta()
        for start, end in reversed(self.stretches):
            if start < end:
                counted = self.limit.counted(start, end)
                return not counted or self.limit.after(start, counted) < end
        return False

    def _move_start(self, since: datetime) -> None:
        if self.stretches:
            self.stretches[0] = (since, self.stretches[0][1])
        else:
            self.running_since = since
        self.started_at = since

    def _aim(self) -> None:
        """Name the due moment of a running clock."""
        self.fault = ""
        if self.running_since is None:
            return
        if self.limit.never_pauses:
            self.due = self.limit.day_end(self.started_at)
            return
        left = max(self.limit.amount() - self.ran, timedelta())
        try:
            self.due = self.limit.after(self.running_since, left)
        except RuleBroken as no:
            if no.code not in UNREACHABLE:
                raise
            self.due, self.fault = None, no.code


def run(events: Iterable[Event]) -> Course:
    """The course of all events, in their order. Raises RuleBroken as `Course.begin` and `Course.apply`."""
    rest = iter(events)
    first = next(rest, None)
    if first is None:
        raise RuleBroken("clocks.order", _("A clock begins with its start."))
    course = Course.begin(first)
    for event in rest:
        course.apply(event)
    return course


def due_after_pause(course: Course, at: datetime, until: datetime) -> datetime | None:
    """When the duty is due if the clock is paused at `at` and runs again at `until`, which is not before `at`.

    None when no due moment can be named. The course stays as it is; a pause already open goes on until `until` too.
    Raises RuleBroken as `Course.apply`.
    """
    trial = replace(course, stretches=list(course.stretches), pauses=dict(course.pauses))
    number = max(trial.pauses, default=0) + 1
    trial.apply(Event(EventType.PAUSE, at, pause=number))
    for open_pause in list(trial.pauses):
        trial.apply(Event(EventType.RESUME, until, pause=open_pause))
    return trial.due


def pause_breaks(
    course: Course, *, at: datetime, until: datetime, hard_due: datetime, margin: timedelta = GRACE
) -> datetime | None:
    """The due moment after the longest allowed pause (until `until`) when it would pass `hard_due` less `margin`, so
    that the pause must be refused; None when the clock may pause (D§10.6).
    """
    due = due_after_pause(course, at, until)
    return due if due is not None and due > hard_due - margin else None
