"""Appeals: what the authorities send us, and our responses (D§11.1-11.3)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from complaints.lifecycle import (
    APPEAL_MOVES,
    RANK,
    AppealState,
    Deed,
    Grade,
    GradeReason,
    SeatWhy,
)
from complaints.models import AppealCase, Complaint
from complaints.services.deciding import APPROVERS, ask_of
from complaints.services.grading import raise_grade
from complaints.services.ground import (
    APPROVE_RIGHT,
    COORDINATE_RIGHT,
    case_for,
    check_right,
    check_sees,
    clocks_for,
    locked_case,
    remember,
    ring,
    save_case,
    seat,
    unseat,
)
from complaints.services.intake import register_complaint
from complaints.watching.taking import DEPT_HEAD, Superiors
from customers.models import Customer
from foundation.audit.services import record
from foundation.calendars.queries import calendar_for
from foundation.calendars.working_time import subtract_working, working_days
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.policies.reading import policy
from interactions.lifecycle import Channel
from interactions.models import Topic
from staff.models import User
from staff.rights import roles_of

LONGEST = 400
LONGEST_TEXT = 20_000
WORK_RIGHT = "complaints.work"


@transaction.atomic
def open_appeal(
    *,
    actor: User,
    body: str,
    reference: str,
    text: str,
    received_at: datetime | None = None,
    due_on: date | None = None,
) -> AppealCase:
    """The authority sent us a complaint. Without a date in its letter the policy's days count; our response is ready
    two working days before.

    Raises NotAllowed "appeal.no_right"; RuleBroken "appeal.incomplete", "appeal.known" (this letter is here already),
    "appeal.received_future", "appeal.due_before".
    """
    _check_coordinates(actor)
    now = clock.now()
    at = received_at or now
    if not body.strip() or not reference.strip() or not text.strip():
        raise RuleBroken("appeal.incomplete", _("Name the authority, its reference, and what it writes."))
    if at > now:
        raise RuleBroken("appeal.received_future", _("The letter cannot have come later than now."))
    day = due_on or clock.today(at) + timedelta(days=policy("complaints.appeal.days"))
    if day < clock.today(at):
        raise RuleBroken("appeal.due_before", _("The date of the authority lies before the letter came."))
    appeal = AppealCase(
        body=body.strip()[:60],
        reference=reference.strip()[:60],
        text=text.strip()[:LONGEST_TEXT],
        received_at=at,
        due_on=day,
        due_given=due_on is not None,
        internal_due_at=_ready_by(day, actor),
        created_by=actor,
    )
    try:
        with transaction.atomic():
            appeal.save(force_insert=True)
    except IntegrityError as error:
        raise RuleBroken(
            "appeal.known", _("This letter of the authority is here already: look for its reference among the appeals.")
        ) from error
    _note(appeal, "opened", actor, {"due_at": appeal.internal_due_at.isoformat()})
    return appeal


@transaction.atomic
def link_appeal(
    appeal_id: int,
    *,
    actor: User,
    case_id: int | None = None,
    customer: Customer | None = None,
    topic: Topic | None = None,
) -> AppealCase:
    """The appeal is about this case, which becomes skip-level with the authority's date; without one a new skip-level
    case begins, whose statutory clock starts at the letter's arrival and for which the coordinator answers (D§11.3).

    Raises NotAllowed "appeal.no_right", as `ground.case_for`; RuleBroken "appeal.illegal", "complaint.illegal".
    """
    _check_coordinates(actor)
    appeal = _locked_appeal(appeal_id)
    _check_move(appeal, AppealState.LINKED)
    if case_id is None:
        case = register_complaint(
            actor=actor,
            channel=Channel.LETTER,
            text=appeal.text,
            customer=customer,
            topic=topic,
            received_at=appeal.received_at,
            grade=Grade.SKIP_LEVEL,
            grade_reason=GradeReason.AUTHORITY,
        )
        case = locked_case(case.pk)
        case.owner, case.unit_no = actor, actor.unit.no
        save_case(case, "owner", "unit_no")
    else:
        case = case_for(case_id, actor, COORDINATE_RIGHT)
    appeal.complaint, appeal.state = case, AppealState.LINKED
    appeal.save(update_fields=["complaint", "state"])
    if case.is_open:
        if RANK[case.grade] < RANK[Grade.SKIP_LEVEL]:
            raise_grade(case, actor=actor, grade=Grade.SKIP_LEVEL, reason_code=GradeReason.AUTHORITY)
        else:
            clocks = clocks_for(case, actor)
            clocks.retarget(clocks.service(), reason="APPEAL")
            save_case(case)
    _note(appeal, "linked", actor, {"other": str(case.pk)})
    remember(case, Deed.LINKED, actor=actor, detail={"appeal": str(appeal.pk)})
    for person in {case.owner_id: case.owner, **({case.handler.pk: case.handler} if case.handler else {})}.values():
        if person.pk != actor.pk:
            ring(case, person, "appeal", f"{appeal.ref}-{person.pk}", until_at=appeal.internal_due_at.isoformat())
    return appeal


@transaction.atomic
def draft_response(appeal_id: int, *, actor: User, text: str) -> AppealCase:
    """Write our response; a department head approves it before it leaves.

    Raises as `ground.case_for`; RuleBroken "appeal.illegal", "appeal.no_text".
    """
    appeal = _locked_appeal(appeal_id)
    if appeal.state != AppealState.LINKED or appeal.complaint is None:
        raise RuleBroken("appeal.illegal", _("This appeal waits for no response of ours."))
    case = case_for(appeal.complaint.pk, actor, WORK_RIGHT)
    if not text.strip():
        raise RuleBroken("appeal.no_text", _("Write the response."))
    appeal.response, appeal.response_by, appeal.denied_for = text.strip()[:LONGEST_TEXT], actor, ""
    now = clock.now()
    head = Superiors(now).holder(DEPT_HEAD, case.work_unit, case.about_staff_id)
    head = head if head is not None and head.pk != actor.pk else None
    ask_of(appeal, case, head, actor, now)
    asked = ["asked_of", "decide_by", "undecided_at", "at_top"]
    appeal.save(update_fields=["response", "response_by", "denied_for", *asked])
    _note(appeal, "drafted", actor)
    if head is not None:
        seat(case, head, SeatWhy.APPROVAL)
        ring(case, head, "appeal_approve", f"{appeal.ref}-{len(appeal.response)}-{int(clock.now().timestamp())}")
    return appeal


@transaction.atomic
def approve_response(appeal_id: int, *, actor: User) -> AppealCase:
    """Let the response leave: a department head or above, not its writer (D§3.2).

    Raises NotAllowed "appeal.no_right", "appeal.own"; RuleBroken "appeal.no_response".
    """
    appeal, case = _to_approve(appeal_id, actor)
    appeal.approved_by, appeal.responded_at, appeal.state = actor, clock.now(), AppealState.RESPONDED
    appeal.save(update_fields=["approved_by", "responded_at", "state"])
    unseat(case, SeatWhy.APPROVAL)
    _note(appeal, "responded", actor)
    _tell_writer(appeal, case, actor, "appeal_approved")
    return appeal


@transaction.atomic
def deny_response(appeal_id: int, *, actor: User, reason: str) -> AppealCase:
    """Send the response back to be written anew. Raises as `approve_response`, and RuleBroken "complaint.no_reason"."""
    if not reason.strip():
        raise RuleBroken("complaint.no_reason", _("Say what is to be changed."))
    appeal, case = _to_approve(appeal_id, actor)
    _tell_writer(appeal, case, actor, "appeal_denied")
    appeal.denied_for, appeal.response_by = reason.strip()[:LONGEST], None
    appeal.save(update_fields=["denied_for", "response_by"])
    unseat(case, SeatWhy.APPROVAL)
    _note(appeal, "denied", actor)
    return appeal


@transaction.atomic
def move_appeal(appeal_id: int, *, actor: User, state: str, outcome: str = "") -> AppealCase:
    """The authority mediates, the parties settle or fail, the appeal ends. What ends it says how.

    Raises NotAllowed "appeal.no_right"; RuleBroken "appeal.illegal", "appeal.no_outcome".
    """
    _check_coordinates(actor)
    appeal = _locked_appeal(appeal_id)
    if state in (AppealState.LINKED, AppealState.RESPONDED):
        raise RuleBroken("appeal.illegal", _("This step has a form of its own."))
    _check_move(appeal, state)
    if state in (AppealState.SETTLED, AppealState.FAILED) and not outcome.strip():
        raise RuleBroken("appeal.no_outcome", _("Say how it ended."))
    appeal.state = state
    appeal.outcome = outcome.strip()[:LONGEST] or appeal.outcome
    appeal.closed_at = clock.now() if state == AppealState.CLOSED else None
    appeal.save(update_fields=["state", "outcome", "closed_at"])
    _note(appeal, "moved", actor, {"state": state})
    return appeal


def may_approve(appeal: AppealCase, actor: User) -> bool:
    """Whether the actor may decide on the response that waits."""
    return (
        bool(appeal.response)
        and appeal.state == AppealState.LINKED
        and appeal.response_by_id not in (None, actor.pk)
        and actor.has_perm(APPROVE_RIGHT)
        and bool(APPROVERS & set(roles_of(actor)))
    )


def _ready_by(day: date, actor: User) -> datetime:
    """Working days before the end of the authority's day (D§11.2)."""
    end = datetime.combine(day, time(23, 59, 59), clock.BUSINESS_ZONE)
    calendar = calendar_for(actor.unit.calendar_code)
    return subtract_working(end, working_days(policy("complaints.appeal.internal_days"), calendar), calendar)


def _check_coordinates(actor: User) -> None:
    if not actor.has_perm(COORDINATE_RIGHT):
        raise NotAllowed("appeal.no_right", _("The coordinator speaks with the authorities."))


def _locked_appeal(appeal_id: int) -> AppealCase:
    """The appeal under its lock, after that of its case, as everywhere."""
    case_id = AppealCase.objects.values_list("complaint_id", flat=True).get(pk=appeal_id)
    if case_id is not None:
        locked_case(case_id)
    AppealCase.objects.select_for_update(no_key=True).only("pk").get(pk=appeal_id)
    return AppealCase.objects.select_related("complaint", "response_by").get(pk=appeal_id)


def _check_move(appeal: AppealCase, state: str) -> None:
    if state not in APPEAL_MOVES[appeal.state]:
        raise RuleBroken("appeal.illegal", _("This step does not follow from where the appeal stands."))


def _to_approve(appeal_id: int, actor: User) -> tuple[AppealCase, Complaint]:
    appeal = _locked_appeal(appeal_id)
    if not appeal.response or appeal.response_by is None or appeal.complaint is None:
        raise RuleBroken("appeal.no_response", _("No response waits for approval."))
    _check_move(appeal, AppealState.RESPONDED)
    case = locked_case(appeal.complaint.pk)
    check_sees(case, actor)
    check_right(case, actor, APPROVE_RIGHT)
    if not APPROVERS & set(roles_of(actor)):
        raise NotAllowed("appeal.no_right", _("A department head approves the response."))
    if appeal.response_by_id == actor.pk:
        raise NotAllowed("appeal.own", _("Nobody approves what they wrote themselves."))
    return appeal, case


def _tell_writer(appeal: AppealCase, case: Complaint, actor: User, kind: str) -> None:
    writer = appeal.response_by
    if writer is not None and writer.pk != actor.pk:
        ring(case, writer, kind, f"{appeal.ref}-{int(clock.now().timestamp())}")


def _note(appeal: AppealCase, act: str, actor: User, detail: dict[str, Any] | None = None) -> None:
    case = appeal.complaint
    record(
        f"appeal.{act}",
        target=appeal,
        actor=actor,
        customer_id=case.customer_id if case is not None else None,
        detail={"state": appeal.state, **(detail or {})},
    )
