"""The project's own virtual environment, made from a hash-locked list and stamped with it."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime import PROJECT, processes
from runtime.preflight import VENV_BYTES, check_disk
from runtime.words import Trouble, disk_full, say

RUN_LOCK = "requirements.lock"
TEST_LOCK = "requirements-test.lock"  # holds every pin of the run lock and more
STAMP = "careline-stamp.json"


def python_of(project: Path = PROJECT) -> Path:
    """The interpreter of the project's virtual environment."""
    return project / ".venv" / "bin" / "python"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _stamped(project: Path) -> set[str]:
    try:
        return set(json.loads((project / ".venv" / STAMP).read_text())["locks"])
    except (OSError, ValueError, KeyError):
        return set()


def is_fresh(lock: str = RUN_LOCK, project: Path = PROJECT) -> bool:
    """Whether the environment holds exactly what `lock` asks for, and its Python still runs."""
    return os.access(python_of(project), os.X_OK) and _digest(project / lock) in _stamped(project)


@contextmanager
def _alone(project: Path) -> Iterator[None]:
    """Two commands must not install at once: hold a lock on the list itself, which is always there."""
    with (project / RUN_LOCK).open("rb") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def ensure(lock: str = RUN_LOCK, project: Path = PROJECT) -> Path:
    """Make or complete the environment so that it holds `lock`; returns its Python.

    Installs nothing when the stamp says it is there. Raises Trouble with the way out otherwise.
    """
    if is_fresh(lock, project):
        return python_of(project)
    with _alone(project):
        if not is_fresh(lock, project):
            _install(lock, project)
    return python_of(project)


def _install(lock: str, project: Path) -> None:
    uv = shutil.which("uv")
    folder, python = project / ".venv", python_of(project)
    check_disk(project, VENV_BYTES, "the Python environment")
    if python.exists() and not _runs(python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"):
        say("The Python environment is broken (moved, or its Python is gone): making it anew.")
        shutil.rmtree(folder)
    if not python.exists():
        say("Making the Python environment in .venv …")
        if not uv:
            _check_ensurepip()
        options = ["--without-pip"] if uv else []
        _run([sys.executable, "-m", "venv", *options, str(folder)], "The Python environment could not be made.")
    count = sum(1 for line in (project / lock).read_text().splitlines() if line[:1].isalnum())
    say(f"Installing {count} packages from {lock} (once; with pip about a minute) …")
    if uv:
        argv = [uv, "pip", "install", "--quiet", "--python", str(python)]
    else:
        if not _runs(python, "-m", "pip", "--version"):
            _check_ensurepip()
            _run([str(python), "-m", "ensurepip"], "pip could not be put into the Python environment.")
        argv = [str(python), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    argv += ["--require-hashes", "--only-binary", ":all:", "-r", str(project / lock)]
    _run(argv, "The packages could not be installed.", network=True)
    # The test list holds the run list (a test compares them), so installing it satisfies both.
    locks = {_digest(project / RUN_LOCK), _digest(project / lock)}
    if lock == RUN_LOCK:
        locks |= _stamped(project) & {_digest(project / TEST_LOCK)}
    new = folder / (STAMP + ".new")
    new.write_text(json.dumps({"locks": sorted(locks)}) + "\n")
    new.replace(folder / STAMP)


def _check_ensurepip() -> None:
    try:
        import ensurepip  # noqa: F401  is it there?
        import venv  # noqa: F401  likewise
    except ImportError:
        sudo = "" if os.geteuid() == 0 else "sudo "
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise Trouble(
            f"This Python ({sys.executable}) has no venv module; Debian and Ubuntu ship it apart.",
            f"Install it: {sudo}apt-get install -y python{version}-venv",
        ) from None


def _runs(python: Path, *words: str) -> bool:
    try:
        return subprocess.run([str(python), *words], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _run(argv: list[str], what: str, *, network: bool = False) -> None:
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PIP_USER", "PIP_TARGET")}
    done = subprocess.run(
        argv,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=processes.dies_with_us(),
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return
    if "No space left on device" in done.stdout:
        raise disk_full(PROJECT)
    lines = done.stdout.strip().splitlines()[-15:]
    hints = []
    if network:
        hints = [
            "Is the network there? Proxy: HTTPS_PROXY; mirror: PIP_INDEX_URL or UV_INDEX_URL.",
            "Then run the same command again: what is already installed stays.",
        ]
    raise Trouble(what, *lines, *hints)
