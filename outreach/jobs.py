"""The nightly tidying of outreach as a job."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext_lazy as _

from foundation.jobs.kinds import JobKind, register_job
from foundation.jobs.running import RunningJob
from outreach.results import drop_old_keys, expire_old
from outreach.services.bell import drop_read_bells
from outreach.services.rescuing import drop_old_steps
from outreach.sms.parts import drop_old_parts
from outreach.sms.replies import drop_old_replies


def tidy(job: RunningJob) -> None:
    """Hold back what stayed open for three months, forget once-only keys past their time, bells long read, and what is
    left of text messages nobody will hear of again. Harmless to repeat."""
    job.progress(0, 4)
    counts = {"expired": expire_old()}
    job.progress(1, 4, **counts)
    counts["keys"] = drop_old_keys()
    job.progress(2, 4, **counts)
    counts["bells"] = drop_read_bells()
    job.progress(3, 4, **counts)
    counts["texts"] = _all(drop_old_parts) + _all(drop_old_replies) + _all(drop_old_steps)
    job.progress(4, 4, **counts)


def _all(drop: Callable[[], int]) -> int:
    """Call what drops a chunk until nothing is left."""
    total = gone = drop()
    while gone:
        gone = drop()
        total += gone
    return total


def register() -> None:
    """Make the job known."""
    counts = {
        "expired": _("Messages held back at last"),
        "keys": _("Once-only keys forgotten"),
        "bells": _("Read notifications deleted"),
        "texts": _("What is left of old messages deleted"),
    }
    register_job(JobKind(name="outreach.tidy", title=_("Tidy the outbox"), run=tidy, right="", counts=counts))
