"""What the customer sees of a case on the status page: plain states, last step, next step, when, who; no internal
word and nothing of a person but who looks after it (D§10.13)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core import signing
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from complaints.lifecycle import Act, ApprovalState, Deed, EntryKind, PauseReason, State, label_of
from complaints.models import Complaint, Entry, Rejection
from complaints.public.codes import typed_code
from foundation.common import clock
from staff.models import User

OPEN_FOR = timedelta(minutes=30)
_SALT = "complaints.status"
_NO_CODE = "-" * 10

# By the state: what is the case, what is next.
_STATES: dict[str, tuple[Any, Any]] = {
    State.REGISTERED: (_("We have your complaint."), _("We confirm it and look into what it needs.")),
    State.ACKNOWLEDGED: (_("We have your complaint."), _("We look into what it needs and who solves it.")),
    State.ASSESSED: (_("We know what your complaint is about."), _("Somebody takes it into their hands.")),
    State.ASSIGNED: (_("Your complaint is with those who solve it."), _("They begin to work on it.")),
    State.INVESTIGATING: (_("Somebody works on your complaint."), _("We speak with you and find a solution.")),
    State.PAUSED: (_("Your complaint waits."), _("We go on as soon as what we wait for is there.")),
    State.SOLUTION_PROPOSED: (_("We have a solution in hand."), _("We tell you our answer.")),
    State.DECIDED: (_("You have our answer."), _("Tell us whether you agree; then we call you back.")),
    State.ACCEPTED: (_("You agree with our answer."), _("We do what we said, and call you back.")),
    State.DISPUTED: (_("You do not agree with our answer."), _("A superior contacts you with another proposal.")),
    State.CALLBACK: (_("You have our answer."), _("We call you back and ask whether it is solved.")),
    State.CLOSED: (_("Your complaint is closed."), _("Nothing more, unless it is not solved: then tell us.")),
    State.REOPENED: (_("Your complaint is open again."), _("Somebody takes it into their hands.")),
    State.WITHDRAWN: (_("You withdrew your complaint."), _("Nothing more, unless you take it up again.")),
    State.MERGED: (_("Your complaint is handled together with another one of yours."), _("See that number.")),
    State.OUT_OF_SCOPE: (_("Your complaint is for somebody else."), _("We told you whom to turn to.")),
}
# Steps the customer hears of, as they are told of them.
_STEPS: dict[str, Any] = {
    Act.REGISTER: _("We took it down"),
    Act.ACKNOWLEDGE: _("We confirmed it to you"),
    Act.ASSESS: _("We looked into what it needs"),
    Act.ASSIGN: _("We gave it to those who solve it"),
    Act.INVESTIGATE: _("Somebody began to work on it"),
    Act.PAUSE: _("It had to wait"),
    Act.RESUME: _("We went on with it"),
    Act.PROPOSE: _("We found a solution"),
    Act.REWORK: _("We looked into it once more"),
    Act.DECIDE: _("We answered you"),
    Act.AGREE: _("You agreed"),
    Act.DISPUTE: _("You objected"),
    Act.FINAL: _("We told you our final position"),
    Act.CALL_BACK: _("We began to call you back"),
    Act.RETURN: _("We looked into it once more"),
    Act.CLOSE: _("We closed it"),
    Act.REOPEN: _("We opened it again"),
    Act.WITHDRAW: _("You withdrew it"),
    Act.TAKE_UP: _("We took it up again"),
    Act.MERGE: _("We joined it with another one of yours"),
    Act.CLOSE_GROUP: _("We closed it"),
    Act.REJECT: _("We told you whom to turn to"),
    Deed.CONTACTED: _("We spoke with you"),
    Deed.URGED: _("You urged"),
    Deed.REPLIED: _("We wrote to you"),
    Deed.HEARD: _("You wrote to us"),
}


@dataclass(frozen=True)
class Status:
    """A case as its customer sees it. `due_at`: by when our answer; `person`: who looks after it; `answer`: what we
    wrote last; `waits_for`: why it waits; `not_ours`: why it is for somebody else; `turn_to`: for whom."""

    number: str
    is_open: bool
    state: Any
    next_step: Any
    last_step: Any
    last_at: datetime | None
    due_at: datetime | None
    person: User
    answer: str
    answer_at: datetime | None
    waits_for: str
    handled_with: str
    not_ours: str
    turn_to: str
    may_urge: bool
    may_object: bool


def case_with(number: str, code: str) -> Complaint | None:
    """The case of a number whose code this is. As long in finding none as in refusing a wrong code."""
    found = Complaint.objects.filter(number=number.strip().upper()[:20]).first() if number.strip() else None
    known = found.public_code if found is not None else _NO_CODE
    same = hmac.compare_digest(typed_code(known).encode(), typed_code(code).encode())
    # The code of an erased case is a token that opens nothing.
    return found if same and found is not None and found.public_code.isalnum() else None


def token_for(case: Complaint) -> str:
    """What stands in the address of the status page for half an hour: signed, without a number or a name."""
    until = int((clock.now() + OPEN_FOR).timestamp())
    return signing.Signer(salt=_SALT).sign_object([case.pk, until])


def case_of(token: str) -> Complaint | None:
    """The case of a token that holds still; None for another one."""
    try:
        key, until = signing.Signer(salt=_SALT).unsign_object(token)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    if clock.now().timestamp() > until:
        return None
    return Complaint.objects.select_related("owner", "handler", "merged_into").filter(pk=key).first()


def status_of(case: Complaint) -> Status:
    """What the page shows: three queries, one more for a case that is not ours."""
    now = clock.now()
    state, next_step = _STATES[case.state]
    last = case.moves.filter(act__in=[str(act) for act in _STEPS]).order_by("-pk").first()
    left = Q(leaves_at=None) | Q(leaves_at__lte=now)
    wrote = case.entries.filter(left, kind=EntryKind.REPLY, taken_back_at=None).order_by("-pk").first()
    due = case.service_due_at or case.statutory_due_at
    sent_on = _sent_on(case)
    return Status(
        number=case.number,
        is_open=case.is_open,
        state=state,
        next_step=next_step,
        last_step=_STEPS[last.act] if last is not None else "",
        last_at=last.at if last is not None else case.received_at,
        due_at=due if case.is_open and due is not None and due > now else None,
        person=case.handler or case.owner,
        answer=wrote.text if wrote is not None else "",
        answer_at=wrote.at if wrote is not None else None,
        waits_for=label_of(PauseReason, case.pause_reason) if case.state == State.PAUSED else "",
        handled_with=case.merged_into.number if case.merged_into is not None else "",
        not_ours=sent_on.reason if sent_on is not None else "",
        turn_to=sent_on.referral if sent_on is not None else "",
        may_urge=case.is_open and not Entry.objects.filter(key=urge_key(case)).exists(),
        may_object=case.state == State.DECIDED,
    )


def _sent_on(case: Complaint) -> Rejection | None:
    """What a lead agreed to of a case that is not ours."""
    if case.state != State.OUT_OF_SCOPE:
        return None
    return case.rejections.filter(state=ApprovalState.GRANTED).order_by("-pk").first()


def urge_key(case: Complaint) -> str:
    """One urge a day by the page."""
    return f"status-{case.pk}-{clock.today()}"
