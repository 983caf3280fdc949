"""Telling other systems what happened: an event is written in the transaction of what it tells of, for each listener
that wants it, and delivered by workers (`delivering.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from django.db import connection, transaction
from rest_framework.exceptions import ValidationError

from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.common.ids import new_id
from foundation.common.prepared import prepared
from foundation.policies.reading import policy
from foundation.rest.addresses import check_callback, target_of
from foundation.rest.models import Delivery, Event, Listener
from foundation.rest.resources import bases, resources

MOST_LISTENERS = 20
_LISTENING = """SELECT l.id, l.event_types FROM rest_listener l JOIN rest_apiclient c ON c.id = l.client_id
 WHERE l.base = %(base)s AND l.ended_at IS NULL AND c.ended_at IS NULL"""


@dataclass(frozen=True)
class Happened:
    """One event: of which kind, to which row, and what codes it had then."""

    kind: str
    row_id: int
    known: dict[str, Any] = field(default_factory=dict)


def tell(resource: str, events: Sequence[Happened]) -> None:
    """Write events of a resource for its listeners, in the caller's transaction; one statement where nobody listens."""
    if not events:
        return
    with connection.cursor() as cursor:
        cursor.execute(*prepared(_LISTENING, {"base": resources()[resource].base}))
        listening = cursor.fetchall()
    if not listening:
        return
    now = clock.now()
    give_up = now + policy("rest.retry_hours")
    rows, deliveries = [], []
    for one in events:
        wanted = [key for key, kinds in listening if not kinds or one.kind in kinds]
        if not wanted:
            continue
        row = Event(id=new_id(), kind=one.kind, resource=resource, resource_id=one.row_id, at=now, known=one.known)
        rows.append(row)
        deliveries += [
            Delivery(event=row, listener_id=key, resource_id=one.row_id, not_before=now, give_up_at=give_up)
            for key in wanted
        ]
    Event.objects.bulk_create(rows, batch_size=1_000)
    Delivery.objects.bulk_create(deliveries, batch_size=1_000)


@transaction.atomic
def listen(*, client_id: int, actor: Any, base: str, callback: str, query: str) -> Listener:
    """Let a program be told. The same callback and query twice is one listener.

    Raises RuleBroken "hub.callback", "hub.no_address", "hub.internal", "hub.too_many"; ValidationError for a query that
    asks for what is no event of the API.
    """
    check_callback(callback)
    target_of(callback)
    kinds = event_types(base, query)
    there = Listener.objects.filter(client=client_id, ended_at=None)
    if same := there.filter(base=base, callback=callback, query=query).first():
        return same
    if there.count() >= MOST_LISTENERS:
        raise RuleBroken("hub.too_many", f"A program has at most {MOST_LISTENERS} listeners.")
    made = Listener.objects.create(client_id=client_id, base=base, callback=callback, query=query, event_types=kinds)
    record("rest.listener_made", target=made, actor=actor, detail={"resource": base})
    return made


@transaction.atomic
def stop_listening(listener: Listener, *, actor: Any) -> None:
    """Tell no more; what waited for it is dropped."""
    listener.ended_at = clock.now()
    listener.save(update_fields=["ended_at"])
    ended = {"state": Delivery.State.DEAD, "why": "the listener was ended"}
    Delivery.objects.filter(listener=listener, state=Delivery.State.WAITING).update(**ended)
    record("rest.listener_ended", target=listener, actor=actor, detail={"resource": listener.base})


def event_types(base: str, query: str) -> list[str]:
    """The kinds a query names ("eventType=A,B"; empty: all). Raises ValidationError."""
    known = {kind for one in bases()[base] for kind in one.events}
    kinds: list[str] = []
    try:
        asked = parse_qsl(query, keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise ValidationError({"query": ["names too much"]}) from error
    for name, value in asked:
        if name != "eventType":
            raise ValidationError({"query": ["only eventType can be asked for"]})
        kinds += [part for part in value.split(",") if part]
    if query and not kinds:
        raise ValidationError({"query": ["only eventType can be asked for"]})
    if unknown := sorted(set(kinds) - known):
        raise ValidationError({"query": [f"there is no event {unknown[0][:80]}; there are {', '.join(sorted(known))}"]})
    return sorted(set(kinds))


@transaction.atomic
def replay(delivery_id: int, *, actor: Any) -> Delivery:
    """Let an event that was given up, or one that waits, go out now. Raises RuleBroken "hub.sent"."""
    row = Delivery.objects.select_for_update(no_key=True).select_related("listener").get(pk=delivery_id)
    if row.state not in (Delivery.State.WAITING, Delivery.State.DEAD) or row.listener.ended_at is not None:
        raise RuleBroken("hub.sent", "This event was taken already, or nobody listens any more.")
    now = clock.now()
    row.state, row.not_before, row.give_up_at = Delivery.State.WAITING, now, now + policy("rest.retry_hours")
    row.save(update_fields=["state", "not_before", "give_up_at"])
    record("rest.event_replayed", target=row, actor=actor)
    return row
