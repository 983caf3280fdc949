"""The commands of ./careline."""

import argparse
import contextlib
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from runtime import PROJECT, doctor, processes, testing, venv
from runtime.preflight import check_platform
from runtime.stack import DEFAULT_PORT, Stack, build, servers
from runtime.start import HEALTH, StatusBoard, answer_of, end_left_overs, json_text, prepare, start
from runtime.state import State, open_state, wait_released
from runtime.supervisor import Stopped, Supervisor
from runtime.words import Trouble, complain, from_os_error, say

NOT_RUNNING = 3  # the exit code service managers use for "not running"
STOP_PATIENCE = 150.0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Trouble(message[:1].upper() + message[1:] + ".", f"See: {self.prog} --help", code=2)


def main(argv: list[str]) -> int:
    """Run one command line; returns the exit code. Failures a person can understand go to standard error."""
    try:
        return _run(argv)
    except Trouble as trouble:
        complain(trouble)
        return trouble.code
    except Stopped:
        return 130
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        complain(from_os_error(error))
        return 1


def _run(argv: list[str]) -> int:
    # Everything behind `manage`, `bench` and `test` belongs to others: no parser of ours reads it.
    match argv:
        case [] | ["-h" | "--help" | "help"]:
            say(overview())
            return 0
        case ["manage", *words]:
            return _manage(words)
        case ["bench", *words]:
            return _bench(words)
        case ["test", *words]:
            return testing.test(words)
    args = _parser().parse_args(argv)
    root = _root(args.state)
    match args.command:
        case "start":
            return start(root, args.port, sample=not args.no_sample)
        case "stop":
            return _stop(root)
        case "status":
            return _status(root, as_json=args.json)
        case _:
            return doctor.doctor(root)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="./careline", description="Careline, the customer-service CRM.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        if name in ("manage", "bench", "test"):
            continue
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--state", metavar="DIR", help="where the installation keeps everything (default: .state)")
        if name == "start":
            command.add_argument("--port", type=int, default=DEFAULT_PORT, metavar="N", help="of 127.0.0.1 (8000)")
            command.add_argument("--no-sample", action="store_true", help="make no sample operator")
        if name == "status":
            command.add_argument("--json", action="store_true", help="for programs")
    return parser


COMMANDS = {
    "start": "Start everything and stay in the foreground [--port N] [--state DIR] [--no-sample]",
    "stop": "Stop it in order [--state DIR]",
    "status": "What runs, since when, how often restarted [--json] [--state DIR]",
    "doctor": "Check this machine and, when it runs, the installation [--state DIR]",
    "test": "Run all checks and tests on throw-away servers [--deep] [pytest arguments …]",
    "manage": "A management command; starts the servers for it when they do not run [--state DIR] …",
    "bench": "Measure against the budgets, on a throw-away state or a given one [--state DIR] …",
}


def overview() -> str:
    """All commands, ours and those behind `manage`, one line each."""
    lines = ["Usage: ./careline COMMAND …", ""]
    lines += [f"  {name:<9}{text}" for name, text in COMMANDS.items()]
    behind = {}
    for file in sorted(PROJECT.glob("*/management/commands/*.py")) + sorted(
        PROJECT.glob("*/*/management/commands/*.py")
    ):
        if not file.name.startswith("_") and ".venv" not in file.parts:
            found = re.search(r'^    help = \(?\s*["\'](.+?)["\']', file.read_text(), re.M)
            behind[file.stem] = found.group(1) if found else ""
    if behind:
        width = max(map(len, behind)) + 2
        lines += [
            "",
            "Commands of `./careline manage` (`./careline manage help` lists Django's own too):",
            "",
        ]
        lines += [f"  {name:<{width}}{text}" for name, text in sorted(behind.items())]
    return "\n".join(lines)


def _root(given: str | None) -> Path:
    return Path(given or os.environ.get("CARELINE_STATE_DIR") or PROJECT / ".state").absolute()


def take_state(words: list[str]) -> tuple[str | None, list[str]]:
    """Split a leading `--state DIR` off the words of somebody else's command."""
    match words:
        case ["--state", folder, *rest]:
            return folder, rest
        case [first, *rest] if first.startswith("--state="):
            return first.partition("=")[2], rest
    return None, words


def _stop(root: Path) -> int:
    state = open_state(root, make=False)
    if not state.in_use():
        if root.exists() and state.take():
            end_left_overs(state)
        say("Careline is not running.")
        return 0
    status = state.status()
    pid = status.get("pid")
    if not pid or processes.birth(pid) != status.get("birth"):
        raise Trouble(
            f"{root} is in use, but by whom was not written down.",
            "Try again in a moment.",
        )
    say("Stopping …")
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    if not wait_released(state, STOP_PATIENCE):
        say("It does not end in time; killing it.")
        processes.end_stranger(pid, sig=signal.SIGKILL)
        wait_released(state, 10)
        if state.take():
            end_left_overs(state)
    say("Stopped.")
    return 0


def _status(root: Path, *, as_json: bool) -> int:
    state = open_state(root, make=False)
    running = state.in_use()
    found: dict[str, Any] = state.status() if running else {}
    healthy = bool(found.get("address")) and answer_of(found["address"] + HEALTH) == 200
    picture = {
        "running": running,
        "phase": found.get("phase", "starting" if running else "stopped"),
        "healthy": healthy,
        "address": found.get("address"),
        "pid": found.get("pid"),
        "since": found.get("since"),
        "state_dir": str(root),
        "services": [
            {key: service[key] for key in ("name", "state", "pid", "restarts")} for service in found.get("services", [])
        ],
    }
    if as_json:
        say(json_text(picture).rstrip())
    elif not running:
        say(f"Careline is not running (state: {root}).")
    else:
        at = f" at {picture['address']}" if picture["address"] else ""
        say(f"Careline is {picture['phase']}{at} since {picture['since']} (process {picture['pid']}).")
        say("The health check " + ("answers." if healthy else "does not answer."))
        for service in picture["services"]:
            say(
                f"  {service['name']:<10}{service['state']:<9}"
                f"pid {service['pid'] or '-':<8} restarts {service['restarts']}"
            )
    return 0 if running else NOT_RUNNING


def _manage(words: list[str]) -> int:
    given, words = take_state(words)
    check_platform()
    python = venv.ensure()
    state = open_state(_root(given))
    return on_servers(state, python, lambda stack: _in_terminal(stack, stack.manage(*words)))


def on_servers(
    state: State, python: Path, work: Callable[[Stack], int], *, prepared: bool = False, own_servers: bool = False
) -> int:
    """Do `work(stack)` on the servers of a state: those that run, or ones started for its length.

    `prepared` brings schema, catalogues and static files up to date first, when we start the servers.
    """
    if not state.take():
        return work(_running_stack(state, python))
    try:
        end_left_overs(state)
        stack = build(state, python, own_servers=own_servers)
        supervisor = Supervisor(outside=stack.outside())
        board = StatusBoard(state, supervisor, None, kind="command")
        board.phase = "running a command"
        supervisor.on_change = board.write
        board.runs_servers(stack)
        with servers(stack, supervisor):
            if prepared:
                prepare(stack, supervisor)
            code = work(stack)
        board.remove()
        return code
    finally:
        state.release()


def _running_stack(state: State, python: Path) -> Stack:
    status = state.status()
    if status.get("kind") != "start":
        raise Trouble(f"Another command is using {state.root}.", "Wait for it to end, then try again.")
    stack = build(state, python, port=status.get("port") or DEFAULT_PORT)
    runs = status.get("runs", [])
    if (stack.pg is not None and "postgres" not in runs) or (stack.broker is not None and "valkey" not in runs):
        raise Trouble(
            "Careline runs here with servers of your own, or has only begun to start.",
            "Give this command the same DATABASE_URL, CELERY_BROKER_URL and CACHE_URL, or wait a moment.",
        )
    return stack


def _in_terminal(stack: Stack, argv: list[str]) -> int:
    """Run a program that shares our terminal; Ctrl-C is its business, not ours."""
    child = processes.spawn(argv, env=stack.env, cwd=PROJECT, own_session=False)
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    forward = signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    try:
        code = child.wait()
    finally:
        signal.signal(signal.SIGINT, previous)
        signal.signal(signal.SIGTERM, forward)
    return code if code >= 0 else 128 - code


def _bench(words: list[str]) -> int:
    given, words = take_state(words)
    check_platform()
    python = venv.ensure()

    def measure(stack: Stack) -> int:
        return _in_terminal(stack, [str(python), "-m", "bench", *words])

    if given:
        return on_servers(open_state(Path(given)), python, measure, prepared=True)
    with testing.throwaway_state("careline-bench-") as state:
        # Never a database of the environment: a million made-up customers belong to nobody's own.
        return on_servers(state, python, measure, prepared=True, own_servers=True)
