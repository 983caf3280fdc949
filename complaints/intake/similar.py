"""Cases like the one being taken: open ones to urge instead, closed ones to reopen, group cases to join (D§10.1, 10.9).

What is told of them is what the customer may be told at any window (D§9.6): number, state, deadline, who answers for
it. Complaints about the reader are left out (D§3.2).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from complaints.intake.classify import words_of
from complaints.lifecycle import State
from complaints.models import Complaint, ComplaintLine
from customers.models import Customer
from foundation.common import clock
from foundation.policies.reading import policy
from interactions.models import Topic
from staff.models import User

MOST_OPEN, MOST_CLOSED, MOST_GROUPS = 8, 5, 5
REPEATED = timedelta(days=365)  # how long ago a case was closed that a new one may repeat
# How many words two texts must share to be called alike when topic and line do not say so.
ALIKE = 3
GROUP_DAYS = timedelta(days=30)


@dataclass(frozen=True)
class Alike:
    """A case and why it is shown: the same topic, the same line, the same words; none of them for another matter of the
    same customer."""

    case: Complaint
    same_topic: bool
    same_line: bool
    same_words: bool

    @property
    def is_alike(self) -> bool:
        return self.same_topic or self.same_line or self.same_words


@dataclass(frozen=True)
class Similar:
    """`open`: those alike first. `closed`: alike and within the time of reopening. `before`: alike, closed longer ago,
    which the new one would repeat. `groups`: open group cases of the topic."""

    open: list[Alike] = field(default_factory=list)
    closed: list[Alike] = field(default_factory=list)
    before: list[Alike] = field(default_factory=list)
    groups: list[Complaint] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (self.open or self.closed or self.before or self.groups)

    @property
    def best(self) -> Alike | None:
        """The open case this may well be about."""
        return next((one for one in self.open if one.is_alike), None)


def similar_cases(
    customer: Customer | None, topic: Topic | None, lines: Collection[int], text: str, user: User | None
) -> Similar:
    """What is like a complaint of `customer` on `topic` about `lines` (ids of subscriptions) with this text. At most
    two queries; none of the customer's for somebody unknown."""
    groups = _groups(topic, user)
    if customer is None:
        return Similar(groups=groups)
    words = set(words_of(text)) if text.strip() else set()
    rows = _of(customer, lines, user)
    since = clock.now() - policy("complaints.reopen.window")
    wanted = rows.filter(Q(closed_at=None) | Q(state=State.CLOSED, closed_at__gte=clock.now() - REPEATED))
    newest = wanted.order_by(F("closed_at").desc(nulls_first=True), "-pk")[: MOST_OPEN + MOST_CLOSED * 2]
    alike = [_alike(case, topic, words) for case in newest]
    opened = [one for one in alike if one.case.closed_at is None][:MOST_OPEN]
    found = [one for one in alike if one.case.closed_at is not None and one.is_alike]
    closed = [one for one in found if one.case.closed_at and one.case.closed_at >= since and not one.case.is_imported]
    before = [one for one in found if one not in closed]
    opened.sort(key=lambda one: not one.is_alike)
    return Similar(opened, closed[:MOST_CLOSED], before[:MOST_CLOSED], groups)


def _of(customer: Customer, lines: Collection[int], user: User | None) -> QuerySet[Complaint]:
    mine = ComplaintLine.objects.filter(complaint=OuterRef("pk"), subscription__in=list(lines))
    # Who comes again about a record of the past is taken a new complaint from: nobody would hear of an urge.
    rows = Complaint.objects.filter(customer=customer, source="").select_related("owner", "handler", "topic")
    if user is not None:
        rows = rows.not_about(user)
    return rows.annotate(same_line=Exists(mine)) if lines else rows


def _alike(case: Complaint, topic: Topic | None, words: set[str]) -> Alike:
    same_topic = topic is not None and case.topic_id == topic.pk
    shared = len(words & set(words_of(case.text))) if words and not same_topic else 0
    return Alike(case, same_topic, bool(getattr(case, "same_line", False)), shared >= ALIKE)


def _groups(topic: Topic | None, user: User | None) -> list[Complaint]:
    """Open group cases of the topic, or of the one above it."""
    if topic is None:
        return []
    about = Q(topic=topic) | Q(topic=topic.parent_id) if topic.parent_id else Q(topic=topic)
    since = clock.now() - GROUP_DAYS
    rows = Complaint.objects.open().filter(about, is_parent=True, received_at__gte=since).select_related("owner")
    if user is not None:
        rows = rows.not_about(user)
    return list(rows.order_by("-received_at", "-pk")[:MOST_GROUPS])
