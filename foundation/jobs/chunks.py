"""Set-based jobs in pieces: several workers claim id ranges, one statement and one transaction each (recipes §7)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from django.db import connection, transaction
from django.db.models import Count, Q, Sum

from foundation.jobs.kinds import kind_of
from foundation.jobs.models import JobChunk, JobRun
from foundation.jobs.queue import ask_for_helpers

LOOK_AGAIN_SECONDS = 0.1
LAST_ID = 2**63 - 1


def cut(run_id: int, lo: int, hi: int, size: int) -> None:
    """Make the pieces of lo <= id < hi once; a repeated run keeps those it has."""
    starts = range(lo, hi, size)
    pieces = (JobChunk(run_id=run_id, lo=start, hi=min(start + size, hi)) for start in starts)
    JobChunk.objects.bulk_create(pieces, batch_size=5_000, ignore_conflicts=True)


def cut_table(run_id: int, table: str, size: int, since: int = 0) -> None:
    """Make the pieces of a big table once, `size` rows each by its key `id`; a repeated run keeps those it has.

    The first piece begins with `since`, the last one is open above, so that a row made meanwhile belongs to one, too.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        if JobChunk.objects.filter(run_id=run_id).exists():
            return
        # From one start to the next by the index alone: no row passes more than one step.
        cursor.execute(
            f"""WITH RECURSIVE start (id) AS (
                  SELECT min(id) FROM "{table}" WHERE id >= %s
                  UNION ALL SELECT (SELECT t.id FROM "{table}" t WHERE t.id > start.id ORDER BY t.id OFFSET %s LIMIT 1)
                  FROM start WHERE start.id IS NOT NULL)
                INSERT INTO job_chunk (run_id, lo, hi)
                SELECT %s, CASE row_number() OVER (ORDER BY id) WHEN 1 THEN %s ELSE id END,
                  lead(id, 1, %s) OVER (ORDER BY id)
                FROM start WHERE id IS NOT NULL""",
            [since, size - 1, run_id, since, LAST_ID],
        )


def reopen(run_id: int) -> None:
    """Let every piece of a run be done again: the next pass of a job that goes over everybody more than once.

    Call it in the transaction that remembers which pass it is, after the pass before is whole.
    """
    JobChunk.objects.filter(run_id=run_id).update(rows=None)


def work_one(run: JobRun) -> bool:
    """Do one free piece of `run`; False when none is free now. Its error rolls the piece back."""
    chunk = kind_of(run.job).chunk
    if chunk is None:
        raise ValueError(f"job {run.job} has no chunk function")
    with transaction.atomic():
        piece = (
            JobChunk.objects.select_for_update(skip_locked=True)
            .filter(run_id=run.pk, rows__isnull=True)
            .order_by("lo")
            .first()
        )
        if piece is None:
            return False
        with connection.cursor() as cursor:
            piece.rows = chunk(cursor, run, piece.lo, piece.hi)
        piece.save(update_fields=["rows"])
    return True


def work_all(run: JobRun, progress: Callable[..., None]) -> int:
    """Do the pieces of `run` together with other workers until all are done; returns the sum of rows."""
    ask_for_helpers(run.pk, run.job, max(1, (os.cpu_count() or 2) - 1))
    looked_at = time.monotonic()
    while True:
        worked = work_one(run)
        if worked and time.monotonic() - looked_at < LOOK_AGAIN_SECONDS:
            continue
        looked_at = time.monotonic()
        figures = JobChunk.objects.filter(run_id=run.pk).aggregate(
            pieces=Count("pk"), done=Count("pk", filter=Q(rows__isnull=False)), rows=Sum("rows")
        )
        progress(figures["done"], figures["pieces"], rows=figures["rows"] or 0)
        if figures["done"] == figures["pieces"]:
            return int(figures["rows"] or 0)
        if not worked:  # the rest is in the hands of helpers; one that dies lets go of its piece
            time.sleep(LOOK_AGAIN_SECONDS)


def help_run(run_id: int) -> int:
    """Do pieces of somebody else's run until none is free or it no longer runs; returns how many."""
    helped = 0
    while (run := JobRun.objects.filter(pk=run_id, state="RUNNING", cancel_asked=False).first()) and work_one(run):
        helped += 1
    return helped
