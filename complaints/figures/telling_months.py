"""The month's figures are ready: who leads people finds those of their own area in the bell, once (CMP-21; D§18.7)."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Q

from complaints.kpis.base import KPIS
from complaints.kpis.month import counted_frozen, value_of
from complaints.models import MonthClosing
from complaints.models.figures import FIGURES_RIGHT
from foundation.common import clock
from outreach.models import Notification
from staff.models import RoleAssignment, User
from staff.roles import ROLES

KIND = "complaint.month_ready"
TOLD = ("complaints", "on_time", "satisfaction")


def tell_of_month(closing: MonthClosing) -> None:
    """Ring whoever may see figures, once a month, in the caller's transaction. Some statements a person, once a month:
    everybody is told what their own scope of figures holds."""
    roles = [code for code, role in ROLES.items() if FIGURES_RIGHT in role.rights()]
    today = clock.today()
    held = RoleAssignment.objects.filter(Q(to_day=None) | Q(to_day__gte=today), role__in=roles, from_day__lte=today)
    people = User.objects.filter(is_active=True, kind=User.Kind.HUMAN, pk__in=held.values("user"))
    notices = [
        Notification(
            user=person,
            kind=KIND,
            subject_type=MonthClosing._meta.model_name or "",
            subject_id=closing.pk,
            params={"month": f"{closing.month:%Y-%m}", **_figures(person, closing.month)},
            dedupe_key=f"complaint-month-{closing.month:%Y-%m}",
        )
        for person in people.order_by("pk")
    ]
    Notification.objects.bulk_create(notices, ignore_conflicts=True, batch_size=1_000)


def _figures(person: User, month: date) -> dict[str, Any]:
    """What is told of a month: the value of each figure, None for a dash."""
    return {code: value_of(KPIS[code], found) for code, found in counted_frozen(person, month, TOLD).items()}
