"""Who owes the callback after an answer: somebody else than the handler, for a major case a lead (D§3.2, 18.6)."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from complaints.lifecycle import SeatWhy
from complaints.models import Callback, Complaint, Solution
from complaints.rules import is_grave
from complaints.services.ground import ASSIGN_RIGHT, ring, seat, unseat
from foundation.common import clock
from outreach.lifecycle import FollowUpKind, FollowUpState
from outreach.models import FollowUp
from outreach.services import close_followup, owe_followup
from staff.absence import acting_for, team_lead_of
from staff.models import User

CALL_RIGHTS = ("complaints.take", "outreach.work")


def may_call(case: Complaint, solution: Solution, person: User) -> bool:
    """Whether `person` may call back: not the handler nor who answered, not the one complained of; a lead where the
    case is major."""
    return (
        person.is_active
        and person.pk not in (case.handler_id, solution.by_id, case.about_staff_id)
        and all(person.has_perm(right) for right in CALL_RIGHTS)
        and (not is_grave(case.grade) or person.has_perm(ASSIGN_RIGHT))
    )


def caller_for(case: Complaint, solution: Solution, at: datetime) -> User | None:
    """Who owes the call: the owner (who was asked first) or who acts for them; else the next lead above who may."""
    acting = acting_for(case.owner, at, right=CALL_RIGHTS[0])
    for person in (case.owner, acting):
        if may_call(case, solution, person) and (person.pk == acting.pk):
            return person
    passed: set[int] = {case.about_staff_id} if case.about_staff_id else set()
    start = case.handler or case.owner
    while (lead := team_lead_of(start, at, but=passed)) is not None:
        if may_call(case, solution, lead):
            return lead
        passed.add(lead.pk)
    return None


def owe_callback(case: Complaint, solution: Solution, *, due_at: datetime, actor: User | None) -> Callback:
    """Write down that the customer is called back by `due_at`, with the follow-up of who owes it. Nobody there who may:
    the callback stands without one, and its clock brings it to the lead."""
    person = caller_for(case, solution, clock.now()) if not case.is_imported else None
    callback = Callback(complaint=case, solution=solution, due_at=due_at)
    if person is not None:
        callback.follow_up = _owed_by(person, case, callback, actor, key=solution.ref)
    callback.save(force_insert=True)
    return callback


def give_callback(case: Complaint, callback: Callback, *, to: User, way: str, actor: User) -> None:
    """Let `to` call back, or visit, instead of who owed it: of a locked case whose callback is open."""
    close_call(case, callback, actor=actor, done=False, words=_("%(name)s does it.") % {"name": to.name})
    callback.way = way
    callback.follow_up = _owed_by(to, case, callback, actor, key=f"{callback.ref}-{to.pk}-{way}")
    callback.save(update_fields=["way", "follow_up"])


def _owed_by(person: User, case: Complaint, callback: Callback, actor: User | None, *, key: str) -> FollowUp:
    """The follow-up of who owes the callback, who sees the case for it and is told."""
    due_at = max(callback.due_at, clock.now())
    follow_up = owe_followup(
        customer=case.customer,
        kind=FollowUpKind.VISIT if callback.way == Callback.Way.VISIT else FollowUpKind.CALLBACK,
        owner=person,
        due_at=due_at,
        subject=_("Complaint %(number)s: is it solved?") % {"number": case.number},
        actor=None,
        dedupe_key=f"complaint-callback-{key}",
        source=f"complaint:{case.ref}",
        priority=FollowUp.Priority.HIGH if is_grave(case.grade) else FollowUp.Priority.NORMAL,
    )
    seat(case, person, SeatWhy.CALLBACK)
    if actor is None or person.pk != actor.pk:
        ring(case, person, "callback", key, until_at=due_at.isoformat())
    return follow_up


def close_call(case: Complaint, callback: Callback, *, actor: User | None, done: bool, words: str) -> None:
    """The call is made, or no longer owed: its follow-up is closed, its seat is gone."""
    unseat(case, SeatWhy.CALLBACK)
    if callback.follow_up_id is not None:
        state = FollowUpState.DONE if done else FollowUpState.CANCELLED
        close_followup(callback.follow_up_id, actor=actor, state=state, words=words)


def drop_callback(case: Complaint, *, actor: User | None) -> None:
    """Whatever callback of the case is open is no longer owed."""
    for callback in Callback.objects.filter(complaint=case, done_at=None, follow_up__isnull=False):
        words = _("The complaint went on otherwise.")
        close_call(case, callback, actor=actor, done=False, words=words)
