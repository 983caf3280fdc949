"""What the clock does for other systems."""

from celery import shared_task

from foundation.rest import delivering


@shared_task
def deliver_events() -> int:
    """Bring out the events that are due."""
    return delivering.deliver_due()
