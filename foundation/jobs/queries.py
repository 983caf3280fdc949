"""What the jobs page and the monitors read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Max, Min, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from foundation.common import clock
from foundation.jobs.kinds import job_kinds
from foundation.jobs.models import BeatMark, JobRun

_COUNTS = {"rows": _("Rows")}  # reported by every job over id ranges


def job_list(rows: QuerySet[JobRun], *, state: str = "", job: str = "") -> QuerySet[JobRun]:
    """`rows` (already `visible_to`) narrowed by state and job name, newest first: ready for `keyset_page`."""
    if state:
        rows = rows.filter(state=state)
    if job:
        rows = rows.filter(job=job)
    return rows.order_by("-id")


def title_of(run: JobRun) -> str:
    """The job's title in the reader's language; its bare name when no installed app registers it any more."""
    kind = job_kinds().get(run.job)
    return str(kind.title) if kind else run.job


def counts_of(job: str, counts: dict[str, int]) -> list[tuple[str, int]]:
    """The counts a run of `job` reported, each with its name in the reader's language, in the order of the names."""
    kind = job_kinds().get(job)
    words = _COUNTS | dict(kind.counts) if kind else _COUNTS
    names = [*(name for name in words if name in counts), *(name for name in counts if name not in words)]
    return [(str(words.get(name, name)), counts[name]) for name in names]


def files_of(run: JobRun) -> dict[str, tuple[str, Any]]:
    """The downloadable files of a run still there: "result" and "errors" → (name for the browser, file)."""
    found = {"result": (run.result_name, run.result_file), "errors": (run.errors_name, run.errors_file)}
    return {what: pair for what, pair in found.items() if pair[1]}


@dataclass(frozen=True)
class JobFigures:
    """The state of background work: counts, and the ages in seconds of the longest waiting and running."""

    waiting: int
    running: int
    lost: int
    oldest_waiting: float
    oldest_running: float


def job_figures() -> JobFigures:
    """One query over the unfinished runs."""
    now = clock.now()
    waiting, running = Q(state=JobRun.State.WAITING), Q(state=JobRun.State.RUNNING)
    found = JobRun.objects.unfinished().aggregate(
        waiting=Count("pk", filter=waiting),
        running=Count("pk", filter=running),
        lost=Count("pk", filter=running & Q(lease_until__lt=now)),
        since_waiting=Min("created_at", filter=waiting),
        since_running=Min("started_at", filter=running),
    )
    return JobFigures(
        found["waiting"],
        found["running"],
        found["lost"],
        _age(found["since_waiting"], now),
        _age(found["since_running"], now),
    )


def last_done() -> dict[str, float]:
    """Seconds since each job of the clock last finished well; a job that never did is not in it."""
    now = clock.now()
    rows = JobRun.objects.filter(state=JobRun.State.DONE, scheduled_for__isnull=False)
    ends = rows.values("job").annotate(end=Max(F("finished_at"))).values_list("job", "end")
    return {job: _age(end, now) for job, end in ends}


def beat_silence() -> float | None:
    """Seconds since the leading beat last sent its ticks; None when no beat ever did."""
    moment = BeatMark.objects.values_list("ticked_at", flat=True).first()
    return None if moment is None else _age(moment, clock.now())


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
