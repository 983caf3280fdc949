"""Events told to Careline: written with the change they tell of, sent by threads, repeated until they are taken.

Events of one account go in their order by one thread, unless a storm disturbs it: then some go twice, some wait so that
later ones overtake them.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import random
import sys
import threading
import time
import urllib.parse
import uuid
import zlib
from dataclasses import dataclass
from typing import Any, NoReturn

from billing_simulation.bodies import TABLES, body_of
from billing_simulation.store import Store

SENDERS = 4
LONGEST_WAIT_SECONDS = 30.0
HELD_SECONDS = 5.0
WORTH_REPEATING = (401, 408, 409, 429)


@dataclass
class Storm:
    """What goes wrong, each a share between 0 and 1: events told twice, events overtaken, requests answered with 500,
    connections cut, theirs and ours. Drawn by `seed`."""

    duplicates: float = 0.0
    disorder: float = 0.0
    errors: float = 0.0
    cut: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Receiver:
    """Where events go, and how the sender shows who it is: a client of Careline's, or a key that signs (or neither)."""

    url: str
    client_id: str = ""
    secret: str = ""
    signing_key: str = ""


class Events:
    def __init__(self, store: Store, receiver: Receiver) -> None:
        self.store = store
        self.receiver = receiver
        self.address = ""
        self.partial = False
        self.silent_until = 0.0
        self.storm = Storm()
        self.draw = random.Random(0)  # noqa: S311 (drawn to be repeated, not to be secret)
        self.token = ("", 0.0)
        self.stopping = threading.Event()
        self.own = threading.local()

    def start(self) -> None:
        for number in range(SENDERS):
            threading.Thread(target=self._send_for_ever, args=(number,), daemon=True).start()

    def weather(self, storm: Storm) -> None:
        self.storm, self.draw = storm, random.Random(storm.seed)  # noqa: S311 (as above)

    def tell(self, account: str, kind: str, resource: str, key: str, correlation: str = "") -> None:
        """Write an event of a row as it is now, inside the transaction that changed it."""
        row = self.store.row(f"SELECT * FROM {TABLES[resource]} WHERE id = ?", key)
        assert row is not None
        whole = body_of(self.store, resource, row, self.address)
        told = {name: whole[name] for name in ("id", "href", "@type")} if self.partial else whole
        self.add(account, kind, {resource: told}, correlation)

    def add(self, account: str, kind: str, event: dict[str, Any], correlation: str = "", **overrides: Any) -> str:
        """Put an event of any body on its way; returns its id."""
        key = uuid.uuid4().hex
        body: dict[str, Any] = {"eventId": key, "eventTime": self.store.moment(), "eventType": kind, "event": event}
        if correlation:
            body["correlationId"] = correlation
        body |= overrides
        copies = 1 + (self.draw.random() < self.storm.duplicates)
        held = time.time() + self.draw.uniform(0.2, HELD_SECONDS) if self.draw.random() < self.storm.disorder else 0.0
        self.store.run(
            "INSERT INTO event (id, account, type, body, copies, held_until) VALUES (?, ?, ?, ?, ?, ?)",
            body["eventId"],
            account,
            kind,
            json.dumps(body),
            copies,
            held,
        )
        return str(body["eventId"])

    def waiting(self) -> int:
        return int(self.store.rows("SELECT count(*) AS n FROM event WHERE copies > 0")[0]["n"])

    def _send_for_ever(self, number: int) -> None:
        while not self.stopping.is_set():
            if time.time() < self.silent_until or not self.receiver.url or not self._send_round(number):
                self.stopping.wait(0.05)

    def _send_round(self, number: int) -> bool:
        """One pass over what waits for this thread; whether anything was sent."""
        rows = self.store.rows("SELECT * FROM event WHERE copies > 0 ORDER BY seq LIMIT 2000")
        mine = [row for row in rows if zlib.crc32(row["account"].encode()) % SENDERS == number]
        now, blocked, sent = time.time(), set(), False
        for row in mine:
            if row["held_until"] > now:
                if row["attempts"]:  # refused: those behind it wait, unless it was told to be overtaken
                    blocked.add(row["account"])
                continue
            if row["account"] in blocked:
                continue
            taken = self._post(row["type"], row["body"])
            sent = True
            with self.store.change():
                if taken:
                    self.store.run(
                        "UPDATE event SET copies = copies - 1, told_at = ? WHERE seq = ?",
                        self.store.moment(),
                        row["seq"],
                    )
                else:
                    wait = min(LONGEST_WAIT_SECONDS, 0.2 * 2 ** min(row["attempts"], 10))
                    self.store.run(
                        "UPDATE event SET attempts = attempts + 1, held_until = ? WHERE seq = ?",
                        time.time() + wait,
                        row["seq"],
                    )
                    blocked.add(row["account"])
        return sent

    def _post(self, kind: str, body: str) -> bool:
        raw = body.encode()
        headers = {"Content-Type": "application/json;charset=utf-8"}
        try:
            if self.receiver.client_id:
                headers["Authorization"] = f"Bearer {self._bearer()}"
            if self.receiver.signing_key:
                headers["X-Careline-Signature"] = self._signature(raw)
            status, told = self._ask(f"/listener/{kind}", raw, headers)
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            self._hang_up()
            return False
        if status == 401:
            self.token = ("", 0.0)
        elif 400 <= status < 500 and status not in WORTH_REPEATING:
            print(f"{kind} refused: {status} {told[:500]!r}", file=sys.stderr, flush=True)
        return 200 <= status < 300

    def _ask(self, path: str, raw: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """POST to Careline on this thread's own connection, kept open from one request to the next."""
        where = urllib.parse.urlsplit(self.receiver.url)
        line: http.client.HTTPConnection | None = getattr(self.own, "line", None)
        if line is None:
            make = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
            line = self.own.line = make(where.netloc, timeout=10)
        if self.draw.random() < self.storm.cut:
            self._break_off(line, f"{where.path}{path}", raw, headers)
        line.request("POST", f"{where.path}{path}", raw, headers)
        answer = line.getresponse()
        return answer.status, answer.read()

    def _break_off(self, line: http.client.HTTPConnection, path: str, raw: bytes, headers: dict[str, str]) -> NoReturn:
        """Cut the connection half-way through the body, or after all of it, before the answer can be read."""
        told = raw[: len(raw) // 2] if self.draw.random() < 0.5 else raw
        line.request("POST", path, told, headers | {"Content-Length": str(len(raw))})
        raise ConnectionAbortedError("cut by the storm")

    def _hang_up(self) -> None:
        line: http.client.HTTPConnection | None = getattr(self.own, "line", None)
        if line is not None:
            line.close()

    def _signature(self, raw: bytes) -> str:
        moment = int(self.store.now().timestamp())
        digest = hmac.new(self.receiver.signing_key.encode(), f"{moment}.".encode() + raw, hashlib.sha256).hexdigest()
        return f"t={moment},v1={digest}"

    def _bearer(self) -> str:
        token, until = self.token
        if time.time() < until:
            return token
        form = urllib.parse.urlencode(
            {
                "grant_type": "client_credentials",
                "client_id": self.receiver.client_id,
                "client_secret": self.receiver.secret,
            }
        )
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        _status, raw = self._ask("/oauth/token", form.encode(), kind)
        told = json.loads(raw)
        self.token = (told["access_token"], time.time() + max(1, int(told.get("expires_in", 60)) - 30))
        return self.token[0]
