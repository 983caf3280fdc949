"""What the run-time says: progress, and failures in words a stranger can act on."""

import errno
import sys
from pathlib import Path


class Trouble(Exception):
    """A failure a person can understand: what happened, then what to do, one line each."""

    def __init__(self, what: str, *advice: str, code: int = 1) -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice
        self.code = code

    def __str__(self) -> str:
        return "\n".join([self.what, *(f"  {line}" for line in self.advice)])


def say(text: str = "") -> None:
    """Print a line for the person at the terminal, at once."""
    try:
        print(text, flush=True)
    except OSError:
        # The reader (`careline start | head`) or the terminal went away; the work goes on.
        sys.stdout = open("/dev/null", "w")  # noqa: SIM115  lives as long as the process


def complain(trouble: Trouble) -> None:
    """Print a failure on standard error."""
    print(f"careline: {trouble}", file=sys.stderr, flush=True)


def last_lines(log: Path, count: int = 15, since: int = 0) -> list[str]:
    """The last `count` lines of a log written after byte `since`, for showing with a failure."""
    try:
        with log.open("rb") as f:
            f.seek(0, 2)
            f.seek(max(since, f.tell() - 16_384))
            return f.read().decode("utf-8", "replace").splitlines()[-count:]
    except OSError:
        return []


def disk_full(path: Path | str) -> Trouble:
    """The words for a full disk."""
    return Trouble(
        f"The disk that holds {path} is full.",
        "Free some space (df -h shows how much is left), or put the state elsewhere: --state DIR",
    )


def failed(what: str, log: Path, since: int = 0) -> Trouble:
    """The words for a step or server that failed: the end of its log, and where the log is.

    A full disk is recognised by the text every program prints for it and gets its own words.
    """
    lines = last_lines(log, since=since)
    if any("No space left on device" in line for line in lines):
        return disk_full(log.parent)
    return Trouble(what, *lines, f"Whole log: {log}")


def from_os_error(error: OSError) -> Trouble:
    """Words for an operating-system error nobody closer to it explained."""
    where = error.filename or "?"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(where)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Trouble(
            f"No right to use {where} ({error.strerror}).",
            "Run as the user who owns it, or put the state elsewhere: --state DIR",
        )
    return Trouble(f"The system refused: {error.strerror or error} ({where}).")
