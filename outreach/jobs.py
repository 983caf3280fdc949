"""The nightly tidying of outreach as a job."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from foundation.jobs.kinds import JobKind, register_job
from foundation.jobs.running import RunningJob
from outreach.results import drop_old_keys, expire_old
from outreach.services.bell import drop_read_bells


def tidy(job: RunningJob) -> None:
    """Hold back what stayed open for three months, forget once-only keys past their time and bells long read. Harmless
    to repeat."""
    job.progress(0, 3)
    expired = expire_old()
    job.progress(1, 3, expired=expired)
    keys = drop_old_keys()
    job.progress(2, 3, expired=expired, keys=keys)
    job.progress(3, 3, expired=expired, keys=keys, bells=drop_read_bells())


def register() -> None:
    """Make the job known."""
    counts = {
        "expired": _("Messages held back at last"),
        "keys": _("Once-only keys forgotten"),
        "bells": _("Read notifications deleted"),
    }
    register_job(JobKind(name="outreach.tidy", title=_("Tidy the outbox"), run=tidy, right="", counts=counts))
