"""The callback after the answer: tried, recorded, and what it leads to (D§10.3, 18.6)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from complaints.lifecycle import CALL_RESULTS, Act, ClockKind, Deed, EntryKind, Solved, State
from complaints.models import Callback, Complaint, Entry, Solution
from complaints.rules import MINUTE, Rule
from complaints.services.answering import dispute
from complaints.services.callback_owing import CALL_RIGHTS, close_call, give_callback, may_call
from complaints.services.clocks import CaseClocks
from complaints.services.ground import (
    case_for,
    case_to,
    clocks_for,
    leads,
    move,
    remember,
    ring,
    save_case,
    tell_customer,
)
from complaints.services.saying import whole
from complaints.services.solving import solution_of
from foundation.calendars.limits import Runs, Target
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.policies.reading import policy
from outreach.lifecycle import AttemptOutcome
from outreach.services import record_attempt
from outreach.services.followups import may_work_on
from staff.models import User
from staff.rights import acted_for

# In which states the answer is out and the call about it may be made.
CALLED_IN = (State.DECIDED, State.ACCEPTED, State.CALLBACK)
# Parts of the day in which tries count as different (D§18.6): before noon, before six, later.
PARTS: tuple[tuple[int, str], ...] = ((12, "MORNING"), (18, "AFTERNOON"), (24, "EVENING"))
NOTICE_GAP = timedelta(hours=24)  # between the notices before silence counts, and after the last


def part_of_day(at: datetime) -> str:
    """MORNING, AFTERNOON or EVENING in the business zone."""
    hour = at.astimezone(clock.BUSINESS_ZONE).hour
    return next(name for end, name in PARTS if hour < end)


@transaction.atomic
def start_callback(case_id: int, *, actor: User) -> Complaint:
    """The customer agreed; the call begins. Raises as `ground.case_to`, NotAllowed "complaint.not_caller"."""
    case = case_to(case_id, Act.CALL_BACK, actor)
    _check_caller(case, _solution(case), actor)
    move(case, Act.CALL_BACK, actor=actor)
    return case


@transaction.atomic
def record_callback_try(case_id: int, *, actor: User, outcome: str) -> Callback:
    """A try that reached nobody.

    Raises as `ground.case_for`; NotAllowed "complaint.not_caller" (the handler never calls back, a major case is called
    by a lead); RuleBroken "complaint.no_callback", "complaint.called_back", "complaint.unknown_code".
    """
    case, callback = _open_callback(case_id, actor)
    if outcome not in AttemptOutcome.values or outcome == AttemptOutcome.REACHED:
        raise RuleBroken("complaint.unknown_code", _("Say how the try ended; who was reached is asked."))
    now = clock.now()
    callback.tries = [*callback.tries, {"at": now.isoformat(), "part": part_of_day(now), "outcome": outcome}]
    callback.save(update_fields=["tries"])
    follow_up = callback.follow_up
    if follow_up is not None and follow_up.closed_at is None and may_work_on(follow_up, actor):
        record_attempt(follow_up.pk, actor=actor, outcome=outcome)
    save_case(case)
    remember(case, Deed.TRIED, actor=actor)
    return callback


@transaction.atomic
def send_callback(case_id: int, *, actor: User, to: User, way: str) -> Callback:
    """Let somebody else make the callback, by another way: hall staff or the customer's manager by a visit (D§18.7).
    Who owes it gives it away, or a lead of the case.

    Raises as `ground.case_for`; NotAllowed "complaint.not_caller" (`to` may not: the handler, or no lead where the case
    is major; or it is not the actor's to give); RuleBroken "complaint.no_callback", "complaint.called_back",
    "complaint.unknown_code".
    """
    case = case_for(case_id, actor, CALL_RIGHTS[0])
    solution, callback = _called_about(case)
    owes = callback.follow_up.owner_id if callback.follow_up is not None else None
    if actor.pk != owes and owes not in acted_for(actor) and not leads(case, actor):
        raise NotAllowed("complaint.not_caller", _("Somebody else owes this callback."))
    if way not in Callback.Way.values:
        raise RuleBroken("complaint.unknown_code", _("Say how the customer was asked."))
    _check_caller(case, solution, to)
    give_callback(case, callback, to=to, way=way, actor=actor)
    save_case(case)
    remember(case, Deed.CALL_SENT, actor=actor, detail={"to": to.pk})
    return callback


@transaction.atomic
def record_callback(
    case_id: int,
    *,
    actor: User,
    solved: str,
    told_of_progress: bool | None,
    satisfaction: int | None,
    attitude: int | None = None,
    said: str = "",
    way: str = "",
) -> Callback:
    """What the customer said, asked by `way` (`Callback.Way`; "": as it was planned). Solved: the answer is accepted,
    the case may be closed. Not solved: an answer not yet accepted is disputed, an accepted one goes back to work with
    the limits of a reopening, the last position stands. UNREACHABLE (after the tries, the message and its time): the
    customer's silence runs.

    Raises as `record_callback_try`; RuleBroken "complaint.unknown_code", "complaint.no_satisfaction",
    "complaint.not_tried", "complaint.not_asked", "complaint.too_long" (`said`).
    """
    case, callback = _open_callback(case_id, actor)
    if solved not in CALL_RESULTS:
        raise RuleBroken("complaint.unknown_code", _("Say whether it is solved."))
    way = way or callback.way
    if way not in Callback.Way.values:
        raise RuleBroken("complaint.unknown_code", _("Say how the customer was asked."))
    scores = [satisfaction, attitude]
    if any(score is not None and (type(score) is not int or not 1 <= score <= 5) for score in scores):
        raise RuleBroken("complaint.unknown_code", _("Satisfaction goes from 1 to 5."))
    reached = solved != Solved.UNREACHABLE
    if reached and (satisfaction is None or told_of_progress is None):
        raise RuleBroken(
            "complaint.no_satisfaction", _("Ask how satisfied the customer is, and whether we kept them told.")
        )
    if not reached:
        _check_tried(case, callback)
        satisfaction = attitude = told_of_progress = None
    now = clock.now()
    callback.done_at, callback.by, callback.solved, callback.way = now, actor, solved, way
    callback.reached_at = now if reached else None
    callback.told_of_progress, callback.satisfaction, callback.attitude = told_of_progress, satisfaction, attitude
    callback.said = whole(said)
    callback.save()
    clocks = clocks_for(case, actor)
    clocks.stop(ClockKind.CALLBACK)
    case.solved, case.satisfaction = solved, satisfaction
    save_case(case, "solved", "satisfaction")
    detail: dict[str, Any] = {
        "solved": str(solved),
        "way": str(way),
        **({"satisfaction": satisfaction} if satisfaction else {}),
    }
    row = remember(case, Deed.CALLED_BACK, actor=actor, detail=detail)
    close_call(case, callback, actor=actor, done=True, words=str(Solved(solved).label))
    if solved == Solved.YES:
        _accepted(case, actor, row.ref)
    elif solved == Solved.NO:
        _not_solved(case, callback, actor, said)
    elif case.state == State.DECIDED:
        await_silence(case, clocks, actor)
    elif case.state == State.ACCEPTED:
        move(case, Act.CALL_BACK, actor=actor)
    return callback


def _accepted(case: Complaint, actor: User, key: str) -> None:
    if case.state == State.DECIDED:
        move(case, Act.AGREE, actor=actor)
        tell_customer(case, "complaint_accepted", key=key, actor=actor)
    if case.state == State.ACCEPTED:
        move(case, Act.CALL_BACK, actor=actor)


def _not_solved(case: Complaint, callback: Callback, actor: User, said: str) -> None:
    words = said.strip() or str(Solved.NO.label)
    if case.state == State.DECIDED:
        dispute(case, actor=actor, words=words)
        return
    if case.state == State.ACCEPTED:
        move(case, Act.CALL_BACK, actor=actor)
    if callback.solution.final:
        return  # the last position was told; mediation and appeal are the customer's ways from here
    return_to_work(case, actor=actor, reason=words)


@transaction.atomic
def return_complaint(case_id: int, *, actor: User, reason: str) -> Complaint:
    """Back to work because the customer says it is not solved: counted as a callback return, half the service limit and
    a new statutory clock (D§10.8). `record_callback` does it by itself.

    Raises as `ground.case_to`, NotAllowed "complaint.not_caller", RuleBroken "complaint.no_reason".
    """
    case = case_to(case_id, Act.RETURN, actor)
    _check_caller(case, _solution(case), actor)
    if not reason.strip():
        raise RuleBroken("complaint.no_reason", _("Say what is not solved."))
    return_to_work(case, actor=actor, reason=reason)
    return case


def return_to_work(case: Complaint, *, actor: User, reason: str) -> None:
    """The same for a locked case."""
    clocks = clocks_for(case, actor)
    clocks.stop(ClockKind.CALLBACK, judged=False)
    clocks.start(clocks.half_service(), clocks.statutory(clocks.at), clocks.duty(ClockKind.PROGRESS))
    row = move(case, Act.RETURN, actor=actor, reason=reason, returned=case.returned + 1)
    Entry.objects.create(
        complaint=case, kind=EntryKind.INBOUND, channel=case.channel, text=reason.strip()[:10_000], by=actor
    )
    for person in {case.handler or case.owner, case.owner}:
        if person.pk != actor.pk:
            ring(case, person, "not_solved", row.ref)
    tell_customer(case, "complaint_not_solved", key=row.ref, actor=actor)


def await_silence(case: Complaint, clocks: CaseClocks, actor: User | None) -> None:
    """Nobody was reached: the customer is written to, and their silence until the end of the time means agreement."""
    notices = policy("complaints.silence_notices", unit=case.work_unit)
    ends = max(
        (case.decided_at or clocks.at) + policy("complaints.silence", unit=case.work_unit),
        clocks.at + NOTICE_GAP * max(1, notices),
    )
    minutes = Target.minutes(max(1, (ends - clocks.at) // MINUTE))
    clocks.start(Rule(ClockKind.SILENCE.value, minutes, Runs.CALENDAR, "complaints.silence"))
    save_case(case)
    for number in range(notices):
        tell_customer(
            case,
            "complaint_notice",
            key=f"{case.decided_at}-{number}",
            actor=actor,
            not_before=clocks.at + NOTICE_GAP * number,
            expires_at=ends,
            answer_by_at=ends.isoformat(),
        )


def tried_enough(case: Complaint, callback: Callback) -> bool:
    """Whether the customer was tried as often, on as many days and in as many parts of them as D§18.6 asks."""
    unit = case.work_unit
    needed, over = policy("complaints.callback.tries", unit=unit), policy("complaints.callback.days", unit=unit)
    days = {clock.today(datetime.fromisoformat(one["at"])) for one in callback.tries}
    parts = {one["part"] for one in callback.tries}
    return len(callback.tries) >= needed and len(days) >= over and len(parts) >= min(2, needed)


def _check_tried(case: Complaint, callback: Callback) -> None:
    unit = case.work_unit
    if not tried_enough(case, callback):
        needed, over = policy("complaints.callback.tries", unit=unit), policy("complaints.callback.days", unit=unit)
        words = _("Try %(tries)s times in different parts of %(days)s days first; noted so far: %(tried)s.")
        said = words % {"tries": needed, "days": over, "tried": len(callback.tries)}
        raise RuleBroken("complaint.not_tried", said)
    wait = policy("complaints.callback.answer_within", unit=unit)
    if callback.asked_at is None or callback.asked_at + wait > clock.now():
        raise RuleBroken(
            "complaint.not_asked", _("The customer was not asked by message yet, or still has time to answer.")
        )


def _solution(case: Complaint) -> Solution:
    solution = solution_of(case)
    if solution is None:
        raise RuleBroken("complaint.no_callback", _("There is no answer to call back about."))
    return solution


def _open_callback(case_id: int, actor: User) -> tuple[Complaint, Callback]:
    case = case_for(case_id, actor, CALL_RIGHTS[0])
    solution, callback = _called_about(case)
    _check_caller(case, solution, actor)
    return case, callback


def _called_about(case: Complaint) -> tuple[Solution, Callback]:
    """The answer the customer is still to be called back about, and that callback."""
    solution = solution_of(case)
    callback = Callback.objects.filter(solution=solution).select_related("follow_up", "solution").first()
    if case.state not in CALLED_IN or solution is None or callback is None:
        raise RuleBroken("complaint.no_callback", _("There is no answer to call back about."))
    if callback.done_at is not None:
        raise RuleBroken("complaint.called_back", _("The customer was called back about this answer already."))
    return solution, callback


def _check_caller(case: Complaint, solution: Solution, actor: User) -> None:
    if not may_call(case, solution, actor):
        words = _("The handler does not call back, and a major complaint is called back by a lead.")
        raise NotAllowed("complaint.not_caller", words)
