"""What customers does by night."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from customers.birthday_quality import mark_all
from customers.value.evaluating import relationship_piece, run_relationship
from customers.value.running import run_value, value_piece
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
    register_job(
        JobKind(
            name="customers.judge_value",
            title=_("Value of all customers"),
            run=run_value,
            right="jobs.control",
            chunk=value_piece,
            counts={"rows": _("Customers")},
        )
    )
    register_job(
        JobKind(
            name="customers.evaluate_relationships",
            title=_("Relationship with all customers"),
            run=run_relationship,
            right="jobs.control",
            chunk=relationship_piece,
            counts={"rows": _("Customers")},
        )
    )
