"""The whole stack by its one command: start, look, kill, start again, stop."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from runtime import processes
from runtime.testing import throwaway_state

from tests.runtime.conftest import Clone, all_gone, free_port, wait_for

NAMES = ["postgres", "valkey", "worker", "web", "beat"]


@pytest.fixture
def place() -> Iterator[Path]:
    """A state directory that leaves nothing behind."""
    with throwaway_state("careline-whole-") as state:
        yield state.root


def pids_of(found: dict) -> dict[str, int]:
    return {service["name"]: service["pid"] for service in found["services"]}


def family(pid: int) -> list[int]:
    """The process and everything below it."""
    done = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True)
    parents = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    found = [pid]
    for one in found:
        found += [child for child, parent in parents if parent == one]
    return found


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:
            return answer.status == 200
    except OSError:
        return False


def test_it_starts_answers_refuses_a_second_and_stops_without_a_trace(place: Path, house: Clone, tmp_path: Path):
    port = free_port()
    child = house.start("--no-sample", "--state", str(place), "--port", str(port), out=tmp_path / "out")
    assert child.poll() is None, (tmp_path / "out").read_text()
    found = house.status(place)
    assert (found["running"], found["phase"], found["healthy"]) == (True, "running", True)
    assert found["address"] == f"http://127.0.0.1:{port}"
    assert [(s["name"], s["state"], s["restarts"]) for s in found["services"]] == [(n, "running", 0) for n in NAMES]
    everybody = family(found["pid"])
    assert len(everybody) > len(NAMES)

    second = house.run("start", "--state", str(place), "--port", str(free_port()))
    assert second.returncode == 1
    assert f"already runs on this state: http://127.0.0.1:{port}" in second.stderr

    code = "import django.db; print(django.db.connection.execute_wrappers, 'role', end=' ')"
    asked = house.run("manage", "--state", str(place), "shell", "--no-imports", "-c", code)
    assert (asked.returncode, asked.stdout) == (0, "[] role ")

    stop = house.run("stop", "--state", str(place))
    assert (stop.returncode, stop.stdout) == (0, "Stopping …\nStopped.\n")
    assert child.wait(20) == 0
    assert all_gone(everybody)
    assert house.status(place)["running"] is False


@pytest.mark.deep
def test_whatever_is_killed_comes_back_and_a_killed_supervisor_leaves_nothing(
    place: Path, house: Clone, tmp_path: Path
):
    port = free_port()
    house.start("--no-sample", "--state", str(place), "--port", str(port), out=tmp_path / "out")
    for name in ("web", "worker", "beat", "valkey", "postgres"):
        before = pids_of(house.status(place))
        os.kill(before[name], signal.SIGKILL)

        def back(name: str = name, before: dict[str, int] = before) -> bool:
            now = pids_of(house.status(place))
            return None not in now.values() and now[name] != before[name]

        assert wait_for(back, 60), (tmp_path / "out").read_text()
        assert wait_for(lambda: answers(port), 60)
    found = house.status(place)
    everybody = family(found["pid"])
    os.kill(found["pid"], signal.SIGKILL)
    assert all_gone(everybody, 20)
    again = house.start("--no-sample", "--state", str(place), "--port", str(port), out=tmp_path / "again")
    assert again.poll() is None, (tmp_path / "again").read_text()
    assert house.status(place)["healthy"] is True


STAND_IN = """
import os, sys
words = sys.argv[1:]
if words[0] == "migrate":
    print("relation already exists", flush=True)
    sys.exit(4)
print(words, os.environ["CARELINE_MODE"], os.environ["DATABASE_URL"].startswith("postgres://careline@%2F"))
sys.exit(7)
"""


def test_a_failing_step_ends_the_start_in_its_own_words(place: Path, installed: Clone, tmp_path: Path):
    """The clone's management command fails on purpose: what we ask is what the start makes of it."""
    (installed.root / "manage.py").write_text(STAND_IN)
    child = installed.start("--state", str(place), "--port", str(free_port()), out=tmp_path / "out")
    assert child.wait(20) == 1
    told = (tmp_path / "out").read_text()
    assert "Bringing the database schema up to date failed (exit code 4)." in told
    assert "relation already exists" in told
    assert f"Whole log: {place}/log/migrate.log" in told
    assert not processes.alive(child.pid)
    assert installed.status(place)["running"] is False


def test_a_management_command_gets_servers_words_and_gives_its_exit_code(place: Path, installed: Clone):
    (installed.root / "manage.py").write_text(STAND_IN)
    done = installed.run("manage", "--state", str(place), "audit_verify", "--all")
    assert done.returncode == 7
    assert done.stdout.splitlines()[-1] == "['audit_verify', '--all'] embedded True"
    assert installed.status(place)["running"] is False
    assert not list((place / "run").glob("*.sock"))


def test_servers_of_ones_own_need_both_broker_and_cache(place: Path, installed: Clone):
    done = installed.run("manage", "--state", str(place), "check", CELERY_BROKER_URL="redis://localhost/0")
    assert done.returncode == 1
    assert "CELERY_BROKER_URL is set but CACHE_URL is not." in done.stderr


@pytest.mark.deep
def test_an_empty_machine_installs_everything_and_the_second_start_nothing(place: Path, clone: Clone, tmp_path: Path):
    """No uv on the path: pip alone, from the hash-locked list."""
    (clone.root / "manage.py").write_text(STAND_IN)
    path = "/usr/local/bin:/usr/bin:/bin"
    first = clone.run("manage", "--state", str(place), "check", PATH=path, seconds=180)
    assert first.returncode == 7, first.stderr
    assert "Installing " in first.stdout
    second = clone.run("manage", "--state", str(place), "check", PATH=path)
    assert second.returncode == 7
    assert "Installing " not in second.stdout


def test_a_closed_home_above_the_state(place: Path, installed: Clone, tmp_path: Path):
    """Under root the database's account cannot pass a 0700 directory: its files move where it can."""
    closed = Path(tempfile.mkdtemp(prefix="careline-closed-"))
    closed.chmod(0o700)
    (installed.root / "manage.py").write_text(STAND_IN)
    state = closed / "state"
    outside = None
    try:
        done = installed.run("manage", "--state", str(state), "check")
        assert done.returncode == 7, done.stderr
        facts = json.loads((state / "state.json").read_text())
        if os.geteuid() == 0:
            outside = Path(facts["database_dir"])
            assert (outside / "pg" / "PG_VERSION").exists()
            assert (outside / "belongs-to").read_text().strip() == str(state)
            copy = closed / "copy"
            shutil.copytree(state, copy, ignore=shutil.ignore_patterns("*.sock"))
            refused = installed.run("manage", "--state", str(copy), "check")
            assert refused.returncode == 1
            assert f"{copy} is a copy of {state}" in refused.stderr
        else:
            assert (state / "postgres" / "pg" / "PG_VERSION").exists()
        again = installed.run("manage", "--state", str(state), "check")
        assert again.returncode == 7
        assert "Making the database" not in again.stdout
    finally:
        shutil.rmtree(closed)
        if outside:
            shutil.rmtree(outside)
