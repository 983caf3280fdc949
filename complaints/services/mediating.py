"""Mediation of a disputed answer by a third party, voluntary for both sides; the complaint rests meanwhile (D§11.4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from complaints.lifecycle import Deed, MediationState, State
from complaints.models import Complaint, MediationCase
from complaints.outside.mediation import MEDIATING, MEDIATION_MOVES, Party
from complaints.services.ground import (
    WORK_RIGHT,
    case_for,
    check_open,
    clocks_for,
    remember,
    ring,
    save_case,
    tell_customer,
)
from complaints.services.promising import make_promise
from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import RuleBroken
from staff.models import User

LONGEST_TEXT = 20_000
REASON = "MEDIATION"  # why the service clock stands
_CONSENT = {Party.CUSTOMER: "customer_agreed_at", Party.OPERATOR: "operator_agreed_at"}


@dataclass(frozen=True)
class Duty:
    """What we signed to do in a mediation, by whom (None: who works on the case) and by when."""

    text: str
    owner: User | None
    due_at: datetime


@transaction.atomic
def request_mediation(case_id: int, *, actor: User, body: str, asked_by: str = Party.CUSTOMER) -> MediationCase:
    """One side asks for mediation of a disputed complaint and so agrees to it; the other is asked. The complaint rests
    from now on: its service clock stands, nothing leads out of the dispute but withdrawing (D§11.4).

    Raises as `ground.case_for`; RuleBroken "mediation.not_disputed", "mediation.open", "mediation.who".
    """
    case = case_for(case_id, actor, WORK_RIGHT)
    check_open(case)
    if case.state != State.DISPUTED:
        raise RuleBroken("mediation.not_disputed", _("Only a disputed answer is mediated."))
    if not body.strip():
        raise RuleBroken("mediation.who", _("Name who mediates."))
    if MediationCase.objects.filter(complaint=case, closed_at=None).exists():
        raise RuleBroken("mediation.open", _("A mediation of this complaint runs already."))
    agreed = {_CONSENT[_party(asked_by)]: clock.now()}
    found = MediationCase.objects.create(complaint=case, body=body.strip()[:60], created_by=actor, **agreed)
    clocks_for(case, actor).rest(reason=REASON)
    save_case(case)
    _note(found, case, "requested", actor)
    tell_customer(
        case, "complaint_mediation", key=f"{found.ref}-{found.state}", actor=actor, step=found.state, body=found.body
    )
    return found


@transaction.atomic
def move_mediation(
    mediation_id: int,
    *,
    actor: User,
    state: str,
    party: str = "",
    session_at: datetime | None = None,
    agreement: str = "",
    duties: Iterable[Duty] = (),
) -> MediationCase:
    """The next step. Agreeing and refusing name the side (`party`) that does: it goes on when both agreed, and ends
    when one does not want it (any more). A session names its moment; an agreement its words and what we owe by it:
    each duty becomes a promise of the case, with its date. As soon as it is settled, failed or refused the complaint is
    free, its service clock goes on, and the customer is told.

    Raises as `ground.case_for`; RuleBroken "mediation.illegal", "mediation.no_party", "mediation.no_session",
    "mediation.no_agreement", and as `make_promise`.
    """
    row = MediationCase.objects.values_list("complaint_id", flat=True).get(pk=mediation_id)
    case = case_for(int(row), actor, WORK_RIGHT)
    found = MediationCase.objects.select_for_update(no_key=True).get(pk=mediation_id)
    if state not in MEDIATION_MOVES[found.state]:
        raise RuleBroken("mediation.illegal", _("This step does not follow from where the mediation stands."))
    rested, new = found.state in MEDIATING, state
    if state == MediationState.BOTH_AGREED:
        setattr(found, _CONSENT[_party(party)], clock.now())
        if found.customer_agreed_at is None or found.operator_agreed_at is None:
            new = MediationState.REQUESTED
    if state == MediationState.REFUSED:
        found.refused_by = _party(party)
    if state == MediationState.SESSION:
        if session_at is None or session_at <= clock.now():
            raise RuleBroken("mediation.no_session", _("Name the moment of the session, in the future."))
        found.session_at, found.noticed_at = session_at, None
        found.sessions += 1
    if state == MediationState.AGREED:
        if not agreement.strip():
            raise RuleBroken("mediation.no_agreement", _("Write down what both signed."))
        found.agreement = agreement.strip()[:LONGEST_TEXT]
        for duty in duties:
            make_promise(case.pk, actor=actor, text=duty.text, due_at=duty.due_at, owner=duty.owner)
    found.state = new
    found.closed_at = clock.now() if new == MediationState.CLOSED else None
    found.save()
    if rested and new not in MEDIATING:
        _set_free(found, case, actor)
    _note(found, case, "moved", actor)
    return found


def _set_free(found: MediationCase, case: Complaint, actor: User) -> None:
    """The complaint need not rest any more."""
    if not case.is_open:
        return
    clocks_for(case, actor).resume(reason=REASON, progress=False)
    save_case(case)
    tell_customer(
        case,
        "complaint_mediation",
        key=f"{found.ref}-{found.state}",
        actor=actor,
        step=found.state,
        body=found.body,
        words=found.agreement,
    )


def _party(named: str) -> Party:
    if named not in Party.values:
        raise RuleBroken("mediation.no_party", _("Say which side agrees or refuses."))
    return Party(named)


def _note(found: MediationCase, case: Complaint, act: str, actor: User) -> None:
    record(f"mediation.{act}", target=found, actor=actor, customer_id=case.customer_id, detail={"state": found.state})
    remember(case, Deed.MEDIATION, actor=actor, reason=found.state, detail={"mediation": str(found.pk)})
    people = {person.pk: person for person in (case.owner, case.handler or case.owner)}
    for person in people.values():
        if person.pk != actor.pk:
            ring(case, person, "mediation", f"{found.ref}-{found.state}-{found.sessions}-{person.pk}")
