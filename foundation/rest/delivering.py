"""Bringing events out: the oldest that waits of each resource and listener, signed, again with growing pauses.

A delivery is claimed by a lease (`not_before` a while ahead) and sent outside of any transaction. Who is killed on the
way lets the lease run out, and the event goes out once more with the same `eventId`.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import httpx
import structlog
from django.conf import settings
from django.contrib.auth import load_backend
from django.db import connection, transaction

from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.common.ids import to_text
from foundation.rest.addresses import Target, target_of
from foundation.rest.bodies import Json
from foundation.rest.clients import Caller, signing_key_of
from foundation.rest.models import ApiClient, Delivery, Listener
from foundation.rest.resources import Call, resources
from foundation.rest.signing import HEADER, sign

log = structlog.get_logger(__name__)
LEASE = timedelta(minutes=2)
ROUND_SECONDS = 45
BATCH = 50
TIMEOUT = httpx.Timeout(5.0)
PAUSES = (10, 30, 60, 300, 900, 1_800, 3_600)  # seconds; the last one from then on
_CLAIM = """UPDATE rest_delivery SET not_before = %(lease)s, attempts = attempts + 1 WHERE id IN (
 SELECT d.id FROM rest_delivery d WHERE d.state = 'WAITING' AND d.not_before <= %(now)s
 AND NOT (d.listener_id = ANY(%(but)s::bigint[]))
 AND NOT EXISTS (SELECT 1 FROM rest_delivery e WHERE e.state = 'WAITING' AND e.listener_id = d.listener_id
  AND e.resource_id = d.resource_id AND e.id < d.id)
 ORDER BY d.not_before, d.id LIMIT %(limit)s FOR UPDATE SKIP LOCKED) RETURNING id"""


def deliver_due() -> int:
    """Deliver what is due, for at most three quarters of a minute; how many were taken. A listener that does not answer
    is left alone for the rest of the round, so that it holds up nobody else."""
    until, silent, taken = time.monotonic() + ROUND_SECONDS, set[int](), 0
    with httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as http:
        while time.monotonic() < until:
            rows = _claimed(silent)
            if not rows:
                break
            for row in rows:
                if row.listener_id in silent:
                    _put_back(row)
                    continue
                outcome = _deliver(row, http)
                taken += outcome == Delivery.State.SENT
                if outcome is None:
                    silent.add(row.listener_id)
    return taken


def _claimed(silent: set[int]) -> list[Delivery]:
    now = clock.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"now": now, "lease": now + LEASE, "but": list(silent), "limit": BATCH})
        ids = [key for (key,) in cursor.fetchall()]
    rows = Delivery.objects.filter(pk__in=ids).select_related("event", "listener__client").order_by("pk")
    return list(rows)


def _put_back(row: Delivery) -> None:
    """Undo the claim of what was not tried."""
    claimed = Delivery.objects.filter(pk=row.pk, attempts=row.attempts, state=Delivery.State.WAITING)
    claimed.update(not_before=clock.now(), attempts=row.attempts - 1)


def _deliver(row: Delivery, http: httpx.Client) -> str | None:
    """What became of it: SENT, SKIPPED, or None where the other side did not take it."""
    body = body_of(row)
    if body is None:
        _settle(row, Delivery.State.SKIPPED, None, "")
        return Delivery.State.SKIPPED
    try:
        status, why = _post(target_of(row.listener.callback), row, body, http)
    except RuleBroken as no:
        status, why = None, no.code
    except httpx.HTTPError as error:
        status, why = None, type(error).__name__
    if status is not None and 200 <= status < 300:
        _settle(row, Delivery.State.SENT, status, "")
        return Delivery.State.SENT
    late = clock.now() >= row.give_up_at
    _settle(row, Delivery.State.DEAD if late else Delivery.State.WAITING, status, why)
    log.warning("hub.not_taken", delivery=row.pk, status=status, why=why, given_up=late)
    return None


def _post(target: Target, row: Delivery, body: bytes, http: httpx.Client) -> tuple[int, str]:
    moment = int(clock.now().timestamp())
    url = httpx.URL(target.url)
    headers = {
        "Host": url.netloc.decode(),
        "Content-Type": "application/json; charset=utf-8",
        HEADER: sign(signing_key_of(row.listener.client), moment, body),
    }
    # To the addresses that were looked at, under the name the certificate is for.
    more: dict[str, Any] = {"sni_hostname": target.host} if target.scheme == "https" else {}
    for address in target.addresses[:-1]:
        try:
            return _sent(http, url.copy_with(host=address), body, headers, more)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            continue
    return _sent(http, url.copy_with(host=target.addresses[-1]), body, headers, more)


def _sent(
    http: httpx.Client, url: httpx.URL, body: bytes, headers: dict[str, str], more: dict[str, Any]
) -> tuple[int, str]:
    """The status of the answer; what else it says is not read."""
    with http.stream("POST", url, content=body, headers=headers, extensions=more) as answer:
        return answer.status_code, f"answered {answer.status_code}"


def _settle(row: Delivery, state: str, status: int | None, why: str) -> None:
    """Write down the outcome, unless somebody claimed it anew meanwhile."""
    now = clock.now()
    pause = timedelta(seconds=PAUSES[min(row.attempts, len(PAUSES)) - 1])
    told: dict[str, Any] = {"state": state, "status": status, "why": why[:200]}
    if state == Delivery.State.SENT:
        told["sent_at"] = now
    if state == Delivery.State.WAITING:
        told["not_before"] = now + pause
    Delivery.objects.filter(pk=row.pk, attempts=row.attempts, state=Delivery.State.WAITING).update(**told)


def body_of(row: Delivery) -> bytes | None:
    """The event as this program may see it now, with the codes of its moment; None where it may not (any more)."""
    resource, client = resources()[row.event.resource], row.listener.client
    user = _user_of(client, row.listener)
    if user is None or resource.read_scope not in client.scopes or not user.has_perm(resource.reads):
        return None
    found = resource.rows(user).filter(pk=row.resource_id).first()
    if found is None:
        return None
    caller = Caller(client.pk, client.name, client.user_id, client.sandbox, None, frozenset(client.scopes))
    call = Call(user, caller, settings.CARELINE_PUBLIC_URL)
    [body] = resource.bodies([found], frozenset(resource.attributes), call)
    event = {
        "eventId": to_text(row.event_id),
        "eventTime": row.event.at.astimezone(clock.BUSINESS_ZONE).isoformat(),
        "eventType": row.event.kind,
        "@type": row.event.kind,
        "event": {resource.name: {**body, **row.event.known}},
    }
    return bytes(Json().render(event))


def _user_of(client: ApiClient, listener: Listener) -> Any:
    if client.ended_at is not None or listener.ended_at is not None:
        return None
    return load_backend(settings.API_USERS_BACKEND).get_user(client.user_id)
