"""After the third hand-over between units the coordinator decides which unit is responsible (D§10.10)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from complaints.lifecycle import Deed, HandoverRole, HandoverState, SeatWhy
from complaints.models import Complaint, Handover
from complaints.services.ground import (
    ASSIGN_RIGHT,
    COORDINATE_RIGHT,
    WORK_RIGHT,
    case_for,
    check_open,
    check_worker,
    remember,
    ring,
    seat,
    unseat,
)
from complaints.services.holding import case_of, give_handler, new_handover, open_offer, settle, whom
from complaints.watching.taking import COORDINATOR, Superiors, who_work_in
from foundation.calendars.queries import calendar_for
from foundation.calendars.working_time import add_working
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.policies.reading import policy
from staff.absence import absence_of
from staff.models import OrgUnit, User


def ask_coordinator(case: Complaint, *, actor: User, to_unit: OrgUnit, note: str, now: datetime) -> Handover:
    """Put the question which unit is responsible before the coordinator."""
    coordinator = Superiors(now).holder(COORDINATOR, case.work_unit, case.about_staff_id)
    if coordinator is None:
        raise RuleBroken("complaint.nobody_there", _("Nobody coordinates complaints: tell your director."))
    minutes = policy("complaints.handing.decide_minutes", unit=coordinator.unit)
    until = add_working(now, minutes, calendar_for(coordinator.unit.calendar_code))
    asked = new_handover(
        case,
        HandoverRole.HANDLER,
        by=actor,
        to=coordinator,
        to_unit=to_unit,
        note=note,
        until=until,
        made_at=now,
        for_decision=True,
    )
    seat(case, coordinator, SeatWhy.OFFER)
    ring(case, coordinator, "to_decide", asked.ref, until_at=until.isoformat())
    remember(case, Deed.OFFERED, actor=actor, reason=note, detail=whom(asked))
    return asked


@transaction.atomic
def decide_unit(handover_id: int, *, actor: User, unit: OrgUnit, to: User | None = None, reason: str) -> Complaint:
    """The coordinator says which unit is responsible; `to` (default: who leads it) works on it there (D§10.10).

    Raises NotAllowed "complaint.no_right" and as `case_for`; RuleBroken "complaint.not_offered", "complaint.no_reason",
    "complaint.nobody_there", "complaint.cannot_work", "complaint.about_them".
    """
    case = case_for(case_of(handover_id), actor, COORDINATE_RIGHT)
    check_open(case)
    asked = open_offer(handover_id)
    if not asked.for_decision:
        raise RuleBroken("complaint.not_offered", _("This hand-over waits for nobody's decision."))
    if not reason.strip():
        raise RuleBroken("complaint.no_reason", _("Say why this unit is responsible."))
    now = clock.now()
    person = to or next(iter(_leading(unit, now, case)), None)
    if person is None:
        raise RuleBroken("complaint.nobody_there", _("Nobody of this unit works on complaints: name a person."))
    check_worker(case, person)
    old = case.handler
    asked.to_unit = unit
    settle(asked, HandoverState.ACCEPTED, taken_by=person, reason=reason, ordered=True)
    unseat(case, SeatWhy.OFFER)
    if person.pk != case.handler_id:
        give_handler(case, person, unit=unit)
    remember(case, Deed.ORDERED, actor=actor, reason=reason, detail=whom(asked))
    ring(case, person, "ordered_to", asked.ref)
    if old is not None and old.pk != person.pk:
        ring(case, old, "taken_away", asked.ref)
    return case


def _leading(unit: OrgUnit, now: datetime, case: Complaint) -> list[User]:
    people = [one for one in who_work_in(unit, now, but=(case.about_staff_id,)) if one.has_perm(WORK_RIGHT)]
    present = [one for one in people if absence_of(one, now) is None]
    return sorted(present, key=lambda one: not one.has_perm(ASSIGN_RIGHT))
