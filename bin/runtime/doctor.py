"""`careline doctor`: checks this machine and, when the stack runs, the installation."""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from runtime import PROJECT, venv
from runtime.preflight import STATE_BYTES, VENV_BYTES, check_platform, glibc
from runtime.state import VERSION, open_state
from runtime.words import Trouble, say

Finding = tuple[str, str]  # "ok", "note" or "BAD", then the words


def doctor(root: Path) -> int:
    """Print one line per check; returns 1 when one is bad."""
    checks: list[tuple[str, Callable[[], Finding]]] = [
        ("Python", _python),
        ("Platform", _platform),
        ("venv module", _venv_module),
        ("Environment", _environment),
        ("Free disk", lambda: _disk(root)),
        ("State", lambda: _state(root)),
        ("Servers", _servers),
    ]
    bad = 0
    for name, check in checks:
        try:
            verdict, words = check()
        except Trouble as trouble:
            verdict, words = "BAD", str(trouble)
        bad += verdict == "BAD"
        say(f"{verdict:<5}{name:<13}{words}")
    if not open_state(root, make=False).in_use():
        say("note Installation not running; while it runs, settings, database and clocks are checked too")
        return 1 if bad else 0
    entry = [sys.executable, str(PROJECT / "careline"), "manage", "--state", str(root), "doctor"]
    return 1 if subprocess.run(entry, check=False).returncode or bad else 0


def _python() -> Finding:
    return "ok", f"{platform.python_version()} ({sys.executable})"


def _platform() -> Finding:
    check_platform()
    libc = glibc()
    name = f"{platform.system()} {platform.machine()}"
    return "ok", f"{name}, glibc {'.'.join(map(str, libc))}" if libc else name


def _venv_module() -> Finding:
    if importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
        return "ok", "there"
    if shutil.which("uv") or venv.is_fresh():
        return "note", "not there, and not needed now"
    minor = sys.version_info.minor
    return "BAD", f"not there: apt-get install -y python3.{minor}-venv"


def _environment() -> Finding:
    if venv.is_fresh():
        return "ok", f"{PROJECT / '.venv'} matches {venv.RUN_LOCK}"
    return "note", "not made yet, or older than the lock: the next start makes it"


def _disk(root: Path) -> Finding:
    there = root
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    need = STATE_BYTES if venv.is_fresh() else STATE_BYTES + VENV_BYTES
    return ("ok" if free >= need else "BAD"), f"{free // 2**20} MB below {there} (needed: {need // 2**20} MB)"


def _state(root: Path) -> Finding:
    if not root.exists():
        return "note", f"{root} is not made yet"
    state = open_state(root, make=False)
    return "ok", f"{root}, layout {state.facts.get('version', VERSION)}"


def _servers() -> Finding:
    given = [name for name in ("DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL") if os.environ.get(name)]
    return "ok", f"given by the environment: {', '.join(given)}" if given else "our own, in the state"
