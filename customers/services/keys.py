"""Changing the key ID numbers are encrypted with (foundation.common.crypto)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection, models, transaction

from customers.models import ChangeRequest, Customer, IdentityCheck, MergeMove
from foundation.audit import services as audit
from foundation.common import crypto

CHUNK = 500
# Every column that holds a sealed number; each value is bound to its own row.
SEALED: tuple[tuple[type[models.Model], str], ...] = (
    (Customer, "id_sealed"),
    (IdentityCheck, "acting_sealed"),
    (ChangeRequest, "new_sealed"),
)


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
    rotated, total = 0, 0
    for model, column in SEALED:
        last = 0
        while ids := _next(model, column, last, chunk):
            rotated += _rotate(model, column, ids)
            last = ids[-1]
            report(rotated)
        total += model._default_manager.filter(**{f"{column}__isnull": False}).count()
    noted, under = _rotate_notes()
    rotated, total = rotated + noted, total + under
    if rotated:
        audit.record(
            "customer.keys_rotated",
            target=("setting", "CARELINE_ID_KEYS"),
            actor=None,
            detail={"key": crypto.current_key_name(), "rotated": rotated},
        )
    return Rotation(rotated, total - rotated)


def _next(model: type[models.Model], column: str, last: int, chunk: int) -> list[int]:
    mark = crypto.current_key_name().encode() + b":"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT id FROM {model._meta.db_table}
                WHERE id > %s AND {column} IS NOT NULL AND substring({column} FROM 1 FOR %s) <> %s
                ORDER BY id LIMIT %s""",
            [last, len(mark), mark, chunk],
        )
        return [row[0] for row in cursor.fetchall()]


@transaction.atomic
def _rotate_notes() -> tuple[int, int]:
    """Numbers that wait in the notes of a merge for its undo; returns how many were rotated, and how many there are."""
    current = crypto.current_key_name()
    notes = MergeMove.objects.filter(table=ChangeRequest._meta.db_table, column="new_sealed", old__isnull=False)
    changed, total = [], 0
    for note in notes.select_for_update().order_by("pk"):
        sealed, row_id = bytes.fromhex(str(note.old).removeprefix("\\x")), int(note.row)
        total += 1
        if crypto.key_name_of(sealed) != current:
            note.old = "\\x" + crypto.encrypt(crypto.decrypt(sealed, row_id=row_id), row_id=row_id).hex()
            changed.append(note)
    MergeMove.objects.bulk_update(changed, ["old"])
    return len(changed), total


@transaction.atomic
def _rotate(model: type[models.Model], column: str, ids: list[int]) -> int:
    current = crypto.current_key_name()
    rows = (
        model._default_manager.filter(pk__in=ids, **{f"{column}__isnull": False})
        .select_for_update(no_key=True)
        .order_by("pk")
        .only("pk", column)
    )
    changed = [row for row in rows if crypto.key_name_of(getattr(row, column)) != current]
    for row in changed:
        setattr(row, column, crypto.encrypt(crypto.decrypt(getattr(row, column), row_id=row.pk), row_id=row.pk))
    model._default_manager.bulk_update(changed, [column])
    return len(changed)
