"""Who answers for a rights request, and who gets it when nobody did (D§23)."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from foundation.common import clock
from foundation.common.errors import RuleBroken
from interactions.models import RightsRequest
from interactions.rights.lifecycle import RIGHTS_OPEN
from staff.absence import acting_for
from staff.models import RoleAssignment, User, holds_on

OFFICER, DIRECTOR, GM = "DPO", "DIRECTOR", "GM"


def officer_for(at: datetime) -> User:
    """The data protection officer with the fewest open requests. Raises RuleBroken "rights.no_officer"."""
    people = _holding(OFFICER, at).annotate(
        carried=Count("rights_owned", filter=Q(rights_owned__state__in=RIGHTS_OPEN), distinct=True)
    )
    found = people.select_related("unit").order_by("carried", "pk").first()
    if found is None:
        raise RuleBroken(
            "rights.no_officer", _("Nobody holds the role of data protection officer: give it to somebody first.")
        )
    return found


def director_of(request: RightsRequest, at: datetime) -> User | None:
    """Who gets an overdue request: the director nearest above the customer's unit, else the general manager; during an
    absence who acts for them."""
    day = clock.today(at)
    held = RoleAssignment.objects.filter(
        holds_on(day), role=DIRECTOR, unit__no__lte=request.unit_no, unit__last_no__gte=request.unit_no
    )
    near = held.filter(user__is_active=True).order_by("-unit__no", "user_id").select_related("user__unit").first()
    found = near.user if near else _holding(GM, at).select_related("unit").order_by("pk").first()
    return acting_for(found, at, right="rights.view") if found else None


def _holding(role: str, at: datetime) -> QuerySet[User]:
    held = RoleAssignment.objects.filter(holds_on(clock.today(at)), role=role)
    return User.objects.filter(is_active=True, pk__in=held.values("user"))
