"""Reads behind the first-ask board, the suggestion pages and their counts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from customers.visibility import Opener
from foundation.common import clock
from foundation.ui.navigation import FrameQuery
from interactions.models import Matter, MatterOffer, Suggestion
from interactions.models.matters import MatterQuerySet
from interactions.models.suggestions import SuggestionQuerySet
from interactions.stages import SuggestionState
from staff.models import User
from staff.rights import acted_for, sight_of

MOST_COUNTED = 99


def _people(user: User) -> list[int]:
    """The user and those acted for (D§3.3), as ids."""
    return [user.pk, *sorted(acted_for(user))]


def offered_to(user: User) -> QuerySet[MatterOffer]:
    """Offers the user, or who acts for them, must answer."""
    return MatterOffer.objects.open().filter(to__in=_people(user))


def matters_in_view(user: User, view: str) -> MatterQuerySet:
    """The rows behind a tab of the board, in its total order: open ones by due, closed ones by due backwards."""
    people = _people(user)
    if view == "closed":
        rows = Matter.objects.visible_to(user).filter(closed_at__isnull=False)
        return _with_people(rows).order_by("-due_at", "-pk")
    rows = Matter.objects.open().not_about(user)
    if view == "to-do":
        offers = offered_to(user).values("matter")
        rows = rows.filter(Q(owner__in=people) | Q(handler__in=people) | Q(escalated_to=user) | Q(pk__in=offers))
    elif view == "offered":
        rows = rows.filter(pk__in=offered_to(user).values("matter"))
    elif view == "handling":
        rows = rows.filter(handler__in=people).exclude(owner__in=people)
    elif view == "overdue":
        rows = Matter.objects.visible_to(user).overdue(clock.now())
    elif view == "all":
        rows = Matter.objects.visible_to(user).open()
    else:
        rows = rows.filter(Q(owner__in=people) | Q(escalated_to=user))
    return _with_people(rows).order_by("due_at", "pk")


def _with_people(rows: MatterQuerySet) -> MatterQuerySet:
    return rows.select_related("owner", "handler", "customer", "topic", "escalated_to")


def matters_due(user: User, first: datetime, last: datetime) -> QuerySet[Matter]:
    """Matters of the scope of `interactions.figures` whose answer was due in [first, last), without complaints about
    the user."""
    sight = sight_of(user, "interactions.figures")
    rows = Matter.objects.not_about(user).filter(sight.rows(unit_no="unit_no", owner="owner_id"))
    return rows.filter(due_at__gte=first, due_at__lt=last)


def suggestions_in_view(user: User, view: str) -> SuggestionQuerySet:
    """The rows behind a tab of the list: what is awaited by due, everything else newest first."""
    rows = Suggestion.objects.visible_to(user).select_related("owner", "customer", "topic")
    if view == "overdue":
        return rows.overdue(clock.now()).order_by("due_at", "pk")
    if view == "mine":
        return rows.filter(owner__in=_people(user)).unanswered().order_by("-pk")
    if view == "open":
        return rows.unanswered().order_by("-pk")
    if view == "to-do":
        return rows.to_put_into_effect().order_by("-pk")
    return rows.order_by("-pk")


# How many rows the first view of the board has. The frame of every page asks for it.
MY_MATTERS = FrameQuery(
    "SELECT count(*) FROM (SELECT id FROM interactions_matter WHERE closed_at IS NULL AND owner_id = ANY(%s)"
    " UNION SELECT id FROM interactions_matter WHERE closed_at IS NULL AND handler_id = ANY(%s)"
    " UNION SELECT id FROM interactions_matter WHERE closed_at IS NULL AND escalated_to_id = %s"
    " UNION SELECT matter_id FROM interactions_matteroffer WHERE state = 'OPEN' AND to_id = ANY(%s) LIMIT %s) few"
    " WHERE NOT EXISTS (SELECT FROM interactions_matter m JOIN interactions_interaction c ON c.id = m.contact_id"
    " WHERE m.id = few.id AND c.about_staff_id = %s)",
    lambda user: [*[_people(user)] * 2, user.pk, _people(user), MOST_COUNTED + 1, user.pk],
    lambda number: None if not number else f"{MOST_COUNTED}+" if number > MOST_COUNTED else str(number),
)


# While a matter is open, its customer is visible and clear to who answers for it or works on it (D§3.1).
CUSTOMERS_WAITING = Opener(
    "SELECT customer_id FROM interactions_matter WHERE closed_at IS NULL AND customer_id IS NOT NULL"
    " AND owner_id = ANY(%s) UNION ALL SELECT customer_id FROM interactions_matter"
    " WHERE closed_at IS NULL AND customer_id IS NOT NULL AND handler_id = ANY(%s)",
    lambda user: [_people(user)] * 2,
)


def desk_rows(user: User) -> list[tuple[str, QuerySet[Any]]]:
    """What the desk counts of first-ask work: the key of each figure and its rows, which are those of the board."""
    return [
        ("offered", matters_in_view(user, "offered")),
        ("mine", matters_in_view(user, "mine")),
        ("handling", matters_in_view(user, "handling")),
        ("suggestions", suggestions_in_view(user, "mine")),
    ]


def next_states(suggestion: Suggestion) -> str:
    """The stage a suggestion waits for: "review", "decide", "answer", "finish" or "" when nothing is left."""
    if suggestion.state == SuggestionState.RECEIVED:
        return "review"
    if suggestion.state == SuggestionState.REVIEWED:
        return "decide"
    if suggestion.state != SuggestionState.ANSWERED:
        return "answer" if suggestion.contact.can_be_answered else ""
    return "finish" if suggestion.verdict == SuggestionState.ADOPTED and suggestion.done_at is None else ""
