"""Reads of outreach that pages, panels and counts need."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext as _

from customers.visibility import Opener
from foundation.common import clock
from foundation.common.paging import capped_count
from foundation.common.prepared import prepared
from foundation.ui.navigation import FrameQuery
from outreach.lifecycle import FollowUpKind, FollowUpState
from outreach.models import FollowUp, ManagerTransfer, OutMessage, RescueStep
from outreach.models.followups import FollowUpQuerySet
from staff.models import Team, User, holds_on
from staff.rights import acted_for, sight_of
from staff.roles import ROLES

WORKERS = sorted(code for code, role in ROLES.items() if "outreach.work" in role.rights())
MOST_PEOPLE = 200
MOST_UNREAD = 99
MOST_OPENED = 500
VIEWS = ("mine", "all", "pool", "closed")


def my_followups(user: User) -> FollowUpQuerySet:
    """Open follow-ups the user must act on: own, of those acted for, and handed to the user as a lead."""
    return FollowUp.objects.open().filter(Q(owner__in=_people(user), pooled=False) | Q(handed_to=user))


def _people(user: User) -> list[int]:
    """The user and those acted for, as ids."""
    return [user.pk, *sorted(acted_for(user))]


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


def closed_streams(user: User) -> tuple[FollowUpQuerySet, list[Q]]:
    """The closed tab in parts, for `keyset_page`: all closed ones in its order, and the conditions of those seen."""
    return FollowUp.objects.closed().order_by("-closed_at", "-pk"), sight_of(user, "outreach.view").streams()


def with_people(rows: QuerySet[FollowUp]) -> QuerySet[FollowUp]:
    """The rows with what a list line shows."""
    return rows.select_related("owner", "customer", "handed_to", "team")


class Line(NamedTuple):
    """What a list line shows of a follow-up; the names are those of `QuerySet.values_list`."""

    pk: int
    number: str
    kind: str
    subject: str
    priority: int
    state: str
    due_at: datetime
    created_at: datetime
    closed_at: datetime | None
    attempts: int
    last_outcome: str
    customer_id: int | None
    customer__name: str | None
    customer__customer_type: str | None
    owner__name: str
    handed_to__name: str | None


def listed(rows: QuerySet[FollowUp]) -> QuerySet[FollowUp, Line]:
    """The rows as lines of a list."""
    return cast("QuerySet[FollowUp, Line]", rows.values_list(*Line._fields, named=True))


def line_of(row: FollowUp) -> Line:
    """One follow-up as a line; loaded with it: owner, customer, handed_to."""
    stored = {name: getattr(row, name) for name in Line._fields if "__" not in name}
    customer = row.customer
    handed_to = row.handed_to.name if row.handed_to is not None else None
    return Line(
        **stored,
        customer__name=customer.name if customer is not None else None,
        customer__customer_type=customer.customer_type if customer is not None else None,
        owner__name=row.owner.name,
        handed_to__name=handed_to,
    )


@dataclass(frozen=True)
class Group:
    """Follow-ups of one part of the list; `key`: overdue, today or later."""

    key: str
    label: str
    tone: str
    rows: list[Line]


def grouped(rows: list[Line], at: datetime) -> list[Group]:
    """A page of open follow-ups, ordered by due, in its three parts; empty parts are left out."""
    tomorrow = clock.business_midnight(clock.today(at) + timedelta(days=1))
    parts = [
        Group("overdue", _("Overdue"), "danger", [row for row in rows if row.due_at <= at]),
        Group("today", _("Today"), "warn", [row for row in rows if at < row.due_at < tomorrow]),
        Group("later", _("Later"), "", [row for row in rows if row.due_at >= max(tomorrow, at)]),
    ]
    return [part for part in parts if part.rows]


# `my_followups` by hand, for what every page asks.
_MINE = "state = %s AND ((owner_id = ANY(%s) AND NOT pooled) OR handed_to_id = %s)"


def _mine(user: User) -> list[Any]:
    return [FollowUpState.OPEN, _people(user), user.pk]


_DESK = ("due_at <= %s", "due_at > %s AND due_at <= %s", "TRUE", "kind = %s")
_DESK_COUNTS = "SELECT " + ", ".join(
    f"(SELECT count(*) FROM (SELECT FROM outreach_followup WHERE {_MINE} AND {part} LIMIT %s) few)" for part in _DESK
)


def desk_counts(user: User, at: datetime, soon: datetime, most: int) -> tuple[int, int, int, int]:
    """How many of `my_followups` are overdue at `at`, due until `soon`, open, call-backs; each counted to `most`."""
    mine = _mine(user)
    parts: list[list[Any]] = [[at], [at, soon], [], [FollowUpKind.CALLBACK]]
    with connection.cursor() as cursor:
        cursor.execute(*prepared(_DESK_COUNTS, [value for part in parts for value in (*mine, *part, most)]))
        overdue, until_soon, every, callbacks = cursor.fetchone()
    return overdue, until_soon, every, callbacks


MY_COUNT = FrameQuery(
    f"SELECT count(*) FROM (SELECT FROM outreach_followup WHERE {_MINE} LIMIT %s) few",
    lambda user: [*_mine(user), MOST_UNREAD + 1],
    lambda number: None if not number else f"{MOST_UNREAD}+" if number > MOST_UNREAD else str(number),
)


def pool_count(user: User) -> tuple[int, bool]:
    """How many follow-ups of the user's teams wait for somebody to take them, capped."""
    return capped_count(FollowUp.objects.open().filter(pooled=True, team__in=teams_of(user)), 99)


def teams_of(user: User) -> QuerySet[Team]:
    """Teams the user works in or leads today."""
    member = user.team_memberships.filter(holds_on(clock.today())).values("team")
    return Team.objects.filter(Q(lead=user) | Q(pk__in=member)).order_by("name")


# Written by hand: as a queryset it costs more to put together than the rest of a list page.
_COLLEAGUES = """
WITH today AS (SELECT m.team_id, m.user_id FROM staff_teammember m
  WHERE m.from_day <= %s AND (m.to_day IS NULL OR m.to_day >= %s)),
mine AS (SELECT t.id, t.lead_id FROM staff_team t
  WHERE t.lead_id = %s OR t.id IN (SELECT team_id FROM today WHERE user_id = %s))
SELECT {columns} FROM staff_user u
WHERE u.is_active AND u.kind = %s
  AND EXISTS (SELECT FROM staff_roleassignment r WHERE r.user_id = u.id AND r.role = ANY(%s))
  AND u.id IN (
    SELECT lead_id FROM mine
    UNION ALL SELECT user_id FROM today JOIN mine ON mine.id = today.team_id
    UNION ALL SELECT unnest(%s::int[])
    UNION ALL SELECT id FROM staff_user WHERE unit_id = %s
    UNION ALL SELECT w.id FROM staff_user w JOIN staff_orgunit o ON o.id = w.unit_id WHERE o.no <@ %s::int4multirange)
ORDER BY u.name, u.id LIMIT %s
"""


def _near(user: User) -> list[Any]:
    """The parameters of `_COLLEAGUES`."""
    sight, day = sight_of(user, "outreach.view"), clock.today()
    numbers = ",".join(f"[{low},{high}]" for low, high in (() if sight.everything else sight.ranges))
    near = [[user.pk, *sorted(sight.owners)], user.unit_id, f"{{{numbers}}}"]
    return [day, day, user.pk, user.pk, User.Kind.HUMAN, WORKERS, *near, MOST_PEOPLE]


def colleagues_of(user: User) -> QuerySet[User]:
    """Active people of the user's unit, teams and scope who can take follow-ups: whom to name as owner. At most 200."""
    # A form asks the set for one more person: what was cut off could not be filtered any more, so it stands inside.
    some = RawSQL(_COLLEAGUES.format(columns="u.id"), _near(user))  # noqa: S611  values go as parameters
    return User.objects.filter(pk__in=some).order_by("name", "pk")


def colleague_names(user: User) -> list[tuple[int, str]]:
    """Ids and names of `colleagues_of`, by name: what a filter offers."""
    with connection.cursor() as cursor:
        cursor.execute(*prepared(_COLLEAGUES.format(columns="u.id, u.name"), _near(user)))
        return cursor.fetchall()


def messages_of(user: User) -> QuerySet[OutMessage]:
    """Messages of the last three months the user may see, newest first."""
    return OutMessage.objects.visible_to(user).recent().select_related("customer", "staff").order_by("-pk")


def rescue_of(message_id: int) -> list[RescueStep]:
    """What was done or is still owed so that the customer gets the message, and what it was sent instead of."""
    told = Q(message_id=message_id) | Q(result_id=message_id, step=RescueStep.Step.CHANNEL)
    return list(RescueStep.objects.filter(told).order_by("pk"))


# Id of the newest notification and how many are unread, at most 99. The frame of every page asks for it.
BELL_STATE = (
    "SELECT ARRAY[coalesce((SELECT id FROM outreach_notification WHERE user_id = %s ORDER BY id DESC LIMIT 1), 0),"
    " (SELECT count(*) FROM (SELECT FROM outreach_notification WHERE user_id = %s AND read_at IS NULL LIMIT %s) few)]"
)


def bell_params(user: User) -> list[int]:
    """The parameters of `BELL_STATE`."""
    return [user.pk, user.pk, MOST_UNREAD]


def bell_state(user: User) -> tuple[int, int]:
    """Id of the user's newest notification (0 for none) and the number of unread ones, at most 99."""
    with connection.cursor() as cursor:
        cursor.execute(BELL_STATE, bell_params(user))
        newest, unread = cursor.fetchone()[0]
    return newest, unread


# Customers the user owes something now, as owner, stand-in or lead: visible and clear to them (D§3.1).
CUSTOMERS_OWED = Opener(
    f"SELECT customer_id FROM outreach_followup WHERE {_MINE} AND customer_id IS NOT NULL ORDER BY due_at LIMIT %s",
    lambda user: [*_mine(user), MOST_OPENED],
)


def open_for_customer(customer_id: int, *, most: int = 6) -> list[Line]:
    """The next open duties towards a customer, by due; one more than shown tells that there are others."""
    rows = FollowUp.objects.open().filter(customer_id=customer_id).order_by("due_at", "pk")
    return list(listed(rows)[:most])


def transfers_seen(user: User) -> QuerySet[ManagerTransfer]:
    """Customers handed over, offered or claimed, as far as the user has to do with them, the newest first."""
    return ManagerTransfer.objects.visible_to(user).order_by("-pk")
