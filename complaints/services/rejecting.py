"""Not ours to decide: somebody asks, a lead approves it or not, the customer gets the right contact (D§9.3a, 10.3)."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from complaints.lifecycle import Act, ApprovalState, Deed, SeatWhy
from complaints.models import Complaint, Rejection
from complaints.services.closing import end_work
from complaints.services.deciding import ask_of, may_decide, nearest
from complaints.services.grading import ASSESS_RIGHT, keep_block
from complaints.services.ground import (
    APPROVE_RIGHT,
    check_right,
    check_sees,
    covers,
    locked_case,
    move,
    remember,
    ring,
    save_case,
    seat,
    step_from,
    tell_customer,
    unseat,
)
from complaints.services.saying import whole
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from staff.models import User


@transaction.atomic
def ask_rejection(case_id: int, *, actor: User, reason: str, referral: str) -> Rejection:
    """Ask the nearest lead to declare the case not ours; `referral` is whom the customer turns to instead. Nothing
    changes until the lead decides: the case stands where it is and its clocks run.

    Raises as `ground.case_for`; RuleBroken "complaint.illegal", "complaint.no_reason", "complaint.no_referral",
    "complaint.too_long" (either, beyond 400 characters), "complaint.rejection_asked".
    """
    case = locked_case(case_id)
    check_sees(case, actor)
    step_from(case, Act.REJECT, actor)
    check_right(case, actor, ASSESS_RIGHT)
    if not reason.strip():
        raise RuleBroken("complaint.no_reason", _("Say why it is not ours."))
    if not referral.strip():
        raise RuleBroken("complaint.no_referral", _("Name whom the customer turns to instead."))
    reason, referral = whole(reason), whole(referral)
    if case.rejections.filter(state=ApprovalState.ASKED).exists():
        raise RuleBroken("complaint.rejection_asked", _("A lead was asked already and has not decided yet."))
    now = clock.now()
    asked = Rejection(
        complaint=case,
        reason=reason,
        referral=referral,
        asked_by=actor,
        asked_at=now,
    )
    about = {case.about_staff_id} if case.about_staff_id else set()
    lead = nearest(actor, now, lambda one: may_decide(asked, one) and covers(case, one, APPROVE_RIGHT), about)
    ask_of(asked, case, lead, actor, now)
    asked.save(force_insert=True)
    save_case(case)
    remember(case, Deed.REJECTION_ASKED, actor=actor, reason=reason)
    if lead is not None:
        seat(case, lead, SeatWhy.APPROVAL)
        ring(case, lead, "reject_asked", asked.ref)
    return asked


@transaction.atomic
def grant_rejection(rejection_id: int, *, actor: User) -> Complaint:
    """It is not ours: the case ends, the customer hears why and gets the right contact.

    Raises NotAllowed as `ground.case_for`, "complaint.own_request" (nobody approves their own); RuleBroken
    "complaint.approval_decided", "complaint.illegal" (it went on meanwhile).
    """
    case, asked = _asked(rejection_id, actor)
    step_from(case, Act.REJECT, actor)
    _decide(asked, actor, ApprovalState.GRANTED)
    end_work(case, actor=actor)
    row = move(case, Act.REJECT, actor=actor, reason=asked.reason)
    case.reason = asked.reason
    case.save(update_fields=["reason"])
    keep_block(case, actor=actor)
    for person in {asked.asked_by, case.owner}:
        if person.pk != actor.pk:
            ring(case, person, "rejected", row.ref)
    tell_customer(case, "complaint_rejected", key=row.ref, actor=actor, words=f"{asked.reason}\n{asked.referral}")
    return case


@transaction.atomic
def deny_rejection(rejection_id: int, *, actor: User, reason: str) -> Rejection:
    """It is ours after all: who asked hears why, the case goes on where it stands. Raises as `grant_rejection`, and
    RuleBroken "complaint.no_reason", "complaint.too_long"."""
    case, asked = _asked(rejection_id, actor)
    if not reason.strip():
        raise RuleBroken("complaint.no_reason", _("Say why it is ours."))
    asked.denied_for = whole(reason)
    _decide(asked, actor, ApprovalState.DENIED)
    unseat(case, SeatWhy.APPROVAL)
    save_case(case)
    row = remember(case, Deed.REJECTION_DENIED, actor=actor, reason=reason)
    for person in {asked.asked_by, case.owner}:
        if person.pk != actor.pk:
            ring(case, person, "reject_denied", row.ref)
    return asked


def _asked(rejection_id: int, actor: User) -> tuple[Complaint, Rejection]:
    case = locked_case(Rejection.objects.values_list("complaint_id", flat=True).get(pk=rejection_id))
    asked = Rejection.objects.select_related("asked_by").get(pk=rejection_id)
    check_sees(case, actor)
    check_right(case, actor, APPROVE_RIGHT)
    if actor.pk == asked.asked_by_id:
        raise NotAllowed(
            "complaint.own_request", _("Nobody approves their own request: somebody else with this right decides.")
        )
    if asked.state != ApprovalState.ASKED:
        raise RuleBroken("complaint.approval_decided", _("This was decided already, or is no longer asked."))
    return case, asked


def _decide(asked: Rejection, actor: User, state: ApprovalState) -> None:
    asked.state, asked.decided_by, asked.decided_at = state, actor, clock.now()
    asked.save(update_fields=["state", "decided_by", "decided_at", "denied_for"])
