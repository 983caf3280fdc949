"""Reads of what the authorities and third parties bring: appeals and mediations."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from complaints.lifecycle import AppealState
from complaints.models import AppealCase, Complaint, MediationCase
from complaints.models.cases import VIEW_RIGHT
from complaints.services.ground import COORDINATE_RIGHT
from staff.models import User
from staff.rights import sight_of


def appeals_in_view(user: User, view: str) -> QuerySet[AppealCase]:
    """The authorities' letters behind a tab, in its total order: all for whoever sees all complaints or speaks with the
    authorities, else those of cases one sees."""
    rows = AppealCase.objects.select_related("complaint", "response_by")
    if not (user.has_perm(COORDINATE_RIGHT) or sight_of(user, VIEW_RIGHT).everything):
        rows = rows.filter(complaint__in=Complaint.objects.visible_to(user).values("pk"))
    rows = rows.filter(Q(complaint=None) | Q(complaint__about_staff=None) | ~Q(complaint__about_staff=user))
    if view == "closed":
        return rows.filter(closed_at__isnull=False).order_by("-closed_at", "-pk")
    if view == "approve":
        rows = rows.filter(state=AppealState.LINKED, response_by__isnull=False).exclude(response_by=user)
    return rows.filter(closed_at=None).order_by("internal_due_at", "pk")


def mediations_in_view(user: User) -> QuerySet[MediationCase]:
    """Mediations of the cases the user sees."""
    rows = MediationCase.objects.select_related("complaint")
    return rows.filter(complaint__in=Complaint.objects.visible_to(user).values("pk"))
