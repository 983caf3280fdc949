"""Reads behind the pages of administration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Prefetch, Q, QuerySet

from foundation.common import clock
from staff.models import Absence, OrgUnit, RoleAssignment, Shift, Team, TeamMember, UnitHead, User, holds_on
from staff.picking import matching_people
from staff.rights import sight_of


def _away(at: datetime) -> QuerySet[Absence]:
    return Absence.objects.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at), starts_at__lte=at)


def user_rows(viewer: User, *, q: str = "", role: str = "", state: str = "") -> QuerySet[User]:
    """People visible to `viewer` by staff number, with unit, roles held today and the present absence; four queries."""
    now = clock.now()
    rows = matching_people(viewer, q).select_related("unit").order_by("staff_no", "pk")
    held = RoleAssignment.objects.filter(holds_on(clock.today(now)))
    if role:
        rows = rows.filter(pk__in=held.filter(role=role).values("user"))
    if state == "closed":
        rows = rows.filter(is_active=False)
    elif state:
        away = _away(now).values("user")
        rows = rows.filter(is_active=True)
        rows = rows.filter(pk__in=away) if state == "absent" else rows.exclude(pk__in=away)
    result: QuerySet[User] = rows.prefetch_related(
        Prefetch("role_assignments", held.order_by("role"), to_attr="roles_today"),
        Prefetch("absences", _away(now).select_related("delegate"), to_attr="away_now"),
    )
    return result


@dataclass(frozen=True)
class UnitLine:
    """A unit in the tree: how deep it hangs, who heads it today, how many people belong to it."""

    unit: OrgUnit
    depth: int
    head: User | None
    people: int


def unit_tree(viewer: User) -> list[UnitLine]:
    """The units in `viewer`'s sight of "staff.view", depth-first; three queries."""
    units = list(
        OrgUnit.objects.filter(sight_of(viewer, "staff.view").rows(unit_no="no", owner=None))
        .annotate(people=Count("users", filter=Q(users__is_active=True)))
        .order_by("no")
    )
    heads = {
        head.unit_id: head.user
        for head in UnitHead.objects.filter(holds_on(clock.today()), unit__in=units).select_related("user")
    }
    depths: dict[int, int] = {}
    lines = []
    for unit in units:
        depths[unit.pk] = depths.get(unit.parent_id or 0, -1) + 1
        lines.append(UnitLine(unit, depths[unit.pk], heads.get(unit.pk), unit.people))
    return lines


def teams_visible(viewer: User) -> QuerySet[Team]:
    """Teams in `viewer`'s units, and those the viewer leads or works in."""
    sight = sight_of(viewer, "staff.view")
    own = Q(lead=viewer) | Q(pk__in=TeamMember.objects.filter(holds_on(clock.today()), user=viewer).values("team"))
    return Team.objects.filter(sight.rows(unit_no="unit__no", owner=None) | own).select_related("unit", "lead")


def absences_visible(viewer: User, right: str = "staff.absence") -> QuerySet[Absence]:
    """Absences of the people `right` opens to `viewer`."""
    sight = sight_of(viewer, right)
    return Absence.objects.filter(sight.rows(unit_no="user__unit__no", owner="user_id")).select_related(
        "user__unit", "delegate", "created_by"
    )


def shifts_visible(viewer: User, *, first: date, last: date) -> QuerySet[Shift]:
    """Shifts that begin in a span of days (business zone), of the people "staff.absence" opens to `viewer`."""
    sight = sight_of(viewer, "staff.absence")
    return (
        Shift.objects.filter(
            sight.rows(unit_no="user__unit__no", owner="user_id"),
            starts_at__gte=clock.business_midnight(first),
            starts_at__lt=clock.business_midnight(date.fromordinal(last.toordinal() + 1)),
        )
        .select_related("user__unit")
        .order_by("starts_at", "pk")
    )


def monday_of(text: str) -> date:
    """The Monday of the week a day (ISO) lies in; of this week when the text is no day."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = clock.today()
    day = min(max(day, date(2000, 1, 3)), date(2199, 12, 25))
    return day - timedelta(days=day.weekday())


def shifts_of_week(viewer: User, monday: date) -> QuerySet[Shift]:
    """The shifts of one week."""
    return shifts_visible(viewer, first=monday, last=monday + timedelta(days=6))


def absences_asked(viewer: User, *, past: bool) -> QuerySet[Absence]:
    """Absences now and to come, or past ones, the latest first."""
    now, rows = clock.now(), absences_visible(viewer)
    if past:
        return rows.filter(ends_at__lte=now).order_by("-starts_at", "-pk")
    return rows.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=now)).order_by("starts_at", "pk")
