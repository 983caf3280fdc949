"""The product's own web server on a free port, and what a request costs in CPU: server and database together."""

from __future__ import annotations

import http.client
import os
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.cached_db import SessionStore
from django.db import connection

from staff.models import User

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """What one kind of request costs: CPU ms a request (web + database), and latencies in ms."""

    cpu: float
    p50: float
    p95: float
    count: int


class Server:
    """A running gunicorn with the benchmark's URLs; requests go over one kept connection."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, started_in: float) -> None:
        self.process, self.port, self.started_in = process, port, started_in

    def pids(self) -> list[int]:
        """The web server's processes and every backend of the database server."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
                " AND datname = current_database() AND pid <> pg_backend_pid()"
            )
            backends = [row[0] for row in cursor.fetchall()]
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=True
        ).stdout.split()
        return [self.process.pid, *map(int, children), *backends]

    def measure(self, requests: list[tuple[str, str, str]], headers: dict[str, str], warm: int = 20) -> Cost:
        """Send (method, path, body) requests one after another; every answer must be 2xx or 3xx."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        for request in requests[:warm]:
            _send(link, request, headers)
        pids = self.pids()
        before, times = _cpu(pids), []
        for request in requests:
            start = time.perf_counter()
            _send(link, request, headers)
            times.append((time.perf_counter() - start) * 1_000)
        used = _cpu(pids) - before
        link.close()
        times.sort()
        return Cost(used * 1_000 / len(requests), statistics.median(times), times[int(len(times) * 0.95)], len(times))


def _send(link: http.client.HTTPConnection, request: tuple[str, str, str], headers: dict[str, str]) -> bytes:
    method, path, body = request
    more = {"Content-Type": "application/x-www-form-urlencoded"} if method == "POST" else {}
    link.request(method, path, body.encode(), headers | more)
    answer = link.getresponse()
    text = answer.read()
    if answer.status >= 400 or (answer.status == 302 and "accounts/login" in (answer.getheader("Location") or "")):
        raise SystemExit(f"{method} {path} answered {answer.status}: {text[:300]!r}")
    return text


def _cpu(pids: list[int]) -> float:
    total = 0
    for pid in pids:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except FileNotFoundError:
            continue
        fields = stat.rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


@contextmanager
def serve() -> Iterator[Server]:
    """Run gunicorn as the product runs it (two workers), with `bench.urls` in front."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "crm.wsgi", "-c", "crm/gunicorn.py", "-b", f"127.0.0.1:{port}"],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "bench.settings", "CARELINE_WEB_WORKERS": "2"},
        cwd=settings.BASE_DIR,
        stderr=subprocess.DEVNULL,
    )
    begin = time.monotonic()
    try:
        _wait(port, process)
        yield Server(process, port, time.monotonic() - begin)
    finally:
        process.terminate()
        process.wait(30)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit("the web server ended at once; run it by hand to see why")
        try:
            link = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            link.request("GET", "/healthz")
            if link.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the web server did not answer within a minute")


def signed_in(username: str) -> dict[str, str]:
    """Request headers of a signed-in user, with the CSRF token a form needs (`csrf` is not sent)."""
    user = User.objects.get(username=username)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "staff.backends.StaffBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session.session_key}", "Host": "127.0.0.1"}


def csrf_of(server: Server, headers: dict[str, str]) -> str:
    """The CSRF token of the signed-in session, read from the home page."""
    link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    text = _send(link, ("GET", "/", ""), headers).decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', text)
    if found is None:
        raise SystemExit("the home page carries no form token")
    return found.group(1)
