"""What the REST interface keeps no longer: answers older than 72 hours, tokens that ended, events of last month."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from foundation.common import clock
from foundation.rest.keys import KEPT
from foundation.rest.models import AccessToken, Delivery, Event, KeptAnswer

TIDY = "rest.tidy"
TITLE = _("Forget old answers and tokens of programs")
EVENTS_KEPT = timedelta(days=30)
COUNTS = {"deleted": _("Deleted")}


def tidy(job: Any) -> None:
    """Delete them; twice is once."""
    now = clock.now()
    answers, _each = KeptAnswer.objects.filter(at__lt=now - KEPT).delete()
    tokens, _each = AccessToken.objects.filter(expires_at__lte=now).delete()
    # Events nobody waits for any more; what was given up stays for a month, to be replayed.
    old = Event.objects.filter(at__lt=now - EVENTS_KEPT).exclude(deliveries__state=Delivery.State.WAITING)
    events, _each = old.delete()
    job.progress(1, 1, deleted=answers + tokens + events)
