"""The nightly tidying of outreach as a job."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from foundation.jobs.kinds import JobKind, register_job
from foundation.jobs.running import RunningJob
from outreach.results import drop_old_keys, expire_old


def tidy(job: RunningJob) -> None:
    """Hold back what stayed open for three months; forget once-only keys past their time. Harmless to repeat."""
    job.progress(0, 2)
    expired = expire_old()
    job.progress(1, 2, expired=expired)
    job.progress(2, 2, expired=expired, keys=drop_old_keys())


def register() -> None:
    """Make the job known."""
    register_job(JobKind(name="outreach.tidy", title=_("Tidy the outbox"), run=tidy, right=""))
