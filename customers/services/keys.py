"""Changing the key ID numbers are encrypted with (foundation.common.crypto)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection, transaction

from customers.models import Customer
from foundation.audit import services as audit
from foundation.common import crypto

CHUNK = 500


@dataclass(frozen=True)
class Rotation:
    """How many stored ID numbers were put under the current key, and how many were under it before."""

    rotated: int
    current: int


def rotate_keys(*, chunk: int = CHUNK, report: Callable[[int], None] = lambda done: None) -> Rotation:
    """Re-encrypt every ID number that is not under the current key, `chunk` rows a transaction.

    May be broken off and run again, and run beside the daily work: each row is read again under its lock, values and
    versions do not change, finished rows are passed over. Raises BadSetting when a value's key is no longer
    configured, ValueError for a value that was tampered with; what was rotated before stays.
    """
    rotated, last = 0, 0
    while ids := _next(last, chunk):
        rotated += _rotate(ids)
        last = ids[-1]
        report(rotated)
    total = Customer.objects.filter(id_sealed__isnull=False).count()
    if rotated:
        audit.record(
            "customer.keys_rotated",
            target=("setting", "CARELINE_ID_KEYS"),
            actor=None,
            detail={"key": crypto.current_key_name(), "rotated": rotated},
        )
    return Rotation(rotated, total - rotated)


def _next(last: int, chunk: int) -> list[int]:
    mark = crypto.current_key_name().encode() + b":"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT id FROM {Customer._meta.db_table}
                WHERE id > %s AND id_sealed IS NOT NULL AND substring(id_sealed FROM 1 FOR %s) <> %s
                ORDER BY id LIMIT %s""",
            [last, len(mark), mark, chunk],
        )
        return [row[0] for row in cursor.fetchall()]


@transaction.atomic
def _rotate(ids: list[int]) -> int:
    current = crypto.current_key_name()
    rows = (
        Customer.objects.filter(pk__in=ids, id_sealed__isnull=False)
        .select_for_update(no_key=True)
        .order_by("pk")
        .only("pk", "id_sealed")
    )
    changed = [row for row in rows if row.id_sealed and crypto.key_name_of(row.id_sealed) != current]
    for row in changed:
        row.id_sealed = crypto.encrypt(crypto.decrypt(row.id_sealed or b"", row_id=row.pk), row_id=row.pk)
    Customer.objects.bulk_update(changed, ["id_sealed"])
    return len(changed)
