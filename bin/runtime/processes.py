"""Starting, recognising and ending processes."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from runtime.account import Account

PR_SET_PDEATHSIG = 1
# Resolved before any fork: the child must not load a library between fork and exec.
_prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


def dies_with_us(sig: int = signal.SIGTERM) -> Callable[[], None]:
    """What a child runs before its program, so that the kernel sends it `sig` when we die (Linux)."""
    parent = os.getpid()

    def in_child() -> None:
        if _prctl is not None:
            _prctl(PR_SET_PDEATHSIG, sig, 0, 0, 0)
            # The parent may have died before the line above took effect.
            if os.getppid() != parent:
                os._exit(1)

    return in_child


def spawn(
    argv: Sequence[str | os.PathLike[str]],
    *,
    env: Mapping[str, str],
    cwd: Path | str,
    log: Path | None = None,
    account: Account | None = None,
    death_signal: int = signal.SIGTERM,
    own_session: bool = True,
) -> subprocess.Popen[bytes]:
    """Start a child that receives `death_signal` when this process dies, however it dies (Linux).

    With `log`, its output is appended there and its input is empty; without, it shares the terminal.
    With `account`, it runs as that account from `/`. Call from the main thread only: the kernel
    sends the signal when the *thread* that forked ends.
    """
    extra: dict[str, object] = {}
    if account is not None:
        extra = {"user": account.uid, "group": account.gid, "extra_groups": []}
        cwd = "/"
    out = log.open("ab") if log else None
    try:
        child: subprocess.Popen[bytes] = subprocess.Popen(
            [os.fspath(part) for part in argv],
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL if out else None,
            stdout=out,
            stderr=subprocess.STDOUT if out else None,
            start_new_session=own_session,
            preexec_fn=dies_with_us(death_signal),
            **extra,  # type: ignore[call-overload]  # the overloads know no dict of options
        )
        return child
    finally:
        if out:
            out.close()


def alive(pid: int) -> bool:
    """Whether a process with this id runs; a zombie does not count."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            return stat.read_text(errors="replace").rpartition(")")[2].split()[0] not in ("Z", "X")
        except (OSError, IndexError):
            return False
    return "Z" not in _ps(pid, "stat=") and bool(_ps(pid, "stat="))


def birth(pid: int) -> str:
    """When the process started, in the system's own words: with the id, it names one process for good.

    Empty when there is no such process.
    """
    if Path("/proc/self/stat").exists():
        try:
            return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19]
        except (OSError, IndexError):
            return ""
    return _ps(pid, "lstart=")


def command_line(pid: int) -> str:
    """The words a process was started with, joined by spaces; empty when it is gone."""
    if Path("/proc/self/stat").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
        except OSError:
            return ""
    return _ps(pid, "command=")


def _ps(pid: int, column: str) -> str:
    done = subprocess.run(["ps", "-o", column, "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def end_stranger(pid: int, *, sig: int = signal.SIGTERM, wait: float = 10.0) -> bool:
    """End a process that is not our child: `sig`, then after `wait` seconds SIGKILL to its group.

    Returns whether it is gone.
    """
    born = birth(pid)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, sig)
    until = time.monotonic() + wait
    while alive(pid) and birth(pid) == born:
        if time.monotonic() > until:
            kill_group(pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.2)
            break
        time.sleep(0.05)
    return not alive(pid) or birth(pid) != born


def kill_group(pid: int) -> None:
    """SIGKILL whatever is left of the group this process led."""
    if pid > 1 and pid != os.getpgrp():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
