"""What a user may do and see today, worked out from the role table and the tree of units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from django.contrib.auth.backends import BaseBackend
from django.db.models import Model, Q, QuerySet

from foundation.common import clock
from staff.models import RoleAssignment, UnitFormerNo, User, holds_on
from staff.roles import ROLES, Scope

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Sight:
    """Which rows of a module a user sees: everything, unit ranges, or the rows of certain owners."""

    everything: bool
    ranges: tuple[tuple[int, int], ...]
    owners: frozenset[int]

    def rows(self, *, unit_no: str = "unit_no", owner: str | None = "owner_id") -> Q:
        """The condition on a model whose columns are named so. Nothing visible: no row."""
        if self.everything:
            return Q()
        seen = Q(pk__in=[])
        for low, high in self.ranges:
            seen |= Q(**{f"{unit_no}__range": (low, high)})
        if owner is not None and self.owners:
            seen |= Q(**{f"{owner}__in": sorted(self.owners)})
        return seen

    def covers(self, *, unit_no: int, owner_id: int | None = None) -> bool:
        """Whether one row with these values would be seen."""
        return (
            self.everything
            or any(low <= unit_no <= high for low, high in self.ranges)
            or (owner_id is not None and owner_id in self.owners)
        )


def roles_of(user: User) -> list[RoleAssignment]:
    """The roles the user holds today, read once per user object."""
    cached = user.__dict__.get("_roles_today")
    today = clock.today()
    if cached is None or cached[0] != today:
        held = list(user.role_assignments.filter(holds_on(today)).select_related("unit"))
        cached = user.__dict__["_roles_today"] = (today, held)
    return cached[1]


def rights_of(user: User) -> dict[str, Scope]:
    """Every right of the user today with its widest scope."""
    rights: dict[str, Scope] = {}
    if user.is_active:
        for held in roles_of(user):
            for right, scope in ROLES[held.role].rights().items():
                rights[right] = max(scope, rights.get(right, scope))
    return rights


def sight_of(user: User, right: str) -> Sight:
    """Which rows `right` ("customers.view") opens to the user today, delegations included (D§3.1, 3.3)."""
    from staff.absence import people_acted_for

    cache = user.__dict__.setdefault("_sights", {})
    key = (right, clock.today())
    if key not in cache:
        everything, ranges, owners = _own_sight(user, right)
        for absent in people_acted_for(user, clock.now()):
            theirs = _own_sight(absent, right)
            everything, ranges, owners = everything or theirs[0], ranges | theirs[1], owners | theirs[2]
        cache[key] = Sight(everything, tuple(sorted(ranges)), frozenset(owners))
    return cache[key]


def _own_sight(user: User, right: str) -> tuple[bool, set[tuple[int, int]], set[int]]:
    everything, ranges, owners = False, set(), set()
    if not user.is_active:
        return everything, ranges, owners
    for held in roles_of(user):
        scope = ROLES[held.role].rights().get(right)
        if scope is None:
            continue
        owners.add(user.pk)
        if scope is Scope.ALL:
            everything = True
        elif scope is Scope.UNIT:
            ranges |= unit_ranges(held.unit)
        elif scope is Scope.TEAM:
            owners |= team_mates(user)
    return everything, ranges, owners


def unit_ranges(unit: Any) -> set[tuple[int, int]]:
    """Number ranges of the unit with all below it, former numbers of moved units included (recipes §6)."""
    former = UnitFormerNo.objects.filter(unit__no__range=(unit.no, unit.last_no)).values_list("no", flat=True)
    return {(unit.no, unit.last_no)} | {(no, no) for no in former}


def team_mates(user: User) -> set[int]:
    """Ids of the people in the teams the user leads or works in today."""
    from staff.models import Team, TeamMember

    today = clock.today()
    teams = Team.objects.filter(
        Q(lead=user) | Q(pk__in=user.team_memberships.filter(holds_on(today)).values("team"))
    ).values("pk")
    return set(TeamMember.objects.filter(holds_on(today), team__in=teams).values_list("user_id", flat=True))


class RoleBackend(BaseBackend):
    """Django's door to the role table; it signs nobody in."""

    def authenticate(self, request: Any, **credentials: Any) -> None:
        return None

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return isinstance(user_obj, User) and user_obj.has_perm(perm, obj)


def visible(rows: QuerySet[M], user: User, right: str, **columns: Any) -> QuerySet[M]:
    """`rows` the user may see by `right`; the columns are those of `Sight.rows`."""
    return rows.filter(sight_of(user, right).rows(**columns))


def forget_cached(user: User) -> None:
    """Drop what was worked out for this user object (after its roles changed in the same process)."""
    for key in ("_roles_today", "_sights"):
        user.__dict__.pop(key, None)
