"""`careline start`: from a bare machine to a page that answers."""

import os
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from runtime import PROJECT, processes, venv
from runtime.preflight import STATE_BYTES, check_disk, check_platform, check_port
from runtime.stack import Stack, build
from runtime.state import State, open_state, stamp_of, write_whole
from runtime.supervisor import Stopped, Supervisor
from runtime.words import Trouble, failed, say

HEALTH = "/healthz"
SIGN_IN = "/"  # leads to the sign-in page
PATIENCE = 120.0
SETTLED = 4.0  # seconds: what fails while it loads (worker, beat) has failed by then


def start(root: Path, port: int, *, sample: bool) -> int:
    """Start everything and stay until asked to stop; returns the exit code."""
    check_platform()
    state = open_state(root)
    if not state.take():
        running = state.status()
        raise Trouble(
            f"Careline already runs on this state: {running.get('address', state.root)} "
            f"(process {running.get('pid', '?')}).",
            "Stop it: ./careline stop",
            "Or run a second one beside it: ./careline start --state DIR --port N",
        )
    check_port(port)
    check_disk(state.root, STATE_BYTES, "the database")
    end_left_overs(state)
    python = venv.ensure()
    stack = build(state, python, port=port)
    supervisor = Supervisor(outside=stack.outside())
    supervisor.watch_signals()
    board = StatusBoard(state, supervisor, port)
    supervisor.on_change = board.write
    try:
        bring_up(stack, supervisor, board, port, sample=sample)
        supervisor.run()
    except Stopped:
        say("Stopping …")
    finally:
        board.phase = "stopping"
        supervisor.stop()
        board.remove()
        state.release()
    say("Stopped.")
    return 0


def bring_up(stack: Stack, supervisor: Supervisor, board: "StatusBoard", port: int, *, sample: bool) -> None:
    """Servers, schema, catalogues, static files, sample data, services; then print where it answers."""
    began = time.monotonic()
    say(f"State: {stack.state.root}")
    stack.start_servers(supervisor)
    step(stack, supervisor, "Bringing the database schema up to date", "migrate", "--noinput")
    if stamped := not_yet(stack.state, "catalogues", PROJECT.glob("**/locale/**/*.po")):
        step(stack, supervisor, "Compiling the catalogues", "compilecatalogs")
        stack.state.put_stamp("catalogues", stamped)
    if stamped := not_yet(stack.state, "static", _static_sources(), (PROJECT / venv.RUN_LOCK).read_text()):
        step(stack, supervisor, "Collecting static files", "collectstatic", "--noinput")
        stack.state.put_stamp("static", stamped)
    told = step(stack, supervisor, "Sample operator", "sample_operator") if sample else ""
    for service in stack.services(port):
        supervisor.add(service)
    wait_for_page(supervisor, stack, f"http://127.0.0.1:{port}")
    wait_settled(supervisor)
    board.phase = "running"
    board.write()
    say()
    say(f"Careline answers at {stack.env['CARELINE_PUBLIC_URL']} (after {time.monotonic() - began:.0f} s)")
    if told.strip():
        say()
        say(told.rstrip())
    elif not sample:
        say("No sample data. Make a first user: ./careline manage createsuperuser")
    say()
    say("Ctrl-C stops it; so does ./careline stop. Logs: " + str(stack.state.logs))


def step(stack: Stack, supervisor: Supervisor, what: str, *words: str) -> str:
    """Run one management command and say how long it took; returns what it printed."""
    began = time.monotonic()
    log = stack.state.logs / f"{words[0]}.log"
    told = supervisor.run_step(what, stack.manage(*words), env=stack.env, cwd=PROJECT, log=log)
    say(f"{what}: done in {time.monotonic() - began:.1f} s")
    return told


def not_yet(state: State, work: str, sources: Any, *more: str) -> str:
    """The stamp of the sources when `work` was not done for them yet, else an empty text."""
    kept = [path for path in sources if path.is_file() and ".venv" not in path.parts and ".state" not in path.parts]
    stamp = stamp_of(kept, *more)
    return "" if state.is_stamped(work, stamp) else stamp


def _static_sources() -> list[Path]:
    places = [PROJECT / "static", *PROJECT.glob("*/static"), *PROJECT.glob("*/*/static")]
    return [path for place in places if ".venv" not in place.parts for path in place.rglob("*")]


def wait_for_page(supervisor: Supervisor, stack: Stack, address: str) -> None:
    """Wait until the health check and then the sign-in page answer 200.

    Raises Trouble when they do not in time; a service that gives up ends the wait with its own words.
    """
    for page in (HEALTH, SIGN_IN):
        until = time.monotonic() + PATIENCE
        while (answer := _answer(address + page)) != HTTPStatus.OK:
            if time.monotonic() > until:
                raise failed(f"{address}{page} did not answer 200 but {answer}.", stack.state.logs / "web.log")
            supervisor.pause(0.1)


def wait_settled(supervisor: Supervisor) -> None:
    """Wait until every service has stayed up for a moment; Trouble when one gives up instead."""
    until = time.monotonic() + PATIENCE
    while not all(s.running and time.monotonic() - s.started >= SETTLED for s in supervisor.services):
        if time.monotonic() > until:
            names = ", ".join(s.name for s in supervisor.services if not s.running)
            raise Trouble(f"Not staying up: {names}.", "./careline status and the logs say more.")
        supervisor.pause(0.1)


def _answer(url: str) -> int | str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        return f"nothing ({error})"


class StatusBoard:
    """The file other commands read: what runs here, with which process ids."""

    def __init__(self, state: State, supervisor: Supervisor, port: int | None, kind: str = "start") -> None:
        self.state, self.supervisor, self.port, self.kind = state, supervisor, port, kind
        self.phase = "starting"
        self.since = datetime.now(UTC).isoformat(timespec="seconds")

    def write(self) -> None:
        """Write the present picture; the old one stays readable until it is whole."""
        own = os.getpid()
        picture = {
            "kind": self.kind,
            "phase": self.phase,
            "pid": own,
            "birth": processes.birth(own),
            "port": self.port,
            "address": f"http://127.0.0.1:{self.port}" if self.port else None,
            "since": self.since,
            "services": [
                {
                    "name": s.name,
                    "state": "running" if s.running else ("waiting" if s.due is not None else "stopped"),
                    "pid": s.process.pid if s.process and s.running else None,
                    "birth": processes.birth(s.process.pid) if s.process and s.running else "",
                    "restarts": s.restarts,
                }
                for s in self.supervisor.services
            ],
        }
        write_whole(self.state.status_file, json_text(picture))

    def remove(self) -> None:
        """Nothing runs any more."""
        self.state.status_file.unlink(missing_ok=True)


def json_text(value: object) -> str:
    """JSON for a file or a terminal."""
    import json

    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def end_left_overs(state: State) -> None:
    """End what a killed supervisor of this state left running (where the kernel does not do it for us).

    Call only while holding the state. A process counts as ours when its id and its moment of birth are
    those we wrote down.
    """
    for service in reversed(state.status().get("services", [])):
        pid, born = service.get("pid"), service.get("birth")
        if pid and born and processes.alive(pid) and processes.birth(pid) == born:
            say(f"Ending {service['name']} left over from a killed run …")
            processes.end_stranger(pid)
    state.status_file.unlink(missing_ok=True)
