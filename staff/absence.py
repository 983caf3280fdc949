"""Delegation is computed, never written over the owner (D§3.3, design §3): who acts for whom at a moment."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet

from foundation.common import clock
from staff.models import Absence, OrgUnit, Team, User, holds_on

LONGEST_CHAIN = 3


def now_absent(at: datetime) -> Q:
    """Absences that hold at `at`, as a condition."""
    return Q(starts_at__lte=at) & (Q(ends_at__isnull=True) | Q(ends_at__gt=at))


def absence_of(user: User, at: datetime) -> Absence | None:
    """The user's absence at `at`, or None when present."""
    return Absence.objects.filter(now_absent(at), user=user).select_related("delegate", "user__unit").first()


def acting_for(user: User, at: datetime, *, right: str | None = None) -> User:
    """Who does `user`'s work at `at`: the user, the delegate (chains of at most 3), else the team lead.

    A delegate who is absent too, inactive, without `right`, or part of a circle does not count. With nobody
    left the user stays responsible, and the overdue clock brings it to the lead.
    """
    current, seen = user, {user.pk}
    for _hop in range(LONGEST_CHAIN + 1):
        absence = absence_of(current, at)
        if absence is None:
            return current
        delegate = absence.delegate
        if (
            len(seen) > LONGEST_CHAIN
            or delegate is None
            or delegate.pk in seen
            or not delegate.is_active
            or (right is not None and not delegate.has_perm(right))
        ):
            break
        seen.add(delegate.pk)
        current = delegate
    return team_lead_of(user, at, but=seen) or user


def team_lead_of(user: User, at: datetime, *, but: set[int] | None = None) -> User | None:
    """The active, present lead of the user's team (not one of `but`), else the present head of the user's unit
    or of the next one above that has one."""
    but = (but or set()) | {user.pk}
    day = clock.today(at)
    teams = user.team_memberships.filter(holds_on(day)).values("team")
    found = _present(User.objects.filter(led_teams__in=Team.objects.filter(pk__in=teams)), at, but)
    return found or head_of(user.unit, at, but=but)


def head_of(unit: OrgUnit | None, at: datetime, *, but: set[int]) -> User | None:
    """The active, present head (not one of `but`) of the unit or of the next one above that has one."""
    day, found = clock.today(at), None
    while found is None and unit is not None:
        found = _present(User.objects.filter(headed_units__in=unit.heads.filter(holds_on(day))), at, but)
        unit = unit.parent
    return found


def absent_now(at: datetime) -> set[int]:
    """Ids of everybody who is absent at `at`."""
    return set(Absence.objects.filter(now_absent(at)).values_list("user", flat=True))


def _present(people: QuerySet[User], at: datetime, but: set[int]) -> User | None:
    away = Absence.objects.filter(now_absent(at)).values("user")
    return people.filter(is_active=True).exclude(pk__in=but).exclude(pk__in=away).order_by("pk").first()


def people_acted_for(user: User, at: datetime) -> list[User]:
    """Those whose named delegate (directly or by chain) the user is at `at`."""
    found: dict[int, User] = {}
    frontier = {user.pk}
    for _hop in range(LONGEST_CHAIN):
        absent = Absence.objects.filter(now_absent(at), delegate__in=frontier).exclude(user__in={user.pk, *found})
        step = {absence.user_id: absence.user for absence in absent.select_related("user")}
        if not step:
            break
        found |= step
        frontier = set(step)
    return list(found.values())
