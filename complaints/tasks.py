"""What the clock does in complaints; each picks what is due and calls a service."""

from __future__ import annotations

from celery import shared_task

from complaints import watching
from foundation.common import clock


@shared_task
def watch_complaints() -> int:
    """Bring what reached a mark up the org tree, and grave cases to the director; ring what waited for office hours."""
    now = clock.now()
    return watching.sweep(now) + watching.bring_up_grave(now) + watching.ring_waiting(now)
