"""Who carries how much: the people of an area with their open cases, whether they are there, and their limit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, FilteredRelation, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from foundation.policies.reading import policy
from foundation.ui.wording import say_moment
from staff.models import OrgUnit, RoleAssignment, Shift, User, holds_on
from staff.rights import sight_of

FIGURES_RIGHT = "complaints.figures"
WORKERS = ("COMPLAINT_HANDLER",)
PLAN = timedelta(days=7)  # who has a shift in the plan of this week works by shifts


@dataclass(frozen=True)
class Worker:
    """One person with what they carry. `state`: "present", "away" (with who acts for them, if anybody) or "off" (works
    by shifts, none now); `limit`: how many open cases at most."""

    pk: int
    name: str
    staff_no: str
    unit_id: int
    unit: str
    skills: tuple[str, ...]
    away_until: datetime | None
    away: bool
    delegate: str
    off: bool
    open: int
    late: int
    closed: int
    limit: int

    @property
    def state(self) -> str:
        return "away" if self.away else "off" if self.off else "present"

    @property
    def is_over(self) -> bool:
        """Carries more than the limit."""
        return self.open > self.limit

    @property
    def state_words(self) -> str:
        """The state in words, with who stands in and until when."""
        if not self.away:
            return _("off shift") if self.off else _("present")
        if self.delegate:
            return _("away, %(name)s stands in") % {"name": self.delegate}
        return _("away, nobody stands in")

    @property
    def until_words(self) -> str:
        """Until when somebody is away."""
        return _("until %(until)s") % {"until": say_moment(self.away_until)} if self.away_until else ""


def people_rows(user: User, now: datetime, besides: Collection[int] = ()) -> QuerySet[User, Any]:
    """Those whose load the user looks after (of the scope of "complaints.figures"): handlers, and `besides` by id; one
    statement with their absence and whether they work now."""
    seen = sight_of(user, FIGURES_RIGHT).rows(unit_no="unit__no", owner="pk")
    workers = RoleAssignment.objects.filter(holds_on(now.date()), role__in=WORKERS).values("user")
    rows = User.objects.people().filter(seen & Q(pk__in=workers) | Q(pk__in=list(besides)))
    return with_presence(rows, now)


def with_presence(rows: QuerySet[User], now: datetime) -> QuerySet[User, Any]:
    """`rows` with `away_from` (set while absent), `away_until`, `delegate`, and whether they are `off` their shift."""
    absent = Q(absences__starts_at__lte=now) & (Q(absences__ends_at__isnull=True) | Q(absences__ends_at__gt=now))
    theirs = Shift.objects.filter(user=OuterRef("pk"))
    planned = theirs.filter(starts_at__gt=now - PLAN, starts_at__lt=now + PLAN)
    return rows.annotate(
        absent=FilteredRelation("absences", condition=absent),
        away_from=F("absent__starts_at"),
        away_until=F("absent__ends_at"),
        delegate=F("absent__delegate__name"),
        off=Exists(planned) & ~Exists(theirs.filter(starts_at__lte=now, ends_at__gt=now)),
    )


def limits_of(unit_ids: Iterable[int]) -> dict[int, int]:
    """The limit of open cases per person in each unit (the nearest unit above that has one, else the common one): one
    statement at most."""
    wanted = set(unit_ids)
    units = dict(OrgUnit.objects.values_list("pk", "parent_id")) if wanted else {}
    return {key: policy("complaints.load.most_open", unit=_path(key, units)) for key in wanted}


def _path(unit: int | None, parents: Mapping[int, int | None]) -> list[int]:
    found: list[int] = []
    while unit is not None and unit not in found:
        found.append(unit)
        unit = parents.get(unit)
    return found


def workers_of(
    people: Iterable[Any],
    *,
    open_of: Mapping[int, int],
    late_of: Mapping[int, int],
    closed_of: Mapping[int, int],
) -> list[Worker]:
    """The people (of `with_presence`, with their units) with what they carry, who is most in need first: by missed
    deadlines, then by how far over or near the limit they are."""
    rows = list(people)
    limits = limits_of(row.unit_id for row in rows)
    found = [
        Worker(
            pk=row.pk,
            name=row.name,
            staff_no=row.staff_no,
            unit_id=row.unit_id,
            unit=row.unit.name,
            skills=tuple(row.skills),
            away_until=row.away_until,
            away=row.away_from is not None,
            delegate=row.delegate or "",
            off=row.off,
            open=open_of.get(row.pk, 0),
            late=late_of.get(row.pk, 0),
            closed=closed_of.get(row.pk, 0),
            limit=limits[row.unit_id],
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: (-one.late, -one.open / one.limit, one.name, one.pk))
