"""What of merges and pairs goes with a customer's personal data, whichever of the two the customer was."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from customers.models import DuplicatePair, Merge, MergeMove
from foundation.common import clock
from foundation.common.personal import Counts, Step, register_step

_TEXTS = ("reason", "refusal", "undo_reason")
# Undo has ended; a day more, so that nobody loses what is on the screen.
GRACE = timedelta(days=1)


def _pairs(ids: list[int]) -> QuerySet[DuplicatePair]:
    return DuplicatePair.objects.filter(Q(low__in=ids) | Q(high__in=ids))


def _merges(ids: list[int]) -> QuerySet[Merge]:
    return Merge.objects.filter(Q(survivor__in=ids) | Q(absorbed__in=ids))


def find(ids: list[int]) -> dict[str, QuerySet[Any]]:
    """How many rows would go or lose their words, by table."""
    worded = _merges(ids).exclude(**dict.fromkeys(_TEXTS, ""))
    return {
        DuplicatePair._meta.db_table: _pairs(ids),
        MergeMove._meta.db_table: MergeMove.objects.filter(merge__in=_merges(ids)),
        Merge._meta.db_table: worded,
    }


def erase(ids: list[int], at: datetime) -> Counts:
    """Delete the pairs and the traces of merges, empty the reasons; without traces a merge cannot be undone."""
    merges = list(_merges(ids).values_list("pk", flat=True))
    texts = dict.fromkeys(_TEXTS, "")
    _all, pairs = _pairs(ids).delete()
    _all, moves = MergeMove.objects.filter(merge__in=merges).delete()
    return {
        DuplicatePair._meta.db_table: pairs.get(DuplicatePair._meta.label, 0),
        MergeMove._meta.db_table: moves.get(MergeMove._meta.label, 0),
        Merge._meta.db_table: Merge.objects.filter(pk__in=merges).exclude(**texts).update(**texts),
    }


def forget_traces() -> int:
    """Delete the traces of merges that cannot be undone any more, or were; returns how many rows."""
    over = Q(state=Merge.State.UNDONE) | Q(state=Merge.State.DONE, undo_until__lt=clock.now() - GRACE)
    gone, _each = MergeMove.objects.filter(merge__in=Merge.objects.filter(over)).delete()
    return gone


def register() -> None:
    """Make the step of erasure known."""
    register_step(Step("customers.merging", find, erase))
