"""The supervisor with tiny real children: order, restart, giving up, and nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from runtime.stack import Stack
from runtime.state import State
from runtime.supervisor import GIVE_UP, Service, Stopped, Supervisor, delay_before
from runtime.words import Trouble

from tests.runtime.conftest import PROJECT, all_gone, stranger_env, wait_for

DIARY = """
import signal, sys, time
name, diary = sys.argv[1:]
def note(what):
    with open(diary, "a") as f:
        f.write(f"{what} {name}\\n")
def end(*_):
    note("ends")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
note("starts")
while True:
    signal.pause()
"""
STUBBORN = """
import signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("stubborn", flush=True)
while True:
    signal.pause()
"""


def service(tmp_path: Path, name: str, script: str, *words: str, **more: object) -> Service:
    argv = [sys.executable, "-c", script, *words]
    return Service(name, argv, dict(os.environ), tmp_path, tmp_path / f"{name}.log", **more)  # type: ignore[arg-type]


def read(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def run_until(supervisor: Supervisor, what, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        supervisor.pause(0.02)


@pytest.fixture
def supervisor():
    made = Supervisor()
    yield made
    made.stop()


def test_services_start_in_order_and_stop_in_the_reverse(tmp_path: Path, supervisor: Supervisor):
    diary = tmp_path / "diary"
    for number, name in enumerate(("postgres", "valkey", "worker", "web", "beat"), 1):
        supervisor.add(service(tmp_path, name, DIARY, name, str(diary), ready=lambda n=number: len(read(diary)) == n))
    supervisor.stop()
    names = ["postgres", "valkey", "worker", "web", "beat"]
    assert read(diary) == [f"starts {n}" for n in names] + [f"ends {n}" for n in reversed(names)]


def test_only_what_died_is_started_again(tmp_path: Path, supervisor: Supervisor):
    diary = tmp_path / "diary"
    for name in ("web", "worker", "beat"):
        supervisor.add(service(tmp_path, name, DIARY, name, str(diary)))
    run_until(supervisor, lambda: len(read(diary)) == 3)
    before = {s.name: s.process.pid for s in supervisor.services}
    os.kill(before["worker"], signal.SIGKILL)
    run_until(supervisor, lambda: len(read(diary)) == 4)
    after = {s.name: s.process.pid for s in supervisor.services}
    assert read(diary)[3] == "starts worker"
    assert {n for n in after if after[n] != before[n]} == {"worker"}
    assert {s.name: s.restarts for s in supervisor.services} == {"web": 0, "worker": 1, "beat": 0}


def test_the_rest_of_a_dead_services_group_goes_with_it(tmp_path: Path, supervisor: Supervisor):
    pids = tmp_path / "pids"
    script = (
        "import os, signal, sys\n"
        "if os.fork() == 0:\n"
        "    open(sys.argv[1], 'a').write(f'{os.getpid()}\\n')\n"
        "while True:\n    signal.pause()\n"
    )
    supervisor.add(service(tmp_path, "web", script, str(pids)))
    run_until(supervisor, lambda: len(read(pids)) == 1)
    child = int(read(pids)[0])
    os.kill(supervisor.services[0].process.pid, signal.SIGKILL)
    run_until(supervisor, lambda: len(read(pids)) == 2)
    assert all_gone([child])


def test_delays_grow_and_stay_below_half_a_minute():
    assert [delay_before(n) for n in range(6)] == [0.3, 0.3, 0.6, 1.2, 2.4, 4.8]
    assert delay_before(50) == 30.0


def test_after_five_quick_failures_it_gives_up_with_the_reason(tmp_path: Path, supervisor: Supervisor):
    script = "import sys; open(sys.argv[1], 'a').write('x\\n'); sys.exit('no such table')"
    runs, waited = tmp_path / "runs", []
    beat = service(tmp_path, "beat", script, str(runs))
    supervisor.on_change = lambda: waited.append(beat.quick_failures) if beat.due is not None else None
    supervisor.add(beat)
    with pytest.raises(Trouble, match="beat failed 5 times in a row; giving up") as no:
        supervisor.run()
    assert "no such table" in str(no.value)
    assert len(read(runs)) == GIVE_UP
    assert waited == [1, 2, 3, 4]  # each longer than the one before: delay_before


def test_a_service_is_not_blamed_while_what_it_needs_is_away(tmp_path: Path):
    there = tmp_path / "there"
    runs = tmp_path / "runs"
    script = "import sys; open(sys.argv[1], 'a').write('x\\n'); sys.exit(1)"
    asked: list[bool] = []
    supervisor = Supervisor(outside={"postgres": lambda: asked.append(there.exists()) or asked[-1]})
    beat = service(tmp_path, "beat", script, str(runs), needs=("postgres",))
    try:
        supervisor.add(beat)
        run_until(supervisor, lambda: beat.due is not None)
        run_until(supervisor, lambda: len(asked) >= 5)  # when it ended, and at each moment it was due
        assert not any(asked)
        assert (len(read(runs)), beat.quick_failures) == (1, 0)
        there.touch()
        run_until(supervisor, lambda: len(read(runs)) == 2)
        run_until(supervisor, lambda: beat.quick_failures == 1)
    finally:
        supervisor.stop()


def test_what_ignores_the_signal_is_killed_in_the_end(tmp_path: Path, supervisor: Supervisor):
    steps = ((signal.SIGTERM, 0.3),)
    stubborn = service(
        tmp_path, "worker", STUBBORN, stop_steps=steps, ready=lambda: read(tmp_path / "worker.log") != []
    )
    supervisor.add(stubborn)
    supervisor.stop()
    assert stubborn.process.returncode == -signal.SIGKILL


def test_a_service_that_ends_while_starting_is_told_with_its_log(tmp_path: Path, supervisor: Supervisor):
    bad = service(
        tmp_path, "postgres", "import sys; sys.exit('data directory has wrong ownership')", ready=lambda: False
    )
    with pytest.raises(Trouble) as no:
        supervisor.add(bad, wait=30)
    assert "postgres" in no.value.what
    assert "data directory has wrong ownership" in str(no.value)


def test_a_failed_step_is_told_with_what_it_printed(tmp_path: Path, supervisor: Supervisor):
    def run(script: str) -> str:
        argv = [sys.executable, "-c", script]
        return supervisor.run_step("Migrating", argv, env=os.environ, cwd=tmp_path, log=tmp_path / "migrate.log")

    assert run("print('all well')") == "all well\n"
    with pytest.raises(Trouble, match=r"Migrating failed \(exit code 3\)") as no:
        run("import sys; print('column is missing', flush=True); sys.exit(3)")
    assert "column is missing" in str(no.value)
    assert "all well" not in str(no.value)


def test_asking_to_stop_ends_the_waiting(supervisor: Supervisor):
    supervisor.stop_asked = True
    with pytest.raises(Stopped):
        supervisor.pause(60)


@pytest.mark.parametrize("script", [DIARY, STUBBORN], ids=["obedient", "stubborn"])
def test_a_killed_supervisor_leaves_no_child(tmp_path: Path, script: str):
    """The kernel tells the children; SIGKILL as their death signal reaches even one that ignores SIGTERM."""
    diary, pids = tmp_path / "diary", tmp_path / "pids"
    main = f"""
import os, signal, sys
sys.path.insert(0, {str(PROJECT / "bin")!r})
from pathlib import Path
from runtime.stack import Stack
from runtime.state import State
from runtime.supervisor import Service, Supervisor
here = Path({str(tmp_path)!r})
s = Supervisor()
for name in ("web", "beat"):
    argv = [sys.executable, "-c", {script!r}, name, {str(diary)!r}]
    s.add(Service(name, argv, dict(os.environ), here, here / "log",
                  death_signal={int(signal.SIGTERM if script is DIARY else signal.SIGKILL)}))
(here / "new").write_text("\\n".join(str(x.process.pid) for x in s.services))
(here / "new").rename({str(pids)!r})
s.run()
"""
    parent = subprocess.Popen([sys.executable, "-c", main], env=stranger_env())
    try:
        assert wait_for(pids.exists)
        children = [int(line) for line in read(pids)]
        assert len(children) == 2
        assert wait_for(lambda: len(read(diary if script is DIARY else tmp_path / "log")) == 2)
    finally:
        parent.kill()
        parent.wait()
    assert all_gone(children)
    if script is DIARY:
        assert sorted(read(diary)[2:]) == ["ends beat", "ends web"]


def test_who_holds_the_line_to_a_message_centre_is_started_only_with_one(tmp_path: Path) -> None:
    def names(url: str) -> list[str]:
        stack = Stack(State(tmp_path), Path(sys.executable), {"CARELINE_SMS_URL": url}, None, None)
        return [service.name for service in stack.services(8000)]

    assert names("") == names("https://gateway.example/x") == ["worker", "web", "beat"]
    assert names("smpp://me:p@smsc.example") == ["worker", "web", "beat", "sms"]
