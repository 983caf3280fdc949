"""Reads of a customer's complaints: contacts of that kind, their topics counted, the needs behind (ARC-08)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import get_language

from customers.models import Need
from foundation.common.prepared import prepared
from interactions.models import Interaction
from staff.models import User

MOST_READ = 500
TOPICS_SHOWN = 6
# The customer's last complaints by topic, through the partial index of complaints; without those about the reader.
TOPICS = """
SELECT coalesce(t.code, '') AS code, t.name_zh, t.name_en, count(*) AS number,
  count(*) FILTER (WHERE c.resolved_on_spot) AS on_the_spot, max(c.started_at) AS last_at
FROM (SELECT topic_id, resolved_on_spot, started_at FROM interactions_interaction
      WHERE customer_id = %s AND kind = 'COMPLAINT' AND customer_id IS NOT NULL
        AND about_staff_id IS DISTINCT FROM %s ORDER BY id DESC LIMIT %s) c
LEFT JOIN interactions_topic t ON t.id = c.topic_id
GROUP BY t.id, t.code, t.name_zh, t.name_en ORDER BY 4 DESC, 6 DESC
"""


@dataclass(frozen=True)
class TopicCount:
    """How often the customer complained about a topic, how many of it were solved on the spot, and when last."""

    code: str
    name_zh: str
    name_en: str
    number: int
    on_the_spot: int
    last_at: datetime

    @property
    def name(self) -> str:
        """In the active language; empty for complaints without a topic."""
        return self.name_en if (get_language() or "").startswith("en") else self.name_zh


@dataclass(frozen=True)
class ComplaintArchive:
    """The complaints of a customer by topic, most frequent first; of more than 500 the newest."""

    topics: list[TopicCount]

    @property
    def total(self) -> int:
        return sum(topic.number for topic in self.topics)

    @property
    def said(self) -> str:
        """ "500+" where there may be more."""
        return f"{MOST_READ}+" if self.total >= MOST_READ else str(self.total)

    @property
    def on_the_spot(self) -> int:
        return sum(topic.on_the_spot for topic in self.topics)

    @property
    def last_at(self) -> datetime | None:
        return max((topic.last_at for topic in self.topics), default=None)

    @property
    def shown(self) -> list[TopicCount]:
        return self.topics[:TOPICS_SHOWN]


def complaint_topics(customer_id: int, user: User) -> ComplaintArchive:
    """Topics counted, without complaints about `user` (D§3.2): one query."""
    with connection.cursor() as cursor:
        cursor.execute(*prepared(TOPICS, [customer_id, user.pk, MOST_READ]))
        rows = cursor.fetchall()
    return ComplaintArchive([TopicCount(code, zh or "", en or "", *rest) for code, zh, en, *rest in rows])


def complaint_contacts(
    customer_id: int, user: User, *, topic: str | None = None, on_the_spot: bool = False
) -> QuerySet[Interaction]:
    """The complaint contacts of a customer, newest first, without those about `user`. `topic`: a code, "" for those
    without one; None and False: all."""
    rows = Interaction.objects.filter(customer_id=customer_id, kind="COMPLAINT", customer__isnull=False)
    rows = rows.filter(Q(about_staff__isnull=True) | ~Q(about_staff=user))
    if topic is not None:
        rows = rows.filter(topic__code=topic) if topic else rows.filter(topic__isnull=True)
    if on_the_spot:
        rows = rows.filter(resolved_on_spot=True)
    return rows.select_related("topic", "staff", "matter").order_by("-pk")


def needs_of(customer_id: int) -> list[Need]:
    """The needs still open, which complaints are often about, oldest first."""
    return list(Need.objects.filter(customer_id=customer_id, state__in=["NEW", "PLANNED"]).order_by("pk")[:20])
