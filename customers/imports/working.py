"""The three jobs of an import. Each may be repeated from its beginning: what is written is found again, not doubled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import IO

from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext as _

from customers.imports.contents import content_of
from customers.imports.models import Import, ImportChild, ImportRow, StagedRow
from customers.imports.problems import ErrorList
from foundation.audit.services import record
from foundation.common import clock
from foundation.jobs.running import BadInput, LeaseLost, RunningJob
from foundation.policies.reading import policy
from staff.models import User


def check(job: RunningJob) -> None:
    """Read and check the whole file and rehearse the writing; the archive stays as it is."""
    imported = _of(job)
    with _ending(job, imported, Import.State.CHECKED):
        _bring_in(job, imported, rehearse=True)


def run(job: RunningJob) -> None:
    """Read, check and write."""
    imported = _of(job)
    if imported.started_at is None:
        imported.started_at = clock.now()
        imported.save(update_fields=["started_at"])
    with _ending(job, imported, Import.State.DONE):
        _bring_in(job, imported, rehearse=False)


def revert(job: RunningJob) -> None:
    """Put back what may be put back."""
    imported = _of(job)
    with _ending(job, imported, Import.State.REVERTED):
        content = content_of(imported.mapping)
        total = content.to_revert(imported)
        reverted, kept = content.revert(imported, lambda done: job.progress(done, total))
        imported.counts = {**imported.counts, "reverted": reverted, "kept": kept}
        job.progress(total, total, reverted=reverted, kept=kept)


def forget_old(job: RunningJob) -> None:
    """Drop the old values of imports that can no longer be reverted, and rows left in the staging table."""
    before = clock.now() - timedelta(days=policy("imports.revert_days"))
    old = list(Import.objects.filter(started_at__lt=before).values_list("pk", flat=True))
    dropped = ImportRow.objects.filter(import_id__in=old, before__isnull=False).update(before=None)
    ImportChild.objects.filter(import_id__in=old).delete()
    busy = Import.objects.filter(state__in=Import.BUSY).values("pk")
    StagedRow.objects.exclude(import_id__in=busy).delete()
    job.progress(dropped, dropped, imports=len(old))


def _bring_in(job: RunningJob, imported: Import, *, rehearse: bool) -> None:
    path = job.folder() / "errors.csv"
    with ErrorList(path) as errors, _file_of(imported) as file:
        counts = content_of(imported.mapping).bring_in(imported, file, errors, rehearse, job.progress)
    imported.counts = counts
    if errors.rows:
        job.attach_errors(f"{imported.number}-errors.csv", path)
    rows = imported.rows or 0
    job.progress(rows * 2, rows * 2, **counts)


def _of(job: RunningJob) -> Import:
    return Import.objects.select_related("unit", "file_run").get(pk=int(job.params["import"]))


@contextmanager
def _file_of(imported: Import) -> Iterator[IO[bytes]]:
    run = imported.file_run
    if run is None or not run.input_file:
        raise BadInput("imports.file_gone", _("The file was deleted after 7 days. Upload it again."))
    with run.input_file.open("rb") as file:
        yield file.file if file.file is not None else file


@contextmanager
def _ending(job: RunningJob, imported: Import, state: str) -> Iterator[None]:
    """Store how it ended, with one audit entry. A lost lease or database says nothing: the run is repeated."""
    try:
        yield
    except (LeaseLost, OperationalError, InterfaceError):
        raise
    except BaseException:
        _end(job, imported, Import.State.FAILED)
        raise
    _end(job, imported, state)


def _end(job: RunningJob, imported: Import, state: str) -> None:
    imported.state, imported.finished_at = state, clock.now()
    imported.save(update_fields=["state", "finished_at", "counts", "rows", "notes"])
    actor = User.objects.filter(pk=job.actor_id).first() if job.actor_id else None
    record(f"import.{state.lower()}", target=imported, actor=actor, detail={"counts": imported.counts})
