"""Jobs that only tests have; their workers load this module by `celery worker -I`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from celery import shared_task
from django.db import connection

from foundation.common.errors import RuleBroken
from foundation.jobs.kinds import JobKind, register_job
from foundation.jobs.models import JobRun
from foundation.jobs.running import BadInput, RunningJob


def _count(job: RunningJob) -> None:
    for number in range(1, job.params.get("to", 3) + 1):
        job.progress(number, job.params.get("to", 3), even=number // 2)


def _slow(job: RunningJob) -> None:
    """Reports every 50 ms for at most `seconds`; a lost worker's second attempt ends at once."""
    if job.attempt > 1:
        job.progress(1, 1, attempts=job.attempt)
        return
    until = time.monotonic() + job.params.get("seconds", 60)
    step = 0
    while time.monotonic() < until:
        step += 1
        job.progress(step, 10_000)
        time.sleep(0.05)


def _refuse(job: RunningJob) -> None:
    job.progress(2, 5, good=2)
    raise RuleBroken("trial.refused", "the rule says no")


def _bad_file(job: RunningJob) -> None:
    with job.open_input() as source:
        if not source.read(1):
            raise BadInput("trial.empty", "the file is empty")


def _break(job: RunningJob) -> None:
    raise ZeroDivisionError("13800138000 must not be shown")


def _copy(job: RunningJob) -> None:
    text = job.input_path().read_bytes()
    made = job.folder() / "out"
    made.write_bytes(text.upper())
    job.attach_result("upper.txt", made)
    job.attach_errors("errors.csv", made)
    job.progress(len(text), len(text))


def _pieces(job: RunningJob) -> None:
    job.run_chunks(job.params["lo"], job.params["hi"], size=job.params["size"])


def _chunk(cursor: Any, run: JobRun, lo: int, hi: int) -> int:
    """Adds 1 to the `score` of a table the test makes."""
    cursor.execute(
        "UPDATE trial_rows SET score = score + 1, by = pg_backend_pid() WHERE id >= %s AND id < %s", [lo, hi]
    )
    return int(cursor.rowcount)


def _away(job: RunningJob) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


COUNT = JobKind("trial.count", "Count", _count, right="jobs.control")
SLOW = JobKind("trial.slow", "Slow", _slow, right="")
REFUSE = JobKind("trial.refuse", "Refuse", _refuse, right="")
BAD_FILE = JobKind("trial.bad_file", "Bad file", _bad_file, right="")
BREAK = JobKind("trial.break", "Break", _break, right="")
COPY = JobKind("trial.copy", "Copy", _copy, right="", queue="default")
PIECES = JobKind("trial.pieces", "Pieces", _pieces, right="", chunk=_chunk)
AWAY = JobKind("trial.away", "Away", _away, right="")

for kind in (COUNT, SLOW, REFUSE, BAD_FILE, BREAK, COPY, PIECES, AWAY):
    register_job(kind)


@shared_task
def hold(folder: str) -> None:
    """Writes a line when it begins and when it ends; ends once there is a file `go`. Acknowledged late, as most are."""
    place = Path(folder)
    with (place / "told").open("a") as told:
        print("begun", file=told, flush=True)
        while not (place / "go").exists():
            time.sleep(0.02)
        print("ended", file=told, flush=True)
