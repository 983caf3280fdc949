"""The control door: scenarios for whoever tries Careline out. Each verb takes and gives JSON."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from typing import Any

from billing_simulation.bodies import TABLES, body_of
from billing_simulation.events import Events, Storm
from billing_simulation.facts import Facts
from billing_simulation.store import Store, fen, yuan

HEAD_COLUMNS = ("billId", "billNo", "accountId", "month", "billDate", "dueDate")
LINE_COLUMNS = ("lineType", "lineName", "serviceNo", "amount")


class Control:
    def __init__(self, store: Store, events: Events, facts: Facts) -> None:
        self.store, self.events, self.facts = store, events, facts
        self.verbs: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "accounts": lambda told: {"accounts": facts.open_accounts(told["accounts"], told.get("tell", True))},
            "month-end": self.month_end,
            "bill": self.bill,
            "balance": self.balance,
            "pay": self.pay,
            "reverse": self.reverse,
            "replace-bill": lambda told: {"bill": facts.replace_bill(told["bill"], told["lines"])},
            "wrong-total": self.wrong_total,
            "storm": self.storm,
            "partial": self.partial,
            "outage": self.outage,
            "event": self.event,
            "clock": self.clock,
        }

    def month_end(self, told: dict[str, Any]) -> dict[str, Any]:
        """{"month", "accounts": [ids] or absent for all, "seed", "tell": false for a file instead of events}."""
        bills = self.facts.month_end(told["month"], told.get("accounts"), told.get("seed", 0), told.get("tell", True))
        return {"bills": len(bills)}

    def bill(self, told: dict[str, Any]) -> dict[str, Any]:
        """{"account", "month", "lines": [{"type", "name", "serviceNo", "amount"}], "id", "tell"}."""
        key, tell = told.get("id", ""), told.get("tell", True)
        return {"bill": self.facts.bill(told["account"], told["month"], told["lines"], key, tell)}

    def balance(self, told: dict[str, Any]) -> dict[str, Any]:
        self.facts.set_balance(told["account"], fen(told["amount"]))
        return {}

    def pay(self, told: dict[str, Any]) -> dict[str, Any]:
        """{"account", "amount" or absent for all that is open, "way", "id"}."""
        amount = None if told.get("amount") is None else fen(told["amount"])
        return {"payment": self.facts.pay(told["account"], amount, told.get("way", "cash"), told.get("id", ""))}

    def reverse(self, told: dict[str, Any]) -> dict[str, Any]:
        self.facts.reverse(told["payment"], bool(told.get("bankErred", False)))
        return {}

    def wrong_total(self, told: dict[str, Any]) -> dict[str, Any]:
        self.facts.spoil_total(told["bill"])
        return {}

    def storm(self, told: dict[str, Any]) -> dict[str, Any]:
        """{"duplicates", "disorder", "errors", "cut": shares, "seed"}; {} ends it."""
        known = {field.name for field in fields(Storm)}
        if set(told) - known:
            raise ValueError(f"unknown: {', '.join(sorted(set(told) - known))}; known: {', '.join(sorted(known))}")
        self.events.weather(Storm(**told))
        return asdict(self.events.storm)

    def partial(self, told: dict[str, Any]) -> dict[str, Any]:
        """{"on": true}: events name the resource alone; it must be read."""
        self.events.partial = bool(told["on"])
        return {"on": self.events.partial}

    def outage(self, told: dict[str, Any]) -> dict[str, Any]:
        """{"seconds": n}: no event leaves and every request is answered 503 meanwhile."""
        self.events.silent_until = time.time() + float(told["seconds"])
        return {}

    def event(self, told: dict[str, Any]) -> dict[str, Any]:
        """Any event at all: {"account", "eventType", "event", and "eventId", "eventTime" where they matter}."""
        extra = {name: told[name] for name in ("eventId", "eventTime") if name in told}
        with self.store.change():
            return {"eventId": self.events.add(told["account"], told["eventType"], told["event"], **extra)}

    def clock(self, told: dict[str, Any]) -> dict[str, Any]:
        """{"offset": seconds} ahead of the machine's clock (negative: behind)."""
        self.store.move_clock(float(told["offset"]))
        return {"now": self.store.moment()}

    def state(self) -> dict[str, Any]:
        """The whole truth, for comparison row by row."""
        with self.store.turn:
            resources = {
                name: [body_of(self.store, name, row, self.events.address) for row in self._all(table)]
                for name, table in TABLES.items()
            }
            commands = self.store.rows("SELECT key, status, at FROM answer ORDER BY at, key")
            disputes = self.store.rows("SELECT * FROM dispute ORDER BY id")
            return resources | {
                "waiting": self.events.waiting(),
                "now": self.store.moment(),
                "commands": [dict(row) for row in commands],
                "disputeHold": [dict(row) | {"amount": yuan(row["amount"])} for row in disputes],
            }

    def _all(self, table: str) -> list[Any]:
        return self.store.rows(f"SELECT * FROM {table} ORDER BY id")

    def month_file(self, month: str, form: str) -> Iterator[str]:
        """The bills of a month as a file for the bulk door: "ndjson", a bill a line, or "csv", a bill line a line."""
        bills = self.store.rows("SELECT * FROM bill WHERE month = ? AND state <> 'replaced' ORDER BY id", month)
        if form == "csv":
            yield _csv_line(HEAD_COLUMNS + LINE_COLUMNS)
        for bill in bills:
            head = (bill["id"], bill["no"], bill["account"], bill["month"], bill["bill_date"], bill["due_date"])
            lines = self.store.rows("SELECT * FROM line WHERE bill = ? ORDER BY position", bill["id"])
            if form == "csv":
                for line in lines:
                    amount = f"{line['amount'] / 100:.2f}"
                    yield _csv_line((*head, line["kind"], line["name"], line["service_no"], amount))
                continue
            told = dict(zip(HEAD_COLUMNS, head, strict=True))
            told["lines"] = [
                {
                    "lineType": line["kind"],
                    "lineName": line["name"],
                    "serviceNo": line["service_no"],
                    "amount": f"{line['amount'] / 100:.2f}",
                }
                for line in lines
            ]
            yield json.dumps(told | {"amount": f"{bill['amount'] / 100:.2f}"}, ensure_ascii=False) + "\n"


def _csv_line(cells: tuple[Any, ...]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()
