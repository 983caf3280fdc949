"""The watch over restorations: in service again within 24 hours of paying, by law within 48 (D§13.2)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from billing.commands.acknowledging import close_watch
from billing.commands.ringing import ring_finance
from billing.models import Command, RestoreWatch
from foundation.audit.services import record
from foundation.common import clock

AT_ONCE = 500
OWN, LAW = 1, 2


def watch_restores() -> int:
    """Ring for restorations that passed a limit; each limit once. Returns how many."""
    now = clock.now()
    due = RestoreWatch.objects.filter(done_at=None, next_at__lte=now).order_by("next_at", "pk")
    return sum(_look(pk, now) for pk in list(due.values_list("pk", flat=True)[:AT_ONCE]))


@transaction.atomic
def _look(pk: int, now: datetime) -> bool:
    watch = (
        RestoreWatch.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
        .select_related("account")
        .filter(pk=pk, done_at=None, next_at__lte=now)
        .first()
    )
    if watch is None or close_watch(watch.batch):
        return False
    level = LAW if watch.law_due_at <= now else OWN
    watch.level, watch.next_at = level, watch.law_due_at if level == OWN else None
    watch.save(update_fields=["level", "next_at"])
    due_at = watch.law_due_at if level == LAW else watch.own_due_at
    waiting = Command.objects.filter(batch=watch.batch).exclude(state=Command.State.ACKNOWLEDGED).count()
    record(
        "billing.restore_late",
        target=watch,
        actor=None,
        customer_id=watch.account.customer_id,
        detail={"level": level, "due_at": due_at.isoformat(), "commands": waiting},
    )
    params = {"due_at": due_at.isoformat(), "level": level}
    ring_finance("billing.restore_late", watch.account, params, f"restore-late-{watch.pk}-{level}", now, restorers=True)
    return True
