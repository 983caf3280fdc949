"""What the clock does for rights requests: remind the officer, bring an overdue one to the director (D§23)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from interactions.models import RightsRequest
from interactions.rights.lifecycle import RightsAct
from interactions.rights.officers import director_of
from interactions.rights.services import remember
from outreach.services import notify
from staff.absence import acting_for
from staff.models import User

REMIND, HAND_OVER = 0, 1


@transaction.atomic
def notice_if_due(request_id: int, *, now: datetime) -> bool:
    """Give the notice that is due: first to the owner, at the due moment to the director as well, once each.

    A request found late gets the notice it is at now, not the one it missed. False when another worker was first or
    it was answered meanwhile.
    """
    rows = RightsRequest.objects.notice_due(now).filter(pk=request_id)
    request = rows.select_for_update(skip_locked=True, no_key=True, of=("self",)).select_related("owner__unit").first()
    if request is None:
        return False
    if now < request.due_at:
        _remind(request, now)
        request.next_notice_at, request.next_level = request.due_at, HAND_OVER
    else:
        _hand_over(request, now)
        request.next_notice_at, request.next_level = None, HAND_OVER + 1
    request.save(update_fields=["next_notice_at", "next_level", "handed_to"])
    return True


def _remind(request: RightsRequest, now: datetime) -> None:
    told = acting_for(request.owner, now, right="rights.answer")
    _ring(request, told, "rights.due")
    remember(request, RightsAct.REMINDED, None, told=told)


def _hand_over(request: RightsRequest, now: datetime) -> None:
    """The officer stays the owner; the director stands beside them."""
    owner = acting_for(request.owner, now, right="rights.answer")
    _ring(request, owner, "rights.overdue")
    director = director_of(request, now)
    if director is not None and director.pk != owner.pk:
        request.handed_to = director
        _ring(request, director, "rights.overdue")
    remember(request, RightsAct.HANDED_OVER, None, told=request.handed_to or owner, line="rights.overdue")


def _ring(request: RightsRequest, user: User, kind: str) -> None:
    params = {"number": request.number, "kind": request.kind, "due_at": request.due_at.isoformat()}
    notify(user, kind, subject_ref=request, params=params, dedupe_key=f"{kind}-{request.ref}")
