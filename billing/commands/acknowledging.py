"""A command is done when billing tells the effect: by the event that carries its key, or when asked for it."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Coalesce

from billing.models import Command, RestoreWatch
from foundation.common import clock

State = Command.State


def acknowledge(keys: Collection[UUID]) -> int:
    """Note that commands took effect, whether or not their answer came back; how many. In the caller's transaction.

    One that was overtaken after a cut attempt stays so: the restoration behind it ends its effect.
    """
    if not keys:
        return 0
    now = clock.now()
    rows = list(
        Command.objects.select_for_update(no_key=True)
        .filter(key__in=keys, state__in=Command.OPEN)
        .values_list("pk", "batch", "kind")
    )
    if not rows:
        return 0
    Command.objects.filter(pk__in=[pk for pk, _batch, _kind in rows]).update(
        state=State.ACKNOWLEDGED, acknowledged_at=now, ended_at=now, sent_at=Coalesce(F("sent_at"), now), why=""
    )
    for batch in {batch for _pk, batch, kind in rows if kind == Command.Kind.RESTORE}:
        close_watch(batch)
    return len(rows)


def close_watch(batch: str) -> bool:
    """End the watch over a restoration whose commands have all taken effect."""
    waits = Command.objects.filter(batch=batch, kind=Command.Kind.RESTORE).exclude(state=State.ACKNOWLEDGED)
    watch = RestoreWatch.objects.filter(batch=batch, done_at=None)
    return not waits.exists() and bool(watch.update(done_at=clock.now(), next_at=None))
