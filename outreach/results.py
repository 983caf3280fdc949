"""Writing down what became of claimed messages: state, history, timeline, all under the lease that was won."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction

from customers.timeline import add_line
from foundation.common import clock
from outreach.bounces import note_bounced
from outreach.lifecycle import MESSAGE_OPEN, MessageState
from outreach.models import MessageKey, MessageMove, OutMessage
from outreach.models.messages import message_floor
from outreach.services.rescuing import note_outcomes

PATIENCE_SECONDS = 45.0  # below the lease of an attempt in flight
LOOK_BACK = timedelta(days=62)

_RECORD = """
UPDATE outreach_message m SET state = r.state, reason = r.reason, not_before = coalesce(r.not_before, m.not_before),
       sent_at = r.sent_at, in_flight_at = CASE WHEN r.unsure THEN m.in_flight_at END, tries = m.tries - r.untried,
       explanation = coalesce(r.explanation, m.explanation)
FROM unnest(%(ids)s::bigint[], %(attempts)s::int[], %(states)s::text[], %(reasons)s::text[],
            %(not_before)s::timestamptz[], %(sent_at)s::timestamptz[], %(untried)s::int[], %(whys)s::jsonb[],
            %(unsure)s::boolean[])
     AS r(id, attempt, state, reason, not_before, sent_at, untried, explanation, unsure)
WHERE m.id = r.id AND m.attempts = r.attempt AND m.state = 'sending' AND m.id >= %(floor)s RETURNING m.id
"""
_LINES = {
    MessageState.SENT: "message.sent",
    MessageState.SUPPRESSED: "message.held",
    MessageState.FAILED: "message.failed",
    MessageState.UNKNOWN: "message.unknown",
}


@dataclass
class Finding:
    """What is to be written about one claimed message.

    `not_before`: when it may be claimed again. `untried`: 1 when no attempt was really made. `why`: explanation.
    `nobody`: there is nobody at the address. `unsure`: it waits, and an attempt before may have arrived.
    """

    message: OutMessage
    state: str
    reason: str = ""
    detail: str = ""
    not_before: datetime | None = None
    untried: int = 0
    why: list[dict[str, Any]] | None = None
    nobody: bool = False
    unsure: bool = False


def record_findings(findings: list[Finding]) -> None:
    """Write the findings whose lease is still ours, each with history and timeline line."""
    if findings:
        patiently(partial(_record, findings))


def patiently(write: Callable[[], None]) -> None:
    """Write what the other side answered, waiting for a database that is away: it must not be forgotten because it
    could not be written at once. `write` is one transaction and may be repeated."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            write()
        except (OperationalError, InterfaceError):
            connection.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.5)
        else:
            return


@transaction.atomic
def _record(findings: list[Finding]) -> None:
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORD,
            {
                "floor": message_floor(now),
                "ids": [f.message.pk for f in findings],
                "attempts": [f.message.attempts for f in findings],
                "states": [f.state for f in findings],
                "reasons": [f.reason for f in findings],
                "not_before": [f.not_before for f in findings],
                "sent_at": [now if f.state == MessageState.SENT else None for f in findings],
                "untried": [f.untried for f in findings],
                "unsure": [f.unsure for f in findings],
                "whys": [json.dumps(f.why) if f.why is not None else None for f in findings],
            },
        )
        mine = {row_id for (row_id,) in cursor.fetchall()}
    kept = [finding for finding in findings if finding.message.pk in mine]
    MessageMove.objects.bulk_create(
        MessageMove(
            message_id=f.message.pk, old=MessageState.SENDING, new=f.state, reason=f.reason, detail=f.detail[:200]
        )
        for f in kept
    )
    for finding in kept:
        _tell(finding)
    note_bounced(finding.message for finding in kept if finding.nobody)
    for finding in kept:
        finding.message.state, finding.message.reason = finding.state, finding.reason
    note_outcomes((finding.message for finding in kept), now)


def _tell(finding: Finding) -> None:
    message, kind = finding.message, _LINES.get(MessageState(finding.state))
    if kind is not None and message.customer_id:
        params = {
            "class": message.message_class,
            "channel": message.channel,
            "template": message.template,
            "reason": finding.reason,
        }
        add_line(message.customer_id, kind, ref_id=message.pk, params=params)


@transaction.atomic
def expire_old() -> int:
    """Hold back what stayed open longer than a claim looks back (three months); returns how many."""
    now = clock.now()
    old = OutMessage.objects.filter(
        pk__lt=message_floor(now), pk__gte=message_floor(now - LOOK_BACK), state__in=MESSAGE_OPEN
    )
    rows = list(old.select_for_update(skip_locked=True).order_by("pk")[:10_000])
    MessageMove.objects.bulk_create(
        MessageMove(message_id=row.pk, old=row.state, new=MessageState.SUPPRESSED, reason=OutMessage.Reason.EXPIRED)
        for row in rows
    )
    old.filter(pk__in=[row.pk for row in rows]).update(state=MessageState.SUPPRESSED, reason=OutMessage.Reason.EXPIRED)
    return len(rows)


def drop_old_keys() -> int:
    """Forget once-only keys past their time; returns how many."""
    gone, _by_model = MessageKey.objects.filter(expires__lt=clock.now()).delete()
    return gone
