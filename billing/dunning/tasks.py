"""What the clock does about arrears: looks at the cases that are due."""

from __future__ import annotations

import structlog
from celery import shared_task
from django.db import DatabaseError

from billing.dunning.running import advance, due_accounts
from foundation.common import clock

log = structlog.get_logger(__name__)
BATCH = 500


@shared_task
def take_dunning_steps() -> int:
    """Take the steps that fell due, account by account. Returns how many."""
    taken = 0
    for account_id in due_accounts(clock.now(), BATCH):
        try:
            taken += advance(account_id, skip_locked=True)
        except DatabaseError:
            raise
        except Exception:  # one bad case must not hold up the others behind it
            log.exception("dunning_step_failed", account=account_id)
    return taken
