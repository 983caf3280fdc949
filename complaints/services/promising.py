"""The promise book: what the customer was promised on a case, by whom, by when, and whether it was kept."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from complaints.lifecycle import Deed, SeatWhy
from complaints.models import Complaint, Promise
from complaints.services.ground import case_for, check_open, leads, locked_case, remember, ring, seat, unseat, works_on
from complaints.team.signing import stood_for
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from staff.models import User

TAKE_RIGHT = "complaints.take"


@transaction.atomic
def make_promise(case_id: int, *, actor: User, text: str, due_at: datetime, owner: User | None = None) -> Promise:
    """Write down what was promised; `owner` (default: who works on the case) keeps it.

    Raises as `case_for`; RuleBroken "complaint.ended", "complaint.promise_what", "complaint.promise_when",
    "complaint.about_them", "complaint.cannot_own".
    """
    case = case_for(case_id, actor, TAKE_RIGHT)
    check_open(case)
    keeper = owner or case.handler or case.owner
    if not text.strip():
        raise RuleBroken("complaint.promise_what", _("Say what was promised."))
    if due_at <= clock.now():
        raise RuleBroken("complaint.promise_when", _("A promise is kept in the future: name a later moment."))
    if keeper.pk == case.about_staff_id:
        raise RuleBroken("complaint.about_them", _("The complaint is about this person: choose another one."))
    if not keeper.is_active:
        raise RuleBroken("complaint.cannot_own", _("This person does not take complaints: choose another one."))
    promise = Promise.objects.create(complaint=case, text=text.strip()[:200], owner=keeper, due_at=due_at)
    seat(case, keeper, SeatWhy.MEASURE)
    remember(case, Deed.PROMISED, actor=actor, detail={"to": keeper.pk, "due_at": due_at.isoformat()})
    if keeper.pk != actor.pk:
        ring(case, keeper, "promise", promise.ref, until_at=due_at.isoformat())
    return promise


@transaction.atomic
def keep_promise(promise_id: int, *, actor: User) -> Promise:
    """It was kept. Raises NotAllowed "complaint.promise_not_yours"; RuleBroken "complaint.promise_ended"."""
    case, promise = _promise_for(promise_id, actor)
    promise.kept_at, promise.done_by = clock.now(), actor
    promise.save(update_fields=["kept_at", "done_by"])
    _leave(case, promise)
    remember(case, Deed.PROMISE_KEPT, actor=actor, detail={"due_at": promise.due_at.isoformat()})
    return promise


@transaction.atomic
def drop_promise(promise_id: int, *, actor: User, reason: str) -> Promise:
    """It is not owed any more. Raises as `keep_promise`, and RuleBroken "complaint.no_reason"."""
    case, promise = _promise_for(promise_id, actor)
    if not reason.strip():
        raise RuleBroken("complaint.no_reason", _("Say why the promise is not owed any more."))
    promise.dropped_at, promise.done_by = clock.now(), actor
    promise.save(update_fields=["dropped_at", "done_by"])
    _leave(case, promise)
    remember(case, Deed.PROMISE_DROPPED, actor=actor, reason=reason, detail={"due_at": promise.due_at.isoformat()})
    return promise


def _promise_for(promise_id: int, actor: User) -> tuple[Complaint, Promise]:
    case = locked_case(int(Promise.objects.values_list("complaint_id", flat=True).get(pk=promise_id)))
    promise = Promise.objects.select_related("owner").get(pk=promise_id)
    if case.about_staff_id == actor.pk:
        raise NotAllowed("complaint.about_you", _("The person complained of does not handle the complaint."))
    keeps = promise.owner_id in stood_for(case, actor)
    if not (keeps or works_on(case, actor) or leads(case, actor) or actor.pk == case.owner_id):
        raise NotAllowed("complaint.promise_not_yours", _("Somebody else keeps this promise."))
    if promise.kept_at or promise.dropped_at:
        raise RuleBroken("complaint.promise_ended", _("This promise is kept or dropped already."))
    return case, promise


def _leave(case: Complaint, promise: Promise) -> None:
    """The seat goes with the last duty of its kind."""
    owes = Promise.objects.open().filter(complaint=case, owner=promise.owner).exists()
    if not owes and not case_measures(case, promise.owner):
        unseat(case, SeatWhy.MEASURE, promise.owner)


def case_measures(case: Complaint, person: User) -> bool:
    """Whether the person owes a measure of the case."""
    return bool(case.solutions.filter(dropped_at=None, measures__owner=person, measures__done_at=None).exists())
