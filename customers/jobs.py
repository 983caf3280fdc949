"""What customers does by night."""

from __future__ import annotations

from typing import Any

from django.db.models import Max
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from customers.birthday_quality import mark_all
from customers.consent_evidence import erase_old_evidence
from customers.erasure.erasing import Report, enrol_ended, forget_logs
from customers.erasure.erasing import erase_due as erase_due_batch
from customers.merging import batch
from customers.merging.forgetting import forget_traces
from customers.merging.late import bring_late_rows
from customers.models import DuplicateBlock
from customers.optional_removal import remove_overdue_facts
from customers.quality import refresh_all
from customers.value.evaluating import relationship_piece, run_relationship
from customers.value.running import run_value, value_piece
from foundation.audit.words import say_kind
from foundation.common import clock
from foundation.common.personal import own_models
from foundation.jobs.kinds import NO_CUSTOMERS, JobKind, register_job
from foundation.jobs.models import JobChunk
from foundation.jobs.running import RunningJob

_say_kind = lazy(say_kind, str)


def mark_birthdays(job: RunningJob) -> None:
    """Mark the archives whose birthday is missing, a filler, or outside the tables; take the marks off the others."""
    looked_at = changed = 0
    for seen, marked in mark_all():
        looked_at, changed = looked_at + seen, changed + marked
        job.progress(looked_at, looked_at, changed=changed)


def erase_due(job: RunningJob) -> None:
    """Begin the time of keeping of those who have ended, erase what nobody needs to keep any more, and forget the
    personal parts of old log entries (D§5.12). Killed and run again it goes on; what is done is no longer due."""
    now, total, after = clock.now(), Report(), 0
    while (last := enrol_ended(after)) is not None:
        after = last
        job.progress(0, None)
    after = 0
    while True:
        report, last = erase_due_batch(now, after)
        if last is None:
            break
        after = last
        total.add(report)
        job.progress(total.erased, None, **_figures(total))
    logs = forget_logs(now)
    rows = {f"rows_{table}": count for table, count in sorted(total.rows.items())}
    job.progress(total.erased, total.erased, **_figures(total), logs=logs, **rows)


def _figures(report: Report) -> dict[str, int]:
    return {
        "erased": report.erased,
        "anonymised": report.anonymised,
        "records": sum(report.rows.values()),
        "left": sum(report.left.values()),
    }


def find_duplicates(job: RunningJob) -> None:
    """Find archives that may be one person (D§5.14), and bring home what was written for a merged archive too late."""
    job.progress(0, brought=bring_late_rows(), forgotten=forget_traces())
    if not JobChunk.objects.filter(run_id=job.run_id).exists():
        _blocks, too_large = batch.make_blocks(job.run_id)
        job.progress(0, too_large=too_large)
    blocks = DuplicateBlock.objects.filter(run_id=job.run_id).aggregate(last=Max("place"))["last"]
    pairs = job.run_chunks(0, 0 if blocks is None else blocks + 1, size=batch.PIECE) if blocks is not None else 0
    job.progress(1, 1, pairs=pairs, gone=batch.finish(job.run_id))


def _score_piece(cursor: Any, run: Any, lo: int, hi: int) -> int:
    return batch.score_blocks(cursor, run.pk, lo, hi)


def erase_consent_evidence(job: RunningJob) -> None:
    """Erase the words of consents' evidence whose time is over (D§5.6)."""
    looked_at = erased = 0
    for seen, gone in erase_old_evidence():
        looked_at, erased = looked_at + seen, erased + gone
        job.progress(looked_at, looked_at, erased=erased)


def refresh_quality(job: RunningJob) -> None:
    """Reckon anew what is wrong with every archive: figures that change by themselves (age, expiry, tier) show."""
    looked_at = changed = 0
    for seen, moved in refresh_all():
        looked_at, changed = looked_at + seen, changed + moved
        job.progress(looked_at, looked_at, changed=changed)


def remove_facts(job: RunningJob) -> None:
    """Remove optional facts that are over, or whose profile was refused long enough ago."""
    removed = 0
    for number in remove_overdue_facts():
        removed += number
        job.progress(removed, removed, removed=removed)


def register() -> None:
    """Make the jobs known."""
    register_job(
        JobKind(
            name="customers.find_duplicates",
            title=_("Find archives of one person"),
            run=find_duplicates,
            right="jobs.control",
            chunk=_score_piece,
            files_of=NO_CUSTOMERS,
            counts={
                "brought": _("Late rows brought to the archive that took theirs up"),
                "forgotten": _("Traces of merges that cannot be undone any more"),
                "too_large": _("Things too many archives share"),
                "pairs": _("Pairs worth a look"),
                "gone": _("Pairs no longer alike"),
            },
        )
    )
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
            name="customers.erase_consent_evidence",
            title=_("Erase old evidence of consents"),
            run=erase_consent_evidence,
            right="jobs.control",
            counts={"erased": _("Evidence erased")},
        )
    )
    register_job(
        JobKind(
            name="customers.refresh_quality",
            title=_("Look for data to mend"),
            run=refresh_quality,
            right="jobs.control",
            counts={"changed": _("Items that came or went")},
        )
    )
    register_job(
        JobKind(
            name="customers.remove_facts",
            title=_("Remove optional facts that are over"),
            run=remove_facts,
            right="jobs.control",
            counts={"removed": _("Facts removed")},
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
    register_job(
        JobKind(
            name="customers.erase_due",
            title=_("Delete what need not be kept"),
            run=erase_due,
            right="jobs.control",
            files_of=NO_CUSTOMERS,
            counts={
                "erased": _("Customers deleted"),
                "anonymised": _("of them made anonymous"),
                "records": _("Records deleted or emptied"),
                "left": _("Left for another night"),
                "logs": _("Old personal parts of the log"),
                **{f"rows_{model._meta.db_table}": _say_kind(model._meta.label_lower) for model in own_models()},
            },
        )
    )
