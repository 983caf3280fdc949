"""Complaint cases: states, acts, and the one table of what may follow what (D§10.3). Pages, services, the API and the
tests all read `MOVES`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class State(models.TextChoices):
    REGISTERED = "REGISTERED", _("Registered")
    ACKNOWLEDGED = "ACKNOWLEDGED", _("Acknowledged")
    ASSESSED = "ASSESSED", _("Assessed")
    ASSIGNED = "ASSIGNED", _("Assigned")
    INVESTIGATING = "INVESTIGATING", _("Investigating")
    PAUSED = "PAUSED", _("Paused")
    SOLUTION_PROPOSED = "SOLUTION_PROPOSED", _("Solution proposed")
    DECIDED = "DECIDED", _("Answered")
    ACCEPTED = "ACCEPTED", _("Answer accepted")
    DISPUTED = "DISPUTED", _("Answer disputed")
    CALLBACK = "CALLBACK", _("Callback")
    CLOSED = "CLOSED", _("Closed")
    REOPENED = "REOPENED", _("Reopened")
    WITHDRAWN = "WITHDRAWN", _("Withdrawn")
    MERGED = "MERGED", _("Merged into another case")
    OUT_OF_SCOPE = "OUT_OF_SCOPE", _("Not ours")


ENDED: tuple[str, ...] = (State.CLOSED, State.WITHDRAWN, State.MERGED, State.OUT_OF_SCOPE)
OPEN: tuple[str, ...] = tuple(state for state in State.values if state not in ENDED)


class Act(models.TextChoices):
    """What is done to a case: the verb of a move."""

    REGISTER = "REGISTER", _("Register")
    ACKNOWLEDGE = "ACKNOWLEDGE", _("Acknowledge")
    ASSESS = "ASSESS", _("Assess")
    ASSIGN = "ASSIGN", _("Assign")
    INVESTIGATE = "INVESTIGATE", _("Accept the work")
    PAUSE = "PAUSE", _("Pause")
    RESUME = "RESUME", _("Resume")
    PROPOSE = "PROPOSE", _("Propose a solution")
    REWORK = "REWORK", _("Work on it again")
    DECIDE = "DECIDE", _("Answer the customer")
    AGREE = "AGREE", _("Customer accepts")
    DISPUTE = "DISPUTE", _("Customer disputes")
    FINAL = "FINAL", _("Tell the final position")
    CALL_BACK = "CALL_BACK", _("Start the callback")
    RETURN = "RETURN", _("Return to work")
    CLOSE = "CLOSE", _("Close")
    REOPEN = "REOPEN", _("Reopen")
    WITHDRAW = "WITHDRAW", _("Withdraw")
    TAKE_UP = "TAKE_UP", _("Take up again")
    MERGE = "MERGE", _("Merge")
    CLOSE_GROUP = "CLOSE_GROUP", _("Close with its group")
    REJECT = "REJECT", _("Declare not ours")


# The same where it is told afterwards.
DONE: dict[str, Any] = {
    Act.REGISTER: _("Registered"),
    Act.ACKNOWLEDGE: _("Acknowledged"),
    Act.ASSESS: _("Assessed"),
    Act.ASSIGN: _("Assigned"),
    Act.INVESTIGATE: _("Work accepted"),
    Act.PAUSE: _("Paused"),
    Act.RESUME: _("Resumed"),
    Act.PROPOSE: _("Solution proposed"),
    Act.REWORK: _("Back to work"),
    Act.DECIDE: _("Customer answered"),
    Act.AGREE: _("Customer accepted"),
    Act.DISPUTE: _("Customer disputed"),
    Act.FINAL: _("Final position told"),
    Act.CALL_BACK: _("Callback begun"),
    Act.RETURN: _("Returned to work"),
    Act.CLOSE: _("Closed"),
    Act.REOPEN: _("Reopened"),
    Act.WITHDRAW: _("Withdrawn"),
    Act.TAKE_UP: _("Taken up again"),
    Act.MERGE: _("Merged into another case"),
    Act.CLOSE_GROUP: _("Closed with its group"),
    Act.REJECT: _("Declared not ours"),
}


class Deed(models.TextChoices):
    """What else stands in the history of a case: done to it, its state staying."""

    CONTACTED = "CONTACTED", _("Spoke with the customer")
    URGED = "URGED", _("Customer urged")
    MANAGER_ASKED = "MANAGER_ASKED", _("Customer asked for the manager")
    GRADED = "GRADED", _("Grade changed")
    CLAIMED = "CLAIMED", _("Taken from the pool")
    APPROVAL_ASKED = "APPROVAL_ASKED", _("Approval asked")
    APPROVED = "APPROVED", _("Solution approved")
    DENIED = "DENIED", _("Solution not approved")
    MEASURE_DONE = "MEASURE_DONE", _("Measure done")
    TRIED = "TRIED", _("Tried to reach the customer")
    CALLED_BACK = "CALLED_BACK", _("Called back")
    CALL_SENT = "CALL_SENT", _("Callback given to a colleague")
    REPLIED = "REPLIED", _("Wrote to the customer")
    HEARD = "HEARD", _("Customer wrote")
    NOTED = "NOTED", _("Note added")
    OFFERED = "OFFERED", _("Offered to another person")
    OFFER_TAKEN = "OFFER_TAKEN", _("Hand-over accepted")
    OFFER_REFUSED = "OFFER_REFUSED", _("Hand-over refused")
    OFFER_LAPSED = "OFFER_LAPSED", _("Hand-over not answered")
    OFFER_WITHDRAWN = "OFFER_WITHDRAWN", _("Hand-over withdrawn")
    ORDERED = "ORDERED", _("Given to another person by order")
    PART_GIVEN = "PART_GIVEN", _("Part given to a unit")
    PART_TAKEN = "PART_TAKEN", _("Part accepted")
    PART_DONE = "PART_DONE", _("Part done")
    PART_PASSED = "PART_PASSED", _("Part passed on")
    PART_RETURNED = "PART_RETURNED", _("Part returned")
    PROMISED = "PROMISED", _("Promise made")
    PROMISE_KEPT = "PROMISE_KEPT", _("Promise kept")
    PROMISE_DROPPED = "PROMISE_DROPPED", _("Promise dropped")
    SHIFT_TAKEN = "SHIFT_TAKEN", _("Signed for at the change of shift")
    REPLY_ORDERED = "REPLY_ORDERED", _("Reply ordered")
    ORDER_ANSWERED = "ORDER_ANSWERED", _("Order answered")
    ORDER_WITHDRAWN = "ORDER_WITHDRAWN", _("Order taken back")
    REMINDED = "REMINDED", _("Reminded by the clock")
    ESCALATED = "ESCALATED", _("Brought to a superior")
    LINKED = "LINKED", _("Linked to another case")
    GROUPED = "GROUPED", _("Joined to a group")
    MERGE_UNDONE = "MERGE_UNDONE", _("Merge undone")
    SPLIT = "SPLIT", _("Another case was split off")
    RECORDED = "RECORDED", _("Recorded from a file")
    IDENTIFIED = "IDENTIFIED", _("Customer named")
    REJECTION_ASKED = "REJECTION_ASKED", _("Asked to declare it not ours")
    REJECTION_DENIED = "REJECTION_DENIED", _("It is ours after all")
    MEDIATION = "MEDIATION", _("Mediation")


@dataclass(frozen=True)
class Move:
    """One legal step: `act` leads from `old` to `new`; `right` is what whoever does it must hold. `by_clock`: the
    clock may do it too."""

    old: str
    act: str
    new: str
    right: str
    by_clock: bool = False


_WORK, _ASSESS, _ASSIGN, _TAKE = "complaints.work", "complaints.assess", "complaints.assign", "complaints.take"

MOVES: tuple[Move, ...] = (
    Move(State.REGISTERED, Act.ACKNOWLEDGE, State.ACKNOWLEDGED, _TAKE, by_clock=True),
    Move(State.REGISTERED, Act.MERGE, State.MERGED, _ASSESS),
    Move(State.REGISTERED, Act.REJECT, State.OUT_OF_SCOPE, _ASSESS),
    Move(State.ACKNOWLEDGED, Act.ASSESS, State.ASSESSED, _ASSESS),
    Move(State.ASSESSED, Act.ASSIGN, State.ASSIGNED, _ASSIGN),
    Move(State.ASSESSED, Act.REJECT, State.OUT_OF_SCOPE, _ASSESS),
    Move(State.ASSESSED, Act.MERGE, State.MERGED, _ASSESS),
    Move(State.ASSIGNED, Act.ASSIGN, State.ASSIGNED, _ASSIGN, by_clock=True),
    Move(State.ASSIGNED, Act.INVESTIGATE, State.INVESTIGATING, _WORK),
    Move(State.INVESTIGATING, Act.PROPOSE, State.SOLUTION_PROPOSED, _WORK),
    Move(State.INVESTIGATING, Act.PAUSE, State.PAUSED, _WORK),
    Move(State.PAUSED, Act.RESUME, State.INVESTIGATING, _WORK, by_clock=True),
    Move(State.SOLUTION_PROPOSED, Act.DECIDE, State.DECIDED, _WORK),
    Move(State.SOLUTION_PROPOSED, Act.REWORK, State.INVESTIGATING, _WORK),
    Move(State.DECIDED, Act.AGREE, State.ACCEPTED, _TAKE, by_clock=True),
    # By the customer themselves on the status page.
    Move(State.DECIDED, Act.DISPUTE, State.DISPUTED, _TAKE, by_clock=True),
    Move(State.ACCEPTED, Act.CALL_BACK, State.CALLBACK, _TAKE, by_clock=True),
    Move(State.DISPUTED, Act.REWORK, State.INVESTIGATING, _WORK),
    Move(State.DISPUTED, Act.FINAL, State.CALLBACK, _WORK),
    Move(State.CALLBACK, Act.CLOSE, State.CLOSED, _WORK),
    Move(State.CALLBACK, Act.RETURN, State.INVESTIGATING, _TAKE),
    Move(State.CLOSED, Act.REOPEN, State.REOPENED, _TAKE),
    Move(State.REOPENED, Act.ASSIGN, State.ASSIGNED, _ASSIGN),
    Move(State.WITHDRAWN, Act.TAKE_UP, State.ASSIGNED, _ASSIGN),
    *(Move(state, Act.WITHDRAW, State.WITHDRAWN, _TAKE) for state in OPEN),
    # One cause for many: the parent when it is removed, and its members with it (D§26).
    *(Move(state, Act.CLOSE_GROUP, State.CLOSED, _WORK, by_clock=True) for state in OPEN),
)
_TABLE: dict[tuple[str, str], Move] = {(move.old, move.act): move for move in MOVES}


def move_for(old: str, act: str) -> Move | None:
    """The move `act` makes from `old`, or None where the table has none."""
    return _TABLE.get((old, act))


def acts_from(old: str) -> list[Move]:
    """The moves that may follow, in the table's order."""
    return [move for move in MOVES if move.old == old]


class Grade(models.TextChoices):
    """How grave a case is (D§10.1); a later one of the list is graver, GROUP stands beside."""

    ORDINARY = "ORDINARY", _("Ordinary")
    UPGRADED = "UPGRADED", _("Upgraded")
    MAJOR = "MAJOR", _("Major")
    SKIP_LEVEL = "SKIP_LEVEL", _("Skip-level")
    GROUP = "GROUP", pgettext_lazy("grade", "Group")


# GROUP is how a case came, not how grave it is: a member is as grave as an ordinary one.
RANK: dict[str, int] = {Grade.ORDINARY: 0, Grade.GROUP: 0, Grade.UPGRADED: 1, Grade.MAJOR: 2, Grade.SKIP_LEVEL: 3}


class GradeReason(models.TextChoices):
    """Why a case is not ordinary (D§10.1)."""

    NONE = "", ""
    SAFETY = "SAFETY", _("Safety")
    DATA_LEAK = "DATA_LEAK", _("Data leak")
    FRAUD_LOSS = "FRAUD_LOSS", _("Loss by fraud")
    MEDIA = "MEDIA", _("Media")
    AMOUNT = "AMOUNT", _("Amount")
    KEY_CUSTOMER = "KEY_CUSTOMER", _("Key customer without service")
    VULNERABLE = "VULNERABLE", _("Elderly or minor harmed")
    AUTHORITY = "AUTHORITY", _("Authority or consumer body")
    HEADQUARTERS = "HEADQUARTERS", _("Headquarters")
    UNSATISFIED = "UNSATISFIED", _("Customer unsatisfied")
    REOPENED_TWICE = "REOPENED_TWICE", _("Reopened twice")
    BREACH = "BREACH", _("Deadline missed")
    SAME_CAUSE = "SAME_CAUSE", _("Same cause for many")
    LOWERED = "LOWERED", _("Lowered by the coordinator")


class Path(models.TextChoices):
    """Which service limit holds (D§10.4); a grave case has its own whatever the path."""

    SIMPLE = "SIMPLE", _("Simple")
    CROSS_UNIT = "CROSS_UNIT", _("Needs another unit")
    WORKS = "WORKS", _("Network with building works")


class ClockKind(models.TextChoices):
    """The clocks of a case (D§10.3, 10.5, 23): `foundation.calendars.Clock` rows of owner kind "CASE"."""

    STATUTORY = "statutory", _("Statutory answer")
    SERVICE = "service", _("Service limit")
    ACKNOWLEDGE = "acknowledge", _("Acknowledge")
    ASSESS = "assess", _("Assess")
    ACCEPT = "accept", _("Accept")
    FIRST_CONTACT = "first_contact", _("First contact")
    PROGRESS = "progress", _("Progress")
    SILENCE = "silence", _("Customer's silence")
    CALLBACK = "callback", _("Callback")
    LEAD_CONTACT = "lead_contact", _("Contact by the lead")
    MANAGER = "manager", _("Manager asked for")


OWNER_KIND = "CASE"  # whose clocks they are: `foundation.calendars.Clock.owner_kind`
PART_KIND = "PART"


class PauseReason(models.TextChoices):
    """Why the service clock stands still (D§10.6)."""

    CUSTOMER_INFO = "CUSTOMER_INFO", _("Waits for the customer's information")
    APPOINTMENT = "APPOINTMENT", _("Appointment agreed")
    UNREACHABLE = "UNREACHABLE", _("Customer cannot be reached")
    THIRD_PARTY = "THIRD_PARTY", _("Waits for a third party")
    DISASTER = "DISASTER", _("Disaster")


class EntryKind(models.TextChoices):
    """What stands in the conversation of a case."""

    INBOUND = "INBOUND", _("From the customer")
    REPLY = "REPLY", _("To the customer")
    NOTE = "NOTE", _("Internal note")
    URGE = "URGE", _("Customer urges")
    CONTACT = "CONTACT", _("Contact")


class HandoverState(models.TextChoices):
    OFFERED = "OFFERED", _("Waits for an answer")
    ACCEPTED = "ACCEPTED", _("Accepted")
    REFUSED = "REFUSED", _("Refused")
    LAPSED = "LAPSED", _("Not answered in time")
    WITHDRAWN = "WITHDRAWN", _("Withdrawn")


class HandoverRole(models.TextChoices):
    OWNER = "OWNER", _("Answers for it")
    HANDLER = "HANDLER", _("Works on it")


class SeatWhy(models.TextChoices):
    """Why somebody beside owner and handler sees a case."""

    OFFER = "OFFER", _("It is offered to them")
    RAISED = "RAISED", _("It was brought to them")
    CALLBACK = "CALLBACK", _("They call back")
    MEASURE = "MEASURE", _("They owe a measure")
    ORDER = "ORDER", _("They owe a reply")
    APPROVAL = "APPROVAL", _("They decide on the solution")
    SHIFT = "SHIFT", _("They signed for it at the change of shift")


class PartState(models.TextChoices):
    """A part of a case given to a unit (D§10.10)."""

    OPEN = "OPEN", _("Waits for acceptance")
    ACCEPTED = "ACCEPTED", _("Being worked on")
    DONE = "DONE", _("Done")
    RETURNED = "RETURNED", _("Returned: poorly prepared")
    CANCELLED = "CANCELLED", _("Cancelled")


PART_OPEN: tuple[str, ...] = (PartState.OPEN, PartState.ACCEPTED)


class MeasureKind(models.TextChoices):
    """What a solution is made of; COMPENSATION and WAIVER need authority (D§3.4), a refund of a wrong charge does not
    (D§10.12)."""

    FIX = "FIX", _("Put right")
    EXPLAIN = "EXPLAIN", _("Explain")
    APOLOGY = "APOLOGY", _("Apologise")
    REFUND = "REFUND", _("Refund of a wrong charge")
    COMPENSATION = "COMPENSATION", _("Compensation")
    WAIVER = "WAIVER", _("Fee waiver")
    OTHER = "OTHER", _("Other")


class Proof(models.TextChoices):
    """How the customer confirmed an order whose fee is disputed (D§8.6, 10.11)."""

    NONE = "", _("none: the fee is refunded")
    SMS = "SMS", _("reply by text message")
    CODE = "CODE", _("one-time code")
    SIGNATURE = "SIGNATURE", _("signature")


NEEDS_AUTHORITY: tuple[str, ...] = (MeasureKind.COMPENSATION, MeasureKind.WAIVER)


class ApprovalState(models.TextChoices):
    ASKED = "ASKED", _("Waits for a decision")
    GRANTED = "GRANTED", _("Approved")
    DENIED = "DENIED", _("Denied")
    LAPSED = "LAPSED", _("No longer asked")


class LinkKind(models.TextChoices):
    REPEAT = "REPEAT", _("Repeats")
    RELATED = "RELATED", _("Related to")
    SPLIT = "SPLIT", _("Split from")


class Solved(models.TextChoices):
    """What the customer said in the callback (D§18.6), or why nobody asked."""

    YES = "YES", _("Solved")
    NO = "NO", _("Not solved")
    UNREACHABLE = "UNREACHABLE", _("Not reached")
    WITH_GROUP = "WITH_GROUP", _("Told with the group")  # one cause for many, removed for all: nobody was called


# What can be the result of a call.
CALL_RESULTS: tuple[Solved, ...] = (Solved.YES, Solved.NO, Solved.UNREACHABLE)


class MediationState(models.TextChoices):
    REQUESTED = "REQUESTED", _("Requested")
    BOTH_AGREED = "BOTH_AGREED", _("Both agreed")
    REFUSED = "REFUSED", _("Refused")
    SESSION = "SESSION", _("In session")
    AGREED = "AGREED", _("Settled")
    NOT_AGREED = "NOT_AGREED", _("No agreement")
    CLOSED = "CLOSED", _("Closed")


class AppealState(models.TextChoices):
    RECEIVED = "RECEIVED", _("Received")
    LINKED = "LINKED", _("Linked to a case")
    RESPONDED = "RESPONDED", _("Responded")
    MEDIATING = "MEDIATING", _("Mediating")
    SETTLED = "SETTLED", _("Settled")
    FAILED = "FAILED", _("Not settled")
    CLOSED = "CLOSED", _("Closed")


APPEAL_MOVES: dict[str, tuple[str, ...]] = {
    AppealState.RECEIVED: (AppealState.LINKED,),
    AppealState.LINKED: (AppealState.RESPONDED,),
    AppealState.RESPONDED: (AppealState.MEDIATING, AppealState.SETTLED, AppealState.FAILED),
    AppealState.MEDIATING: (AppealState.SETTLED, AppealState.FAILED),
    AppealState.SETTLED: (AppealState.CLOSED,),
    AppealState.FAILED: (AppealState.CLOSED,),
    AppealState.CLOSED: (),
}


def label_of(choices: Any, code: str) -> str:
    """How a code is called in the active language; the code itself where it is none of them."""
    return str(choices(code).label) if code in choices.values else code
