"""A job over everybody in pieces: every row once, whoever works, whatever fails (recipes §7)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from foundation.jobs import chunks
from foundation.jobs.models import JobChunk, JobRun
from foundation.jobs.running import claim_and_run
from foundation.jobs.services import retry_job, start_job
from tests.jobs import trial_kinds  # noqa: F401 (registers trial.pieces)
from tests.racing import race

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = 1_000


@pytest.fixture
def rows() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE trial_rows (id bigint PRIMARY KEY, score int NOT NULL DEFAULT 0, by int)")
        cursor.execute("INSERT INTO trial_rows (id) SELECT generate_series(1, %s)", [ROWS])
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE trial_rows")


def scores() -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT score, count(*) FROM trial_rows GROUP BY score ORDER BY score")
        return cursor.fetchall()


def start() -> JobRun:
    return start_job("trial.pieces", actor=None, params={"lo": 1, "hi": ROWS + 1, "size": 7})


@pytest.mark.usefixtures("rows")
def test_every_row_once_and_the_sum_is_reported():
    run = start()
    assert claim_and_run(run.pk) is True
    run.refresh_from_db()
    assert (run.state, run.done, run.total, run.counts) == ("DONE", 143, 143, {"rows": ROWS})
    assert scores() == [(1, ROWS)]
    assert list(JobChunk.objects.order_by("lo").values_list("lo", "hi"))[-1] == (995, 1001)


@pytest.mark.usefixtures("rows")
def test_several_workers_share_the_pieces_and_none_is_done_twice():
    run = start()
    JobRun.objects.filter(pk=run.pk).update(state="RUNNING", lease_until=run.created_at)
    chunks.cut(run.pk, 1, ROWS + 1, 7)
    helped = race(*[lambda: chunks.help_run(run.pk)] * 4)
    assert sum(helped) == 143
    assert scores() == [(1, ROWS)]
    assert chunks.help_run(run.pk) == 0


@pytest.mark.usefixtures("rows")
def test_a_failing_piece_is_rolled_back_and_the_retry_does_only_what_is_left():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE trial_rows ADD CONSTRAINT no_500 CHECK (id <> 500 OR score = 0)")
    run = start()
    assert claim_and_run(run.pk) is True
    run.refresh_from_db()
    assert (run.state, run.error_code) == ("FAILED", "jobs.defect")
    assert scores() == [(0, ROWS - 497), (1, 497)]  # 71 pieces of 7 before the one with row 500
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE trial_rows DROP CONSTRAINT no_500")
    retry_job(run.pk, actor=None)
    assert claim_and_run(run.pk) is True
    run.refresh_from_db()
    assert (run.state, run.counts) == ("DONE", {"rows": ROWS})
    assert scores() == [(1, ROWS)]


@pytest.mark.usefixtures("rows")
def test_nobody_helps_a_run_that_does_not_run():
    run = start()
    chunks.cut(run.pk, 1, ROWS + 1, 7)
    assert chunks.help_run(run.pk) == 0
    JobRun.objects.filter(pk=run.pk).update(state="RUNNING", lease_until=run.created_at, cancel_asked=True)
    assert chunks.help_run(run.pk) == 0
    assert scores() == [(0, ROWS)]


def test_a_kind_without_chunk_function_cannot_be_cut():
    run = start_job("trial.count", actor=None)
    chunks.cut(run.pk, 1, 3, 1)
    with pytest.raises(ValueError, match="no chunk function"):
        chunks.work_one(run)


@pytest.mark.usefixtures("rows")
def test_a_table_is_cut_once_by_its_rows_from_an_id_on():
    run = start()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM trial_rows WHERE id BETWEEN 101 AND 150")
    chunks.cut_table(run.pk, "trial_rows", 300, 101)
    wanted = [(101, 451), (451, 751), (751, chunks.LAST_ID)]
    pieces = JobChunk.objects.filter(run=run).order_by("lo").values_list("lo", "hi")
    assert list(pieces) == wanted
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO trial_rows (id) SELECT generate_series(2001, 3000)")
    chunks.cut_table(run.pk, "trial_rows", 300, 101)
    assert list(pieces.all()) == wanted
    other = start()
    chunks.cut_table(other.pk, "trial_rows", 300, 3_001)
    assert not JobChunk.objects.filter(run=other).exists()
