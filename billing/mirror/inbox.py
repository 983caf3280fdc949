"""The inbox: every event is stored as it came and worked on later, once, by whichever worker is free.

One transaction takes events of accounts nobody else is working on, applies them and says what became of each: killed
in it, everything is as before. What has to be read from billing is read before, outside of it.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import DataError, connection, transaction
from django.db.models import F

from billing.mirror.pieces import Unusable
from billing.mirror.reading import account_named, read_envelope
from billing.models import BillingEvent
from foundation.common import clock
from foundation.common.ids import new_id

_KEEP = """INSERT INTO billing_billingevent (id, event_id, kind, event_time, received_at, resource_id, account_ref,
  correlation_id, body, state, why, faults, effect, must_read, attempts, not_before)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'WAITING', '', '[]', '{}', false, 0, %s)
ON CONFLICT (event_id) DO NOTHING"""


def parse(raw: bytes) -> Any:
    """JSON as it came. A number is kept as the shortest text that means it, so that 12.345 stays 12.345.

    Raises Unusable when it is none, or holds what no database can keep.
    """
    try:
        return json.loads(raw, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Unusable("", "json") from None


def _no_number(name: str) -> Any:
    raise ValueError(name)


def take_event(told: Any) -> bool:
    """Store an event as it came, in one statement; False when it was there already.

    Raises Unusable when it is no event: without id, time or resource. What is wrong with its resource is found later,
    and kept with it.
    """
    envelope = read_envelope(told)
    now = clock.now()
    try:
        body = json.dumps(told)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                _KEEP,
                [
                    new_id(),
                    envelope.event_id,
                    envelope.kind,
                    envelope.event_time,
                    now,
                    envelope.resource_id,
                    account_named(envelope.resource, envelope.body),
                    envelope.correlation_id,
                    body,
                    now,
                ],
            )
            return bool(cursor.rowcount)
    except (DataError, ValueError, RecursionError):  # \u0000, half a character, nested beyond reason
        raise Unusable("", "json") from None


def try_again(event_id: int) -> bool:
    """Let a refused event be worked on again; False when it is not refused."""
    refused = BillingEvent.objects.filter(pk=event_id, state=BillingEvent.State.FAILED)
    return bool(
        refused.update(
            state=BillingEvent.State.WAITING, why="", faults=[], not_before=clock.now(), attempts=F("attempts") + 1
        )
    )
