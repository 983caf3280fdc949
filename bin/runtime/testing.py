"""`careline test`: every check and test on throw-away servers of its own."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime import PROJECT, venv
from runtime.files import SHARED
from runtime.postgres import DATABASE
from runtime.preflight import STATE_BYTES, check_disk, check_platform
from runtime.stack import Stack, build, servers
from runtime.state import State, open_state, socket_dir
from runtime.supervisor import Supervisor
from runtime.words import Trouble, say

# The shell is Chromium without its window: the journeys take a half to two thirds of the time. Either will do.
BROWSERS = ("chromium-headless-shell", "chromium")
BROWSER_PACKAGES = (BROWSERS[0], "fonts-noto-cjk")

# Made first, for pytest alone too: pages in Chinese need them, and a fresh clone has none.
CATALOGUES = ("catalogues", ["manage.py", "compilecatalogs"])
CHECKS = (
    ("ruff check", ["-m", "ruff", "check", "."]),
    ("ruff format", ["-m", "ruff", "format", "--check", "."]),
    ("import contracts", ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]),
    ("mypy", ["-m", "mypy", "."]),
    ("migrations", ["manage.py", "makemigrations", "--check", "--dry-run"]),
    ("catalogue check", ["manage.py", "checkcatalogs"]),
    ("templates", ["-m", "djlint", "templates", "--lint", "--quiet"]),
)


def test(words: list[str]) -> int:
    """Run the checks and the tests; returns 0 only when all of them passed.

    `--deep` adds the long rounds; `--peers` takes the machine's own PostgreSQL and Redis; every other
    word goes to pytest, and then only pytest runs.
    """
    deep, peers = "--deep" in words, "--peers" in words
    words = [word for word in words if word not in ("--deep", "--peers")]
    check_platform()
    no_browser = os.environ.get("CARELINE_NO_BROWSER", "") not in ("", "0")
    if no_browser and os.environ.get("CI"):
        raise Trouble("CARELINE_NO_BROWSER is set: in CI the browser journeys are never left out.", "Unset it.")
    python = venv.ensure(venv.TEST_LOCK)
    if not no_browser:
        ensure_browser()
    with throwaway_state("careline-test-") as state:
        state.take()
        stack = build(state, python, mode="test", throwaway=True, own_servers=True, machine=peers)
        stack.env["PATH"] = f"{python.parent}{os.pathsep}{stack.env.get('PATH', os.defpath)}"
        if deep:
            stack.env["CARELINE_DEEP"] = "1"
        if peers:
            stack.env["CARELINE_PEERS"] = "1"
        with servers(stack, Supervisor()):
            return _run_all(stack, words, no_browser=no_browser)


def _run_all(stack: Stack, words: list[str], *, no_browser: bool) -> int:
    results: list[tuple[str, int, float]] = []
    pytest_words = _pytest_words(words, no_browser)
    template = _migrating(stack) if "-n" in pytest_words else None
    for name, argv in (CATALOGUES, *(CHECKS if not words else ())):
        results.append(_run(stack, name, [str(stack.python), *argv]))
    if template is not None:
        began = time.monotonic()
        results.append(("schema", template.wait(), time.monotonic() - began))
        stack.env["CARELINE_TEST_TEMPLATE"] = DATABASE
    results.append(_run(stack, "pytest", [str(stack.python), "-m", "pytest", *pytest_words]))
    say()
    say("Summary")
    for name, code, seconds in results:
        say(f"  {'passed' if code == 0 else f'FAILED ({code})':<12}{name:<18}{seconds:6.1f} s")
    if no_browser:
        say("  LEFT OUT    browser journeys (CARELINE_NO_BROWSER is set): this run does not count as complete")
    return 0 if all(code == 0 for _, code, _ in results) else 1


def _migrating(stack: Stack) -> subprocess.Popen[bytes]:
    """Makes the schema once, beside the checks: the test workers copy it instead of making it once each."""
    return subprocess.Popen(stack.manage("migrate", "--verbosity", "0"), cwd=PROJECT, env=stack.env)


def _pytest_words(words: list[str], no_browser: bool) -> list[str]:
    if not words:  # the whole suite: one worker a core, a file stays with its worker; few but long tests are not last
        words = ["-n", str(os.cpu_count() or 1), "--dist=loadfile", "--no-loadscope-reorder"]
    if not no_browser:
        return words
    marks = ["not browser"]
    for place, word in enumerate(words):
        if word == "-m" and place + 1 < len(words):
            marks.append(f"({words[place + 1]})")
            words = words[:place] + words[place + 2 :]
            break
    return ["-m", " and ".join(marks), *words]


def _run(stack: Stack, name: str, argv: list[str]) -> tuple[str, int, float]:
    say(f"── {name}")
    began = time.monotonic()
    code = subprocess.run(argv, cwd=PROJECT, env=stack.env, check=False).returncode
    return name, code, time.monotonic() - began


@contextmanager
def throwaway_state(prefix: str) -> Iterator[State]:
    """A state in the temporary directory, removed with everything it left elsewhere."""
    root = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
    check_disk(root, STATE_BYTES, "a throw-away database")
    state = open_state(root)
    try:
        yield state
    finally:
        state.release()
        outside = Path(state.facts.get("database_dir", "/nonexistent"))
        if outside.parent == SHARED:
            shutil.rmtree(outside, ignore_errors=True)
        for name in ("run", "pgrun"):
            with contextlib.suppress(Trouble, OSError):
                shutil.rmtree(socket_dir(root / name), ignore_errors=True)
        shutil.rmtree(root, ignore_errors=True)


def ensure_browser() -> None:
    """Make sure the journeys have Chromium and Chinese letters; installs them when root may.

    Raises Trouble with the exact command otherwise: a test of a page is never left out in silence.
    """
    missing = _missing_browser_parts()
    if not missing:
        return
    command = f"apt-get install -y --no-install-recommends {' '.join(missing)}"
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"Installing {' '.join(missing)} for the browser journeys …")
        env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for argv in (["apt-get", "update"], command.split()):
            done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                lines = (done.stdout + done.stderr).strip().splitlines()[-8:]
                raise Trouble(f"{' '.join(argv)} failed.", *lines, "Install them by hand, then run again.")
        missing = _missing_browser_parts()
        if not missing:
            return
    sudo = "" if os.geteuid() == 0 else "sudo "
    if sys.platform == "darwin":
        command, sudo = "brew install --cask chromium", ""
    raise Trouble(
        f"The browser journeys need: {', '.join(missing)}.",
        f"Install: {sudo}{command}",
        "To run everything else meanwhile (such a run does not count): CARELINE_NO_BROWSER=1 ./careline test",
    )


def _missing_browser_parts() -> list[str]:
    missing = [] if any(map(shutil.which, BROWSERS)) else [BROWSER_PACKAGES[0]]
    if sys.platform != "darwin" and not _has_chinese_letters():
        missing.append(BROWSER_PACKAGES[1])
    return missing


def _has_chinese_letters() -> bool:
    if shutil.which("fc-list"):
        done = subprocess.run(["fc-list", ":lang=zh-cn"], capture_output=True, text=True, check=False)
        return bool(done.stdout.strip())
    return any(Path("/usr/share/fonts").glob("**/NotoSansCJK*"))
