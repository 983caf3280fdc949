"""Reads where a case is shared: hand-overs, parts, promises and joined cases of one case; groups and shifts of many."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q

from complaints.lifecycle import HandoverState
from complaints.models import CaseMerge, Complaint, Handover, Link, MediationCase, Order, Part, Promise
from complaints.services.handing import may_answer
from complaints.times import Held, times_of
from foundation.policies.reading import policy
from interactions.models import Topic
from staff.models import OrgUnit, Shift, User

SHIFT_ENDS_WITHIN = timedelta(hours=2)
MOST_SHOWN = 200


@dataclass
class Beside:
    """What hangs on a case. `mine`: open hand-overs the viewer may answer; `to_decide`: those for the coordinator."""

    handovers: list[Handover]
    mine: list[Handover] = field(default_factory=list)
    to_decide: list[Handover] = field(default_factory=list)
    waiting: list[Handover] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    merges: list[CaseMerge] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    members: list[Complaint] = field(default_factory=list)
    mediations: list[MediationCase] = field(default_factory=list)
    holders: list[tuple[str, Held]] = field(default_factory=list)
    units: list[tuple[str, Held]] = field(default_factory=list)


def beside(case: Complaint, user: User, now: datetime) -> Beside:
    """What hangs on a case, for `user`: a fixed number of queries."""
    offers = list(case.handovers.select_related("by", "to", "to_unit", "taken_by", "old").order_by("-pk"))
    found = Beside(offers)
    for offer in offers:
        if offer.state != HandoverState.OFFERED:
            continue
        found.waiting.append(offer)
        if offer.for_decision:
            found.to_decide += [offer] if user.has_perm("complaints.coordinate") else []
        elif offer.until > now and may_answer(offer, user, now):
            found.mine.append(offer)
    found.parts = list(case.parts.select_related("unit", "handler").order_by("pk"))
    found.promises = list(case.promises.select_related("owner").order_by("due_at", "pk"))
    found.orders = list(case.orders.select_related("to", "by").order_by("-pk"))
    found.merges = list(
        CaseMerge.objects.filter(master=case, undone_at=None).select_related("merged", "by").order_by("pk")
    )
    found.links = list(
        Link.objects.filter(Q(complaint=case) | Q(other=case)).select_related("complaint", "other").order_by("pk")
    )
    found.mediations = list(case.mediations.order_by("pk"))
    if case.is_parent:
        members = Complaint.objects.visible_to(user).filter(parent=case).select_related("customer")
        found.members = list(members.order_by("-pk")[:MOST_SHOWN])
    by_holder, by_unit = times_of(case, now)
    people = dict(User.objects.filter(pk__in=[held.key for held in by_holder if held.key]).values_list("pk", "name"))
    units = dict(OrgUnit.objects.filter(pk__in=[held.key for held in by_unit if held.key]).values_list("pk", "name"))
    found.holders = [(people.get(held.key or 0, ""), held) for held in by_holder]
    found.units = [(units.get(held.key or 0, ""), held) for held in by_unit]
    return found


@dataclass(frozen=True)
class Suggested:
    """Cases of one topic and area that look like one cause."""

    topic: Topic
    area: str
    customers: int
    cases: list[int]


def group_suggestions(user: User, now: datetime) -> list[Suggested]:
    """Topics and areas about which so many customers complained lately that they may have one cause (D§10.1)."""
    since = now - policy("complaints.group.within")
    rows = Complaint.objects.visible_to(user).open()
    rows = rows.filter(received_at__gte=since, parent=None, is_parent=False, topic__isnull=False)
    counted = rows.values("topic", "area").annotate(customers=Count("customer", distinct=True))
    found: list[Any] = list(counted.filter(customers__gte=policy("complaints.group.customers")).order_by("-customers"))
    topics = Topic.objects.select_related("parent").in_bulk([row["topic"] for row in found])
    return [
        Suggested(
            topics[row["topic"]],
            row["area"],
            row["customers"],
            list(rows.filter(topic=row["topic"], area=row["area"]).order_by("pk").values_list("pk", flat=True)[:1_000]),
        )
        for row in found
    ]


def shift_list(user: User, now: datetime) -> list[Complaint]:
    """What must be handed over at the end of a shift: open cases within the viewer's orders whose handler's shift has
    ended or ends within two hours, due before that handler is here again."""
    ends = Shift.objects.filter(starts_at__lte=now, ends_at__gt=now).values("user")
    staying = Shift.objects.filter(starts_at__lte=now, ends_at__gt=now + SHIFT_ENDS_WITHIN).values("user")
    on_shifts = Shift.objects.filter(starts_at__gt=now - timedelta(days=1), starts_at__lte=now).values("user")
    rows = Complaint.objects.visible_to(user).open().filter(Q(handler__in=ends) | Q(handler__in=on_shifts))
    found = list(
        rows.exclude(handler__in=staying)
        .exclude(next_due_at=None)
        .select_related("handler", "owner", "customer", "work_unit")
        .order_by("next_due_at", "pk")[:MOST_SHOWN]
    )
    coming = Shift.objects.filter(user__in={case.handler_id for case in found}, starts_at__gt=now).order_by(
        "-starts_at"
    )
    again = {shift.user_id: shift.starts_at for shift in coming}
    return [
        case for case in found if case.handler_id not in again or (case.next_due_at or now) < again[case.handler_id]
    ]
