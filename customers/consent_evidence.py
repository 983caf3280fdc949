"""How long the words of the evidence of an answer are kept (D§5.6): while a consent holds, and a time after its end.

Nothing leaves on a consent that has ended, so that counting from its end keeps the evidence at least as long as
counting from the last message sent. A no needs no evidence: its words are kept as long, counted from the day it was
said. What goes are the words; the answer, its day and the kind of evidence stay.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from customers.models import Consent, ConsentEvent, ConsentState
from customers.pieces import by_pieces
from foundation.calendars.working_time import add_months
from foundation.common import clock
from foundation.policies.reading import policy

KEPT = "customers.consent_evidence_kept"


def is_over(event: ConsentEvent, now: datetime | None = None) -> bool:
    """Whether the words behind an answer are no longer kept: the twin of `erase_old_evidence` for one."""
    day = clock.today(now)
    ended = _ended_on(event, day)
    return ended is not None and ended <= add_months(day, -policy(KEPT, at=now))


def _ended_on(event: ConsentEvent, day: date) -> date | None:
    """The day from which nothing rests on the answer; None while something does."""
    if event.new != ConsentState.GRANTED:
        return clock.today(event.at)
    lapsed = event.expires_on if event.expires_on and event.expires_on < day else None
    if lapsed is None and Consent.objects.filter(event=event).exists():
        return None
    later = ConsentEvent.objects.filter(
        customer_id=event.customer_id, purpose=event.purpose, channel=event.channel, pk__gt=event.pk
    ).order_by("pk")
    followed = later.values_list("at", flat=True).first()
    return min(filter(None, [lapsed, clock.today(followed) if followed else None]), default=None)


_ERASE = """
DELETE FROM customers_consent_evidence v USING customers_consent_event e
WHERE v.event_id >= %(low)s AND v.event_id <= %(high)s AND e.id = v.event_id AND e.id >= %(low)s AND e.id <= %(high)s
  AND CASE WHEN e.new <> 'GRANTED' THEN (e.at AT TIME ZONE %(zone)s)::date
      WHEN e.expires_on >= %(day)s OR e.expires_on IS NULL THEN
        CASE WHEN NOT EXISTS (SELECT 1 FROM customers_consent c WHERE c.event_id = e.id) THEN {followed} END
      ELSE least(e.expires_on, {followed}) END <= %(before)s""".format(
    followed="""(SELECT (f.at AT TIME ZONE %(zone)s)::date FROM customers_consent_event f
      WHERE f.customer_id = e.customer_id AND f.purpose = e.purpose AND f.channel = e.channel AND f.id > e.id
      ORDER BY f.id LIMIT 1)"""
)


def erase_old_evidence(now: datetime | None = None, *, piece: int = 10_000) -> Iterator[tuple[int, int]]:
    """Erase the words whose time is over, `piece` of them looked at in a transaction.

    Yields, after each, how many were looked at and how many erased; broken off and begun again, the result is the same.
    """
    day = clock.today(now)
    values: dict[str, Any] = {
        "day": day,
        "zone": clock.BUSINESS_ZONE.key,
        "before": add_months(day, -policy(KEPT, at=now)),
    }

    def erase(cursor: Any, low: int, high: int) -> int:
        cursor.execute(_ERASE, values | {"low": low, "high": high})
        return int(cursor.rowcount)

    return by_pieces("customers_consent_evidence", "event_id", erase, piece=piece)
