"""The month's figures are ready: who leads people finds it in the bell, once (CMP-21; D§18.7)."""

from __future__ import annotations

from django.db.models import Q

from complaints.models import MonthClosing
from complaints.models.figures import FIGURES_RIGHT
from foundation.common import clock
from outreach.models import Notification
from staff.models import RoleAssignment, User
from staff.roles import ROLES

KIND = "complaint.month_ready"


def tell_of_month(closing: MonthClosing) -> None:
    """Ring whoever may see figures, once a month, in the caller's transaction."""
    roles = [code for code, role in ROLES.items() if FIGURES_RIGHT in role.rights()]
    today = clock.today()
    held = RoleAssignment.objects.filter(Q(to_day=None) | Q(to_day__gte=today), role__in=roles, from_day__lte=today)
    people = User.objects.filter(is_active=True, kind=User.Kind.HUMAN, pk__in=held.values("user"))
    notices = [
        Notification(
            user_id=person,
            kind=KIND,
            subject_type=MonthClosing._meta.model_name or "",
            subject_id=closing.pk,
            params={"month": f"{closing.month:%Y-%m}"},
            dedupe_key=f"complaint-month-{closing.month:%Y-%m}",
        )
        for person in people.order_by("pk").values_list("pk", flat=True)
    ]
    Notification.objects.bulk_create(notices, ignore_conflicts=True, batch_size=1_000)
