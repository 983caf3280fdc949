"""Delegation is computed, never written over the owner (D§3.3, design §3): who acts for whom at a moment."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from staff.models import Absence, Team, User, holds_on

LONGEST_CHAIN = 3


def absence_of(user: User, at: datetime) -> Absence | None:
    """The user's absence at `at`, or None when present."""
    return (
        Absence.objects.filter(user=user, starts_at__lte=at)
        .filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at))
        .select_related("delegate", "user__unit")
        .first()
    )


def acting_for(user: User, at: datetime, *, right: str | None = None) -> User:
    """Who does `user`'s work at `at`: the user, the delegate (chains of at most 3), else the team lead.

    A delegate who is absent too, inactive, without `right`, or part of a circle does not count. With nobody
    left the user stays responsible, and the overdue clock brings it to the lead.
    """
    current, seen = user, {user.pk}
    for _hop in range(LONGEST_CHAIN):
        absence = absence_of(current, at)
        if absence is None:
            return current
        delegate = absence.delegate
        if (
            delegate is None
            or delegate.pk in seen
            or not delegate.is_active
            or (right is not None and not delegate.has_perm(right))
        ):
            break
        seen.add(delegate.pk)
        current = delegate
    else:
        if absence_of(current, at) is None:
            return current
    return team_lead_of(user, at, but=seen) or user


def team_lead_of(user: User, at: datetime, *, but: set[int] | None = None) -> User | None:
    """The active, present lead of the user's team (not one of `but`), else the present head of the user's unit."""
    but = (but or set()) | {user.pk}
    day = at.date()
    leads = list(
        User.objects.filter(
            led_teams__in=Team.objects.filter(pk__in=user.team_memberships.filter(holds_on(day)).values("team")),
            is_active=True,
        ).exclude(pk__in=but)
    )
    unit = user.unit
    while unit is not None and not leads:
        leads = list(
            User.objects.filter(pk__in=unit.heads.filter(holds_on(day)).values("user"), is_active=True).exclude(
                pk__in=but
            )
        )
        unit = unit.parent
    return next((lead for lead in leads if absence_of(lead, at) is None), None)


def people_acted_for(user: User, at: datetime) -> list[User]:
    """Those whose named delegate (directly or by chain) the user is at `at`."""
    found: list[User] = []
    frontier = {user.pk}
    for _hop in range(LONGEST_CHAIN):
        absent = User.objects.filter(
            pk__in=Absence.objects.filter(delegate__in=frontier, starts_at__lte=at)
            .filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at))
            .values("user")
        ).exclude(pk__in={user.pk, *(person.pk for person in found)})
        step = list(absent)
        if not step:
            break
        found += step
        frontier = {person.pk for person in step}
    return found
