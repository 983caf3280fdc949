"""Reads about the people a lead answers for: their load, their absences, and what nobody stands in for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Q, QuerySet
from django.utils.safestring import SafeString

from foundation.common import clock
from foundation.ui.parts.lists import bar
from outreach.filters import FollowUpFilter
from outreach.queries import WORKERS, followups_in_view
from staff.models import Absence, RoleAssignment, User, holds_on
from staff.rights import sight_of
from workspace.figures import CAP, capped, list_url, say_count

FULL = 20  # open duties at which a person's bar is full when nobody of the page has more


@dataclass(frozen=True)
class Member:
    """One person of the board with capped counts, each beside the address of the list behind it."""

    user: User
    open: int
    overdue: int
    done_today: int
    absence: Absence | None
    load: SafeString

    @property
    def figures(self) -> list[tuple[str, str, str]]:
        """(key, number in words, address of the list) of open, overdue and done."""
        pk = self.user.pk
        return [
            ("open", say_count(self.open), list_url(view="all", owner=pk)),
            ("overdue", say_count(self.overdue), list_url(view="all", owner=pk, due="overdue")),
            ("done", say_count(self.done_today), list_url(view="closed", owner=pk, done="today")),
        ]

    @property
    def open_words(self) -> str:
        return say_count(self.open)

    @property
    def is_uncovered(self) -> bool:
        """Absent with nobody named to stand in: new work and clocks fall to the lead (D§3.3)."""
        return self.absence is not None and self.absence.delegate is None


def people_of(user: User) -> QuerySet[User]:
    """Those whose work the user's board shows today: of the scope of "workspace.board", able to take duties."""
    seen = sight_of(user, "workspace.board").rows(unit_no="unit__no", owner="pk")
    workers = RoleAssignment.objects.filter(holds_on(clock.today()), role__in=WORKERS).values("user")
    return User.objects.filter(seen, pk__in=workers, is_active=True, kind=User.Kind.HUMAN).select_related("unit")


def with_counts(people: QuerySet[User], viewer: User) -> QuerySet[User]:
    """`people` with `open_n`, `overdue_n`, `done_n`: duties the viewer sees, each counted to the cap at most."""
    theirs = {"owner": OuterRef("pk")}
    shown, closed = (followups_in_view(viewer, view).filter(**theirs) for view in ("all", "closed"))
    return people.annotate(
        open_n=capped(shown),
        overdue_n=capped(FollowUpFilter({"due": "overdue"}, shown).qs),
        done_n=capped(FollowUpFilter({"done": "today"}, closed).qs),
    )


def members(people: list[Any], at: datetime) -> list[Member]:
    """`people` (of `with_counts`) with their absence now, the most overdue first: one query."""
    away = {
        absence.user_id: absence
        for absence in Absence.objects.filter(user__in=people, starts_at__lte=at)
        .filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at))
        .select_related("delegate")
    }
    most = max([FULL, *(person.open_n for person in people)])
    found = [
        Member(
            person,
            person.open_n,
            person.overdue_n,
            person.done_n,
            away.get(person.pk),
            bar(min(person.open_n, CAP) / most, "danger" if person.overdue_n else ""),
        )
        for person in people
    ]
    return sorted(found, key=lambda member: (-member.overdue, -member.open, member.user.pk))
