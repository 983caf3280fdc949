"""Sealing by the clock."""

from __future__ import annotations

from celery import shared_task

from foundation.audit.services import BATCH, seal

MOST_BATCHES = 100


@shared_task
def seal_audit() -> int:
    """Seal what is sealable, batch after batch; returns the rows sealed."""
    sealed = 0
    for _batch in range(MOST_BATCHES):
        rows = seal()
        sealed += rows
        if rows < BATCH:
            break
    return sealed
