"""What in cases waits for somebody's decision: money, that a case is not ours, responses to authorities."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from complaints.lifecycle import AppealState, ApprovalState
from complaints.models import AppealCase, Approval, Rejection

APPROVE_RIGHT = "complaints.approve"


def waiting_rows() -> list[QuerySet[Any]]:
    """Everything that waits, kind by kind."""
    return [
        Approval.objects.filter(state=ApprovalState.ASKED),
        Rejection.objects.filter(state=ApprovalState.ASKED),
        AppealCase.objects.filter(state=AppealState.LINKED, response_by__isnull=False, responded_at=None),
    ]


def cases_waiting(people: list[int] | None = None) -> list[QuerySet[Any, Any]]:
    """The ids of the cases something waits in, kind by kind; `people`: for the decision of one of these."""
    rows = waiting_rows()
    if people is not None:
        rows = [one.filter(asked_of__in=people) for one in rows]
    return [one.values("solution__complaint" if one.model is Approval else "complaint") for one in rows]
