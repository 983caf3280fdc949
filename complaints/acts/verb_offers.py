"""When a verb is offered on the page of a case, beside what the state table allows: to whom, and of which cases."""

from __future__ import annotations

from complaints.acts.verb_shape import ASSIGN
from complaints.case_queries import Beside
from complaints.lifecycle import SeatWhy
from complaints.models import Complaint
from complaints.services.callbacks import CALLED_IN
from complaints.team.signing import stood_for
from staff.models import User


def is_open(case: Complaint, _user: User, _beside: Beside) -> bool:
    return case.is_open


def not_handler(case: Complaint, user: User, _beside: Beside) -> bool:
    return case.handler_id != user.pk


def not_asked(_case: Complaint, _user: User, beside: Beside) -> bool:
    return beside.rejection is None


def authorised(_case: Complaint, _user: User, beside: Beside) -> bool:
    return beside.may_answer


def is_parent(case: Complaint, _user: User, _beside: Beside) -> bool:
    return case.is_parent


def nobodys(case: Complaint, _user: User, _beside: Beside) -> bool:
    return case.customer_id is None and not case.is_parent


def pooled(case: Complaint, _user: User, _beside: Beside) -> bool:
    return case.handler_id is None


def given(case: Complaint, user: User, _beside: Beside) -> bool:
    mine = case.handler_id is not None and case.handler_id in stood_for(case, user)
    return mine or (case.handler_id is not None and user.has_perm(ASSIGN))


def called(case: Complaint, user: User, beside: Beside) -> bool:
    callback = beside.callback
    open_yet = callback is not None and callback.done_at is None and case.state in CALLED_IN
    return open_yet and case.handler_id != user.pk


def owed_call(case: Complaint, user: User, beside: Beside) -> bool:
    callback = beside.callback
    owes = any(one.why == SeatWhy.CALLBACK and one.user_id == user.pk for one in beside.seats)
    open_yet = callback is not None and callback.done_at is None and case.state in CALLED_IN
    return open_yet and (owes or user.has_perm(ASSIGN))


def may_offer(case: Complaint, user: User, _beside: Beside) -> bool:
    mine = {case.owner_id, case.handler_id} & stood_for(case, user)
    return case.is_open and (bool(mine) or user.has_perm(ASSIGN))
