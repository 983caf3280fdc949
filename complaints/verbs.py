"""What a person may do to a case as it stands, the next step first."""

from __future__ import annotations

from complaints.case_queries import Beside
from complaints.lifecycle import Act, State, acts_from
from complaints.mediation import HELD_BY_MEDIATION
from complaints.models import Complaint
from complaints.verb_shape import Verb
from complaints.verb_table import VERBS
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
    first = NEXT.get(case.state, ())
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
