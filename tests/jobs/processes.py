"""Real workers and beats against the test database and the real broker; a plugin of tests/conftest.py.

    def test_x(processes):            # brings `transactional_db`
        processes.worker()            # celery -A crm worker, ready when this returns
        processes.beat()              # manage beat
        wait_until(lambda: JobRun.objects.filter(state="DONE").exists())

Every process belongs to one test and is killed at its end. Messages of a test run live under a prefix of their
own in the broker. Nothing waits by sleeping: `wait_until` looks until its deadline.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import pytest
import redis
from django.db import connection

from crm.celery import app

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0
T = TypeVar("T")


def wait_until(condition: Callable[[], T], seconds: float = 30.0, what: str = "", logs: Processes | None = None) -> T:
    """Look until `condition()` is true and return its value; fails at the deadline, with the processes' logs."""
    deadline = time.monotonic() + seconds
    while True:
        if found := condition():
            return found
        if time.monotonic() > deadline:
            told = logs.tail() if logs else ""
            pytest.fail(f"did not happen in {seconds:.0f} s: {what or condition!r}\n{told}")
        time.sleep(0.05)


class Running:
    """One process of the test: its output is in `log`."""

    def __init__(self, name: str, argv: list[str], env: dict[str, str], log: Path) -> None:
        self.name, self.log = name, log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                argv, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def says(self, words: str) -> bool:
        """Whether the log holds `words`; fails when the process has ended without saying so."""
        if words in self.log.read_text(errors="replace"):
            return True
        if self.process.poll() is not None and words not in self.log.read_text(errors="replace"):
            pytest.fail(
                f"{self.name} ended with {self.process.returncode}:\n{self.log.read_text(errors='replace')[-4000:]}"
            )
        return False

    def kill(self) -> None:
        """SIGKILL to it and all its children at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait(20)

    def stop(self) -> int:
        """Ask it to end and wait; returns the exit code."""
        self.process.terminate()
        try:
            return self.process.wait(30)
        finally:
            self.kill()


class Processes:
    """Starts the processes of one test."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder, self.env, self.all = folder, env, []

    def start(self, name: str, argv: list[str], env: dict[str, str] | None = None) -> Running:
        """Any process of ours, with the test's environment."""
        number = len(self.all)
        running = Running(name, argv, self.env | (env or {}), self.folder / f"{number}-{name}.log")
        self.all.append(running)
        return running

    def worker(
        self,
        queues: str = "urgent,default,bulk",
        *,
        concurrency: int = 1,
        clock_offset: float = 0,
        include: str = "tests.jobs.trial_kinds",
        env: dict[str, str] | None = None,
    ) -> Running:
        """A Celery worker that is ready; `clock_offset` seconds move its clock, `include` loads kinds of the tests."""
        argv = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "crm",
            "worker",
            "-Q",
            queues,
            "-c",
            str(concurrency),
            "-I",
            include,
        ]
        argv += ["--without-gossip", "--without-mingle", "-n", f"test-{os.getpid()}-{len(self.all)}@localhost"]
        argv += ["--loglevel", "INFO"]
        running = self.start("worker", argv, _moved(clock_offset) | (env or {}))
        wait_until(lambda: running.says(" ready."), START_SECONDS, "worker ready", self)
        return running

    def beat(self, *, clock_offset: float = 0, leads: bool = True, env: dict[str, str] | None = None) -> Running:
        """A beat process that leads when this returns, or (`leads=False`) stands by."""
        running = self.start("beat", [sys.executable, "manage.py", "beat"], _moved(clock_offset) | (env or {}))
        words = "beat_leads" if leads else "beat_stands_by"
        wait_until(lambda: running.says(words), START_SECONDS, words, self)
        return running

    def manage(self, *words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """A management command, run to its end."""
        argv = [sys.executable, "manage.py", *words]
        return subprocess.run(
            argv, cwd=ROOT, env=self.env | (env or {}), capture_output=True, text=True, timeout=240, check=False
        )

    def tail(self) -> str:
        """The ends of all logs, for a failing test."""
        return "\n".join(f"== {p.name}\n{p.log.read_text(errors='replace')[-3000:]}" for p in self.all)

    def end(self) -> None:
        for running in self.all:
            running.kill()


def _moved(clock_offset: float) -> dict[str, str]:
    return {"CARELINE_CLOCK_OFFSET": str(clock_offset)} if clock_offset else {}


def database_url() -> str:
    """DATABASE_URL of the test database."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))


@pytest.fixture(scope="session", autouse=True)
def broker_prefix(worker_id: str) -> Iterator[str]:
    """Messages sent by this test process carry a prefix of their own, so that no other run takes them."""
    prefix = f"test-{os.getpid()}-{worker_id}:"
    app.conf.broker_transport_options = {**app.conf.broker_transport_options, "global_keyprefix": prefix}
    yield prefix
    with app.connection_for_write() as broker:
        _drop_keys(broker.default_channel.client, prefix)


def _drop_keys(client: Any, prefix: str) -> None:
    plain = redis.Redis(connection_pool=client.connection_pool)
    keys = list(plain.scan_iter(match=f"{prefix}*", count=1000))
    if keys:
        plain.delete(*keys)


@pytest.fixture
def processes(transactional_db: None, tmp_path: Path, broker_prefix: str) -> Iterator[Processes]:
    """Workers, beats and commands on this test's database; all are killed at the end of the test."""
    ours = {name: value for name, value in os.environ.items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"}  # the browser's
    env = ours | {
        "DATABASE_URL": database_url(),
        "CARELINE_BROKER_PREFIX": broker_prefix,
        "CARELINE_FILES_DIR": str(tmp_path / "files"),
        "PYTHONUNBUFFERED": "1",
    }
    env.pop("DIRECT_DATABASE_URL", None)
    env.pop("REPLICA_DATABASE_URL", None)
    folder = tmp_path / "processes"
    folder.mkdir()
    running = Processes(folder, env)
    yield running
    running.end()
    # What was sent and not taken must not reach the next test's worker.
    with app.connection_for_write() as broker:
        _drop_keys(broker.default_channel.client, broker_prefix)
