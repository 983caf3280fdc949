"""Taking a merge apart again, from its moves (D§5.14). Nothing is lost: what happened since is listed with its rule.

- A row that was moved goes back as it is now, with all that was done to it since.
- A row that is gone, or belongs to a third customer by now, stays so.
- A row that came after the merge stays with the survivor, unless it is chosen for the other.
- A field changed after the merge keeps its present value, unless the former one is chosen.
- A no to a purpose that was said after the merge holds for both from now on.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, connection, models, transaction
from django.utils.translation import gettext as _

from customers.merging.both import check_right, given_reason, held, refind, remember_merge, reopen_pair, tell
from customers.merging.moving import digest_sql, pk_column
from customers.merging.putting_back import (
    came_later,
    is_document,
    keys_by_column,
    last_done,
    merges_of,
    pk_of,
    rekey,
    stored,
    take_apart,
)
from customers.merging.rules import GROWING
from customers.merging.services import APPROVE_RIGHT
from customers.models import Consent, ConsentState, Customer, Merge, MergeMove
from customers.services.consent import withdraw_consent
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.common.merging import CustomerKey, OnMerge, keys_of
from foundation.ui.wording import say_moment
from staff.models import User

MOST_SHOWN = 100
# What a person has typed and not saved is nobody else's: it goes back, and no list tells of it.
UNTOLD = frozenset({"staff_draft"})


@dataclass(frozen=True)
class Since:
    """A row the undo must say something about: its table, key, and what it is called ("" when nothing tells)."""

    table: str
    row: str
    words: str = ""

    @property
    def ref(self) -> str:
        return f"{self.table}:{self.row}"


@dataclass(frozen=True)
class Edited:
    """A column changed after the merge: what stood there before the merge, what stands there now."""

    move: MergeMove
    now: Any

    @property
    def ref(self) -> str:
        return str(self.move.pk)


@dataclass
class Plan:
    """What an undo would meet. `back`: rows that go back, by table; the lists show at most `MOST_SHOWN` each."""

    back: dict[str, int] = field(default_factory=dict)
    worked_on: list[Since] = field(default_factory=list)
    gone: list[Since] = field(default_factory=list)
    elsewhere: list[Since] = field(default_factory=list)
    added: list[Since] = field(default_factory=list)
    edited: list[Edited] = field(default_factory=list)

    @property
    def is_plain(self) -> bool:
        """Nothing happened since."""
        return not (self.worked_on or self.gone or self.elsewhere or self.added or self.edited)


def plan_of(merge: Merge) -> Plan:
    """What happened since the merge, as the undo would find it now: four queries, whatever was moved."""
    plan = Plan()
    keys = keys_by_column()
    moves = list(merge.moves.order_by("pk"))
    by_table: dict[tuple[str, str], list[MergeMove]] = defaultdict(list)
    for move in moves:
        by_table[move.table, move.column].append(move)
    moved = {pair: some for pair, some in by_table.items() if pair in keys}
    found = _present({keys[pair]: [move.row for move in some] for pair, some in moved.items()})
    for (table, column), some in moved.items():
        if table in UNTOLD:
            continue
        for move in some:
            _judge(plan, move, found.get((table, column, move.row)))
    plan.edited = [Edited(move, now) for move, now in _edited(merge, moves)]
    plan.added = list(_added(merge, MOST_SHOWN))
    for shown in (plan.worked_on, plan.gone, plan.elsewhere):
        del shown[MOST_SHOWN:]
    return plan


@transaction.atomic
def undo_merge(
    merge_id: int, *, actor: User, reason: str, hand_over: Collection[str] = (), restore: Collection[str] = ()
) -> Merge:
    """Two customers again. `hand_over`: rows that came since (`Since.ref`) and go to the absorbed one; `restore`:
    changed fields (`Edited.ref`) that get their former value.

    Raises NotAllowed (merge.may_not_approve); RuleBroken merge.not_done, merge.too_late (30 days, policy),
    merge.erased (one was made anonymous, or the traces were erased), merge.not_the_last (a later merge must be undone
    first), merge.no_reason.
    """
    check_right(actor, APPROVE_RIGHT, "merge.may_not_approve", _("Your role does not decide about merges."))
    reason = given_reason(reason)
    merge = _checked(merge_id, actor)
    moves = list(merge.moves.order_by("-pk"))
    said_no = _refused_since(merge)
    edited = dict(_edited(merge, moves))
    # Before anything goes back, so that what came since is told from what came with the merge.
    given = [since for since in _added(merge, None) if since.ref in set(hand_over)]
    back = take_apart(merge, moves, edited, set(restore))
    _give(merge, given)
    merge.state, merge.undone_by, merge.undone_at, merge.undo_reason = Merge.State.UNDONE, actor, clock.now(), reason
    merge.save(update_fields=["state", "undone_by", "undone_at", "undo_reason"])
    _hold_refusals(merge, said_no)
    reopen_pair(merge)
    both = Customer.objects.filter(pk__in=[merge.survivor_id, merge.absorbed_id])
    both.update(version=models.F("version") + 1, updated_at=merge.undone_at)
    remember_merge(merge, "merge.undone", actor, rows=back)
    tell(merge, "merge.undone", actor)
    refind(merge.survivor_id, merge.absorbed_id)
    return merge


def refusal_of(merge: Merge) -> RuleBroken | None:
    """Why this merge cannot be undone now, or None."""
    if merge.state != Merge.State.DONE:
        return RuleBroken("merge.not_done", _("Only a merge that was done can be undone."))
    both = Customer.objects.filter(pk__in=[merge.survivor_id, merge.absorbed_id])
    if both.filter(status=Customer.Status.ANONYMISED).exists() or not merge.moves.exists():
        words = _("The data were erased since: there is nothing left to take apart.")
        return RuleBroken("merge.erased", words)
    if last := last_done(Merge.objects.filter(merges_of(merge.survivor_id)), after=merge):
        return came_later(last)
    if not merge.can_be_undone(clock.now()):
        until = say_moment(merge.undo_until) if merge.undo_until else ""
        return RuleBroken("merge.too_late", _("It could be undone until %(until)s.") % {"until": until})
    return None


def _checked(merge_id: int, actor: User) -> Merge:
    found = Merge.objects.get(pk=merge_id)
    if found.state != Merge.State.DONE:
        raise RuleBroken("merge.not_done", _("Only a merge that was done can be undone."))
    merge, _survivor, _absorbed = held(merge_id, actor, Merge.State.DONE, standing=False)
    if no := refusal_of(merge):
        raise no
    return merge


_SILENT = UNTOLD | {"customers_facts"}


def _edited(merge: Merge, moves: list[MergeMove]) -> Iterable[tuple[MergeMove, Any]]:
    """Columns of the two customers and of their rows that the merge wrote and somebody wrote again."""
    keys = keys_by_column()
    asked: dict[str, MergeMove] = {}
    parts, values = [], []
    for move in moves:
        pair = (move.table, move.column)
        if pair in keys or pair in GROWING or move.table in _SILENT or is_document(move):
            continue
        asked[str(move.pk)] = move
        parts.append(
            f'SELECT %s, to_jsonb("{move.column}") FROM "{move.table}" WHERE "{pk_of(move.table)}"::text = %s'
            f' AND to_jsonb("{move.column}") IS DISTINCT FROM %s::jsonb'
        )
        values += [str(move.pk), move.row, stored(move.new)]
    for move_id, now in _all_of(parts, values):
        yield asked[move_id], json.loads(now) if now is not None else None


def _added(merge: Merge, most: int | None) -> Iterable[Since]:
    """Rows the survivor got after the merge, oldest first; not those the merge brought."""
    mark = int(merge.result["mark"])
    limit = "" if most is None else f" LIMIT {int(most)}"
    parts, values = [], []
    for key in keys_of(OnMerge.MOVE):
        if key.table in UNTOLD:
            continue
        pk = pk_column(key.model)
        parts.append(
            f'(SELECT %s, t."{pk}"::text FROM "{key.table}" t WHERE t."{key.column}" = %s AND t."{pk}" > %s'
            f' ORDER BY t."{pk}"{limit})'
        )
        values += [key.table, merge.survivor_id, mark]
    for table, row in _all_of(parts, values):
        yield Since(table, row)


def _all_of(parts: list[str], values: list[Any]) -> list[tuple[Any, ...]]:
    """The rows of several SELECTs in one query."""
    if not parts:
        return []
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), values)
        return cursor.fetchall()


def _present(rows: dict[CustomerKey, list[str]]) -> dict[tuple[str, str, str], tuple[int | None, str]]:
    """Of these rows the customer and the digest of now, by table, key column and row; those that are gone left out."""
    parts, values = [], []
    for key, ids in rows.items():
        pk = pk_column(key.model)
        parts.append(
            f'SELECT %s, %s, t."{pk}"::text, t."{key.column}", {digest_sql("t", [key.column])} FROM "{key.table}" t'
            f' WHERE t."{pk}"::text = ANY(%s)'
        )
        values += [key.table, key.column, ids]
    found = _all_of(parts, values)
    return {(table, column, row): (customer_id, digest) for table, column, row, customer_id, digest in found}


def _judge(plan: Plan, move: MergeMove, found: tuple[int | None, str] | None) -> None:
    since = Since(move.table, move.row)
    if found is None:
        plan.gone.append(since)
    elif found[0] != move.new:
        plan.elsewhere.append(since)
    else:
        plan.back[move.table] = plan.back.get(move.table, 0) + 1
        if move.digest and found[1] != move.digest and move.table != Customer._meta.db_table:
            plan.worked_on.append(since)


def _give(merge: Merge, given: list[Since]) -> None:
    """Rows of the time together that belong to the absorbed customer. One whose place is taken stays."""
    by_table = {key.table: key for key in keys_of(OnMerge.MOVE) if key.model is not Customer}
    with connection.cursor() as cursor:
        for since in given:
            key = by_table.get(since.table)
            if key is None:
                continue
            try:
                with transaction.atomic():
                    rekey(cursor, key, [since.row], merge.survivor_id, merge.absorbed_id)
            except IntegrityError:
                continue


def _refused_since(merge: Merge) -> list[tuple[str, str]]:
    """Purposes and channels the customer said no to after the merge."""
    rows = Consent.objects.filter(customer=merge.survivor_id, since__gt=merge.decided_at)
    return list(rows.exclude(state=ConsentState.GRANTED).values_list("purpose", "channel"))


def _hold_refusals(merge: Merge, said_no: list[tuple[str, str]]) -> None:
    """Nobody can tell any more which of the two said it: neither is written to."""
    for customer_id in sorted((merge.survivor_id, merge.absorbed_id)):
        for purpose, channel in said_no:
            withdraw_consent(customer_id, actor=None, purpose=purpose, channel=channel, evidence=merge.number)
