"""What a person may do to a case as it stands, the next step first."""

from __future__ import annotations

from complaints.acts.verb_shape import APPROVE, Verb
from complaints.acts.verb_table import VERBS
from complaints.case_queries import Beside
from complaints.lifecycle import Act, State, acts_from
from complaints.models import Approval, Complaint, Rejection
from complaints.outside.mediation import HELD_BY_MEDIATION
from complaints.services.deciding import may_decide
from staff.models import User
from staff.rights import sight_of

BY_NAME = {verb.name: verb for verb in VERBS}
# What would begin a duty in a record of the past: a new complaint is taken instead.
AGAIN = {Act.REOPEN, Act.TAKE_UP}
TO_RECORDS = {"customer"}
# What is done next in a state, before everything else that may be done.
NEXT: dict[str, tuple[str, ...]] = {
    State.REGISTERED: ("acknowledge",),
    State.ACKNOWLEDGED: ("assess",),
    State.ASSESSED: ("assign",),
    State.ASSIGNED: ("claim", "accept", "assign"),
    State.INVESTIGATING: ("propose", "pause"),
    State.PAUSED: ("resume",),
    State.SOLUTION_PROPOSED: ("decide",),
    State.DECIDED: ("callback", "agree", "dispute"),
    State.ACCEPTED: ("call-back",),
    State.DISPUTED: ("rework", "final"),
    State.CALLBACK: ("callback", "close", "return"),
    State.CLOSED: ("reopen",),
    State.REOPENED: ("assign",),
    State.WITHDRAWN: ("take-up",),
}


def next_of(case: Complaint, beside: Beside) -> tuple[str, ...]:
    """The verbs done next in the state of the case: none while somebody's decision is waited for; a solution that was
    not approved is worked on again."""
    if beside.asked is not None or beside.rejection is not None:
        return ()
    if case.state == State.SOLUTION_PROPOSED and not beside.may_answer:
        return ("rework",)
    return NEXT.get(case.state, ())


def to_decide(case: Complaint, user: User, beside: Beside) -> tuple[Verb, str] | None:
    """What waits for a decision this person may take: the verb and its item; None where nothing does."""
    row: Approval | Rejection | None = beside.asked or beside.rejection
    if row is None or not reaches(case, user, APPROVE, beside):
        return None
    if isinstance(row, Approval) and beside.solution is not None:
        row.solution = beside.solution
    if not may_decide(row, user):
        return None
    return BY_NAME["approve" if isinstance(row, Approval) else "reject-approve"], row.ref


def reaches(case: Complaint, user: User, right: str, beside: Beside) -> bool:
    """Whether the user holds `right` over the case: `ground.covers` without another query."""
    if not user.has_perm(right) or case.about_staff_id == user.pk:
        return False
    sight = sight_of(user, right)
    return (
        sight.covers(unit_no=case.unit_no, owner_id=case.owner_id)
        or sight.covers(unit_no=case.work_unit_no, owner_id=case.handler_id)
        or any(seat.user_id in sight.owners for seat in beside.seats)
    )


def verbs_for(case: Complaint, user: User, beside: Beside) -> list[Verb]:
    """What this person may do with the case as it stands: legal by the table, within their rights, the next step
    first."""
    legal = {move.act for move in acts_from(case.state)}
    if beside.mediation is not None:
        legal -= set(HELD_BY_MEDIATION)
    first = next_of(case, beside)
    found = [
        verb
        for verb in VERBS
        if not verb.item
        and (not verb.acts or legal & set(verb.acts))
        and verb.shows(case, user, beside)
        and not (case.is_imported and verb.name not in TO_RECORDS and (not verb.acts or set(verb.acts) & AGAIN))
        and reaches(case, user, verb.right, beside)
    ]
    places = {name: place for place, name in enumerate(first)}
    return sorted(found, key=lambda verb: places.get(verb.name, len(places)))
