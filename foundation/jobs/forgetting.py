"""Files of runs that may hold data of customers go when these are erased (D§5.12).

A run at work in that moment may have read them already. So each erasure is written down under a lock that a run takes
as well, for an instant, when it keeps a file and when it ends: either the run sees the erasure and begins again, or the
erasure sees the file.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import connection
from django.db.models import Q, QuerySet

from foundation.common import clock
from foundation.common.personal import Step, register_step
from foundation.jobs.kinds import job_kinds
from foundation.jobs.models import Forgotten, JobRun

FILES = ("input_file", "result_file", "errors_file")
_HAS_FILE = ~Q(input_file="") | ~Q(result_file="") | ~Q(errors_file="")


def runs_with_files_of(ids: list[int]) -> QuerySet[JobRun]:
    """Runs whose files may hold data of these customers; a job that cannot tell is taken to hold them."""
    telling = {name: kind.files_of for name, kind in job_kinds().items() if kind.files_of is not None}
    told = {run_id for files_of in set(telling.values()) for run_id in files_of(ids)}
    return JobRun.objects.filter(_HAS_FILE).filter(~Q(job__in=telling) | Q(pk__in=told))


def last_erasure() -> int:
    """The number of the last erasure that is over; 0 when there was none."""
    return Forgotten.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def forgotten_in(run: JobRun, *, since: int | None = None) -> bool:
    """Whether the files of a run may hold somebody erased after erasure number `since`; without it, erased after what
    the run works on was uploaded. In the caller's transaction, which no erasure overtakes from here on."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE job_forgotten IN SHARE MODE")
    late = Forgotten.objects.filter(at__gte=run.created_at) if since is None else Forgotten.objects.filter(pk__gt=since)
    ids = {one for customers in late.values_list("customers", flat=True) for one in customers}
    return bool(ids) and runs_with_files_of(sorted(ids)).filter(pk=run.pk).exists()


def find(ids: list[int]) -> dict[str, int]:
    """How many files would go."""
    return {"job_run": sum(bool(getattr(run, name)) for run in runs_with_files_of(ids) for name in FILES)}


def erase(ids: list[int], at: datetime) -> dict[str, int]:
    """Delete the files and forget their names and what a refusal said. What a run still at work was given goes at its
    end, and what it makes is made again (`RunningJob`)."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE job_forgotten IN SHARE ROW EXCLUSIVE MODE")
    Forgotten.objects.create(at=clock.now(), customers=ids)
    dropped = 0
    for run in runs_with_files_of(ids).select_for_update(no_key=True):
        dropped += forget_files(run, FILES if run.ended else ("result_file", "errors_file"))
    return {"job_run": dropped}


def forget_files(run: JobRun, names: Iterable[str] = FILES) -> int:
    """Delete these files of a run, with their names and what a refusal said; how many there were."""
    dropped, columns = 0, ["error_text"]
    for name in names:
        file, called = getattr(run, name), name.replace("_file", "_name")
        if file:
            file.delete(save=False)
            dropped += 1
        setattr(run, called, "")
        columns += [name, called]
    run.error_text = ""
    if not (run.input_file or run.result_file or run.errors_file):
        run.files_until = None
        columns.append("files_until")
    run.save(update_fields=columns)
    return dropped


def register() -> None:
    """Make the step known."""
    register_step(Step("jobs.files", find, erase))
