"""Billing to talk to: `bin/billing-simulator` as a process of its own, and a door that takes its events."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from tests.jobs.processes import ROOT

CONTROL = "control-1"
PATIENCE = 30


class Billing:
    """One simulator over one folder of data; `start` after `kill` begins where the other ended."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder, self.options = folder, options
        self.process: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self) -> Billing:
        program = [sys.executable, str(ROOT / "bin" / "billing-simulator"), "--data", str(self.folder)]
        self.process = subprocess.Popen(
            [*program, "--control-token", CONTROL, *self.options], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert said.startswith("ready "), said
        self.url = f"http://127.0.0.1:{said.split()[1]}"
        return self

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def do(self, verb: str, **told: Any) -> dict[str, Any]:
        """One verb of the control door."""
        answer = httpx.post(f"{self.url}/control/{verb}", json=told, headers=_shown(), timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def state(self) -> dict[str, Any]:
        return dict(httpx.get(f"{self.url}/control/state", headers=_shown(), timeout=PATIENCE).json())

    def month_file(self, month: str, form: str) -> str:
        asked = {"month": month, "format": form}
        return httpx.get(f"{self.url}/control/month-file", params=asked, headers=_shown(), timeout=PATIENCE).text


def _shown() -> dict[str, str]:
    return {"Authorization": f"Bearer {CONTROL}"}


class Listener(ThreadingHTTPServer):
    """Takes events in the place of Careline: keeps each body taken, refuses as many as `refuse` says first."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taker)
        self.taken: list[dict[str, Any]] = []
        self.refuse = 0
        self.more = threading.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        """All that came, as soon as there are this many."""
        with self.more:
            assert self.more.wait_for(lambda: len(self.taken) >= count, PATIENCE), f"{len(self.taken)} of {count} came"
            return list(self.taken)


class _Taker(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Listener

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.more:
            refused = self.server.refuse > 0
            if refused:
                self.server.refuse -= 1
            else:
                self.server.taken.append(body)
                self.server.more.notify_all()
        self.send_response(503 if refused else 201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what came is kept."""


@contextmanager
def listening() -> Iterator[Listener]:
    server = Listener()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()
