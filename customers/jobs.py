"""What customers does by night."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from customers.birthday_quality import mark_all
from foundation.jobs.kinds import JobKind, register_job
from foundation.jobs.running import RunningJob


def mark_birthdays(job: RunningJob) -> None:
    """Mark the archives whose birthday is missing, a filler, or outside the tables; take the marks off the others."""
    looked_at = changed = 0
    for seen, marked in mark_all():
        looked_at, changed = looked_at + seen, changed + marked
        job.progress(looked_at, looked_at, changed=changed)


def register() -> None:
    """Make the jobs known."""
    register_job(
        JobKind(
            name="customers.mark_birthdays",
            title=_("Mark doubtful birthdays"),
            run=mark_birthdays,
            right="jobs.control",
            counts={"changed": _("Archives marked anew")},
        )
    )
