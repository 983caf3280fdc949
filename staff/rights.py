"""What a user may do and see today, worked out from the role table and the tree of units.

One query tells the roles held, the unit numbers they reach, and whom the user acts for; a second one is spent only
when a team decides. What was read stays with the user object (one request) and is read again after half a minute.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.contrib.auth.backends import BaseBackend
from django.db import connection
from django.db.models import Model, Q, QuerySet

from foundation.common import clock
from foundation.common.prepared import prepared
from staff.models import OrgUnit, User
from staff.roles import ROLES, Scope

M = TypeVar("M", bound=Model)
Range = tuple[int, int]
NARROW_UNITS = 10  # a hall or a department
FRESH = timedelta(seconds=30)
_KEPT = "_standing"

# The user and those the user acts for (delegation, at most 3 hops), each with the roles held today and the numbers
# they reach: the unit's range, the former numbers of units in it, and in it the former numbers of units elsewhere.
_STANDING = """
WITH RECURSIVE acted (id, hop) AS (
    SELECT %(user)s::int, 0
    UNION
    SELECT a.user_id, acted.hop + 1 FROM acted
    JOIN staff_absence a ON a.delegate_id = acted.id AND a.starts_at <= %(at)s
     AND (a.ends_at IS NULL OR a.ends_at > %(at)s)
    WHERE acted.hop < 3
)
SELECT p.id, r.role, u.no, u.last_no,
       CASE WHEN u.id IS NOT NULL THEN ARRAY(
           SELECT f.no FROM staff_unitformerno f JOIN staff_orgunit o ON o.id = f.unit_id
           WHERE o.no BETWEEN u.no AND u.last_no) END,
       CASE WHEN u.id IS NOT NULL THEN ARRAY(
           SELECT f.no FROM staff_unitformerno f JOIN staff_orgunit o ON o.id = f.unit_id
           WHERE f.no BETWEEN u.no AND u.last_no AND o.no NOT BETWEEN u.no AND u.last_no) END
FROM (SELECT DISTINCT id FROM acted) p
LEFT JOIN staff_roleassignment r ON r.user_id = p.id AND r.from_day <= %(day)s
     AND (r.to_day IS NULL OR r.to_day >= %(day)s)
LEFT JOIN staff_orgunit u ON u.id = r.unit_id
"""

_MATES = """
SELECT m.user_id FROM staff_teammember m JOIN staff_team t ON t.id = m.team_id
WHERE m.from_day <= %(day)s AND (m.to_day IS NULL OR m.to_day >= %(day)s) AND (t.lead_id = ANY(%(people)s)
  OR t.id IN (SELECT w.team_id FROM staff_teammember w
    WHERE w.user_id = ANY(%(people)s) AND w.from_day <= %(day)s AND (w.to_day IS NULL OR w.to_day >= %(day)s)))
"""


@dataclass(frozen=True)
class Sight:
    """Which rows of a module a user sees: everything, unit ranges, or the rows of certain owners."""

    everything: bool
    ranges: tuple[Range, ...]
    owners: frozenset[int]

    def rows(self, *, unit_no: str = "unit_no", owner: str | None = "owner_id") -> Q:
        """The condition on a model whose columns are named so. Nothing visible: no row."""
        if self.everything:
            return ~Q(pk__in=[])  # not Q(): "Q() | own" would be "own"
        seen = Q(pk__in=[])
        for low, high in self.ranges:
            seen |= Q(**{f"{unit_no}__range": (low, high)})
        if owner is not None and self.owners:
            seen |= Q(**{f"{owner}__in": sorted(self.owners)})
        return seen

    def streams(self, *, unit_no: str = "unit_no", owner: str = "owner_id") -> list[Q]:
        """`rows` in parts that an index on (unit or owner, order of a list) gives in that order, for `keyset_page`.

        A wide range stays one part: there the index of the order alone soon meets enough of its rows.
        """
        if self.everything:
            return [Q()]
        parts = []
        for low, high in self.ranges:
            one_by_one = high - low < NARROW_UNITS
            parts += (
                [Q(**{unit_no: no}) for no in range(low, high + 1)]
                if one_by_one
                else [Q(**{f"{unit_no}__range": (low, high)})]
            )
        if self.owners:
            parts.append(Q(**{f"{owner}__in": sorted(self.owners)}))
        return parts or [Q(pk__in=[])]

    def covers(self, *, unit_no: int, owner_id: int | None = None) -> bool:
        """Whether one row with these values would be seen."""
        return (
            self.everything
            or any(low <= unit_no <= high for low, high in self.ranges)
            or (owner_id is not None and owner_id in self.owners)
        )


NOTHING = Sight(False, (), frozenset())


@dataclass
class _Standing:
    """What the database said about a user at `at`."""

    at: datetime
    held: dict[int, list[tuple[str, tuple[Range, ...]]]]
    rights: dict[str, Scope] | None = None
    sights: dict[str, Sight] = field(default_factory=dict)
    mates: dict[frozenset[int], set[int]] = field(default_factory=dict)


def _standing(user: User) -> _Standing:
    now = clock.now()
    # By getattr, not __dict__: the user of a request is a lazy wrapper, whose own __dict__ is another.
    kept: _Standing | None = getattr(user, _KEPT, None)
    if kept is not None and abs(now - kept.at) <= FRESH and clock.today(kept.at) == clock.today(now):
        return kept
    held: dict[int, list[tuple[str, tuple[Range, ...]]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(*prepared(_STANDING, {"user": user.pk, "at": now, "day": clock.today(now)}))
        for person, role, no, last_no, former, foreign in cursor.fetchall():
            roles = held.setdefault(person, [])
            if role in ROLES:
                roles.append((role, _ranges(no, last_no, former, foreign)))
    standing = _Standing(now, held)
    setattr(user, _KEPT, standing)
    return standing


def _ranges(low: int, high: int, former: Iterable[int], foreign: Iterable[int]) -> tuple[Range, ...]:
    """`low`..`high` without the numbers in `foreign`, and those in `former`, joined where they touch."""
    parts: list[Range] = [(no, no) for no in former]
    start = low
    for no in sorted(foreign):
        if no > start:
            parts.append((start, no - 1))
        start = no + 1
    if start <= high:
        parts.append((start, high))
    return joined(parts)


def joined(parts: Iterable[Range]) -> tuple[Range, ...]:
    """The ranges in order, those that overlap or touch made one."""
    found: list[Range] = []
    for low, high in sorted(parts):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


def roles_of(user: User) -> list[str]:
    """Codes of the roles the user holds today."""
    return [role for role, _numbers in _standing(user).held[user.pk]]


def acted_for(user: User) -> frozenset[int]:
    """Ids of those whose delegate the user is now, directly or by chain (D§3.3)."""
    return frozenset(_standing(user).held) - {user.pk}


def rights_of(user: User) -> dict[str, Scope]:
    """Every right of the user today with its widest scope; own roles only, an inactive user has none."""
    if not user.is_active:
        return {}
    standing = _standing(user)
    if standing.rights is None:
        rights: dict[str, Scope] = {}
        for role, _numbers in standing.held[user.pk]:
            for right, scope in ROLES[role].rights().items():
                rights[right] = max(scope, rights.get(right, scope))
        standing.rights = rights
    return standing.rights


def sight_of(user: User, right: str) -> Sight:
    """Which rows `right` ("customers.view") opens to the user now.

    While somebody is absent, the delegate sees what the absent person sees (D§3.1, 3.3), by rights the delegate holds
    too: delegation opens rows, never acts. Without the right: nothing.
    """
    if right not in rights_of(user):
        return NOTHING
    standing = _standing(user)
    if right not in standing.sights:
        everything = False
        ranges: list[Range] = []
        owners: set[int] = set()
        in_teams: set[int] = set()
        for person, roles in standing.held.items():
            if person != user.pk:
                owners.add(person)
            for role, numbers in roles:
                scope = ROLES[role].rights().get(right)
                if scope is None:
                    continue
                owners.add(person)
                everything = everything or scope is Scope.ALL
                if scope is Scope.UNIT:
                    ranges += numbers
                elif scope is Scope.TEAM:
                    in_teams.add(person)
        if in_teams and not everything:
            owners |= _mates(standing, frozenset(in_teams))
        standing.sights[right] = Sight(everything, joined(ranges), frozenset(owners))
    return standing.sights[right]


def _mates(standing: _Standing, people: frozenset[int]) -> set[int]:
    if people not in standing.mates:
        standing.mates[people] = team_mates(people)
    return standing.mates[people]


def team_mates(people: Iterable[int]) -> set[int]:
    """Ids of those who work today in the teams these people (ids) lead or work in, inactive ones included."""
    with connection.cursor() as cursor:
        cursor.execute(*prepared(_MATES, {"people": list(people), "day": clock.today()}))
        return {person for (person,) in cursor.fetchall()}


def unit_ranges(unit: OrgUnit) -> tuple[Range, ...]:
    """Numbers of the unit with all below it at this moment, former numbers of moved units considered (recipes §6)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT u.no, u.last_no,
                 ARRAY(SELECT f.no FROM staff_unitformerno f JOIN staff_orgunit o ON o.id = f.unit_id
                       WHERE o.no BETWEEN u.no AND u.last_no),
                 ARRAY(SELECT f.no FROM staff_unitformerno f JOIN staff_orgunit o ON o.id = f.unit_id
                       WHERE f.no BETWEEN u.no AND u.last_no AND o.no NOT BETWEEN u.no AND u.last_no)
               FROM staff_orgunit u WHERE u.id = %s""",
            [unit.pk],
        )
        row = cursor.fetchone()
    return _ranges(*row) if row else ()


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
    setattr(user, _KEPT, None)
