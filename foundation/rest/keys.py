"""`Idempotency-Key`: the first answer to a write is kept in its own transaction (recipes §9).

The row is inserted before the act: a second request with the same key waits at the unique index until the first
commits (then it gets that answer) or dies (then it does the work itself). No state "in progress" can be left behind.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from rest_framework.exceptions import APIException, ParseError

from foundation.common import clock
from foundation.common.crypto import decrypt, encrypt
from foundation.common.ids import new_id
from foundation.rest.models import KeptAnswer

HEADER = "Idempotency-Key"
KEPT = timedelta(hours=72)
LONGEST = 255
WAIT = "5s"
# An answer older than 72 hours makes room; then the insert waits for whoever is writing the same key.
_CLAIM = f"""SET LOCAL lock_timeout = '{WAIT}';
DELETE FROM rest_keptanswer WHERE client_id = %(client)s AND key = %(key)s AND at < %(old)s;
INSERT INTO rest_keptanswer (id, client_id, key, request, at, headers)
VALUES (%(id)s, %(client)s, %(key)s, %(request)s, %(now)s, '{{}}')
ON CONFLICT (client_id, key) DO NOTHING RETURNING id"""


class KeyReused(APIException):
    """The key came before with another request."""

    status_code = 422
    default_code = "idempotency_key_reused"
    default_detail = "This Idempotency-Key was used with another request."


class AnswerErased(APIException):
    """The write was done, its answer described somebody who has been erased since."""

    status_code = 409
    default_code = "answer_erased"
    default_detail = "The write was done; its answer was erased since. Read the resource."


@dataclass(frozen=True)
class Answer:
    """What a write answers."""

    status: int
    body: Any
    headers: dict[str, str]
    customer_id: int | None = None
    replayed: bool = False


def key_of(request: Any) -> str:
    """The key of a request, "" without one. Raises ParseError for one that is none."""
    key = request.headers.get(HEADER, "")
    if len(key) > LONGEST or not key.isprintable() or not key.isascii():
        raise ParseError(f"{HEADER} is at most {LONGEST} printable ASCII characters.")
    return str(key).strip()


def digest_of(request: Any, body: Any) -> bytes:
    """What makes two requests the same: method, path and body, whatever the order of its names."""
    plain = json.dumps(body, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(f"{request.method} {request.path}\n{plain}".encode()).digest()


def claim(client_id: int, key: str, request: bytes) -> tuple[int, Answer | None]:
    """In the write's transaction: the number under which to `keep` the answer, and the answer kept before, if any.

    Raises KeyReused, AnswerErased; OperationalError (lock time-out) while the first is still running.
    """
    now = clock.now()
    values: dict[str, Any] = {
        "id": new_id(),
        "client": client_id,
        "key": key,
        "request": request,
        "now": now,
        "old": now - KEPT,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, values)
        mine = cursor.fetchone()
    if mine is not None:
        return mine[0], None
    kept = KeptAnswer.objects.get(client=client_id, key=key)
    if bytes(kept.request) != request:
        raise KeyReused
    if kept.body is None or kept.status is None:
        raise AnswerErased
    body = json.loads(decrypt(bytes(kept.body), row_id=kept.pk))
    return kept.pk, Answer(kept.status, body, kept.headers, kept.customer_id, replayed=True)


def keep(row_id: int, answer: Answer, rendered: bytes) -> None:
    """Keep a 2xx answer with the write it answers."""
    KeptAnswer.objects.filter(pk=row_id).update(
        status=answer.status,
        headers=answer.headers,
        body=encrypt(rendered.decode() or "null", row_id=row_id),
        customer_id=answer.customer_id,
    )
