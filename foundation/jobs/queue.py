"""Telling the workers that a run waits. The row is the truth, the message only a hint: the tick repeats lost ones."""

from __future__ import annotations

from celery import current_app

from foundation.common import clock
from foundation.jobs.kinds import job_kinds
from foundation.jobs.models import JobRun

RUN_JOB = "foundation.jobs.tasks.run_job"
WORK_CHUNKS = "foundation.jobs.tasks.work_chunks"
DEFAULT_QUEUE = "default"


def queue_of(job: str) -> str:
    """The queue a job runs in."""
    kind = job_kinds().get(job)
    return kind.queue if kind else DEFAULT_QUEUE


def enqueue(run_id: int, job: str) -> None:
    """Send the hint for one run. Raises what the broker's client raises when it is away."""
    JobRun.objects.filter(pk=run_id).update(enqueued_at=clock.now())
    current_app.send_task(RUN_JOB, args=[run_id], queue=queue_of(job))


def ask_for_helpers(run_id: int, job: str, count: int) -> None:
    """Ask `count` workers to help with the chunks of a run."""
    for _ in range(count):
        current_app.send_task(WORK_CHUNKS, args=[run_id], queue=queue_of(job))
