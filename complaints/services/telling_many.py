"""Telling the customers of many cases what happened, as `ground.tell_customer` tells one."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from complaints.models import Complaint
from complaints.services.ground import promised_by, tell_customer
from foundation.common import clock
from interactions.lifecycle import Channel as ContactChannel
from outreach.lifecycle import Channel, MessageClass
from outreach.services import queue_messages
from staff.models import User

_TOLD = """
SELECT u.id AS customer_id, u.unit_no, r.key AS dedupe_key, r.params, NULL::timestamptz AS not_before, r.expires_at
FROM unnest(%(customers)s::bigint[], %(keys)s::text[], %(params)s::jsonb[], %(until)s::timestamptz[])
  AS r(customer, key, params, expires_at)
JOIN customers_customer u ON u.id = r.customer
"""


@dataclass(frozen=True)
class Telling:
    """What the customer of a case is told."""

    case: Complaint
    template: str
    key: str


def tell_customers(tellings: Sequence[Telling], *, actor: User | None) -> None:
    """Write to who complained in each: a statement per wording. Those who are answered by e-mail (in their thread),
    those who are no customers and those somebody complains for are told one by one."""
    now, many = clock.now(), defaultdict[str, list[Telling]](list)
    for one in tellings:
        case = one.case
        if case.is_imported:
            continue
        if case.customer_id is None or case.contact_name or case.channel == ContactChannel.EMAIL:
            tell_customer(case, one.template, key=one.key, actor=actor)
        else:
            many[one.template].append(one)
    for template, told in many.items():
        rows = [_row(one, now) for one in told]
        customers, keys, params, until = (list(column) for column in zip(*rows, strict=True))
        queue_messages(
            _TOLD,
            {"customers": customers, "keys": keys, "params": params, "until": until},
            message_class=MessageClass.SERVICE,
            template=template,
            channel=Channel.SMS,
            actor=actor,
        )
        for one in told:
            one.case.last_told_at = now
    silent = [one.case.pk for told in many.values() for one in told]
    Complaint.objects.filter(pk__in=silent).update(last_told_at=now)


def _row(one: Telling, now: datetime) -> tuple[int | None, str, str, datetime | None]:
    case, due = one.case, promised_by(one.case)
    params: dict[str, Any] = {"number": case.number, "colleague": (case.handler or case.owner).staff_no, "due_at": ""}
    ahead = due if due is not None and due > now else None
    if ahead is not None:
        params["due_at"] = ahead.isoformat()
    return case.customer_id, f"{one.template}-{case.ref}-{one.key}", json.dumps(params), ahead
