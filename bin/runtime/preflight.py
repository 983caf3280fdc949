"""What must be true before anything starts: platform, Python, disk, port. Each refusal says what to do."""

import os
import shutil
import socket
import sys
from pathlib import Path

from runtime.words import Trouble

OLDEST_GLIBC = (2, 28)
VENV_BYTES = 500 * 2**20  # measured: 245 MB run time + 210 MB test and lint packages
STATE_BYTES = 300 * 2**20  # a fresh cluster (45 MB), its write-ahead log, the sample operator
LATER_BYTES = 100 * 2**20  # room to work for one that exists


def glibc() -> tuple[int, ...] | None:
    """The running C library's version; None where it is not glibc."""
    try:
        words = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
    except (ValueError, OSError):
        return None
    if len(words) != 2 or words[0] != "glibc":
        return None
    return tuple(int(part) for part in words[1].split(".")[:2] if part.isdigit())


def check_platform(platform: str = sys.platform, libc: tuple[int, ...] | None = None) -> None:
    """Refuse systems the server wheels are not made for."""
    if platform == "darwin":
        return
    if platform != "linux":
        raise Trouble(f"Careline does not run on {platform} itself.", "Use: docker compose up")
    libc = libc or glibc()
    if libc is None:
        raise Trouble(
            "This Linux has no glibc (Alpine?); the database server we bring needs it.",
            "Use: docker compose up",
        )
    if libc < OLDEST_GLIBC:
        raise Trouble(
            f"This system's glibc is {libc[0]}.{libc[1]}; "
            f"{OLDEST_GLIBC[0]}.{OLDEST_GLIBC[1]} or newer is needed "
            "(Debian 10, Ubuntu 20.04, RHEL 8).",
            "Use a newer system, or: docker compose up",
        )


def check_disk(folder: Path, need: int, what: str) -> None:
    """Refuse when the disk below `folder` has less than `need` bytes left for `what`."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    free = shutil.disk_usage(there).free
    if free < need:
        raise Trouble(
            f"Only {free // 2**20} MB are free below {folder}; {what} needs {need // 2**20} MB.",
            "Free some space (df -h shows how much is left), or put the state elsewhere: --state DIR",
        )


def port_is_free(port: int) -> bool:
    """Whether we could listen on this port of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def check_port(port: int) -> None:
    """Refuse a port that is taken or out of range; name the next free one."""
    if not 1 <= port <= 65535:
        raise Trouble(f"{port} is not a port number.", "Choose one from 1024 to 65535: ./careline start --port 8000")
    if port < 1024 and os.geteuid() != 0 and not port_is_free(port):
        raise Trouble(
            f"Port {port} cannot be used: it is taken, or below 1024 and only for root.",
            "Choose another: ./careline start --port 8000",
        )
    if not port_is_free(port):
        other = next((p for p in range(port + 1, min(port + 200, 65536)) if port_is_free(p)), None)
        raise Trouble(
            f"Port {port} is taken by another program.",
            f"Choose another: ./careline start --port {other or 'N'}",
            f"Or find who has it: ss -ltnp 'sport = :{port}'",
        )
