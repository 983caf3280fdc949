"""Reads behind the pages of the change of shift."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, QuerySet

from complaints.models import Complaint, ShiftItem, ShiftSheet
from complaints.services.ground import ASSIGN_RIGHT
from complaints.services.shifting import Left
from staff.models import Shift, User
from staff.rights import visible

ENDS_WITHIN = timedelta(hours=2)
MOST_SHOWN = 50


def leaving_soon(user: User, now: datetime) -> list[Shift]:
    """The shifts that end within two hours, of those to whom the user may give orders, the first to leave first."""
    rows = Shift.objects.filter(starts_at__lte=now, ends_at__gt=now, ends_at__lte=now + ENDS_WITHIN)
    seen = visible(rows, user, ASSIGN_RIGHT, unit_no="user__unit__no", owner="user_id").exclude(user=user)
    return list(seen.select_related("user__unit").order_by("ends_at", "pk")[:MOST_SHOWN])


def sheets(user: User, *, signed: bool) -> list[ShiftSheet]:
    """Lists the user sees, with how many cases each has (`number`): those still to be signed, or the latest signed."""
    rows = ShiftSheet.objects.visible_to(user).filter(signed_at__isnull=not signed)
    if not signed:
        rows = rows.filter(ended_at=None)
    rows = rows.select_related("person", "unit", "signed_by").annotate(number=Count("items"))
    return list(rows.order_by("-pk" if signed else "sign_by")[:MOST_SHOWN])


def items_of(sheet: ShiftSheet, user: User) -> QuerySet[ShiftItem]:
    """The cases of a list the user sees, the most urgent first."""
    rows = ShiftItem.objects.filter(sheet=sheet, complaint__in=Complaint.objects.visible_to(user).values("pk"))
    return rows.select_related("complaint__customer", "complaint__topic").order_by("due_at", "pk")


def cases_left(left: list[Left]) -> list[tuple[Left, Complaint]]:
    """What would be listed, with its cases."""
    found = Complaint.objects.in_bulk([one.complaint_id for one in left[:MOST_SHOWN]])
    return [(one, found[one.complaint_id]) for one in left[:MOST_SHOWN] if one.complaint_id in found]
