"""Parts of a case that other units do: given with a time budget, accepted, finished, passed on to the next unit,
returned when poorly prepared (D§10.10)."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from complaints.lifecycle import PART_KIND, PART_OPEN, Deed, PartState, State
from complaints.models import Complaint, Part
from complaints.models.cases import PART_RIGHT
from complaints.services.ground import (
    WORK_RIGHT,
    case_for,
    check_open,
    locked_case,
    promised_by,
    remember,
    ring,
)
from complaints.services.saying import whole
from complaints.watching.taking import who_do_parts
from foundation.calendars.clock_queries import open_clock, read_clock
from foundation.calendars.clocks import start_clock, stop_clock
from foundation.calendars.limits import Runs, Target
from foundation.calendars.marks import Marks
from foundation.calendars.queries import calendar_for
from foundation.calendars.working_time import working_between
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.policies.reading import policy
from staff.models import OrgUnit, User
from staff.rights import sight_of

CLOCK = "part"
LONGEST_BUDGET = 100 * 540
ANSWERED = (State.SOLUTION_PROPOSED, State.DECIDED, State.ACCEPTED, State.CALLBACK)


@transaction.atomic
def give_part(case_id: int, *, actor: User, unit: OrgUnit, ask: str, budget_minutes: int | None = None) -> Part:
    """Give a unit its part of the case. `budget_minutes`: working minutes of that unit; without it 40 % of the working
    time left until the answer is due, but at least 30 minutes.

    Raises as `case_for`; RuleBroken "complaint.ended", "complaint.part_asks_nothing", "complaint.own_unit",
    "complaint.part_given", "complaint.part_budget", "complaint.unit_closed".
    """
    case = case_for(case_id, actor, WORK_RIGHT)
    check_open(case)
    if unit.no == case.work_unit_no:
        raise RuleBroken("complaint.own_unit", _("This unit works on the case itself: choose another one."))
    part = _new(case, unit, ask=ask, given_by=actor, budget=budget_minutes)
    remember(case, Deed.PART_GIVEN, actor=actor, detail={"unit": unit.pk, "budget": part.budget_minutes})
    return part


@transaction.atomic
def accept_part(part_id: int, *, actor: User) -> Part:
    """Somebody of the unit works on it. Raises NotAllowed "complaint.part_not_yours"; RuleBroken
    "complaint.part_ended", "complaint.part_taken"."""
    case, part = _part_for(part_id, actor)
    if part.state == PartState.ACCEPTED:
        name = part.handler.name if part.handler else ""
        raise RuleBroken("complaint.part_taken", _("%(name)s works on it already.") % {"name": name})
    part.state, part.handler, part.accepted_at = PartState.ACCEPTED, actor, clock.now()
    part.save(update_fields=["state", "handler", "accepted_at"])
    remember(case, Deed.PART_TAKEN, actor=actor, detail={"unit": part.unit_id})
    return part


@transaction.atomic
def finish_part(part_id: int, *, actor: User, answer: str) -> Part:
    """The unit has its answer; who works on the case is told. Raises as `accept_part`, and RuleBroken
    "complaint.part_no_answer"."""
    case, part = _part_for(part_id, actor)
    _finish(part, actor, answer)
    remember(case, Deed.PART_DONE, actor=actor, detail=_used(part))
    _tell_workers(case, part, "part_done")
    return part


@transaction.atomic
def pass_part(part_id: int, *, actor: User, unit: OrgUnit, answer: str, ask: str) -> Part:
    """The unit finished its part and passes directly on to the next checking unit; returns that one's part. Never back
    to the answering unit before a solution exists (D§10.10).

    Raises as `finish_part`; RuleBroken "complaint.part_not_back", "complaint.own_unit", and as `give_part`.
    """
    case, part = _part_for(part_id, actor)
    if unit.pk == part.unit_id:
        raise RuleBroken("complaint.own_unit", _("This unit works on it already."))
    if unit.no == case.work_unit_no and case.state not in ANSWERED:
        raise RuleBroken(
            "complaint.part_not_back",
            _("Before a solution exists a part goes on to the next checking unit, not back to the answering one."),
        )
    _finish(part, actor, answer)
    following = _new(case, unit, ask=ask, given_by=actor, passed_from=part)
    remember(case, Deed.PART_PASSED, actor=actor, detail={**_used(part), "next_unit": unit.pk})
    _tell_workers(case, part, "part_passed")
    return following


@transaction.atomic
def return_part(part_id: int, *, actor: User, reason: str) -> Part:
    """Poorly prepared: back with a reason. Its time is not charged to the unit. One that another unit passed on becomes
    a new part of that unit; else who works on the case prepares it again.

    Raises as `accept_part`, and RuleBroken "complaint.no_reason", "complaint.too_long".
    """
    case, part = _part_for(part_id, actor)
    if not reason.strip():
        raise RuleBroken("complaint.no_reason", _("Say what is missing: it is prepared again."))
    part.returned_for = whole(reason)
    _end(part, PartState.RETURNED, actor, judged=False)
    remember(case, Deed.PART_RETURNED, actor=actor, reason=reason, detail=_used(part))
    before = part.passed_from
    if before is not None and case.is_open:
        again = _new(case, before.unit, ask=part.returned_for, given_by=actor, passed_from=part)
        if before.handler is not None and before.handler.is_active:
            ring(case, before.handler, "part_returned", again.ref, part=str(again.pk), until_at=_until(again))
    else:
        _tell_workers(case, part, "part_returned")
    return part


@transaction.atomic
def cancel_part(part_id: int, *, actor: User) -> Part:
    """Not needed any more. Raises as `case_for`, and RuleBroken "complaint.part_ended"."""
    case = case_for(_case_of(part_id), actor, WORK_RIGHT)
    part = _open_part(part_id)
    _end(part, PartState.CANCELLED, actor, judged=False)
    remember(case, Deed.PART_DONE, actor=actor, detail=_used(part))
    if part.handler is not None:
        ring(case, part.handler, "part_cancelled", part.ref, part=str(part.pk))
    return part


def cancel_parts(case: Complaint, *, actor: User | None) -> int:
    """End every open part of a locked case that has ended itself; how many."""
    parts = list(Part.objects.filter(complaint=case, state__in=PART_OPEN).select_related("handler", "unit"))
    for part in parts:
        _end(part, PartState.CANCELLED, actor, judged=False)
    return len(parts)


def stage_budget(case: Complaint, unit: OrgUnit) -> int:
    """Working minutes of the unit a part gets by default: a share of its working time until the answer is due."""
    now, due = clock.now(), promised_by(case)
    calendar = calendar_for(unit.calendar_code)
    left = int(working_between(now, due, calendar).total_seconds() // 60) if due is not None and due > now else 0
    share = left * int(policy("complaints.parts.budget_percent", unit=unit)) // 100
    return max(share, int(policy("complaints.parts.shortest_budget", unit=unit)))


def may_answer_part(part: Part, actor: User) -> bool:
    """Whether the part is the actor's: of a unit in whose scope they answer parts."""
    return sight_of(actor, PART_RIGHT).covers(unit_no=part.unit_no, owner_id=part.handler_id)


def _new(
    case: Complaint,
    unit: OrgUnit,
    *,
    ask: str,
    given_by: User | None,
    budget: int | None = None,
    passed_from: Part | None = None,
) -> Part:
    if not ask.strip():
        raise RuleBroken("complaint.part_asks_nothing", _("Say what the unit is to find out or do."))
    if unit.closed_on is not None and unit.closed_on <= clock.today():
        raise RuleBroken("complaint.unit_closed", _("This unit is closed: choose another one."))
    if Part.objects.filter(complaint=case, unit=unit, state__in=PART_OPEN).exists():
        raise RuleBroken("complaint.part_given", _("This unit has an open part of the case already."))
    if budget is not None and not 0 < budget <= LONGEST_BUDGET:
        raise RuleBroken("complaint.part_budget", _("A part gets from one minute to 100 working days."))
    now = clock.now()
    part = Part(
        complaint=case,
        unit=unit,
        unit_no=unit.no,
        ask=whole(ask, 1_000),
        passed_from=passed_from,
        given_by=given_by,
        given_at=now,
        budget_minutes=budget or stage_budget(case, unit),
    )
    running = start_clock(
        PART_KIND,
        part.pk,
        CLOCK,
        target=Target.minutes(part.budget_minutes),
        runs=Runs.WORKING,
        at=now,
        actor=given_by,
        calendar=unit.calendar_code,
        marks=Marks(percents=(100,)),
        policy_key="complaints.parts.budget_percent",
    )
    part.due_at = running.due_at
    part.save(force_insert=True)
    for person in who_do_parts(unit, now, but=(case.about_staff_id,)):
        ring(case, person, "part_given", part.ref, part=str(part.pk), until_at=_until(part))
    return part


def _part_for(part_id: int, actor: User) -> tuple[Complaint, Part]:
    """The part of an open case under the lock of the case, if it is the actor's to answer."""
    case = locked_case(_case_of(part_id))
    if case.about_staff_id == actor.pk:
        raise NotAllowed("complaint.about_you", _("The person complained of does not handle the complaint."))
    part = _open_part(part_id)
    if not may_answer_part(part, actor):
        raise NotAllowed("complaint.part_not_yours", _("This part belongs to another unit."))
    check_open(case)
    return case, part


def _open_part(part_id: int) -> Part:
    part = (
        Part.objects.filter(pk=part_id)
        .select_related("unit", "handler", "given_by", "passed_from__unit", "passed_from__handler")
        .get()
    )
    if part.state not in PART_OPEN:
        raise RuleBroken("complaint.part_ended", _("This part was answered already."))
    return part


def _case_of(part_id: int) -> int:
    return int(Part.objects.values_list("complaint_id", flat=True).get(pk=part_id))


def _finish(part: Part, actor: User, answer: str) -> None:
    if not answer.strip():
        raise RuleBroken("complaint.part_no_answer", _("Say what the unit found out or did."))
    part.answer = answer.strip()
    part.handler = part.handler or actor
    part.accepted_at = part.accepted_at or clock.now()
    _end(part, PartState.DONE, actor, judged=True)


def _end(part: Part, state: PartState, actor: User | None, *, judged: bool) -> None:
    """Stop the clock of a part and keep its reading: the working minutes used, and whether that was too many."""
    now = clock.now()
    running = open_clock(PART_KIND, part.pk, CLOCK)
    if running is not None:
        stopped = stop_clock(running.pk, at=max(now, running.started_at), actor=actor, judged=judged, reason=state)
        part.minutes_used = int(read_clock(stopped, now).elapsed / timedelta(minutes=1))
        part.late = stopped.missed_at is not None
    part.state, part.done_at = state, now
    part.save(
        update_fields=["state", "done_at", "answer", "handler", "accepted_at", "minutes_used", "late", "returned_for"]
    )


def _tell_workers(case: Complaint, part: Part, kind: str) -> None:
    """Ring who works on the case and who gave the part."""
    people = {person.pk: person for person in (case.handler or case.owner, part.given_by) if person is not None}
    for person in people.values():
        ring(case, person, kind, f"{part.ref}-{person.pk}", part=str(part.pk))


def _used(part: Part) -> dict[str, object]:
    return {"unit": part.unit_id, "minutes": part.minutes_used, "budget": part.budget_minutes, "late": part.late}


def _until(part: Part) -> str:
    return part.due_at.isoformat() if part.due_at else ""


__all__ = [
    "accept_part",
    "cancel_part",
    "cancel_parts",
    "finish_part",
    "give_part",
    "may_answer_part",
    "pass_part",
    "return_part",
    "stage_budget",
]
