"""Reads behind the list of parts, their page and its forms."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from complaints.models import Part
from complaints.watching.taking import PART_ROLES
from foundation.common import clock
from staff.models import OrgUnit, RoleAssignment, User, holds_on
from staff.rights import acted_for

MOST_UNITS = 300


def parts_in_view(user: User, view: str) -> QuerySet[Part]:
    """The rows behind a tab of the list, in its total order."""
    rows = Part.objects.visible_to(user).select_related("complaint", "unit", "handler")
    if view == "done":
        return rows.filter(done_at__isnull=False).order_by("-done_at", "-pk")
    if view == "mine":
        rows = rows.filter(handler__in={user.pk, *acted_for(user)})
    return rows.open().order_by("due_at", "pk")


def support_units(but: set[int] | None = None) -> list[tuple[str, str]]:
    """Open units somebody of which answers parts today, as choices (id, name with the unit above); at most 300."""
    roles = RoleAssignment.objects.filter(holds_on(clock.today()), role__in=PART_ROLES).values("unit")
    units = OrgUnit.objects.filter(pk__in=roles, closed_on=None).exclude(pk__in=but or ())
    rows = units.select_related("parent").order_by("no")[:MOST_UNITS]
    return [(str(unit.pk), f"{unit.parent.name} · {unit.name}" if unit.parent else unit.name) for unit in rows]


def chain_of(part: Part) -> list[Part]:
    """The parts of the same case in the order they were given: what was passed on and what came back."""
    rows: Any = Part.objects.filter(complaint=part.complaint_id).select_related("unit", "handler", "given_by")
    return list(rows.order_by("pk"))
