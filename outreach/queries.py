"""Reads of outreach that pages, panels and counts need."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext as _

from foundation.common import clock
from foundation.common.paging import capped_count
from outreach.models import FollowUp, Notification, OutMessage
from outreach.models.followups import FollowUpQuerySet
from staff.models import Team, TeamMember, User, holds_on
from staff.rights import acted_for, sight_of
from staff.roles import ROLES

WORKERS = sorted(code for code, role in ROLES.items() if "outreach.work" in role.rights())
MOST_PEOPLE = 200
MOST_UNREAD = 99
MOST_OPENED = 500
LINE = (
    *("number", "kind", "subject", "priority", "state", "due_at", "created_at", "closed_at", "attempts"),
    *("last_outcome", "owner__name", "customer__name", "handed_to__name"),
)
VIEWS = ("mine", "all", "pool", "closed")


def my_followups(user: User) -> FollowUpQuerySet:
    """Open follow-ups the user must act on: own, of those acted for, and handed to the user as a lead."""
    people = [user.pk, *sorted(acted_for(user))]
    return FollowUp.objects.open().filter(Q(owner__in=people, pooled=False) | Q(handed_to=user))


def followups_in_view(user: User, view: str) -> FollowUpQuerySet:
    """The rows behind a tab of the list, in its total order: open ones by due, closed ones newest first."""
    if view == "closed":
        return FollowUp.objects.closed_in_sight_of(user).order_by("-closed_at", "-pk")
    if view == "pool":
        rows = FollowUp.objects.open().filter(pooled=True, team__in=teams_of(user))
    elif view == "all":
        rows = FollowUp.objects.visible_to(user).open()
    else:
        rows = my_followups(user)
    return rows.order_by("due_at", "pk")


def with_people(rows: QuerySet[FollowUp]) -> QuerySet[FollowUp]:
    """The rows with what a list line shows."""
    return rows.select_related("owner", "customer", "handed_to", "team")


def listed(rows: QuerySet[FollowUp]) -> QuerySet[FollowUp]:
    """The rows with what a list line shows and nothing else: of the people and the customer the name."""
    return rows.select_related("owner", "customer", "handed_to").only(*LINE)


@dataclass(frozen=True)
class Group:
    """Follow-ups of one part of the list; `key`: overdue, today or later."""

    key: str
    label: str
    tone: str
    rows: list[FollowUp]


def grouped(rows: list[FollowUp], at: datetime) -> list[Group]:
    """A page of open follow-ups, ordered by due, in its three parts; empty parts are left out."""
    tomorrow = clock.business_midnight(clock.today(at) + timedelta(days=1))
    parts = [
        Group("overdue", _("Overdue"), "danger", [row for row in rows if row.due_at <= at]),
        Group("today", _("Today"), "warn", [row for row in rows if at < row.due_at < tomorrow]),
        Group("later", _("Later"), "", [row for row in rows if row.due_at >= max(tomorrow, at)]),
    ]
    return [part for part in parts if part.rows]


def overdue_count(user: User) -> tuple[int, bool]:
    """How many of the user's follow-ups are overdue, capped ("500+")."""
    return capped_count(my_followups(user).filter(due_at__lte=clock.now()))


def my_count(user: User) -> str | None:
    """The badge of the menu: open follow-ups of the user; None for none."""
    number, more = capped_count(my_followups(user), 99)
    return None if not number else f"{number}+" if more else str(number)


def pool_count(user: User) -> tuple[int, bool]:
    """How many follow-ups of the user's teams wait for somebody to take them, capped."""
    return capped_count(FollowUp.objects.open().filter(pooled=True, team__in=teams_of(user)), 99)


def teams_of(user: User) -> QuerySet[Team]:
    """Teams the user works in or leads today."""
    member = user.team_memberships.filter(holds_on(clock.today())).values("team")
    return Team.objects.filter(Q(lead=user) | Q(pk__in=member)).order_by("name")


def colleagues_of(user: User) -> QuerySet[User]:
    """Active people of the user's unit, teams and scope who can take follow-ups: whom to name as owner. At most 200."""
    sight, teams = sight_of(user, "outreach.view"), teams_of(user).order_by()
    mates = TeamMember.objects.filter(holds_on(clock.today()), team__in=teams.values("pk")).values("user")
    near = Q(pk=user.pk) | Q(unit_id=user.unit_id) | Q(pk__in=mates) | Q(pk__in=teams.values("lead"))
    near |= sight.rows(unit_no="unit__no", owner="pk") if not sight.everything else Q()
    workers = User.objects.filter(near, is_active=True, kind=User.Kind.HUMAN).filter(
        pk__in=User.objects.filter(role_assignments__role__in=WORKERS).values("pk")
    )
    # A form asks the set for one more person: what was cut off could not be filtered any more, so it stands inside.
    return User.objects.filter(pk__in=workers.order_by("name", "pk").values("pk")[:MOST_PEOPLE]).order_by("name", "pk")


def messages_of(user: User) -> QuerySet[OutMessage]:
    """Messages of the last three months the user may see, newest first."""
    return OutMessage.objects.visible_to(user).recent().select_related("customer", "staff").order_by("-pk")


def newest_notifications(user: User, most: int) -> tuple[list[Notification], int]:
    """What the bell shows: the newest, and how many are unread (at most 99), in one query."""
    unread = RawSQL(
        "(SELECT count(*) FROM (SELECT FROM outreach_notification u"
        " WHERE u.user_id = %s AND u.read_at IS NULL LIMIT %s) few)",
        [user.pk, MOST_UNREAD],
    )
    found = list(Notification.objects.visible_to(user).annotate(unread_in_all=unread).order_by("-pk")[:most])
    newest: list[Notification] = [*found]
    return newest, int(found[0].unread_in_all) if found else 0


def unread_count(user: User) -> int:
    """Unread notifications, at most 99."""
    return Notification.objects.filter(user=user, read_at__isnull=True)[:MOST_UNREAD].count()


def customers_owed_by(user: User) -> list[int]:
    """Customers the user owes something now, as owner, stand-in or lead: visible and clear to them (D§3.1)."""
    owed = my_followups(user).filter(customer__isnull=False).order_by("due_at")
    return list(owed.values_list("customer_id", flat=True)[:MOST_OPENED])


def open_for_customer(customer_id: int, *, most: int = 6) -> list[FollowUp]:
    """The next open duties towards a customer, by due; one more than shown tells that there are others."""
    rows = FollowUp.objects.open().filter(customer_id=customer_id).select_related("owner", "handed_to")
    return list(rows.order_by("due_at", "pk")[:most])


def work_of(user: User) -> dict[str, Any]:
    """Figures of a person's open follow-ups for boards and hand-over."""
    rows = FollowUp.objects.open().filter(owner=user)
    return {"open": rows.count(), "overdue": rows.filter(due_at__lte=clock.now()).count()}
