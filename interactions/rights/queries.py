"""Reads of rights requests that pages, panels and counts need."""

from __future__ import annotations

from django.db.models import QuerySet

from customers.visibility import Opener
from foundation.common import clock
from foundation.ui.navigation import FrameQuery
from interactions.models import RightsRequest
from interactions.rights.lifecycle import RIGHTS_OPEN
from staff.models import User

MOST = 99
_OPEN = ", ".join(f"'{state}'" for state in RIGHTS_OPEN)

# While a request is open, its customer is visible and clear to who answers for it.
CUSTOMERS_ASKING = Opener(
    "SELECT customer_id FROM interactions_rightsrequest"
    f" WHERE (owner_id = %s OR handed_to_id = %s) AND state IN ({_OPEN})",
    lambda user: [user.pk, user.pk],
)
OPEN_COUNT = FrameQuery(
    f"SELECT count(*) FROM (SELECT FROM interactions_rightsrequest WHERE state IN ({_OPEN})"
    " AND (owner_id = %s OR handed_to_id = %s) LIMIT %s) few",
    lambda user: [user.pk, user.pk, MOST + 1],
    lambda number: None if not number else f"{MOST}+" if number > MOST else str(number),
)


def requests_in_view(user: User, view: str) -> QuerySet[RightsRequest]:
    """The rows behind a tab: open ones by due moment, overdue ones, closed ones newest first."""
    rows = RightsRequest.objects.visible_to(user).select_related("customer", "owner", "handed_to")
    if view == "closed":
        return rows.filter(closed_at__isnull=False).order_by("-closed_at", "-pk")
    return (rows.overdue(clock.now()) if view == "overdue" else rows.open()).order_by("due_at", "pk")


def open_requests_of(customer_id: int) -> list[RightsRequest]:
    """The open requests of a customer, the first due first."""
    return list(RightsRequest.objects.open().filter(customer_id=customer_id).order_by("due_at", "pk"))
