"""What the clock does in outreach; each picks what is due and calls a service."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from celery import shared_task
from django.db import DatabaseError

from foundation.common import clock
from outreach import delivery, receipts
from outreach.models import FollowUp
from outreach.services import hand_over_if_overdue, remind_if_due
from outreach.services.rescuing import steps_due, take_step
from outreach.sms.replies import take_unfinished

log = structlog.get_logger(__name__)
BATCH = 500


@shared_task
def deliver_messages() -> int:
    """Take due messages out of the house."""
    return delivery.deliver_due()


@shared_task
def read_receipts() -> int:
    """Take in what a gateway says became of the letters it took."""
    return receipts.read_receipts()


@shared_task
def remind_due_followups() -> int:
    """Remind the owners of what is due now."""
    now = clock.now()
    due = FollowUp.objects.notice_due(now).filter(next_level=0).order_by("next_notice_at", "pk")
    return _each(remind_if_due, list(due.values_list("pk", flat=True)[:BATCH]))


@shared_task
def hand_over_overdue_followups() -> int:
    """Bring what nobody did to the leads."""
    now = clock.now()
    due = FollowUp.objects.notice_due(now).filter(next_level__gte=1).order_by("next_notice_at", "pk")
    return _each(hand_over_if_overdue, list(due.values_list("pk", flat=True)[:BATCH]))


@shared_task
def rescue_messages() -> int:
    """See to what a customer had to get and did not, and take up replies that never came whole."""
    take_unfinished()
    now = clock.now()
    return _each(take_step, steps_due(now, BATCH))


def _each(act: Callable[..., bool], ids: list[int]) -> int:
    done, now = 0, clock.now()
    for row_id in ids:
        try:
            done += act(row_id, now=now)
        except DatabaseError:
            raise
        except Exception:  # one bad row must not hold up the promises behind it
            log.exception("outreach_clock_failed", row=row_id)
    return done
