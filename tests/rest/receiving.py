"""Another system that is told of events: a real HTTP server of the test."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """What came in, and what is answered: statuses one after the other, the last one from then on."""

    url: str = ""
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=lambda: [201])

    @property
    def events(self) -> list[Any]:
        return [json.loads(body) for _headers, body in self.came]


@contextmanager
def receiver() -> Iterator[Receiver]:
    told = Receiver()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.came.append((dict(self.headers), body))
            status = told.answers[0] if len(told.answers) == 1 else told.answers.pop(0)
            self.send_response(status)
            if status in (301, 302, 307):
                self.send_header("Location", told.url)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    told.url = f"http://localhost:{server.server_port}/events"
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
