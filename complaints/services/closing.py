"""How a case ends and comes back: closed, reopened, withdrawn, taken up again, declared not ours (D§10.3, 10.8)."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from complaints.lifecycle import (
    NEEDS_AUTHORITY,
    PART_OPEN,
    RANK,
    Act,
    ApprovalState,
    EntryKind,
    Grade,
    GradeReason,
    HandoverState,
    LinkKind,
    MediationState,
    SeatWhy,
    Solved,
)
from complaints.models import (
    Approval,
    Callback,
    Cause,
    ComplainerFlag,
    Complaint,
    Entry,
    Handover,
    Link,
    MediationCase,
    Part,
    Rejection,
    Seat,
    Solution,
)
from complaints.services.callback_owing import drop_callback
from complaints.services.grading import keep_block, raise_grade
from complaints.services.ground import (
    case_to,
    check_no_record,
    clocks_for,
    locked_case,
    move,
    ring,
    step_from,
    tell_customer,
)
from complaints.services.parts import cancel_parts
from complaints.services.saying import whole
from complaints.services.settling import is_authorised
from complaints.services.solving import drop_solution, solution_of
from complaints.services.urging import check_takes
from complaints.services.working import give, heads_of
from customers.models import Customer
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.policies.reading import policy
from interactions.models import Interaction
from interactions.services.logging import log_with_case
from outreach.lifecycle import MessageState
from outreach.models import OutMessage
from staff.models import OrgUnit, User

TOLD = (MessageState.SENT, MessageState.DELIVERED)


@transaction.atomic
def close_complaint(
    case_id: int, *, actor: User, cause: Cause | None, responsible_unit: OrgUnit | None, lesson: str = ""
) -> Complaint:
    """The loop is closed: answered, executed, called back, learned. The customer is told until when it may be reopened;
    for some time they get more care for having complained (D§10.14).

    Raises as `ground.case_to`; RuleBroken, in this order: "complaint.open_part", "complaint.no_callback",
    "complaint.not_solved", "complaint.unapproved", "complaint.open_measure", "complaint.uninformed",
    "complaint.no_cause", "complaint.no_unit", "complaint.no_lesson" (`needs_lesson`), "complaint.too_long".
    """
    case = case_to(case_id, Act.CLOSE, actor)
    callback = check_closable(case)
    if cause is None or not cause.active:
        raise RuleBroken("complaint.no_cause", _("Say why it came about: choose a cause."))
    if responsible_unit is None:
        raise RuleBroken("complaint.no_unit", _("Name the unit responsible for it."))
    if not lesson.strip() and needs_lesson(case):
        raise RuleBroken("complaint.no_lesson", _("Write what we learn from it."))
    now = clock.now()
    clocks_for(case, actor).stop_all()
    row = move(
        case,
        Act.CLOSE,
        actor=actor,
        cause=cause,
        responsible_unit=responsible_unit,
        lesson=whole(lesson),
        solved=callback.solved,
        satisfaction=callback.satisfaction,
        last_handler=case.handler,
    )
    Seat.objects.filter(complaint=case).exclude(why=SeatWhy.RAISED).delete()
    flag_complainer(case)
    keep_block(case, actor=actor)
    for person in {case.owner, case.handler or case.owner}:
        if person.pk != actor.pk:
            ring(case, person, "closed", row.ref)
    reopen_until = now + policy("complaints.reopen.window", unit=case.work_unit)
    tell_customer(case, "complaint_closed", key=row.ref, actor=actor, reopen_until_at=reopen_until.isoformat())
    return case


def needs_lesson(case: Complaint) -> bool:
    """Whether closing asks what we learn from it: always of a case that is more than ordinary, was late or came back;
    of an ordinary one unless the policy lets it go (D§10.3)."""
    graver = RANK[case.grade] > RANK[Grade.ORDINARY] or case.grade == Grade.GROUP
    troubled = case.reopened or case.returned or case.service_late or case.statutory_late
    return graver or bool(troubled) or bool(policy("complaints.close.ordinary_lesson", unit=case.work_unit))


def flag_complainer(case: Complaint) -> None:
    """For some time the customer of a closed case gets more care for having complained (D§10.14)."""
    if case.customer is None or case.customer.status == Customer.Status.FORMER:  # no care for who has left (D§26)
        return
    until = clock.today(clock.now() + policy("complaints.flag_for", unit=case.work_unit))
    ComplainerFlag.objects.update_or_create(complaint=case, defaults={"customer": case.customer, "until": until})


def check_closable(case: Complaint) -> Callback:
    """What still stands in the way of closing, apart from what is filled in with it; the callback about the answer.
    Raises as `close_complaint`."""
    if Part.objects.filter(complaint=case, state__in=PART_OPEN).exists():
        raise RuleBroken(
            "complaint.open_part", _("A unit still works on a part of it: wait for its answer, or take the part back.")
        )
    solution = solution_of(case)
    callback = Callback.objects.filter(solution=solution, done_at__isnull=False).first() if solution else None
    if solution is None or callback is None:
        raise RuleBroken(
            "complaint.no_callback", _("The customer was not called back about the answer: the callback comes first.")
        )
    if callback.solved == Solved.NO and not solution.final:
        raise RuleBroken("complaint.not_solved", _("The customer says it is not solved: work on it again."))
    if not is_approved(case, solution):
        raise RuleBroken(
            "complaint.unapproved",
            _("The compensation of this solution is not approved yet: it goes on when who was asked has decided."),
        )
    if solution.measures.filter(done_at=None).exists():
        raise RuleBroken(
            "complaint.open_measure", _("A measure of the solution is not done yet: have it done and noted first.")
        )
    if not is_informed(case, solution, callback):
        raise RuleBroken("complaint.uninformed", _("Nothing shows that the customer has the answer: speak with them."))
    return callback


def is_approved(case: Complaint, solution: Solution) -> bool:
    """Whether nothing of the solution's money waits for, or was refused, an approval."""
    if not solution.measures.filter(kind__in=NEEDS_AUTHORITY).exists():
        return True
    last = solution.approvals.order_by("-pk").first()
    return last.state == ApprovalState.GRANTED if last is not None else is_authorised(case, solution)


def is_informed(case: Complaint, solution: Solution, callback: Callback) -> bool:
    """Whether the customer has the answer: they were reached by the callback, its message left, or somebody noted that
    they spoke with them afterwards."""
    if callback.reached_at is not None:
        return True
    if solution.told_at is None:
        return False
    entries = case.entries.filter(at__gte=solution.told_at)
    if entries.filter(kind=EntryKind.CONTACT).exists():
        return True
    messages = entries.filter(kind=EntryKind.REPLY, message_id__isnull=False).values_list("message_id", flat=True)
    return OutMessage.objects.filter(pk__in=list(messages), state__in=TOLD).exists()


@transaction.atomic
def reopen_complaint(
    case_id: int,
    *,
    actor: User,
    words: str,
    because_of_handling: bool = False,
    contact: Interaction | None = None,
) -> Complaint:
    """The same matter again within the policy's time: half the service limit, a new statutory clock, another handler if
    the handling was the reason; the second time it is upgraded (D§10.8). One closed with its group goes on alone,
    linked to it (D§26). Whoever takes complaints and sees the customer may do it, at whatever window they come (D§9.6);
    `contact`: the running contact it was said in, written up with it.

    Raises NotAllowed as `urging.check_takes`; RuleBroken "complaint.record", "complaint.illegal", "complaint.no_words",
    "complaint.reopen_late": register a new case then and link it as REPEAT.
    """
    case = locked_case(case_id)
    check_takes(case, actor)
    check_no_record(case)
    step_from(case, Act.REOPEN, actor)
    if not words.strip():
        raise RuleBroken("complaint.no_words", _("Write what the customer says."))
    now = clock.now()
    window = policy("complaints.reopen.window", unit=case.work_unit)
    if case.closed_at is None or now > case.closed_at + window:
        late = _("Closed more than %(days)s days ago: register a new complaint and link it as a repeat of %(number)s.")
        raise RuleBroken("complaint.reopen_late", late % {"days": window.days, "number": case.number})
    _clear(case, actor)
    before, case.handler = case.handler, None
    case.reopened += 1
    alone = _leave_closed_group(case, actor)
    clocks = clocks_for(case, actor)
    clocks.start(clocks.half_service(), clocks.statutory(now))
    row = move(
        case,
        Act.REOPEN,
        actor=actor,
        reason=words,
        handler=None,
        last_handler=before or case.last_handler,
        not_handler=before if because_of_handling else None,
        reopened=case.reopened,
        first_contact_at=None,
        **_UNANSWERED,
        **alone,
    )
    Entry.objects.create(
        complaint=case, kind=EntryKind.INBOUND, channel=case.channel, text=words.strip()[:10_000], by=actor, at=now
    )
    ComplainerFlag.objects.filter(complaint=case).delete()
    if case.reopened >= 2 and RANK[case.grade] < RANK[Grade.UPGRADED]:
        raise_grade(case, actor=actor, grade=Grade.UPGRADED, reason_code=GradeReason.REOPENED_TWICE)
    keep_block(case, actor=actor)
    for person in {case.owner, *heads_of(case.work_unit, now)}:
        if person.pk != actor.pk:
            ring(case, person, "reopened", row.ref)
    tell_customer(case, "complaint_reopened", key=row.ref, actor=actor)
    if contact is not None:
        log_with_case(
            contact.pk, actor=actor, owner=case.owner, summary=words[:200], topic=case.topic, about=case.about_staff
        )
    return case


def _leave_closed_group(case: Complaint, actor: User) -> dict[str, Any]:
    """The columns that part a case from the group it was closed with: only so its clocks are its own again."""
    if case.parent_id is None:
        return {}
    Link.objects.get_or_create(complaint=case, other_id=case.parent_id, kind=LinkKind.RELATED, defaults={"by": actor})
    graded = {"grade": Grade.ORDINARY, "grade_reason": GradeReason.NONE} if case.grade == Grade.GROUP else {}
    case.grade = graded.get("grade", case.grade)
    return {"parent": None, **graded}


# What an answer left behind and a new one will set.
_UNANSWERED = {"solved": "", "satisfaction": None, "accepted_by_silence": False, "decided_at": None}


@transaction.atomic
def withdraw_complaint(case_id: int, *, actor: User, reason: str) -> Complaint:
    """The customer takes it back, from any open state; it may be taken up again for some time.

    Raises as `ground.case_to`, RuleBroken "complaint.no_reason", "complaint.too_long".
    """
    case = case_to(case_id, Act.WITHDRAW, actor)
    if not reason.strip():
        raise RuleBroken("complaint.no_reason", _("Write why the customer withdraws it."))
    end_work(case, actor=actor)
    row = move(case, Act.WITHDRAW, actor=actor, reason=reason)
    case.reason = whole(reason)
    case.save(update_fields=["reason"])
    keep_block(case, actor=actor)
    for person in {case.owner, case.handler or case.owner}:
        if person.pk != actor.pk:
            ring(case, person, "withdrawn", row.ref)
    until = clock.now() + policy("complaints.take_up.window", unit=case.work_unit)
    tell_customer(case, "complaint_withdrawn", key=row.ref, actor=actor, take_up_until_at=until.isoformat())
    return case


@transaction.atomic
def take_up_again(case_id: int, *, actor: User, to: User) -> Complaint:
    """A withdrawn case goes on with `to`, within the policy's time: both clocks begin anew.

    Raises as `working.assign_complaint`, RuleBroken "complaint.record", "complaint.take_up_late".
    """
    case = case_to(case_id, Act.TAKE_UP, actor)
    check_no_record(case)
    now = clock.now()
    window = policy("complaints.take_up.window", unit=case.work_unit)
    if case.closed_at is None or now > case.closed_at + window:
        late = _(
            "Withdrawn more than %(days)s days ago: register a new complaint and link it as a repeat of %(number)s."
        )
        raise RuleBroken("complaint.take_up_late", late % {"days": window.days, "number": case.number})
    _clear(case, actor)
    clocks = clocks_for(case, actor)
    clocks.start(clocks.service(), clocks.statutory(now))
    for name, value in _UNANSWERED.items():
        setattr(case, name, value)
    case.reason = ""
    case.save(update_fields=["reason", *_UNANSWERED])
    give(case, actor=actor, act=Act.TAKE_UP, to=to)
    keep_block(case, actor=actor)
    return case


def end_work(case: Complaint, *, actor: User | None) -> None:
    """Whatever is still owed in a locked case that ends without an answer no longer is: clocks, parts, hand-overs,
    approvals, mediation, the callback, seats."""
    now = clock.now()
    clocks_for(case, actor).stop_all()
    cancel_parts(case, actor=actor)
    Handover.objects.open().filter(complaint=case).update(state=HandoverState.WITHDRAWN, decided_at=now)
    asked = Approval.objects.filter(solution__complaint=case, state=ApprovalState.ASKED)
    asked.update(state=ApprovalState.LAPSED, decided_at=now)
    Rejection.objects.filter(complaint=case, state=ApprovalState.ASKED).update(
        state=ApprovalState.LAPSED, decided_at=now
    )
    MediationCase.objects.filter(complaint=case, closed_at=None).update(state=MediationState.CLOSED, closed_at=now)
    drop_callback(case, actor=actor)
    Seat.objects.filter(complaint=case).delete()


def _clear(case: Complaint, actor: User | None) -> None:
    """What was found before is history: a case that goes on needs a new solution."""
    drop_callback(case, actor=actor)
    drop_solution(case)
