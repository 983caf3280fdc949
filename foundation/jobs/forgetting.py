"""Files of runs that may hold data of customers go when these are erased (D§5.12)."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet

from foundation.common.personal import Step, register_step
from foundation.jobs.kinds import job_kinds
from foundation.jobs.models import JobRun

FILES = ("input_file", "result_file", "errors_file")
_HAS_FILE = ~Q(input_file="") | ~Q(result_file="") | ~Q(errors_file="")


def runs_with_files_of(ids: list[int]) -> QuerySet[JobRun]:
    """Runs whose files may hold data of these customers; a job that cannot tell is taken to hold them."""
    telling = {name: kind.files_of for name, kind in job_kinds().items() if kind.files_of is not None}
    told = {run_id for files_of in set(telling.values()) for run_id in files_of(ids)}
    return JobRun.objects.filter(_HAS_FILE).filter(~Q(job__in=telling) | Q(pk__in=told))


def find(ids: list[int]) -> dict[str, int]:
    """How many files would go."""
    return {"job_run": sum(bool(getattr(run, name)) for run in runs_with_files_of(ids) for name in FILES)}


def erase(ids: list[int], at: datetime) -> dict[str, int]:
    """Delete the files and forget their names and what a refusal said. A run still at work ends before its files go:
    the job that drops old files takes them then."""
    dropped = 0
    for run in runs_with_files_of(ids).select_for_update(no_key=True):
        if not run.ended:
            JobRun.objects.filter(pk=run.pk).update(files_until=at)
            continue
        for name in FILES:
            file = getattr(run, name)
            if file:
                file.delete(save=False)
                dropped += 1
        run.input_name = run.result_name = run.errors_name = run.error_text = ""
        run.files_until = None
        run.save(update_fields=[*FILES, "input_name", "result_name", "errors_name", "error_text", "files_until"])
    return {"job_run": dropped}


def register() -> None:
    """Make the step known."""
    register_step(Step("jobs.files", find, erase))
