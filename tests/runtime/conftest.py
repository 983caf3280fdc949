"""A clone of the run-time without the rest of the house, and waiting for processes."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "bin"))

from runtime import processes, venv  # noqa: E402  the path above must stand first

OURS = ("CARELINE_", "DATABASE_URL", "DIRECT_DATABASE_URL", "REPLICA_DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL")


def stranger_env(**more: str) -> dict[str, str]:
    """The environment of a stranger's terminal: none of our settings."""
    return {n: v for n, v in os.environ.items() if not n.startswith(OURS)} | more


def wait_for(what: Callable[[], bool], seconds: float = 20) -> bool:
    """Ask until it is true; False when the time is over."""
    until = time.monotonic() + seconds
    while not what():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def all_gone(pids: list[int], seconds: float = 10) -> bool:
    return wait_for(lambda: not any(processes.alive(pid) for pid in pids), seconds)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class Clone:
    """A directory with ./careline in it, and a way to run it as a stranger would."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.started: list[subprocess.Popen[str]] = []

    def run(self, *words: str, seconds: float = 60, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(self.root / "careline"), *words],
            env=stranger_env(**env),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def start(self, *words: str, out: Path, **env: str) -> subprocess.Popen[str]:
        """`./careline start` in the background; returns once it answers or has ended."""
        with out.open("w") as f:
            child = subprocess.Popen(
                [sys.executable, str(self.root / "careline"), "start", *words],
                env=stranger_env(**env),
                stdin=subprocess.DEVNULL,
                stdout=f,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                text=True,
            )
        self.started.append(child)
        assert wait_for(lambda: child.poll() is not None or "answers at" in out.read_text(), 90), out.read_text()
        return child

    def status(self, state: Path) -> dict[str, object]:
        found = json.loads(self.run("status", "--json", "--state", str(state)).stdout)
        assert isinstance(found, dict)
        return found

    def end(self) -> None:
        for child in self.started:
            child.terminate()
            child.wait(60)


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    """./careline and its run-time, with nothing installed yet."""
    root = tmp_path / "clone"
    root.mkdir()
    shutil.copy2(PROJECT / "careline", root)
    shutil.copytree(PROJECT / "bin" / "runtime", root / "bin" / "runtime", ignore=shutil.ignore_patterns("__pycache__"))
    for lock in (venv.RUN_LOCK, venv.TEST_LOCK):
        shutil.copy2(PROJECT / lock, root)
    made = Clone(root)
    yield made
    made.end()


@pytest.fixture
def house() -> Iterator[Clone]:
    """The real project."""
    made = Clone(PROJECT)
    yield made
    made.end()


@pytest.fixture
def installed(clone: Clone) -> Clone:
    """The clone with an environment: the packages of this one, a stamp of its own."""
    folder = clone.root / ".venv"
    (folder / "bin").mkdir(parents=True)
    home = Path(sys.prefix)
    (folder / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    (folder / "lib").symlink_to(home / "lib")
    shutil.copy2(home / "pyvenv.cfg", folder)
    locks = sorted(venv._digest(clone.root / lock) for lock in (venv.RUN_LOCK, venv.TEST_LOCK))
    (folder / venv.STAMP).write_text(json.dumps({"locks": locks}))
    return clone
