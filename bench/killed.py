"""The jobs over everybody killed half-way and run again: a real worker, SIGKILL, another worker; the result is equal.

The value of a month is killed in both of its passes, the relationship of a quarter in its one. Every table they write
is compared with what a run nobody disturbed left in it: checksums over all rows in their order.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO, Any

from django.conf import settings
from django.db import connection

from bench.everybody import MEMORY_MB, own_kb
from bench.table import Figure
from customers.models import RelationshipReview, ValueMonth, ValueTally
from customers.models.value import PassState, RelationshipRun, ValueRun
from customers.value.evaluating import quarter_before
from customers.value.relationship import QUARTER
from foundation.calendars.working_time import add_months
from foundation.common import clock
from foundation.jobs.models import JobChunk, JobRun
from foundation.jobs.queue import enqueue
from foundation.jobs.services import start_job

LOOK_SECONDS = 0.1
MOST_SECONDS = 900
LEASE_OVER = 120  # seconds by which the clock of the next worker is ahead: it finds the lease of the killed one over
_VALUE_FACTS = "value_month, value_amount, value_class, potential, value_cell, clv, personas, location"
_RELATIONSHIP_FACTS = "relationship_month, relationship_score, relationship_band"
_EMPTY_FACTS = (
    "UPDATE customers_facts SET value_month = NULL, value_amount = NULL, value_class = '', potential = NULL,"
    " value_cell = '', clv = NULL, personas = '{}', location = ''",
    "UPDATE customers_facts SET relationship_month = NULL, relationship_score = NULL, relationship_band = ''",
)


def measure() -> list[Figure]:
    """Both jobs, each once undisturbed by a worker and once killed."""
    quarter = quarter_before(clock.now())
    month = add_months(quarter, QUARTER - 1)
    value = {
        "rows": f"SELECT customer_id, v FROM {ValueMonth._meta.db_table} v WHERE month = '{month}'",
        "facts": f"SELECT customer_id, ({_VALUE_FACTS}) AS v FROM customers_facts",
        "counts": "SELECT 0 AS customer_id, (unit_id, kind, cell, value_class, customers) AS v"
        f" FROM {ValueTally._meta.db_table}",
        "rules": f"SELECT 0 AS customer_id, rules AS v FROM {ValueRun._meta.db_table} WHERE month = '{month}'",
    }
    related = {
        "rows": f"SELECT customer_id, v FROM {RelationshipReview._meta.db_table} v WHERE month = '{quarter}'",
        "facts": f"SELECT customer_id, ({_RELATIONSHIP_FACTS}) AS v FROM customers_facts",
    }
    params = {"month": f"{month:%Y-%m}"}
    return [
        *_compared("value of a month", "customers.judge_value", params, value, _EMPTY_FACTS[0], 2),
        *_compared(
            "relationship of a quarter",
            "customers.evaluate_relationships",
            {"month": f"{quarter:%Y-%m}"},
            related,
            _EMPTY_FACTS[1],
            1,
        ),
    ]


def _compared(
    work: str, job: str, params: dict[str, Any], tables: dict[str, str], empty: str, passes: int
) -> Iterator[Figure]:
    _begin(job, empty)
    with _worker(0) as worker:
        run = start_job(job, actor=None, params=params)
        peak = _until(lambda: _ended(run), worker)
    wanted = {name: _checksum(rows) for name, rows in tables.items()}
    _begin(job, empty)
    run, told = start_job(job, actor=None, params=params), []
    for attempt in range(passes + 1):
        if attempt:
            enqueue(run.pk, job)  # what the tick does when the lease is over
        with _worker(attempt * LEASE_OVER) as worker:
            if attempt == passes:
                _until(lambda: _ended(run), worker)
                continue
            _until(partial(_half_way, run, attempt), worker)
            _kill(worker)
        told.append(f"{JobChunk.objects.filter(run=run, rows__isnull=True).count()} pieces left")
    found = {name: _checksum(rows) for name, rows in tables.items()}
    other = [name for name in tables if found[name] != wanted[name]]
    rows = wanted["rows"][0]
    run.refresh_from_db()
    note = f"{rows:,} rows, {', '.join(told)}, {run.attempts} attempts; differ: {', '.join(other) or 'none'}"
    yield Figure(f"{work}, killed and run again", "tables that differ", len(other), 0, "", note=note)
    yield Figure(work, "memory, a worker and its database process", peak, MEMORY_MB, "MB")


def _begin(job: str, empty: str) -> None:
    """Nothing is left of an earlier run, so that what is found later was made by this one."""
    model, runs = (ValueMonth, ValueRun) if "value" in job else (RelationshipReview, RelationshipRun)
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {model._meta.db_table}")
        cursor.execute(f"DELETE FROM {runs._meta.db_table}")
        cursor.execute(empty)
        if model is ValueMonth:
            cursor.execute(f"DELETE FROM {ValueTally._meta.db_table}")
        cursor.execute("VACUUM (ANALYZE) customers_facts")


def _ended(run: JobRun) -> bool:
    run.refresh_from_db()
    if run.ended and run.state != JobRun.State.DONE:
        raise SystemExit(f"{run.job} ended {run.state}: {run.error_text}")
    return run.state == JobRun.State.DONE


def _half_way(run: JobRun, passed: int) -> bool:
    """Whether the run is in the middle of its first pass (`passed` 0) or its second."""
    if _ended(run):
        raise SystemExit(f"{run.job} ended before it was killed")
    if passed and ValueRun.objects.get(job_run_id=run.pk).state != PassState.JUDGE:
        return False
    pieces = JobChunk.objects.filter(run=run)
    return pieces.filter(rows__isnull=False).count() * 2 >= max(1, pieces.count())


@contextmanager
def _worker(ahead: int) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of the bulk queue as the product runs it, its clock `ahead` seconds; killed at the end at the latest."""
    offset = float(os.environ.get("CARELINE_CLOCK_OFFSET", "0")) + ahead
    environment = os.environ | {"CARELINE_CLOCK_OFFSET": str(offset)}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "crm", "worker", "-Q", "bulk", "-c", "1", "--loglevel", "WARNING"],
            env=environment,
            cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield process
        except SystemExit:
            _tell(log)
            raise
        finally:
            _kill(process)


def _tell(log: IO[bytes]) -> None:
    log.seek(0)
    print(log.read()[-4_000:].decode(errors="replace"), file=sys.stderr)


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)


def _until(happened: Callable[[], bool], worker: subprocess.Popen[bytes]) -> float:
    """Wait; returns the most memory in MB that the process which works and its database process held meanwhile."""
    over, peak = time.monotonic() + MOST_SECONDS, 0.0
    while not happened():
        if worker.poll() is not None or time.monotonic() > over:
            raise SystemExit("the worker ended, or did not come to an end")
        peak = max(peak, _held_mb(worker.pid))
        time.sleep(LOOK_SECONDS)
    return peak


def _held_mb(worker: int) -> float:
    """Of the process that does the work (the worker's child) and of the database process with the most."""
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(worker)], capture_output=True, text=True, check=False)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
            " AND datname = current_database() AND pid <> pg_backend_pid()"
        )
        backends = [pid for (pid,) in cursor.fetchall()]
    return (_most(map(int, children.stdout.split())) + _most(backends)) / 1_024


def _most(pids: Any) -> int:
    held = 0
    for pid in pids:
        try:
            held = max(held, own_kb(pid))
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
    return held


def _checksum(rows: str) -> tuple[int, str]:
    """How many rows there are, and an MD5 over all of them in their order, a thousand customers at a time."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT coalesce(sum(n), 0), coalesce(md5(string_agg(part, '' ORDER BY at)), '') FROM (
              SELECT customer_id >> 32 AS at, count(*) AS n,
                md5(string_agg(v::text, ';' ORDER BY customer_id, v::text)) AS part
              FROM ({rows}) told GROUP BY 1) parts"""
        )
        count, digest = cursor.fetchone()
    return int(count), str(digest)
