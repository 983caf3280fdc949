"""Putting back, column by column, what a merge wrote: the half of an undo that changes tables. `undoing` decides."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Container, Iterable
from functools import cache
from typing import Any

from django.db import IntegrityError, connection, models, transaction
from django.utils.translation import gettext as _

from customers.merging import fields
from customers.merging.moving import Work, pk_column
from customers.merging.rules import GROWING
from customers.models import Customer, Merge, MergeMove
from foundation.common.errors import RuleBroken
from foundation.common.merging import CustomerKey, customer_keys

DOCUMENT = "document"


def keys_by_column() -> dict[tuple[str, str], CustomerKey]:
    """Every key of a customer, by table and column; `merged_into` and `parent` among them."""
    return {(key.table, key.column): key for key in customer_keys()}


@cache
def pk_of(table: str) -> str:
    """The key column of a table that names a customer."""
    return next(pk_column(key.model) for key in customer_keys() if key.table == table)


def stored(value: Any) -> str | None:
    """A value as JSON; no value is NULL and not the JSON null, as `to_jsonb` has it."""
    return None if value is None else json.dumps(value)


def is_document(move: MergeMove) -> bool:
    """Whether a column of the document was changed: they go back all together, sealed anew."""
    return move.table == Customer._meta.db_table and move.column in fields.CHOICES[DOCUMENT]


def merges_of(customer_id: int) -> models.Q:
    """Merges in which the customer took part."""
    return models.Q(survivor=customer_id) | models.Q(absorbed=customer_id)


def last_done(merges: models.QuerySet[Merge], *, after: Merge) -> Merge | None:
    """The last of these that stands and came later."""
    mark = int(after.result["mark"])
    later = [one for one in merges.filter(state=Merge.State.DONE) if int(one.result["mark"]) > mark]
    return max(later, key=lambda one: int(one.result["mark"]), default=None)


def came_later(last: Merge) -> RuleBroken:
    """The refusal of an undo a later merge stands on."""
    words = _("%(number)s came later: undo that one first.")
    return RuleBroken("merge.not_the_last", words % {"number": last.number})


def take_apart(merge: Merge, moves: list[MergeMove], edited: dict[MergeMove, Any], restore: set[str]) -> int:
    """Put every column back, the last changed first; returns how many rows have their former customer again.

    Keys are parked first (a customer there is none of), then the other columns go back, then the keys: a unique key
    allows no moment with two of one kind.
    """
    keys = keys_by_column()
    own = {(Customer._meta.db_table, column) for column in ("parent_id", "merged_into_id")}
    key_moves: dict[tuple[str, str], list[MergeMove]] = defaultdict(list)
    with connection.cursor() as cursor:
        for move in moves:
            if (move.table, move.column) in keys:
                key_moves[move.table, move.column].append(move)
        for pair, some in key_moves.items():
            if pair not in own:
                _park(cursor, keys[pair], some)
        _documents_back(merge, moves)
        plain = [move for move in moves if (move.table, move.column) not in keys and not is_document(move)]
        for row in _by_row(plain):
            _columns_back(cursor, row, edited, restore)
        back = 0
        for pair, some in key_moves.items():
            if pair in own:
                for move in some:
                    _columns_back(cursor, [move], (), ())
                back += len(some)
            else:
                back += _unpark(cursor, merge, keys[pair], some)
    return back


def _park(cursor: Any, key: CustomerKey, moves: list[MergeMove]) -> None:
    """Rows that still are where the merge put them leave for the customer -old; the others have a life of their own."""
    for (old, new), rows in _by_ends(moves).items():
        cursor.execute(
            f'UPDATE "{key.table}" SET "{key.column}" = %s WHERE "{pk_column(key.model)}"::text = ANY(%s)'
            f' AND "{key.column}" = %s AND "{key.column}" IS NOT NULL',
            [-old, rows, new],
        )


def _unpark(cursor: Any, merge: Merge, key: CustomerKey, moves: list[MergeMove]) -> int:
    """From -old to old. A row whose place was taken meanwhile stays with the customer it was merged to; taken by a
    later merge, that one must be undone first."""
    back = 0
    for (old, new), rows in _by_ends(moves).items():
        try:
            with transaction.atomic():
                back += rekey(cursor, key, rows, -old, old)
        except IntegrityError:
            for row in rows:
                try:
                    with transaction.atomic():
                        back += rekey(cursor, key, [row], -old, old)
                except IntegrityError:
                    _check_no_later(cursor, merge, key, row)
                    rekey(cursor, key, [row], -old, new)
    return back


def _check_no_later(cursor: Any, merge: Merge, key: CustomerKey, row: str) -> None:
    """A row that names two customers (a relation) finds its place taken by one a later merge brought to the other."""
    others = [one for one in customer_keys() if one.model is key.model and one.field.name != key.field.name]
    if not others:
        return
    named = ", ".join(f'abs("{one.column}")' for one in others)
    cursor.execute(f'SELECT {named} FROM "{key.table}" WHERE "{pk_column(key.model)}"::text = %s', [row])
    ids = [customer_id for customer_id in cursor.fetchone() if customer_id]
    later = Merge.objects.filter(models.Q(survivor__in=ids) | models.Q(absorbed__in=ids))
    if last := last_done(later, after=merge):
        raise came_later(last)


def rekey(cursor: Any, key: CustomerKey, rows: list[str], was: int, now: int) -> int:
    cursor.execute(
        f'UPDATE "{key.table}" SET "{key.column}" = %s'
        f' WHERE "{pk_column(key.model)}"::text = ANY(%s) AND "{key.column}" = %s',
        [now, rows, was],
    )
    return int(cursor.rowcount)


def _by_ends(moves: Iterable[MergeMove]) -> dict[tuple[int, int], list[str]]:
    found: dict[tuple[int, int], list[str]] = defaultdict(list)
    for move in moves:
        found[_number(move.old), _number(move.new)].append(move.row)
    return found


def _by_row(moves: Iterable[MergeMove]) -> Iterable[list[MergeMove]]:
    """The moves in their order, those of one row that follow one another together: columns that only stand with one
    another go back at once. A column that was changed twice goes back twice."""
    some: list[MergeMove] = []
    for move in moves:
        of_row = not some or (some[0].table, some[0].row) == (move.table, move.row)
        if not of_row or any(one.column == move.column for one in some):
            yield some
            some = []
        some.append(move)
    if some:
        yield some


def _columns_back(cursor: Any, moves: list[MergeMove], edited: Container[MergeMove], restore: Container[str]) -> None:
    """The former values of one row, where what the merge wrote still stands or the former one was chosen; a sum loses
    the other's part in any case."""
    table, key = moves[0].table, pk_of(moves[0].table)
    sets: list[str] = []
    values: dict[str, Any] = {"row": moves[0].row}
    for place, move in enumerate(moves):
        column, old, new, part = f'"{move.column}"', f"old_{place}", f"new_{place}", f"part_{place}"
        chosen = str(move.pk) in restore
        if (table, move.column) in GROWING:
            values[part] = str(_number(move.new) - _number(move.old))
            sets.append(f"{column} = greatest(0, {column} - %({part})s::int)")
        elif chosen or move not in edited:
            values |= {old: stored(move.old), new: stored(move.new)}
            record = f"jsonb_populate_record(NULL::\"{table}\", jsonb_build_object('{move.column}', %({old})s::jsonb))"
            still = "true" if chosen else f"to_jsonb({column}) IS NOT DISTINCT FROM %({new})s::jsonb"
            sets.append(f"{column} = CASE WHEN {still} THEN ({record}).{column} ELSE {column} END")
    if sets:
        cursor.execute(f'UPDATE "{table}" SET {", ".join(sets)} WHERE "{key}"::text = %(row)s', values)


def _documents_back(merge: Merge, moves: list[MergeMove]) -> None:
    """The documents change back when both still hold what the merge gave them; else each keeps what it has."""
    noted = [move for move in moves if is_document(move)]
    if not noted:
        return
    rows = {str(row.pk): row for row in Customer.objects.filter(pk__in=[merge.survivor_id, merge.absorbed_id])}
    if any(_now(rows[move.row], move.column) != move.new for move in noted if move.column == "id_hash"):
        return
    survivor, absorbed = rows[str(merge.survivor_id)], rows[str(merge.absorbed_id)]
    fields.swap_documents(Work(merge, survivor, absorbed), noted=False)


def _number(value: Any) -> int:
    return int(value)


def _now(customer: Customer, column: str) -> Any:
    value = getattr(customer, column)
    return "\\x" + bytes(value).hex() if isinstance(value, bytes | memoryview) else value
