"""The two jobs of a month-end file: check it without writing, and load it."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.monthend.loading import PIECE, Errors, forget, load_piece, stage, tally
from foundation.common.errors import RuleBroken
from foundation.jobs.kinds import JobKind, register_job
from foundation.jobs.models import JobRun
from foundation.jobs.running import BadInput, RunningJob

CHECK, LOAD = "billing.check_bills", "billing.load_bills"
RIGHT = "billing.engineer"


def run_check(job: RunningJob) -> None:
    """Read and check the whole file and say what loading it would do; nothing is written."""
    _read(job)
    counts = tally(job.run_id)
    forget(job.run_id)
    job.progress(job_total := counts["new"] + counts["known"], job_total)
    job.progress(job_total, job_total, new=counts["new"], known=counts["known"])
    job.progress(job_total, job_total, accounts=counts["accounts"], totals=counts["totals"])


def run_load(job: RunningJob) -> None:
    """Read, check and write. Killed in between it begins again; what is written is found again."""
    total = _read(job)
    counts = tally(job.run_id)
    if total:
        job.run_chunks(1, total + 1, size=PIECE)
    forget(job.run_id)
    job.progress(total, total, known=counts["known"], accounts=counts["accounts"], totals=counts["totals"])


def _read(job: RunningJob) -> int:
    """Stage the file; wrong rows go into the error file. Returns the highest place."""
    told = job.params.get("month")
    path = job.folder() / "errors.csv"
    errors = Errors(path)
    try:
        with job.open_input() as file:
            plain: Any = file.file if file.file is not None else file
            total = stage(job.run_id, plain, date.fromisoformat(f"{told}-01") if told else None, errors, _say(job))
    except RuleBroken as no:
        if no.code != "billing.bad_file":
            raise
        words = _("This is neither CSV with the columns of a month-end file nor NDJSON, in UTF-8: %(what)s")
        raise BadInput(no.code, words % {"what": no.message}) from no
    finally:
        errors.close()
        if errors.rows:
            job.attach_errors("month-end-errors.csv", path)
    job.progress(0, total, errors=errors.rows)
    return total


def _say(job: RunningJob) -> Any:
    return lambda read: job.progress(0, None, read=read)


def _piece(_cursor: Any, run: JobRun, lo: int, hi: int) -> int:
    return load_piece(run.pk, lo, hi)


COUNTS = {
    "read": gettext_lazy("bills read"),
    "errors": gettext_lazy("rows refused"),
    "new": gettext_lazy("new bills"),
    "known": gettext_lazy("known already"),
    "accounts": gettext_lazy("accounts nobody heard of"),
    "totals": gettext_lazy("wrong totals"),
    "rows": gettext_lazy("bills written"),
}


def register() -> None:
    """Make the kinds known."""
    register_job(JobKind(CHECK, gettext_lazy("Check a month-end file"), run_check, RIGHT, counts=COUNTS))
    register_job(JobKind(LOAD, gettext_lazy("Load the bills of a month"), run_load, RIGHT, chunk=_piece, counts=COUNTS))
