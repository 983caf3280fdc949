"""Assigning many cases nobody has accepted yet: the same rules and the same rows as `working.assign_complaint`, in a
fixed number of statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from complaints.lifecycle import OWNER_KIND, Act, ApprovalState, ClockKind, SeatWhy, State, move_for
from complaints.models import Complaint, Rejection, Seat
from complaints.rules import duty_key, rule_for
from complaints.services.clocks import ONCE, CaseClocks
from complaints.services.ground import behalf, bell_of, check_right, check_sees, step_from
from complaints.services.memory import memory_of, remember_many
from complaints.services.telling_many import Telling, tell_customers
from complaints.services.working import WORK_RIGHT, check_receiver, heads_of
from foundation.calendars.clock_queries import clocks_of
from foundation.calendars.clocks import NewClock, start_clocks, stop_clocks
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.policies.reading import row_in_force
from outreach.services import notify_many
from staff.absence import acting_for
from staff.models import OrgUnit, User

ACCEPT = ClockKind.ACCEPT.value
_COLUMNS = ("state", "handler", "work_unit", "work_unit_no", "last_handler", "version")


@dataclass(frozen=True)
class Assignment:
    """One case and who gets it: a person, or the pool of a unit."""

    case: Complaint
    to: User | None
    unit: OrgUnit | None
    note: str

    @property
    def place(self) -> OrgUnit | None:
        """The unit it lies with afterwards."""
        return self.to.unit if self.to is not None else self.unit


def takes(case: Complaint) -> bool:
    """Whether giving the case is a step of the table: nobody works on it yet."""
    return not case.is_imported and move_for(case.state, Act.ASSIGN) is not None


def assign_many(given: Sequence[Assignment], *, actor: User, absent: set[int]) -> dict[int, RuleBroken]:
    """Assign locked cases (those that `takes`), in the caller's transaction: why some were refused, by case; the others
    have their clock, history, audit entry, timeline line, bells and message each, as if assigned one by one. Nobody of
    `absent` gets one. Raises RuleBroken where a unit's hours never open again: then one by one."""
    now, refused = clock.now(), dict[int, RuleBroken]()
    good: list[Assignment] = []
    for one in given:
        try:
            _check(one, actor, absent)
        except RuleBroken as no:
            refused[one.case.pk] = no
        else:
            good.append(one)
    if good:
        _assign(good, actor, now)
    return refused


def _check(one: Assignment, actor: User, absent: set[int]) -> None:
    """As `working.assign_complaint` looks, and that the new one is there."""
    check_sees(one.case, actor)
    check_right(one.case, actor, step_from(one.case, Act.ASSIGN, actor).right)
    check_receiver(one.case, actor=actor, to=one.to, unit=one.unit)
    if one.to is not None and one.to.pk in absent:
        raise RuleBroken("complaint.absent", _("%(name)s is absent: choose another colleague.") % {"name": one.to.name})


def _assign(given: list[Assignment], actor: User, now: datetime) -> None:
    ids = [one.case.pk for one in given]
    # Whoever gives it to somebody has decided that it is ours.
    asked = Rejection.objects.filter(complaint__in=ids, state=ApprovalState.ASKED)
    decided = list(asked.values_list("complaint", flat=True))
    if decided:
        asked.update(state=ApprovalState.LAPSED, decided_at=now)
        Seat.objects.filter(complaint__in=decided, why=SeatWhy.APPROVAL).delete()
    held = _clocks(given, actor, now)
    memories, notices, tellings, acting = [], [], [], dict[int, User]()
    heads: dict[int, list[User]] = {}
    for one in given:
        case, old, before = one.case, one.case.state, one.case.handler
        place, clocks = one.place, held[case.pk]
        assert place is not None
        case.state, case.handler = State.ASSIGNED, one.to
        case.work_unit, case.work_unit_no = place, place.no
        if before is not None and before != one.to:
            case.last_handler = before
        case.version += 1
        for name, value in clocks.copies().items():
            setattr(case, name, value)
        memory = memory_of(
            case,
            Act.ASSIGN,
            actor=actor,
            stands_for=behalf(case, actor),
            readings=clocks.readings(),
            old=old,
            new=State.ASSIGNED,
            reason=one.note,
        )
        memories.append(memory)
        due, key = clocks.open[ACCEPT].due_at, memory.row.ref
        until = due.isoformat() if due is not None else ""
        if one.to is not None:
            if one.to.pk not in acting:
                acting[one.to.pk] = acting_for(one.to, now, right=WORK_RIGHT)
            told, kind = {one.to, acting[one.to.pk]}, "given"
        else:
            if place.pk not in heads:
                heads[place.pk] = heads_of(place, now)
            told, kind = set(heads[place.pk]), "pooled"
        notices += [bell_of(case, one, kind, key, until_at=until) for one in told if one.pk != actor.pk]
        if before is not None and before != one.to and before.pk != actor.pk:
            notices.append(bell_of(case, before, "taken_away", key))
        tellings.append(Telling(case, "complaint_assigned" if one.to else "complaint_pooled", key))
    copied = tuple(next(iter(held.values())).copies())
    Complaint.objects.bulk_update([one.case for one in given], [*_COLUMNS, *copied], batch_size=500)
    remember_many(memories)
    notify_many([one for one in notices if one is not None])
    tell_customers(tellings, actor=actor)


def _clocks(given: list[Assignment], actor: User, now: datetime) -> dict[int, CaseClocks]:
    """The clocks of the cases, the one to accept begun anew."""
    held = {}
    for one in given:
        held[one.case.pk] = CaseClocks(one.case, at=now, actor=actor, new=True)
    for running in clocks_of(OWNER_KIND, list(held), open_only=True):
        held[running.owner_id].open[running.kind] = running
    old = [clocks.open.pop(ACCEPT) for clocks in held.values() if ACCEPT in clocks.open]
    for stopped in stop_clocks([one.pk for one in old], at=now, actor=actor, judged=False):
        held[stopped.owner_id].stopped[ACCEPT] = stopped
    new = []
    for one in given:
        place, case = one.place, one.case
        assert place is not None
        rule = rule_for(ClockKind.ACCEPT, duty_key(ClockKind.ACCEPT, case.grade, _tier(case)), place)
        version: Any = row_in_force(rule.key, at=now, unit=place)
        new.append(
            NewClock(
                OWNER_KIND,
                case.pk,
                rule.kind,
                rule.target,
                rule.runs,
                rule.calendar,
                ONCE,
                rule.key,
                version.id if version is not None else None,
            )
        )
    for begun in start_clocks(new, at=now, actor=actor):
        held[begun.owner_id].open[ACCEPT] = begun
    return held


def _tier(case: Complaint) -> str:
    facts = getattr(case.customer, "facts", None)
    return facts.tier if facts is not None else ""
