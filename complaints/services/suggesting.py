"""Many complaints of one category within a short time: the clock suggests a group, the coordinator decides (D§10.1)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from complaints.models import Complaint, GroupSuggestion
from complaints.models.cases import ComplaintQuerySet
from complaints.services.grouping import join_group, make_group
from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.policies.reading import policy
from outreach.models import Notification
from staff.models import RoleAssignment, User

COORDINATE_RIGHT = "complaints.coordinate"
KIND = "complaint.group_suggested"
LONGEST = 400

# One category in one area first; what is left of the category wherever it came from. Cases that came before somebody
# decided about the same category and area are not suggested again.
_SUGGEST = """
WITH came AS (
  SELECT c.topic_id, c.area, c.received_at,
    coalesce('c' || c.customer_id, 'p' || nullif(c.contact_phone, ''), 'k' || c.id) AS who
  FROM complaints_complaint c
  WHERE c.received_at >= %(since)s AND c.received_at <= %(now)s AND c.closed_at IS NULL AND c.topic_id IS NOT NULL
    AND c.parent_id IS NULL AND NOT c.is_parent AND c.about_staff_id IS NULL AND c.source = ''
    AND c.received_at > coalesce((
      SELECT max(s.decided_at) FROM complaints_groupsuggestion s
      WHERE s.topic_id = c.topic_id AND s.area IN (c.area, '')), '-infinity')
), near AS (
  SELECT topic_id, area, min(received_at) AS since, count(DISTINCT who) AS customers FROM came
  WHERE area <> '' GROUP BY topic_id, area HAVING count(DISTINCT who) >= %(fewest)s
), rest AS (
  SELECT c.topic_id, '' AS area, min(c.received_at) AS since, count(DISTINCT c.who) AS customers FROM came c
  WHERE NOT EXISTS (SELECT FROM near n WHERE n.topic_id = c.topic_id AND n.area = c.area)
  GROUP BY c.topic_id HAVING count(DISTINCT c.who) >= %(fewest)s
)
INSERT INTO complaints_groupsuggestion (id, topic_id, area, since, customers, made_at, reason)
SELECT make_id(), f.topic_id, f.area, f.since, f.customers, %(now)s, '' FROM (TABLE near UNION ALL TABLE rest) f
ON CONFLICT (topic_id, area) WHERE decided_at IS NULL
  DO UPDATE SET customers = greatest(complaints_groupsuggestion.customers, EXCLUDED.customers)
  WHERE complaints_groupsuggestion.customers < EXCLUDED.customers
RETURNING id, made_at = %(now)s AS is_new
"""


@transaction.atomic
def suggest_groups(now: datetime | None = None) -> int:
    """Suggest what reached the number of customers within the hours, and ring the coordinators, once a suggestion; how
    many are new. Two at once: the key lets one of them in."""
    at = now or clock.now()
    values = {
        "now": at,
        "since": at - policy("complaints.group.within"),
        "fewest": policy("complaints.group.customers"),
    }
    with connection.cursor() as cursor:
        cursor.execute(_SUGGEST, values)
        new = [key for key, is_new in cursor.fetchall() if is_new]
    if new:
        _ring(new, at)
    return len(new)


def _ring(keys: list[int], at: datetime) -> None:
    day = clock.today(at)
    held = RoleAssignment.objects.filter(Q(to_day=None) | Q(to_day__gte=day), role="COORDINATOR", from_day__lte=day)
    people = list(User.objects.filter(is_active=True, pk__in=held.values("user")).order_by("pk"))
    rows = GroupSuggestion.objects.filter(pk__in=keys).select_related("topic").order_by("pk")
    notices = [
        Notification(
            user=person,
            kind=KIND,
            subject_type=GroupSuggestion._meta.model_name or "",
            subject_id=row.pk,
            params={"zh": row.topic.name_zh, "en": row.topic.name_en, "area": row.area, "customers": row.customers},
            dedupe_key=f"group-{row.pk}",
        )
        for row in rows
        for person in people
    ]
    Notification.objects.bulk_create(notices, ignore_conflicts=True, batch_size=1_000)


def cases_of(suggestion: GroupSuggestion, actor: User) -> ComplaintQuerySet:
    """The open cases that may join, of those the person sees."""
    rows = Complaint.objects.visible_to(actor).open().filter(topic=suggestion.topic_id, parent=None, is_parent=False)
    rows = rows.filter(received_at__gte=suggestion.since, about_staff=None, source="")
    return rows.filter(area=suggestion.area) if suggestion.area else rows


@transaction.atomic
def make_suggested_group(
    suggestion_id: int, *, actor: User, case_ids: Iterable[int], subject: str = "", into: int | None = None
) -> Complaint:
    """Make a group of the chosen cases, or let them join the open group `into`; the parent.

    Raises as `grouping.make_group` and `join_group`; NotAllowed "complaint.not_coordinator"; RuleBroken
    "complaint.group_decided", "complaint.group_size".
    """
    row = _open(suggestion_id, actor)
    keys = set(cases_of(row, actor).filter(pk__in=list(case_ids)).values_list("pk", flat=True))
    if not keys:
        raise RuleBroken("complaint.group_size", _("Choose the cases that belong together."))
    if into is None:
        parent = make_group(keys, actor=actor, subject=subject)
    else:
        parent = Complaint.objects.visible_to(actor).get(pk=into)
        for key in sorted(keys):
            join_group(key, parent.pk, actor=actor)
    _decide(row, actor, parent=parent)
    record("complaint.group_made", target=row, actor=actor, detail={"members": len(keys)})
    return parent


@transaction.atomic
def refuse_suggestion(suggestion_id: int, *, actor: User, reason: str) -> GroupSuggestion:
    """It is no group: what came until now is not suggested again.

    Raises NotAllowed "complaint.not_coordinator"; RuleBroken "complaint.group_decided", "complaint.no_reason".
    """
    row = _open(suggestion_id, actor)
    if not reason.strip():
        raise RuleBroken("complaint.no_reason", _("Say why they have different causes."))
    _decide(row, actor, reason=reason.strip()[:LONGEST])
    record("complaint.group_refused", target=row, actor=actor)
    return row


def _open(suggestion_id: int, actor: User) -> GroupSuggestion:
    if not actor.has_perm(COORDINATE_RIGHT):
        raise NotAllowed("complaint.not_coordinator", _("The coordinator decides about groups."))
    row = GroupSuggestion.objects.select_for_update().get(pk=suggestion_id)
    if row.decided_at is not None:
        raise RuleBroken("complaint.group_decided", _("Somebody decided about this suggestion already."))
    return row


def _decide(row: GroupSuggestion, actor: User, **columns: Any) -> None:
    row.decided_at, row.decided_by = clock.now(), actor
    for name, value in columns.items():
        setattr(row, name, value)
    row.save(update_fields=["decided_at", "decided_by", *columns])
