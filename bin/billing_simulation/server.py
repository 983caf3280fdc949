"""The HTTP side: TM Forum v4 reads and patches, dispute holds, tokens, the control door; and the weather of a storm."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import socket
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from billing_simulation.bodies import BASES, TABLES, body_of
from billing_simulation.control import Control
from billing_simulation.events import Events
from billing_simulation.facts import Facts, NotThere
from billing_simulation.store import Store, fen

MOST = 1000
FILTERS = {"billingAccount.id": "account", "account.id": "account", "partyAccount.id": "account", "id": "id"}
STATES = {"active": ("",), "suspended": ("oneWay", "twoWay"), "terminated": ("",)}
HOLDS = "/api/careline/v1/disputeHold"
Answer = tuple[int, Any, dict[str, str]]


class Refused(Exception):
    """An answer that is not the one hoped for: its status and words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class Billing(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, place: tuple[str, int], store: Store, events: Events, clients: dict[str, str], control: str
    ) -> None:
        super().__init__(place, Door)
        self.store, self.events = store, events
        self.facts = Facts(store, events)
        self.control = Control(store, events, self.facts)
        self.clients, self.control_token = clients, control
        self.tokens: dict[str, float] = {}
        events.address = f"http://{place[0]}:{self.server_address[1]}"


class Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Billing

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PATCH = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a line a request would bury what matters."""

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urllib.parse.urlsplit(self.path)
        try:
            if path.path.startswith("/control/"):
                answer = self._control(path.path.removeprefix("/control/"), path.query, raw)
            else:
                answer = self._stormy(path, raw)
        except Refused as refusal:
            answer = (refusal.status, {"code": str(refusal.status), "reason": str(refusal)}, {})
        except NotThere as missing:
            answer = (404, {"code": "404", "reason": str(missing)}, {})
        except (ValueError, KeyError, TypeError, ArithmeticError) as fault:
            answer = (400, {"code": "400", "reason": f"{type(fault).__name__}: {fault}"}, {})
        if answer is not None:
            self._answer(*answer)

    def _answer(self, status: int, body: Any, headers: dict[str, str]) -> None:
        raw = body.encode() if isinstance(body, str) else json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json;charset=utf-8"} | headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _stormy(self, path: urllib.parse.SplitResult, raw: bytes) -> Answer | None:
        """The answer in the weather there is: refused before, or cut off after, it was done."""
        events = self.server.events
        if time.time() < events.silent_until:
            return (503, {"code": "503", "reason": "billing is down"}, {"Retry-After": "1"})
        if events.draw.random() < events.storm.errors:
            return (500, {"code": "500", "reason": "something broke"}, {})
        answer = self._tmf(path, raw)
        if events.draw.random() < events.storm.cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return None
        return answer

    def _tmf(self, path: urllib.parse.SplitResult, raw: bytes) -> Answer:
        if path.path == "/oauth/token":
            return self._token(raw)
        self._signed_in()
        if path.path == HOLDS and self.command == "POST":
            return self._once(raw, self._hold)
        for resource, base in BASES.items():
            if path.path == base and self.command == "GET":
                return self._list(resource, dict(urllib.parse.parse_qsl(path.query, keep_blank_values=True)))
            if path.path.startswith(f"{base}/"):
                key = urllib.parse.unquote(path.path.removeprefix(f"{base}/"))
                if self.command == "GET":
                    return (200, self._body(resource, key), {})
                if self.command == "PATCH" and resource in ("product", "billingAccount"):
                    return self._once(raw, self._patch, resource, key)
        raise Refused(404, f"nothing at {self.command} {path.path}")

    def _token(self, raw: bytes) -> Answer:
        form = dict(urllib.parse.parse_qsl(raw.decode()))
        known = self.server.clients.get(form.get("client_id", ""), "")
        if not known or not hmac.compare_digest(known, form.get("client_secret", "")):
            raise Refused(401, "unknown client")
        token = secrets.token_urlsafe(24)
        self.server.tokens[token] = time.time() + 3600
        return (200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600}, {})

    def _signed_in(self) -> None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.server.clients and self.server.tokens.get(token, 0) < time.time():
            raise Refused(401, "no token, or an old one")

    def _body(self, resource: str, key: str) -> dict[str, Any]:
        row = self.server.facts.one(TABLES[resource], key)
        return body_of(self.server.store, resource, row, self.server.events.address)

    def _list(self, resource: str, asked: dict[str, str]) -> Answer:
        """Rows by the time they changed last, oldest first; `lastUpdate.gte` begins there."""
        offset, limit = int(asked.pop("offset", 0)), min(int(asked.pop("limit", 100)), MOST)
        where, values = ["1 = 1"], []
        for name, value in asked.items():
            if name == "lastUpdate.gte":
                where.append("modified >= ?")
            elif name == "state" and resource == "customerBill":
                where.append(f"state IN ({', '.join('?' * len(value.split(',')))})")
                values += value.split(",")
                continue
            elif name in FILTERS and (FILTERS[name] == "id" or resource != "billingAccount"):
                where.append(f"{FILTERS[name]} = ?")
            else:
                raise Refused(400, f"unknown filter {name}")
            values.append(value)
        table, chosen = TABLES[resource], " AND ".join(where)
        with self.server.store.turn:
            total = self.server.store.rows(f"SELECT count(*) AS n FROM {table} WHERE {chosen}", *values)[0]["n"]
            rows = self.server.store.rows(
                f"SELECT * FROM {table} WHERE {chosen} ORDER BY modified, id LIMIT ? OFFSET ?", *values, limit, offset
            )
            bodies = [body_of(self.server.store, resource, row, self.server.events.address) for row in rows]
        headers = {"X-Total-Count": str(total), "X-Result-Count": str(len(bodies))}
        return (206 if len(bodies) < total else 200, bodies, headers)

    def _once(self, raw: bytes, act: Any, *where: str) -> Answer:
        """A change with an Idempotency-Key is made once; the same key gets the first answer again."""
        key = self.headers.get("Idempotency-Key", "")
        if not key:
            raise Refused(400, "Idempotency-Key is missing")
        digest = hashlib.sha256(self.path.encode() + raw).hexdigest()
        with self.server.store.change():
            before = self.server.store.row("SELECT * FROM answer WHERE key = ?", key)
            if before is not None:
                if before["digest"] != digest:
                    raise Refused(422, "this Idempotency-Key came with another body")
                return (before["status"], before["body"], {})
            status, body = act(json.loads(raw), key, *where)
            text = json.dumps(body, ensure_ascii=False)
            at = self.server.store.moment()
            self.server.store.run("INSERT INTO answer VALUES (?, ?, ?, ?, ?)", key, digest, status, text, at)
        return (status, text, {})

    def _patch(self, told: dict[str, Any], key: str, resource: str, row: str) -> tuple[int, Any]:
        if resource == "billingAccount":
            self.server.facts.patch_limit(row, fen(told["creditLimit"]["value"]), key)
            return (200, self._body(resource, row))
        status, suspension = told["status"], told.get("suspensionType") or ""
        if suspension not in STATES.get(status, ()):
            raise Refused(400, f"a product cannot be {status} {suspension}".strip())
        if self.server.facts.one("product", row)["status"] == "terminated" and status != "terminated":
            raise Refused(409, "a product that ended does not come back")
        self.server.facts.patch_product(row, status, suspension, key)
        return (200, self._body(resource, row))

    def _hold(self, told: dict[str, Any], _key: str) -> tuple[int, Any]:
        bill = told["bill"]["id"]
        return (201, {"id": self.server.facts.hold_dispute(bill, fen(told["amount"]["value"]), told.get("until"))})

    def _control(self, verb: str, query: str, raw: bytes) -> Answer:
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given, self.server.control_token):
            raise Refused(401, "the control token does not fit")
        control = self.server.control
        if self.command == "GET" and verb == "state":
            return (200, control.state(), {})
        if self.command == "GET" and verb == "month-file":
            asked = dict(urllib.parse.parse_qsl(query))
            form = asked.get("format", "ndjson")
            kind = "text/csv" if form == "csv" else "application/x-ndjson"
            return (200, "".join(control.month_file(asked["month"], form)), {"Content-Type": f"{kind};charset=utf-8"})
        if self.command == "POST" and verb in control.verbs:
            return (200, control.verbs[verb](json.loads(raw or b"{}")), {})
        raise Refused(404, f"no control {self.command} {verb}; POST {', '.join(control.verbs)}; GET state, month-file")
