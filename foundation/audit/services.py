"""Writing the audit, sealing it, and checking the seals."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, models, transaction

from foundation.audit.models import AuditEntry, AuditPersonal
from foundation.common import clock
from foundation.common.errors import BadSetting
from foundation.common.ids import first_id_at
from foundation.common.partitions import detached_partitions

log = structlog.get_logger(__name__)
BATCH = 10_000

_COLUMNS = (
    "id, tick, at, verb, actor_id, on_behalf_of_id, unit_id, customer_id, target_type, target_id, request_id, detail,"
    " personal_digest"
)
# Never `row::text`: a column added later would break every seal.
_CANONICAL = """jsonb_build_array(id, tick, (extract(epoch FROM at) * 1000000)::bigint, verb, actor_id,
 on_behalf_of_id, unit_id, customer_id, target_type, target_id, request_id, detail,
 encode(personal_digest, 'hex'))::text"""


def record(
    verb: str,
    *,
    target: models.Model | tuple[str, object],
    actor: Any,
    customer_id: int | None = None,
    unit_id: int | None = None,
    on_behalf_of: Any = None,
    detail: dict[str, Any] | None = None,
    personal: dict[str, Any] | None = None,
) -> AuditEntry:
    """Write one audit entry in the caller's transaction.

    `verb` is a fact in the past ("customer.revealed"); `target` a saved row or (type, id); `actor` a User or None for
    the clock. `detail` holds ids, codes, field names, amounts; whatever could name a person goes into `personal`,
    which is stored apart and can be erased (the entry keeps its salted digest).
    """
    entry = entry_of(
        verb,
        target=target,
        actor=actor,
        customer_id=customer_id,
        unit_id=unit_id,
        on_behalf_of=on_behalf_of,
        detail=detail,
    )
    salt = None
    if personal:
        salt = os.urandom(16)
        entry.personal_digest = personal_digest(salt, personal)
    entry.save(force_insert=True)
    if personal and salt:
        AuditPersonal.objects.create(entry_id=entry.pk, customer_id=customer_id, salt=salt, values=personal)
    return entry


def entry_of(
    verb: str,
    *,
    target: models.Model | tuple[str, object],
    actor: Any,
    customer_id: int | None = None,
    unit_id: int | None = None,
    on_behalf_of: Any = None,
    detail: dict[str, Any] | None = None,
) -> AuditEntry:
    """The entry `record` would write, not written yet: for `record_many`."""
    kind, key = (target._meta.label_lower, target.pk) if isinstance(target, models.Model) else target
    context = structlog.contextvars.get_contextvars()
    return AuditEntry(
        at=clock.now(),
        verb=verb,
        actor_id=actor.pk if actor is not None else None,
        on_behalf_of_id=on_behalf_of.pk if on_behalf_of is not None else None,
        unit_id=unit_id if unit_id is not None else getattr(actor, "unit_id", None),
        customer_id=customer_id,
        target_type=kind,
        target_id=str(key),
        request_id=str(context.get("request_id") or context.get("task_id") or "")[:40],
        detail=detail or {},
    )


def record_many(entries: Sequence[AuditEntry]) -> None:
    """Write entries (`entry_of`) in the caller's transaction, in one statement for each thousand."""
    AuditEntry.objects.bulk_create(entries, batch_size=1_000)


def personal_digest(salt: bytes, values: dict[str, Any]) -> bytes:
    """Salted digest of the personal part, as stored in the sealed entry."""
    text = json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(salt + text.encode()).digest()


def _sign(previous: bytes, from_tick: int, to_tick: int, rows_digest: bytes) -> bytes:
    text = previous + f"|{from_tick}|{to_tick}|".encode() + rows_digest
    return hmac.new(settings.CARELINE_AUDIT_KEY, text, hashlib.sha256).digest()


def _everything() -> str:
    """What a seal may cover, as a table expression: the entries, and the months that were detached."""
    tables = [AuditEntry._meta.db_table, *detached_partitions(AuditEntry._meta.db_table)]
    return "(" + " UNION ALL ".join(f'SELECT {_COLUMNS} FROM "{table}"' for table in tables) + ") AS everything"


def _rows_digest(cursor: Any, source: str, from_tick: int, to_tick: int) -> tuple[int, bytes]:
    cursor.execute(
        f"""SELECT count(*), coalesce(sha256(string_agg(sha256(convert_to({_CANONICAL}, 'UTF8')), ''::bytea
            ORDER BY tick, id)), ''::bytea)
            FROM {source} WHERE tick >= %s AND tick < %s""",
        [from_tick, to_tick],
    )
    count, digest = cursor.fetchone()
    return int(count), bytes(digest)


@transaction.atomic
def seal(limit: int = BATCH) -> int:
    """Seal what is older than every running transaction, at most about `limit` rows; returns the rows sealed.

    Two sealers at once are safe (advisory lock); writers wait for nothing. Raises BadSetting when the transaction
    numbers of this cluster lie behind the last seal: a restore without `audit_new_era`.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('audit_seal'))")
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute("SELECT to_tick, digest FROM audit_seal ORDER BY to_tick DESC LIMIT 1")
        last = cursor.fetchone()
        from_tick, previous = (last[0], bytes(last[1])) if last else (0, b"")
        cursor.execute(
            "SELECT base + pg_snapshot_xmin(pg_current_snapshot())::text::bigint FROM audit_era WHERE id = 1"
        )
        horizon = cursor.fetchone()[0]
        if horizon < from_tick:
            raise BadSetting("the audit's transaction numbers went back: run `manage audit_new_era` after a restore")
        cursor.execute(
            "SELECT tick FROM audit_entry WHERE tick >= %s AND tick < %s ORDER BY tick, id OFFSET %s LIMIT 1",
            [from_tick, horizon, limit],
        )
        cut = cursor.fetchone()
        to_tick = min(horizon, cut[0] + 1) if cut else horizon
        count, digest = _rows_digest(cursor, "audit_entry", from_tick, to_tick)
        if count == 0:
            return 0
        signed = _sign(previous, from_tick, to_tick, digest)
        cursor.execute(
            "INSERT INTO audit_seal (from_tick, to_tick, rows, digest, sealed_at) VALUES (%s, %s, %s, %s, %s)",
            [from_tick, to_tick, count, signed, clock.now()],
        )
    # A tail cut from both tables cannot be seen in the database: the log keeps the latest digest.
    log.info("audit_sealed", to_tick=to_tick, rows=count, digest=signed.hex())
    return count


@dataclass(frozen=True)
class Fault:
    """A seal that does not fit: which, and what is wrong with it."""

    seal_id: int
    from_tick: int
    to_tick: int
    problem: str


def verify() -> list[Fault]:
    """Check every seal against the rows; an empty list means nothing was changed, deleted, forged or left out.

    Months that were detached are read from their archive tables; entries of one that was taken away count as deleted.
    Also checks the personal parts that still exist against the digests of their entries.
    """
    faults: list[Fault] = []
    previous, expected_from, everything = b"", 0, _everything()
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, from_tick, to_tick, rows, digest FROM audit_seal ORDER BY from_tick")
        for seal_id, from_tick, to_tick, rows, stored in cursor.fetchall():
            if from_tick != expected_from:
                faults.append(Fault(seal_id, from_tick, to_tick, "a seal before this one is missing"))
            count, digest = _rows_digest(cursor, everything, from_tick, to_tick)
            if count != rows:
                faults.append(Fault(seal_id, from_tick, to_tick, f"{rows} entries were sealed, {count} are there"))
            elif not hmac.compare_digest(_sign(previous, from_tick, to_tick, digest), bytes(stored)):
                faults.append(Fault(seal_id, from_tick, to_tick, "an entry or the seal was changed"))
            previous, expected_from = bytes(stored), to_tick
    faults += [
        Fault(0, 0, 0, f"the personal part of entry {personal.entry_id} was changed")
        for personal, stored in _personal_with_digest(everything)
        if personal_digest(bytes(personal.salt), personal.values) != stored
    ]
    return faults


def _personal_with_digest(source: str) -> Any:
    rows = AuditPersonal.objects.order_by("entry_id").iterator(chunk_size=2_000)
    for chunk in _chunks(rows, 2_000):
        with connection.cursor() as cursor:
            ids = [row.entry_id for row in chunk]
            cursor.execute(f"SELECT id, personal_digest FROM {source} WHERE id = ANY(%s)", [ids])
            digests = dict(cursor.fetchall())
        for row in chunk:
            yield row, bytes(digests.get(row.entry_id) or b"")


def _chunks(rows: Any, size: int) -> Any:
    chunk = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


@transaction.atomic
def new_era() -> int:
    """After a restore into another cluster: make ticks go on above the highest one stored. Returns the new base.

    Counted from the oldest running transaction of the server: what any of them writes lies above the last seal too.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE audit_era SET base = greatest(
                 (SELECT coalesce(max(tick), 0) FROM audit_entry), (SELECT coalesce(max(to_tick), 0) FROM audit_seal)
               ) - pg_snapshot_xmin(pg_current_snapshot())::text::bigint + 1 WHERE id = 1 RETURNING base"""
        )
        return int(cursor.fetchone()[0])


def oldest_unsealed_seconds() -> float:
    """Age of the oldest entry no seal covers yet, in seconds (0 when all are sealed): for /metrics and alerts."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT at FROM audit_entry WHERE tick >= (SELECT coalesce(max(to_tick), 0) FROM audit_seal)
               AND id >= %s ORDER BY tick, id LIMIT 1""",
            [first_id_at(clock.now() - timedelta(days=62))],
        )
        row = cursor.fetchone()
    return max(0.0, (clock.now() - row[0]).total_seconds()) if row else 0.0
