"""What the clock does in complaints; each picks what is due and calls a service."""

from __future__ import annotations

import structlog
from celery import shared_task
from django.db import DatabaseError

from complaints import dues, watching
from foundation.common import clock

log = structlog.get_logger(__name__)


@shared_task
def watch_complaints() -> int:
    """Bring what reached a mark up the org tree, and grave cases to the director; ring what waited for office hours."""
    now = clock.now()
    return watching.sweep(now) + watching.bring_up_grave(now) + watching.ring_waiting(now)


@shared_task
def settle_dues() -> int:
    """Whatever else fell due: offers, promises, orders, measures, parts, pauses, silences, callbacks, letters."""
    now = clock.now()
    done = dues.sweep_parts(now)
    for due in dues.DUES:
        for key in due.ids(now):
            try:
                done += due.act(key, now)
            except DatabaseError:
                raise
            except Exception:  # one bad row must not hold up the duties behind it
                log.exception("complaint_due_failed", duty=due.name, row=key)
    return done
