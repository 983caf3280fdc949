"""Reads of interactions that pages, panels and the call chip need."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet

from customers.visibility import Opener
from foundation.common import clock
from foundation.common.prepared import read
from interactions.lifecycle import Caller
from interactions.models import Call, Interaction, Topic
from staff.models import User

CALL_FADES_AFTER = timedelta(hours=4)


def contacts_in_view(user: User, view: str, place: int | None = None) -> QuerySet[Interaction]:
    """The rows behind a tab of the list, newest first: own, own to be logged, those without a customer yet, all of the
    scope, those outside a scope. `place`: only those that came in there."""
    rows = Interaction.objects.select_related("customer", "staff", "topic", "next_action", "place").order_by("-pk")
    if place is not None:
        rows = rows.filter(place=place)
    if view == "all":
        return rows.filter(pk__in=Interaction.objects.visible_to(user).values("pk"))
    if view == "unknown":
        seen = Interaction.objects.visible_to(user).values("pk")
        return rows.filter(pk__in=seen, caller=Caller.UNKNOWN, customer__isnull=True)
    if view == "foreign":
        return rows.filter(pk__in=Interaction.objects.visible_to(user).values("pk"), out_of_scope=True)
    rows = rows.filter(staff=user)
    return rows.to_log() if view == "to-log" else rows


def place_asked(query: Mapping[str, str]) -> int | None:
    """The id of the place a list is filtered by, if the address names one."""
    text = query.get("place", "")
    return int(text) if text.isdecimal() and len(text) <= 9 else None


# Customers the user's own contacts make visible and clear now (D§3.1).
CUSTOMERS_OPEN = Opener(
    "SELECT customer_id FROM interactions_interaction"
    " WHERE staff_id = %s AND opens_until > %s AND customer_id IS NOT NULL",
    lambda user: [user.pk, clock.now()],
)


def live_call(user: User) -> Call | None:
    """The call that rings or runs at the user's extension, if any."""
    return Call.objects.live_for(user, clock.now() - CALL_FADES_AFTER).first()


def topic_coded(code: str) -> Topic | None:
    """The topic of a code, with the one above it."""
    found = read(
        Topic,
        "WHERE t.code = %s OR t.id = (SELECT c.parent_id FROM interactions_topic c WHERE c.code = %s)",
        [code, code],
    )
    by_code = {topic.code: topic for topic in found}
    topic = by_code.pop(code, None)
    for above in by_code.values():
        if topic is not None:
            topic.parent = above
    return topic


def topic_tree() -> list[Topic]:
    """Every topic, retired ones too, each of the first level followed by those below it; parents are loaded."""
    topics = list(Topic.objects.order_by("order", "pk"))
    tops = {topic.pk: topic for topic in topics if topic.parent_id is None}
    below: dict[int, list[Topic]] = {}
    for topic in topics:
        if topic.parent_id is not None:
            topic.parent = tops[topic.parent_id]
            below.setdefault(topic.parent_id, []).append(topic)
    return [topic for top in tops.values() for topic in (top, *below.get(top.pk, []))]


def topic_choices() -> list[tuple[str, Any]]:
    """Active topics for a select: the first level groups the second, one without a second level stands alone."""
    topics = list(Topic.objects.filter(active=True).order_by("order", "pk"))
    below: dict[int, list[Topic]] = {}
    for topic in topics:
        if topic.parent_id is not None:
            below.setdefault(topic.parent_id, []).append(topic)
    choices: list[tuple[str, Any]] = [("", "")]
    for top in (topic for topic in topics if topic.parent_id is None):
        children = below.get(top.pk, [])
        if children:
            choices.append((str(top), [(top.code, str(top)), *((child.code, str(child)) for child in children)]))
        else:
            choices.append((top.code, str(top)))
    return choices
