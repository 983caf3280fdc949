"""Reads behind the queue of cases: which rows a view has, in which order, how many, and what stands beside one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, reduce
from operator import or_
from typing import Any, NamedTuple, cast

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from complaints.counting import MOST_COUNTED, WORK_RIGHT, counts_for, keys_for
from complaints.lifecycle import HandoverState, State
from complaints.models import Complaint, Handover, Part, Seat
from complaints.models.cases import PART_RIGHT, VIEW_RIGHT, ComplaintQuerySet
from complaints.team.signing import SIGNED_FROM, SIGNED_SQL, signed_for, standing_items
from complaints.watching.waiting import cases_waiting
from customers.visibility import Opener
from foundation.common import clock
from foundation.common.paging import among
from foundation.common.prepared import prepared
from foundation.ui.navigation import FrameQuery
from staff.models import User
from staff.rights import acted_for, sight_of

# The tabs of the queue: key -> words.
VIEW_WORDS: dict[str, Any] = {
    "mine": _("My cases"),
    "pool": _("To take"),
    "offered": _("Offered to me"),
    "decide": _("To decide"),
    "breached": _("Breached"),
    "today": _("Due today"),
    "waiting": _("Paused"),
    "callback": _("Callback"),
    "all": _("All open"),
    "closed": _("Closed"),
}
VIEW_TONES = {"offered": "info", "decide": "warn", "breached": "danger", "today": "warn"}
CASE_NUMBER = re.compile(r"CP\d{8}\d{6,}", re.ASCII)


def people_of(user: User) -> list[int]:
    """The user and those acted for (D§3.3), as ids."""
    return [user.pk, *sorted(acted_for(user))]


@dataclass(frozen=True)
class View:
    """A view of the queue: all rows of its kind in their total order, and the parts of them the user sees, each of
    which an index gives in that order (`foundation.common.paging.keyset_page`)."""

    rows: ComplaintQuerySet
    streams: list[Q]

    @property
    def seen(self) -> ComplaintQuerySet:
        """The rows as one set: for acts on all of them and for files."""
        return self.rows.filter(reduce(or_, self.streams))


def sight_streams(user: User) -> list[Q]:
    """`Complaint.objects.visible_to` in parts."""
    sight = sight_of(user, VIEW_RIGHT)
    if sight.everything:
        return [~Q(pk__in=[])]
    found: list[Q] = []
    if sight.ranges or sight.owners:
        found += sight.streams(unit_no="unit_no", owner="owner_id")
        found += sight.streams(unit_no="work_unit_no", owner="handler_id")
    if sight.owners:
        found.append(among(Seat.objects.filter(user__in=sorted(sight.owners)).values("complaint")))
    parts = sight_of(user, PART_RIGHT)
    if parts.ranges or parts.owners:
        given = Part.objects.filter(parts.rows(unit_no="unit_no", owner="handler_id"))
        found.append(among(given.values("complaint")))
    return found or [Q(pk__in=[])]


def view_of(user: User, key: str, at: datetime | None = None) -> View:
    """The rows behind a tab: open ones by the time left, ended ones by their end backwards; never those about the
    user (D§3.2)."""
    now = at or clock.now()
    rows = Complaint.objects.not_about(user)
    if key == "closed":
        return View(rows.ended().order_by("-closed_at", "-pk"), sight_streams(user))
    rows = rows.open().order_by("queue_at", "pk")
    people = people_of(user)
    if key == "mine":
        # A record of the past is nobody's duty until somebody takes it up.
        signed = standing_items(now).filter(sheet__signed_by__in=people).values("complaint")
        return View(rows, [Q(owner__in=people, source=""), Q(handler__in=people), among(signed)])
    if key == "pool":
        sight = sight_of(user, WORK_RIGHT)
        return View(rows.filter(handler=None, source=""), sight.streams(unit_no="work_unit_no", owner="owner_id"))
    if key == "offered":
        offers = Handover.objects.filter(offered_to(user), state=HandoverState.OFFERED)
        return View(rows, [among(offers.values("complaint"))])
    if key == "decide":
        return View(rows, [among(one) for one in cases_waiting(people)])
    if key == "breached":
        rows = rows.filter(queue_at__lt=now)
    elif key == "today":
        rows = rows.filter(queue_at__gte=now, queue_at__lt=_tomorrow(now))
    elif key == "waiting":
        rows = rows.filter(state=State.PAUSED)
    elif key == "callback":
        rows = rows.filter(state=State.CALLBACK)
    return View(rows, sight_streams(user))


def offered_to(user: User) -> Q:
    """The condition on hand-overs offered to the user, to who is absent and represented, or to the user's unit."""
    return Q(to__in=people_of(user)) | Q(to=None, to_unit=user.unit_id)


def _tomorrow(now: datetime) -> datetime:
    return clock.business_midnight(clock.today(now) + timedelta(days=1))


class Line(NamedTuple):
    """What a row of the queue shows; the names are those of `QuerySet.values_list`."""

    pk: int
    queue_at: datetime
    number: str
    subject: str
    state: str
    pause_reason: str
    grade: str
    channel: str
    area: str
    urges: int
    reopened: int
    service_late: bool
    statutory_late: bool
    received_at: datetime
    next_due_at: datetime | None
    closed_at: datetime | None
    version: int
    owner_id: int
    handler_id: int | None
    handler__name: str | None
    owner__name: str
    work_unit__name: str
    topic__name_zh: str | None
    topic__name_en: str | None
    customer__name: str | None
    customer__customer_type: str | None
    customer__facts__tier: str | None
    contact_name: str
    source: str


def listed(rows: QuerySet[Complaint]) -> QuerySet[Complaint, Line]:
    """The rows as lines of a list."""
    return cast("QuerySet[Complaint, Line]", rows.values_list(*Line._fields, named=True))


def first_lines(user: User, key: str, rows: QuerySet[Complaint], count: int) -> list[Line]:
    """The first `count` of `rows`, those of the tab `key` filtered and in order, that the user sees, as lines."""
    return lines_of(keys_for(user, key, rows, count, people=people_of(user), now=clock.now()))


def lines_of(keys: Sequence[int]) -> list[Line]:
    """The cases of these keys as lines, in the order of the keys: one statement, planned once for each connection."""
    if not keys:
        return []
    with connection.cursor() as cursor:
        cursor.execute(*prepared(_lines_by_key(), [list(keys)]))
        found = {row[0]: Line._make(row) for row in cursor.fetchall()}
    return [found[key] for key in keys if key in found]


@cache
def _lines_by_key() -> str:
    sql, _none = listed(Complaint.objects.all()).query.sql_with_params()
    return f'{sql} WHERE "complaints_complaint"."id" = ANY(%s)'


def line_of(pk: int) -> Line:
    """One case as a line. Raises Complaint.DoesNotExist."""
    return listed(Complaint.objects.filter(pk=pk)).get()


def counts_of(user: User, keys: Sequence[str]) -> dict[str, int]:
    """How many rows the views `keys` have, counted to 100: one statement for all."""
    now = clock.now()
    return counts_for(user, keys, people=people_of(user), now=now, tomorrow=_tomorrow(now))


def said_count(number: int) -> str:
    """A count as a badge shows it: "99+" where there are more."""
    return f"{MOST_COUNTED}+" if number > MOST_COUNTED else str(number)


@dataclass(frozen=True)
class Around:
    """Where a case stands in the view it was opened from: its place, how many there are, the one before and after."""

    place: str
    total: str
    before: int | None
    after: int | None


def around(rows: ComplaintQuerySet, case: Complaint) -> Around | None:
    """The place of an open case among `rows` (those of a view, filtered, in their order): one statement. None where the
    view has no other row and the case is not in it any more."""
    backwards = str(rows.query.order_by[0]).startswith("-")
    at = case.closed_at if backwards else case.queue_at
    if at is None:
        return None
    column = "closed_at" if backwards else "queue_at"
    higher = Q(**{f"{column}__gt": at}) | Q(**{column: at, "pk__gt": case.pk})
    lower = Q(**{f"{column}__lt": at}) | Q(**{column: at, "pk__lt": case.pk})
    earlier, later = (higher, lower) if backwards else (lower, higher)
    flipped = ["closed_at", "pk"] if backwards else ["-queue_at", "-pk"]
    asked = [
        rows.filter(earlier).order_by(*flipped).values("pk")[:1],
        rows.filter(later).values("pk")[:1],
        *(part.order_by().values("pk")[: MOST_COUNTED + 1] for part in (rows.filter(earlier), rows)),
    ]
    parts, params = [], list[Any]()
    for number, query in enumerate(asked):
        sql, given = query.query.sql_with_params()
        parts.append(f"({sql})" if number < 2 else f"(SELECT count(*) FROM ({sql}) few)")
        params += given
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", params)
        before, after, passed, total = cursor.fetchone()
    if before is None and after is None and not total:
        return None
    return Around(said_count(passed + 1), said_count(total), before, after)


def case_numbered(text: str) -> Complaint | None:
    """The case of a full number (D§3.1: it is found whoever asks; what is shown of it is another matter)."""
    number = "".join(text.split()).upper()
    if not CASE_NUMBER.fullmatch(number):
        return None
    return Complaint.objects.filter(number=number).select_related("customer", "work_unit").first()


def own_among(user: User, cases: Iterable[Line | Complaint]) -> set[int]:
    """Those of the cases in which the user, or who is represented, has the customer in clear: owner or handler of an
    open one, of a record of the past the handler alone."""
    people, signed = set(people_of(user)), {key for key, _person in signed_for(user)}
    return {
        case.pk
        for case in cases
        if case.closed_at is None
        and (people & {None if case.source else case.owner_id, case.handler_id} or case.pk in signed)
    }


# While a case is open, its customer is visible and clear to who answers for it or works on it (D§3.1).
CUSTOMERS_COMPLAINING = Opener(
    "SELECT customer_id FROM complaints_complaint WHERE closed_at IS NULL AND customer_id IS NOT NULL"
    " AND owner_id = ANY(%s) AND source = '' UNION ALL SELECT customer_id FROM complaints_complaint"
    " WHERE closed_at IS NULL AND customer_id IS NOT NULL AND handler_id = ANY(%s) UNION ALL"
    f" SELECT c.customer_id {SIGNED_FROM.format(now='%s', people='%s')}"
    " AND c.closed_at IS NULL AND c.customer_id IS NOT NULL",
    lambda user: [people_of(user), people_of(user), clock.now(), people_of(user)],
)

# How many open cases are the user's. The frame of every page asks for it.
MY_CASES = FrameQuery(
    "SELECT count(*) FROM (SELECT id FROM complaints_complaint WHERE closed_at IS NULL AND handler_id = ANY(%s)"
    " AND about_staff_id IS DISTINCT FROM %s UNION SELECT id FROM complaints_complaint WHERE closed_at IS NULL"
    " AND owner_id = ANY(%s) AND source = '' AND about_staff_id IS DISTINCT FROM %s UNION SELECT id FROM"
    " complaints_complaint WHERE closed_at IS NULL AND about_staff_id IS DISTINCT FROM %s"
    f" AND id = ANY(ARRAY({SIGNED_SQL.format(now='%s', people='%s')})) LIMIT %s) few",
    lambda user: [
        people_of(user),
        user.pk,
        people_of(user),
        user.pk,
        user.pk,
        clock.now(),
        people_of(user),
        MOST_COUNTED + 1,
    ],
    lambda number: None if not number else said_count(number),
)

# How many mails kept aside nobody decided about.
KEPT_MAILS = FrameQuery(
    "SELECT count(*) FROM (SELECT 1 FROM complaints_keptmail LIMIT %s) few",
    lambda _user: [MOST_COUNTED + 1],
    lambda number: None if not number else said_count(number),
)
