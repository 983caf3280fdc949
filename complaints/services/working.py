"""Who works on a case: given to a person or a unit, taken from the pool, accepted, and speaking with the customer
(D§9.2, 10.3)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from complaints.lifecycle import Act, ApprovalState, ClockKind, Deed, EntryKind, SeatWhy, State
from complaints.models import Complaint, Entry, Rejection
from complaints.services.ground import (
    ASSIGN_RIGHT,
    WORK_RIGHT,
    case_for,
    case_to,
    check_open,
    check_right,
    check_sees,
    check_worker,
    clocks_for,
    locked_case,
    move,
    remember,
    ring,
    save_case,
    step_from,
    tell_customer,
    unseat,
    works_on,
)
from complaints.team.signing import signed_for
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from interactions.lifecycle import Channel
from staff.absence import acting_for
from staff.models import OrgUnit, User
from staff.rights import sight_of

TAKE_RIGHT = "complaints.take"
LONGEST_TEXT = 10_000


@transaction.atomic
def assign_complaint(
    case_id: int, *, actor: User | None, to: User | None = None, unit: OrgUnit | None = None, note: str = ""
) -> Complaint:
    """Give it to a person, or to the pool of a unit, from which somebody takes it; accepting is due from now on. The
    clock puts what nobody accepted back into the pool of its unit.

    Raises as `ground.case_to`; NotAllowed "complaint.out_of_reach" (outside the actor's units), RuleBroken
    "complaint.no_receiver", "complaint.cannot_work", "complaint.about_them", "complaint.same_handling" (who handled it
    badly before, D§10.8), "complaint.same_handler".
    """
    case = case_to(case_id, Act.ASSIGN, actor)
    give(case, actor=actor, act=Act.ASSIGN, to=to, unit=unit, note=note)
    return case


def give(
    case: Complaint, *, actor: User | None, act: Act, to: User | None, unit: OrgUnit | None = None, note: str = ""
) -> None:
    """The same for a locked case by `act`, which leads to ASSIGNED."""
    place = check_receiver(case, actor=actor, to=to, unit=unit)
    before = case.handler
    # Whoever gives it to somebody has decided that it is ours.
    asked = Rejection.objects.filter(complaint=case, state=ApprovalState.ASKED)
    if asked.update(state=ApprovalState.LAPSED, decided_at=clock.now()):
        unseat(case, SeatWhy.APPROVAL)
    case.handler, case.work_unit = to, place
    clocks = clocks_for(case, actor)
    clocks.start(clocks.duty(ClockKind.ACCEPT))
    row = move(
        case,
        act,
        actor=actor,
        reason=note,
        handler=to,
        work_unit=place,
        work_unit_no=place.no,
        **({"last_handler": before} if before is not None and before != to else {}),
    )
    until = clocks.open[ClockKind.ACCEPT.value].due_at if not case.is_imported else None
    if to is not None:
        taker = acting_for(to, clocks.at, right=WORK_RIGHT)
        for person in {to, taker}:
            if actor is None or person.pk != actor.pk:
                ring(case, person, "given", row.ref, until_at=_said(until))
    else:
        for head in heads_of(place, clocks.at):
            if actor is None or head.pk != actor.pk:
                ring(case, head, "pooled", row.ref, until_at=_said(until))
    if before is not None and before != to and (actor is None or before.pk != actor.pk):
        ring(case, before, "taken_away", row.ref)
    template = "complaint_taken_up" if act == Act.TAKE_UP else "complaint_assigned" if to else "complaint_pooled"
    tell_customer(case, template, key=row.ref, actor=actor)


def check_receiver(case: Complaint, *, actor: User | None, to: User | None, unit: OrgUnit | None) -> OrgUnit:
    """Whether the case may be given to the person or the unit: the unit it lies with then. Raises as
    `assign_complaint`."""
    place = to.unit if to is not None else unit
    if place is None:
        raise RuleBroken("complaint.no_receiver", _("Choose a person or a unit."))
    if actor is not None and not sight_of(actor, ASSIGN_RIGHT).covers(unit_no=place.no, owner_id=to.pk if to else None):
        raise NotAllowed(
            "complaint.out_of_reach", _("This person or unit is not within your area: choose one that is.")
        )
    if to is not None:
        check_worker(case, to)
        if to.pk == case.not_handler_id:
            words = _("The customer reopened it because of the handling: choose another person.")
            raise RuleBroken("complaint.same_handling", words)
        if case.state == State.ASSIGNED and to.pk == case.handler_id:
            raise RuleBroken("complaint.same_handler", _("This person has it already."))
    return place


def heads_of(unit: OrgUnit, at: datetime) -> list[User]:
    """The active heads of a unit at that moment."""
    day = clock.today(at)
    held = unit.heads.filter(from_day__lte=day).exclude(to_day__lt=day).select_related("user")
    return [head.user for head in held if head.user.is_active]


@transaction.atomic
def claim_complaint(case_id: int, *, actor: User) -> Complaint:
    """Take a case out of the pool of its unit and work on it. Of several who do so at once one gets it.

    Raises RuleBroken "complaint.claimed", which names who has it; else as `accept_work`.
    """
    case = locked_case(case_id)
    check_sees(case, actor)
    check_right(case, actor, WORK_RIGHT)
    _check_free(case, actor)
    return _begin(case, actor)


@transaction.atomic
def accept_work(case_id: int, *, actor: User) -> Complaint:
    """Who it was given to, acts for them or leads them, accepts it and works on it; from a pool anybody of the unit.
    First contact and progress are due from now on, and the customer hears who works on their complaint.

    Raises as `ground.case_to`; RuleBroken "complaint.claimed" (another one has it), "complaint.cannot_work",
    "complaint.about_them", "complaint.same_handling".
    """
    case = locked_case(case_id)
    check_sees(case, actor)
    if case.state in (State.ASSIGNED, State.INVESTIGATING) and not works_on(case, actor):
        check_right(case, actor, WORK_RIGHT)
        _check_free(case, actor)
    return _begin(case, actor)


def _check_free(case: Complaint, actor: User) -> None:
    if case.handler is not None and case.handler_id != actor.pk:
        words = _("%(name)s (no. %(staff_no)s) has it.")
        said = words % {"name": case.handler.name, "staff_no": case.handler.staff_no}
        raise RuleBroken("complaint.claimed", said)


def _begin(case: Complaint, actor: User) -> Complaint:
    step = step_from(case, Act.INVESTIGATE, actor)
    check_right(case, actor, step.right)
    before, pooled = case.handler, case.handler is None
    # A delegate, or who signed for it, accepts for who is not there, who stays the handler; a lead who accepts works on
    # it themself.
    stays = (
        before is not None
        and before.pk != actor.pk
        and (acting_for(before, clock.now(), right=WORK_RIGHT) == actor or (case.pk, before.pk) in signed_for(actor))
    )
    handler = before if stays else actor
    assert handler is not None
    check_worker(case, handler)
    if handler.pk == case.not_handler_id:
        words = _("The customer reopened it because of the handling: choose another person.")
        raise RuleBroken("complaint.same_handling", words)
    case.handler = handler
    clocks = clocks_for(case, actor)
    clocks.stop(ClockKind.ACCEPT)
    rules = [clocks.duty(ClockKind.PROGRESS)]
    if case.first_contact_at is None:
        rules.append(clocks.duty(ClockKind.FIRST_CONTACT))
    clocks.start(*rules)
    row = move(case, Act.INVESTIGATE, actor=actor, handler=handler, reason="")
    if pooled:
        remember(case, Deed.CLAIMED, actor=actor)
    unseat(case, SeatWhy.OFFER)
    if case.owner_id not in (actor.pk, handler.pk):
        ring(case, case.owner, "accepted", row.ref)
    tell_customer(case, "complaint_in_work", key=row.ref, actor=actor)
    return case


@transaction.atomic
def note_contact(case_id: int, *, actor: User, channel: str, text: str, reached: bool = True) -> Entry:
    """What was said with the customer: first contact and progress are done, the next progress is due from now on; in a
    dispute a lead's contact is what the rule asks. `reached` false: a try (three of them within two days allow the
    pause "not reached", D§10.6).

    Raises as `ground.case_for`; RuleBroken "complaint.ended", "complaint.no_text", "complaint.unknown_code".
    """
    case = case_for(case_id, actor, TAKE_RIGHT)
    check_open(case)
    if channel not in Channel.values:
        raise RuleBroken("complaint.unknown_code", _("Say by which way you spoke."))
    if not text.strip():
        raise RuleBroken("complaint.no_text", _("Write in a sentence what was said."))
    now = clock.now()
    entry = Entry.objects.create(
        complaint=case, kind=EntryKind.CONTACT, channel=channel, text=text.strip()[:LONGEST_TEXT], by=actor, at=now
    )
    if reached:
        spoken(case, actor)
    else:
        save_case(case)
    remember(case, Deed.CONTACTED if reached else Deed.TRIED, actor=actor)
    return entry


def spoken(case: Complaint, actor: User) -> None:
    """The customer was spoken with or written to, in a locked case: first contact and progress are done, the next
    progress is due from now on; in a dispute, or where the manager was asked for, a lead's word is what the rule
    asks."""
    now = clock.now()
    clocks = clocks_for(case, actor)
    clocks.stop(ClockKind.FIRST_CONTACT)
    if ClockKind.PROGRESS.value in clocks.open:
        clocks.stop(ClockKind.PROGRESS)
        clocks.start(clocks.duty(ClockKind.PROGRESS))
    if actor.has_perm(ASSIGN_RIGHT):
        clocks.stop(ClockKind.LEAD_CONTACT, ClockKind.MANAGER)
    case.last_told_at = now
    fields = ["last_told_at"]
    if case.first_contact_at is None:
        case.first_contact_at = now
        fields.append("first_contact_at")
    save_case(case, *fields)


def _said(at: datetime | None) -> str:
    return at.isoformat() if at is not None else ""
