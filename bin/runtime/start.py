"""`careline start`: from a bare machine to a page that answers."""

import contextlib
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

from runtime import PROJECT, processes, venv
from runtime.preflight import LATER_BYTES, STATE_BYTES, check_disk, check_platform, check_port
from runtime.stack import Stack, build
from runtime.state import State, open_state, stamp_of, write_whole
from runtime.supervisor import Stopped, Supervisor
from runtime.words import Trouble, failed, say

HEALTH = "/healthz"
SIGN_IN = "/"  # leads to the sign-in page
PATIENCE = 120.0
PAGE_PATIENCE = 20.0  # the web is up by then: a page that fails is broken, not late
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
    fresh = not (state.root / "postgres" / "pg").exists()
    check_disk(state.root, STATE_BYTES if fresh else LATER_BYTES, "the database")
    end_left_overs(state)
    supervisor = Supervisor()
    board = StatusBoard(state, supervisor, port)
    board.write()
    try:
        python = venv.ensure()
        supervisor.watch_signals()
        supervisor.on_change = board.write
        stack = build(state, python, port=port)
        board.runs_servers(stack)
        supervisor.outside = stack.outside()
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
    prepare(stack, supervisor)
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
        say("No sample data. Make a first user: ./careline manage first_administrator NAME")
    say()
    say("Ctrl-C stops it; so does ./careline stop. Logs: " + str(stack.state.logs))


def prepare(stack: Stack, supervisor: Supervisor) -> None:
    """Bring schema, catalogues and static files up to date; what did not change is not done again.

    Refuses a database that a newer version has migrated: this one's code would misread it.
    """
    state = stack.state
    here = _migrations()
    if unknown := sorted(set(state.facts.get("migrations", [])) - set(here)):
        raise Trouble(
            f"The database of {state.root} was migrated by a newer Careline: this one does not know {unknown[0]}"
            + (f" and {len(unknown) - 1} more." if unknown[1:] else "."),
            "Use that newer version, or another state: --state DIR",
        )
    step(stack, supervisor, "Bringing the database schema up to date", "migrate", "--noinput")
    if state.facts.get("migrations") != here:
        state.facts["migrations"] = here
        state.save()
    if stamped := not_yet(state, "catalogues", below("locale")):
        step(stack, supervisor, "Compiling the catalogues", "compilecatalogs")
        # Compiling may write beside its sources; what was made is part of the stamp.
        state.put_stamp("catalogues", not_yet(state, "catalogues", below("locale")) or stamped)
    if stamped := not_yet(state, "static", below("static"), (PROJECT / venv.RUN_LOCK).read_text()):
        step(stack, supervisor, "Collecting static files", "collectstatic", "--noinput")
        state.put_stamp("static", stamped)


def _migrations() -> list[str]:
    files = [*PROJECT.glob("*/migrations/0*.py"), *PROJECT.glob("*/*/migrations/0*.py")]
    return sorted(str(file.relative_to(PROJECT).with_suffix("")) for file in files if ".venv" not in file.parts)


def step(stack: Stack, supervisor: Supervisor, what: str, *words: str) -> str:
    """Run one management command and say how long it took; returns what it printed."""
    began = time.monotonic()
    log = stack.state.logs / f"{words[0]}.log"
    told = supervisor.run_step(what, stack.manage(*words), env=stack.env, cwd=PROJECT, log=log)
    say(f"{what}: done in {time.monotonic() - began:.1f} s")
    return told


def not_yet(state: State, work: str, sources: Iterable[Path], *more: str) -> str:
    """The stamp of the sources when `work` was not done for them yet, else an empty text."""
    stamp = stamp_of([path for path in sources if path.is_file()], *more)
    return "" if state.is_stamped(work, stamp) else stamp


def below(name: str) -> list[Path]:
    """Everything in folders of this name, the project's own and those of its apps."""
    places = [PROJECT / name, *PROJECT.glob(f"[!.]*/{name}"), *PROJECT.glob(f"[!.]*/[!.]*/{name}")]
    return [path for place in places for path in place.rglob("*")]


def wait_for_page(supervisor: Supervisor, stack: Stack, address: str) -> None:
    """Wait until the health check and then the sign-in page answer 200.

    Raises Trouble when they do not in time; a service that gives up ends the wait with its own words.
    """
    for page, patience in ((HEALTH, PATIENCE), (SIGN_IN, PAGE_PATIENCE)):
        until = time.monotonic() + patience
        while (answer := answer_of(address + page)) != HTTPStatus.OK:
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


def answer_of(url: str) -> int | str:
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
        self.runs: list[str] = []
        self.since = datetime.now(UTC).isoformat(timespec="seconds")

    def runs_servers(self, stack: Stack) -> None:
        """Note which servers are ours, for commands that come later."""
        self.runs = [name for name, own in (("postgres", stack.pg), ("valkey", stack.broker)) if own is not None]
        self.write()

    def write(self) -> None:
        """Write the present picture; the old one stays readable until it is whole.

        A full disk must not end the services: then the picture is just old.
        """
        own = os.getpid()
        picture = {
            "kind": self.kind,
            "phase": self.phase,
            "pid": own,
            "birth": processes.birth(own),
            "port": self.port,
            "address": f"http://127.0.0.1:{self.port}" if self.port else None,
            "since": self.since,
            "runs": self.runs,
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
        with contextlib.suppress(OSError):
            write_whole(self.state.status_file, json_text(picture))

    def remove(self) -> None:
        """Nothing runs any more."""
        self.state.status_file.unlink(missing_ok=True)


def json_text(value: object) -> str:
    """JSON for a file or a terminal."""
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
