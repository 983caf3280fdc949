"""Who has a case: offered and accepted, refused with a reason, lapsed, or given by order (D§9.4, 10.10)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from complaints.lifecycle import Deed, Grade, HandoverRole, HandoverState, SeatWhy, State
from complaints.models import Complaint, Handover
from complaints.services.ground import (
    ASSIGN_RIGHT,
    COORDINATE_RIGHT,
    WORK_RIGHT,
    case_for,
    check_open,
    check_sees,
    check_worker,
    covers,
    leads,
    locked_case,
    remember,
    ring,
    seat,
    tell_customer,
    unseat,
    works_on,
)
from complaints.services.holding import (
    case_of,
    give_handler,
    give_owner,
    most_passes,
    new_handover,
    open_offer,
    settle,
    whom,
)
from complaints.services.responsible import ask_coordinator
from complaints.services.working import accept_work
from complaints.watching.taking import DIRECTOR, Superiors, who_work_in
from foundation.calendars.queries import calendar_for
from foundation.calendars.working_time import add_working
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.policies.reading import policy
from staff.absence import absence_of, acting_for
from staff.models import OrgUnit, User
from staff.rights import acted_for, sight_of

TAKE_RIGHT = "complaints.take"
GRAVE = (Grade.MAJOR, Grade.SKIP_LEVEL)
LONGEST_OFFER = timedelta(days=5)
# Where somebody works on a case, or its unit does.
WORKED_ON = (
    State.ASSIGNED,
    State.INVESTIGATING,
    State.PAUSED,
    State.SOLUTION_PROPOSED,
    State.DECIDED,
    State.DISPUTED,
)


@transaction.atomic
def offer_case(
    case_id: int,
    *,
    actor: User,
    role: str,
    to: User | None = None,
    to_unit: OrgUnit | None = None,
    note: str,
    until: datetime | None = None,
) -> Handover:
    """Offer the accountability (role OWNER, to a person) or the work (HANDLER, to a person or a unit) with the full
    record; who has it keeps it until the offer is accepted. After three hand-overs between units another one is not
    offered but put before the coordinator, who decides within 4 working hours (`for_decision`).

    Raises NotAllowed "complaint.not_yours_to_offer" and as `case_for`; RuleBroken "complaint.ended",
    "complaint.not_worked_on", "complaint.offer_whom", "complaint.offer_when", "complaint.same_person",
    "complaint.same_unit", "complaint.absent", "complaint.offered", "complaint.cannot_work", "complaint.cannot_own",
    "complaint.about_them".
    """
    case = case_for(case_id, actor, TAKE_RIGHT)
    check_open(case)
    _check_may_offer(case, actor, role)
    _check_target(case, role, to, to_unit)
    now = clock.now()
    if to is not None and absence_of(to, now) is not None:
        raise RuleBroken("complaint.absent", _("%(name)s is absent: choose another colleague.") % {"name": to.name})
    if Handover.objects.open().filter(complaint=case, role=role).exists():
        raise RuleBroken("complaint.offered", _("It is offered already; withdraw that offer first."))
    unit = to.unit if to is not None else to_unit
    assert unit is not None
    if role == HandoverRole.HANDLER and unit.no != case.work_unit_no and case.passes >= most_passes():
        return ask_coordinator(case, actor=actor, to_unit=unit, note=note, now=now)
    until = until or answer_by(case, unit, now)
    if not now < until <= now + LONGEST_OFFER:
        raise RuleBroken("complaint.offer_when", _("Name a moment within the next five days."))
    offer = new_handover(case, role, by=actor, to=to, to_unit=to_unit, note=note, until=until, made_at=now)
    for person in [to] if to is not None else who_work_in(unit, now, but=(case.about_staff_id, case.handler_id)):
        seat(case, person, SeatWhy.OFFER)
        ring(case, person, "offered", offer.ref, until_at=until.isoformat())
    remember(case, Deed.OFFERED, actor=actor, reason=note, detail=whom(offer))
    return offer


@transaction.atomic
def accept_offer(handover_id: int, *, actor: User) -> Complaint:
    """Who it was offered to (of a unit: whoever of it is first) has it from now on; the customer hears who.
    Raises NotAllowed "complaint.not_offered", "complaint.about_you"; RuleBroken "complaint.ended",
    "complaint.offer_lapsed", "complaint.cannot_work", "complaint.cannot_own"."""
    case, offer = _offered(handover_id, actor)
    _check_person(case, offer.role, actor)
    old = case.owner if offer.role == HandoverRole.OWNER else case.handler
    settle(offer, HandoverState.ACCEPTED, taken_by=actor)
    unseat(case, SeatWhy.OFFER)
    if offer.role == HandoverRole.OWNER:
        give_owner(case, actor)
    else:
        give_handler(case, actor)
    remember(case, Deed.OFFER_TAKEN, actor=actor, detail=whom(offer))
    for person in {person.pk: person for person in (old, offer.by) if person is not None and person != actor}.values():
        ring(case, person, "offer_taken", offer.ref)
    if offer.role == HandoverRole.OWNER:
        tell_customer(case, "complaint_new_owner", key=offer.ref, actor=actor, colleague=actor.staff_no)
    elif case.state == State.ASSIGNED:
        accept_work(case.pk, actor=actor)
        case.refresh_from_db()
    else:
        tell_customer(case, "complaint_new_handler", key=offer.ref, actor=actor, colleague=actor.staff_no)
    return case


@transaction.atomic
def refuse_offer(handover_id: int, *, actor: User, reason: str) -> Handover:
    """Not taken, for a reason; who had it keeps it. Raises as `accept_offer`, and RuleBroken "complaint.no_reason"."""
    case, offer = _offered(handover_id, actor)
    if not reason.strip():
        raise RuleBroken("complaint.no_reason", _("Say why: the one who offered must know whom to ask next."))
    settle(offer, HandoverState.REFUSED, taken_by=actor, reason=reason)
    unseat(case, SeatWhy.OFFER)
    remember(case, Deed.OFFER_REFUSED, actor=actor, reason=reason, detail=whom(offer))
    if offer.by is not None:
        ring(case, offer.by, "offer_refused", offer.ref)
    return offer


@transaction.atomic
def withdraw_handover(handover_id: int, *, actor: User) -> Handover:
    """Who has it keeps it after all. Raises NotAllowed "complaint.not_yours_to_offer"; RuleBroken
    "complaint.not_offered"."""
    case = locked_case(case_of(handover_id))
    check_sees(case, actor)
    offer = open_offer(handover_id)
    if actor.pk != offer.by_id:
        _check_may_offer(case, actor, offer.role)
    settle(offer, HandoverState.WITHDRAWN)
    unseat(case, SeatWhy.OFFER)
    remember(case, Deed.OFFER_WITHDRAWN, actor=actor, detail=whom(offer))
    return offer


@transaction.atomic
def order_case(case_id: int, *, actor: User, role: str, to: User, reason: str) -> Handover:
    """A lead gives it to another person, who need not accept (D§9.4); the customer is told of a new owner.

    Raises NotAllowed "complaint.not_yours_to_order", "complaint.out_of_reach" and as `case_for`; RuleBroken
    "complaint.ended", "complaint.not_worked_on", "complaint.same_person", "complaint.passes_used",
    "complaint.cannot_work", "complaint.cannot_own", "complaint.about_them".
    """
    case = case_for(case_id, actor, ASSIGN_RIGHT)
    check_open(case)
    if to.pk != actor.pk and not sight_of(actor, ASSIGN_RIGHT).covers(unit_no=to.unit.no, owner_id=to.pk):
        raise NotAllowed(
            "complaint.out_of_reach", _("This person does not work in your area: choose somebody who does.")
        )
    return order_to(case, actor=actor, role=role, to=to, reason=reason)


def order_to(
    case: Complaint,
    *,
    actor: User,
    role: str,
    to: User,
    reason: str = "",
    quiet: bool = False,
    anywhere: bool = False,
) -> Handover:
    """The order itself on a locked case, by somebody who may give it. `quiet`: the caller rings the new one once;
    `anywhere`: however often it went between units (somebody leaves)."""
    _check_target(case, role, to, None)
    crosses = role == HandoverRole.HANDLER and to.unit.no != case.work_unit_no
    if crosses and not anywhere and case.passes >= most_passes() and not actor.has_perm(COORDINATE_RIGHT):
        raise RuleBroken(
            "complaint.passes_used",
            _("It went between units too often: the coordinator decides which unit is responsible."),
        )
    old = case.owner if role == HandoverRole.OWNER else case.handler
    now = clock.now()
    for offer in Handover.objects.open().filter(complaint=case, role=role):
        settle(offer, HandoverState.WITHDRAWN)
        unseat(case, SeatWhy.OFFER)
    order = new_handover(case, role, by=actor, to=to, to_unit=None, note="", until=now, made_at=now, ordered=True)
    settle(order, HandoverState.ACCEPTED, taken_by=to, reason=reason)
    if role == HandoverRole.OWNER:
        give_owner(case, to)
    else:
        give_handler(case, to)
    remember(case, Deed.ORDERED, actor=actor, reason=reason, detail=whom(order))
    if to.pk != actor.pk and not quiet:
        ring(case, to, "ordered_to", order.ref)
    if old is not None and old.pk not in (actor.pk, to.pk):
        ring(case, old, "taken_away", order.ref)
    template = "complaint_new_owner" if role == HandoverRole.OWNER else "complaint_new_handler"
    tell_customer(case, template, key=order.ref, actor=actor, colleague=to.staff_no)
    return order


@transaction.atomic
def lapse_handover(handover_id: int, *, now: datetime) -> bool:
    """An offer nobody answered in time: it falls back, and who offered it and their lead are told. A decision nobody
    took is brought to the director and stays due. Once; False when it was answered meanwhile or another worker was
    first."""
    # The lock of the case first, as everywhere; a taken one is left to the next tick.
    case_id = case_of(handover_id)
    if not Complaint.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=case_id).exists():
        return False
    case = locked_case(case_id)
    offer = (
        Handover.objects.open()
        .filter(pk=handover_id, until__lte=now, noticed_at=None)
        .select_related("by__unit", "to", "to_unit")
        .first()
    )
    if offer is None:
        return False
    superiors = Superiors(now)
    if offer.for_decision:
        offer.noticed_at = now
        offer.save(update_fields=["noticed_at"])
        director = superiors.holder(DIRECTOR, case.work_unit, case.about_staff_id)
        told = {person.pk: person for person in (director, offer.to) if person is not None}
        kind = "undecided"
    else:
        settle(offer, HandoverState.LAPSED)
        unseat(case, SeatWhy.OFFER)
        had = case.owner if offer.role == HandoverRole.OWNER else case.handler or case.owner
        people = [superiors.stand_in(had, case.pk), superiors.lead_of(had, case.about_staff_id), offer.by]
        told = {person.pk: person for person in people if person is not None}
        kind = "offer_lapsed"
    for person in told.values():
        if offer.for_decision:
            seat(case, person, SeatWhy.RAISED)
        ring(case, person, kind, f"{offer.ref}-{person.pk}")
    remember(case, Deed.OFFER_LAPSED, actor=None, detail=whom(offer))
    return True


def answer_by(case: Complaint, unit: OrgUnit, now: datetime) -> datetime:
    """Until when an offer is answered: 2 working hours of the unit asked, a grave case 30 minutes (D§10.3)."""
    if case.grade in GRAVE:
        accept_within: timedelta = policy("complaints.accept_major")
        return now + accept_within
    hours = timedelta(hours=policy("complaints.accept_hours", unit=unit))
    return add_working(now, hours, calendar_for(unit.calendar_code))


def may_offer(case: Complaint, actor: User, role: str) -> bool:
    """Whether the actor may offer this role of the case: who has it, who acts for them, a lead, the coordinator."""
    if leads(case, actor) or (actor.has_perm(COORDINATE_RIGHT) and covers(case, actor, COORDINATE_RIGHT)):
        return True
    if role == HandoverRole.HANDLER:
        return works_on(case, actor)
    return actor.pk == case.owner_id or case.owner_id in acted_for(actor)


def may_answer(offer: Handover, actor: User, now: datetime) -> bool:
    """Whether the open offer is the actor's to accept or refuse."""
    if offer.to is not None:
        return actor.pk in (offer.to_id, acting_for(offer.to, now, right=TAKE_RIGHT).pk)
    assert offer.to_unit is not None
    return sight_of(actor, WORK_RIGHT).covers(unit_no=offer.to_unit.no)


def _check_may_offer(case: Complaint, actor: User, role: str) -> None:
    if not may_offer(case, actor, role):
        raise NotAllowed("complaint.not_yours_to_offer", _("Somebody else has this case."))


def _check_target(case: Complaint, role: str, to: User | None, to_unit: OrgUnit | None) -> None:
    if (to is None) == (to_unit is None) or (role == HandoverRole.OWNER and to is None):
        raise RuleBroken("complaint.offer_whom", _("Name one person, or for the work one unit."))
    if role == HandoverRole.HANDLER and case.state not in WORKED_ON:
        raise RuleBroken("complaint.not_worked_on", _("Nobody works on this case now: assign it."))
    if to is None:
        assert to_unit is not None
        if to_unit.no == case.work_unit_no:
            raise RuleBroken("complaint.same_unit", _("This unit works on it already."))
        return
    _check_person(case, role, to)
    if to.pk == (case.owner_id if role == HandoverRole.OWNER else case.handler_id):
        raise RuleBroken("complaint.same_person", _("This person has it already."))


def _check_person(case: Complaint, role: str, person: User) -> None:
    if role == HandoverRole.HANDLER:
        check_worker(case, person)
        return
    if not person.is_active or not person.has_perm(TAKE_RIGHT):
        raise RuleBroken("complaint.cannot_own", _("This person does not take complaints: choose another one."))
    if case.about_staff_id == person.pk:
        raise RuleBroken("complaint.about_them", _("The complaint is about this person: choose another one."))


def _offered(handover_id: int, actor: User) -> tuple[Complaint, Handover]:
    case = locked_case(case_of(handover_id))
    if case.about_staff_id == actor.pk:
        raise NotAllowed("complaint.about_you", _("The person complained of does not handle the complaint."))
    offer = open_offer(handover_id)
    now = clock.now()
    if offer.for_decision or not may_answer(offer, actor, now):
        raise NotAllowed("complaint.not_offered", _("This case is not offered to you."))
    check_open(case)
    if offer.until <= now:
        raise RuleBroken("complaint.offer_lapsed", _("The offer has run out; who had the case keeps it."))
    return case, offer
