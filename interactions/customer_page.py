"""What the panels of interactions need on one customer's page: one statement for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from customers.models import Customer
from foundation.common.prepared import prepared
from interactions.complaint_queries import MOST_READ, TOPICS, ComplaintArchive, TopicCount
from interactions.models import Interaction
from staff.models import User

_KEPT = "_contacts_shown"
# The user's contact that is not written up, and the customer's complaints by topic.
_SHOWN = (
    "SELECT (SELECT row_to_json(c) FROM (SELECT id, number, started_at, ended_at, verified_until"
    " FROM interactions_interaction WHERE staff_id = %s AND customer_id = %s AND logged_at IS NULL"
    f" ORDER BY id DESC LIMIT 1) c), (SELECT json_agg(t) FROM ({TOPICS}) t)"
)


@dataclass(frozen=True)
class Shown:
    """The user's open contact with the customer, if any, and the archive of complaints."""

    contact: Interaction | None
    archive: ComplaintArchive


def shown_of(customer: Customer, user: User) -> Shown:
    """Read once and kept with the customer object: the panels of one page ask one after the other."""
    kept: tuple[int, Shown] | None = getattr(customer, _KEPT, None)
    if kept is not None and kept[0] == user.pk:
        return kept[1]
    with connection.cursor() as cursor:
        cursor.execute(*prepared(_SHOWN, [user.pk, customer.pk, customer.pk, user.pk, MOST_READ]))
        contact, topics = cursor.fetchone()
    counts = [
        TopicCount(
            row["code"],
            row["name_zh"] or "",
            row["name_en"] or "",
            row["number"],
            row["on_the_spot"],
            datetime.fromisoformat(row["last_at"]),
        )
        for row in topics or ()
    ]
    shown = Shown(_contact(contact) if contact else None, ComplaintArchive(counts))
    setattr(customer, _KEPT, (user.pk, shown))
    return shown


def _contact(row: dict[str, Any]) -> Interaction:
    moments = ("started_at", "ended_at", "verified_until")
    read = {name: datetime.fromisoformat(row[name]) if row[name] else None for name in moments}
    return Interaction(pk=row["id"], number=row["number"], **read)
