"""A solution above the proposer's authority is approved or not by somebody else with enough (D§3.2, 3.4)."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from complaints.lifecycle import ApprovalState, Deed, SeatWhy
from complaints.models import Approval, Complaint
from complaints.services.ground import (
    APPROVE_RIGHT,
    check_right,
    check_sees,
    locked_case,
    remember,
    ring,
    save_case,
    unseat,
)
from complaints.services.settling import lock_matter, matter_amount
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from staff.models import User
from staff.policies import settlement_limit


@transaction.atomic
def grant_approval(approval_id: int, *, actor: User) -> Approval:
    """Approve the money of a solution, for the whole matter as it stands now.

    Raises NotAllowed as `ground.case_for`, "complaint.own_request" (nobody approves what they asked for or proposed),
    "complaint.over_limit"; RuleBroken "complaint.approval_decided".
    """
    case, approval = _asked(approval_id, actor)
    if case.customer_id is not None:
        lock_matter(case.customer_id)
    total, limit = max(approval.matter_amount, matter_amount(case)), settlement_limit(actor)
    if limit is not None and total > limit:
        words = _("You may settle %(limit)s CNY for one matter; with this it would be %(sum)s. Ask your lead.")
        raise NotAllowed("complaint.over_limit", words % {"limit": limit, "sum": total})
    approval.matter_amount = total
    _decide(case, approval, actor, ApprovalState.GRANTED, "")
    remember(case, Deed.APPROVED, actor=actor, detail={"amount": str(approval.amount), "matter_amount": str(total)})
    _ring_back(case, approval, actor, "approved")
    return approval


@transaction.atomic
def deny_approval(approval_id: int, *, actor: User, reason: str) -> Approval:
    """Not approved: the proposer works on it again. Raises as `grant_approval`, RuleBroken "complaint.no_reason"."""
    case, approval = _asked(approval_id, actor)
    if not reason.strip():
        raise RuleBroken("complaint.no_reason", _("Say why: the proposer must know what to change."))
    _decide(case, approval, actor, ApprovalState.DENIED, reason.strip()[:400])
    remember(case, Deed.DENIED, actor=actor, reason=reason, detail={"amount": str(approval.amount)})
    _ring_back(case, approval, actor, "denied")
    return approval


def _asked(approval_id: int, actor: User) -> tuple[Complaint, Approval]:
    case = locked_case(Approval.objects.values_list("solution__complaint_id", flat=True).get(pk=approval_id))
    approval = Approval.objects.select_related("solution", "asked_by").get(pk=approval_id)
    check_sees(case, actor)
    check_right(case, actor, APPROVE_RIGHT)
    if actor.pk in (approval.asked_by_id, approval.solution.by_id):
        raise NotAllowed(
            "complaint.own_request", _("Nobody approves their own request: somebody else with this right decides.")
        )
    if approval.state != ApprovalState.ASKED:
        raise RuleBroken("complaint.approval_decided", _("This was decided already, or is no longer asked."))
    return case, approval


def _decide(case: Complaint, approval: Approval, actor: User, state: ApprovalState, reason: str) -> None:
    approval.state, approval.reason = state, reason
    approval.decided_by, approval.decided_at = actor, clock.now()
    approval.save(update_fields=["state", "reason", "decided_by", "decided_at", "matter_amount"])
    unseat(case, SeatWhy.APPROVAL)
    save_case(case)


def _ring_back(case: Complaint, approval: Approval, actor: User, kind: str) -> None:
    for person in {approval.asked_by, case.handler or approval.asked_by}:
        if person.pk != actor.pk:
            ring(case, person, kind, approval.ref)
