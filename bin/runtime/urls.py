"""Addresses of servers that listen on Unix sockets only."""

import socket
import urllib.parse
from pathlib import Path


def postgres_url(user: str, socket_dir: Path, database: str) -> str:
    """`postgres://user@%2Frun%2Fdir/database`: the host is the socket directory, percent-encoded."""
    return f"postgres://{user}@{urllib.parse.quote(str(socket_dir), safe='')}/{database}"


def broker_url(sock: Path) -> str:
    """The Celery broker in database 0 of a Valkey that listens on `sock`."""
    return f"redis+socket://{sock}?virtual_host=0"


def cache_url(sock: Path) -> str:
    """The cache in database 1 of the same server."""
    return f"unix://{sock}?db=1"


def reachable(url: str, timeout: float = 1.0) -> bool:
    """Whether something accepts connections at a database or broker address.

    An address that names no single host (Sentinel lists, service files) counts as reachable: only
    its own client can tell.
    """
    parts = urllib.parse.urlsplit(url)
    if "," in parts.netloc:
        return True
    host = urllib.parse.unquote(parts.hostname or "")
    default = {"postgres": 5432, "postgresql": 5432, "amqp": 5672}.get(parts.scheme, 6379)
    if parts.scheme in ("unix", "redis+socket"):
        return _connects(socket.AF_UNIX, parts.path, timeout)
    # urlsplit lowers the host; a socket path keeps its letters only in netloc.
    raw = urllib.parse.unquote(parts.netloc.rpartition("@")[2])
    if raw.startswith("/"):
        return _connects(socket.AF_UNIX, f"{raw}/.s.PGSQL.{default}", timeout)
    if not host:
        return True
    try:
        with socket.create_connection((host, parts.port or default), timeout):
            return True
    except OSError:
        return False


def _connects(family: socket.AddressFamily, path: str, timeout: float) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(timeout)
        try:
            s.connect(path)
        except OSError:
            return False
        return True
