"""What happens in billing: accounts, bill runs, payments, reversals, replaced bills, and what Careline asks for.

Each act is one transaction with the events it causes. Money paid goes to the oldest bill first, what is left over is
the account's credit; a reversal takes it back the same way, as if it never came.
"""

from __future__ import annotations

import random
import sqlite3
import uuid
from calendar import monthrange
from datetime import date
from typing import Any

from billing_simulation.events import Events
from billing_simulation.store import Store, fen

OPEN = ("sent", "partiallyPaid", "settled")
LINES = (("PLAN", "Plan"), ("DATA", "Data beyond the plan"), ("VOICE", "Calls beyond the plan"), ("VAS", "Ring tones"))


class NotThere(Exception):
    """Names what was not found."""


class Facts:
    def __init__(self, store: Store, events: Events) -> None:
        self.store = store
        self.events = events

    def one(self, table: str, key: str) -> sqlite3.Row:
        row = self.store.row(f"SELECT * FROM {table} WHERE id = ?", key)
        if row is None:
            raise NotThere(f"no {table} {key}")
        return row

    def open_accounts(self, accounts: list[dict[str, Any]], tell: bool) -> int:
        """Add accounts or change them: {"id", "party", "kind", "payType", "payWay", "creditLimit", "balance",
        "products": [{"id", "serviceNo"}]}."""
        with self.store.change():
            for wanted in accounts:
                self._open(wanted, tell)
        return len(accounts)

    def _open(self, wanted: dict[str, Any], tell: bool) -> None:
        at = self.store.moment()
        limit = wanted.get("creditLimit")
        self.store.run(
            "INSERT INTO account (id, party, kind, pay_type, pay_way, state, credit_limit, modified)"
            " VALUES (?, ?, ?, ?, ?, 'active', ?, ?) ON CONFLICT (id) DO UPDATE SET party = excluded.party,"
            " pay_way = excluded.pay_way, modified = excluded.modified",
            wanted["id"],
            wanted.get("party", ""),
            wanted.get("kind", "individual"),
            wanted.get("payType", "POSTPAID"),
            wanted.get("payWay", "cash"),
            None if limit is None else fen(limit),
            at,
        )
        for product in wanted.get("products", []):
            self.store.run(
                "INSERT OR IGNORE INTO product (id, account, service_no, status, modified)"
                " VALUES (?, ?, ?, 'active', ?)",
                product["id"],
                wanted["id"],
                product["serviceNo"],
                at,
            )
            if tell:
                self.events.tell(wanted["id"], "productCreateEvent", "product", product["id"])
        if "balance" in wanted:
            self._set_balance(wanted["id"], fen(wanted["balance"]), tell)
        if tell:
            self.events.tell(wanted["id"], "billingAccountAttributeValueChangeEvent", "billingAccount", wanted["id"])

    def set_balance(self, account: str, amount: int) -> None:
        with self.store.change():
            self.one("account", account)
            self._set_balance(account, amount, tell=True)

    def _set_balance(self, account: str, amount: int, tell: bool) -> None:
        key = f"{account}-money"
        self.store.run(
            "INSERT INTO bucket VALUES (?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET remaining = excluded.remaining, modified = excluded.modified",
            key,
            account,
            amount,
            self.store.moment(),
        )
        if tell:
            self.events.tell(account, "bucketAttributeValueChangeEvent", "bucket", key)

    def month_end(self, month: str, accounts: list[str] | None, seed: int, tell: bool) -> list[str]:
        """Bill a month ("2026-10") for these accounts, or for all that pay afterwards; those billed are left alone.

        Amounts are drawn by `seed` and the account, so that a run repeated in another place bills the same.
        """
        chosen = accounts
        if chosen is None:
            rows = self.store.rows(
                "SELECT id FROM account WHERE pay_type = 'POSTPAID' AND state = 'active' ORDER BY id"
            )
            chosen = [row["id"] for row in rows]
        made = []
        for start in range(0, len(chosen), 500):
            with self.store.change():
                for account in chosen[start : start + 500]:
                    key = f"{account}-{month}"
                    if self.store.row("SELECT 1 FROM bill WHERE id = ?", key) is None:
                        self._bill(key, account, month, _drawn(account, month, seed), tell)
                        made.append(key)
        return made

    def bill(self, account: str, month: str, lines: list[dict[str, Any]], key: str, tell: bool) -> str:
        """One bill with these lines: {"type", "name", "serviceNo", "amount"}."""
        with self.store.change():
            self.one("account", account)
            self._bill(key or f"{account}-{month}", account, month, _asked(lines), tell)
        return key or f"{account}-{month}"

    def _bill(self, key: str, account: str, month: str, lines: list[tuple[str, str, str, int]], tell: bool) -> None:
        first = date.fromisoformat(f"{month}-01")
        issued = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        due = issued.replace(day=monthrange(issued.year, issued.month)[1])
        amount = sum(line[3] for line in lines)
        self.store.run(
            "INSERT INTO bill (id, account, no, month, bill_date, due_date, amount, remaining, state, modified)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'sent', ?)",
            key,
            account,
            f"B{key}",
            month,
            issued.isoformat(),
            due.isoformat(),
            amount,
            amount,
            self.store.moment(),
        )
        for position, line in enumerate(lines, 1):
            self.store.run("INSERT INTO line VALUES (?, ?, ?, ?, ?, ?)", key, position, *line)
        if tell:
            self.events.tell(account, "customerBillCreateEvent", "customerBill", key)
        self._settle(account, tell)

    def pay(self, account: str, amount: int | None, way: str, key: str) -> str:
        """A payment has come; without an amount, of all that is open. Returns its id."""
        with self.store.change():
            self.one("account", account)
            owed = self.store.rows(
                "SELECT coalesce(sum(remaining), 0) AS owed FROM bill"
                " WHERE account = ? AND state IN ('sent', 'partiallyPaid')",
                account,
            )[0]["owed"]
            paid = owed if amount is None else amount
            if paid <= 0:
                raise ValueError("nothing is open" if amount is None else "a payment is more than nothing")
            at = self.store.moment()
            key = key or f"P{uuid.uuid4().hex[:16]}"
            self.store.run(
                "INSERT INTO payment VALUES (?, ?, ?, ?, ?, 'done', NULL, 0, ?)", key, account, paid, at, way, at
            )
            self.events.tell(account, "paymentCreateEvent", "payment", key)
            self._settle(account, tell=True)
        return key

    def reverse(self, payment: str, bank_erred: bool) -> None:
        """The bank takes a payment back."""
        with self.store.change():
            row = self.one("payment", payment)
            if row["status"] == "reversed":
                return
            at = self.store.moment()
            self.store.run(
                "UPDATE payment SET status = 'reversed', reversed_at = ?, bank_erred = ?, modified = ? WHERE id = ?",
                at,
                bank_erred,
                at,
                payment,
            )
            self.events.tell(row["account"], "paymentStateChangeEvent", "payment", payment)
            self._settle(row["account"], tell=True)

    def replace_bill(self, bill: str, lines: list[dict[str, Any]]) -> str:
        """A bill was wrong: another takes its place, with the same month and due date. Returns the new one's id."""
        with self.store.change():
            old = self.one("bill", bill)
            if old["state"] == "replaced":
                raise ValueError(f"bill {bill} was replaced by {old['replaced_by']}")
            key = f"{bill}R"
            self._bill(key, old["account"], old["month"], _asked(lines), tell=True)
            self.store.run(
                "UPDATE bill SET state = 'replaced', remaining = 0, replaced_by = ?, modified = ? WHERE id = ?",
                key,
                self.store.moment(),
                bill,
            )
            self.events.tell(old["account"], "customerBillStateChangeEvent", "customerBill", bill)
            self._settle(old["account"], tell=True)
        return key

    def spoil_total(self, bill: str) -> None:
        """Make a bill whose lines do not add up to its total: one line is dearer by 1 CNY."""
        with self.store.change():
            row = self.one("bill", bill)
            self.store.run("UPDATE line SET amount = amount + 100 WHERE bill = ? AND position = 1", bill)
            self.store.run("UPDATE bill SET modified = ? WHERE id = ?", self.store.moment(), bill)
            self.events.tell(row["account"], "customerBillStateChangeEvent", "customerBill", bill)

    def patch_product(self, product: str, status: str, suspension: str, command: str) -> None:
        """Careline asks to suspend, restore or end a line; the event carries the key of its command."""
        row = self.one("product", product)
        self.store.run(
            "UPDATE product SET status = ?, suspension = ?, modified = ? WHERE id = ?",
            status,
            suspension,
            self.store.moment(),
            product,
        )
        self.events.tell(row["account"], "productStateChangeEvent", "product", product, correlation=command)

    def patch_limit(self, account: str, limit: int, command: str) -> None:
        self.one("account", account)
        self.store.run(
            "UPDATE account SET credit_limit = ?, modified = ? WHERE id = ?", limit, self.store.moment(), account
        )
        self.events.tell(
            account, "billingAccountAttributeValueChangeEvent", "billingAccount", account, correlation=command
        )

    def hold_dispute(self, bill: str, amount: int, until: str | None) -> str:
        """Part of a bill is disputed; an amount of 0 ends it."""
        self.one("bill", bill)
        at = self.store.moment()
        self.store.run(
            "INSERT INTO dispute VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET amount = excluded.amount,"
            " until = excluded.until, released_at = excluded.released_at, modified = excluded.modified",
            f"D{bill}",
            bill,
            amount,
            until,
            None if amount else at,
            at,
        )
        return f"D{bill}"

    def _settle(self, account: str, tell: bool) -> None:
        paid = self.store.rows(
            "SELECT coalesce(sum(amount), 0) AS paid FROM payment WHERE account = ? AND status = 'done'", account
        )[0]["paid"]
        bills = self.store.rows(
            f"SELECT * FROM bill WHERE account = ? AND state IN {OPEN} ORDER BY due_date, id", account
        )
        for bill in bills:
            part = min(paid, bill["amount"])
            paid -= part
            left = bill["amount"] - part
            state = "settled" if left == 0 else "partiallyPaid" if part else "sent"
            if (left, state) != (bill["remaining"], bill["state"]):
                self.store.run(
                    "UPDATE bill SET remaining = ?, state = ?, modified = ? WHERE id = ?",
                    left,
                    state,
                    self.store.moment(),
                    bill["id"],
                )
                if tell:
                    self.events.tell(account, "customerBillStateChangeEvent", "customerBill", bill["id"])
        before = self.one("account", account)["credit"]
        if before != paid:
            self.store.run(
                "UPDATE account SET credit = ?, modified = ? WHERE id = ?", paid, self.store.moment(), account
            )
            if tell:
                self.events.tell(account, "billingAccountStateChangeEvent", "billingAccount", account)


def _asked(lines: list[dict[str, Any]]) -> list[tuple[str, str, str, int]]:
    return [
        (line.get("type", "PLAN"), line.get("name", "Plan"), line.get("serviceNo", ""), fen(line["amount"]))
        for line in lines
    ]


def _drawn(account: str, month: str, seed: int) -> list[tuple[str, str, str, int]]:
    draw = random.Random(f"{seed}:{account}:{month}")  # noqa: S311 (drawn to be repeated, not to be secret)
    plan, data, voice = draw.choice((2900, 5900, 9900, 12900)), draw.randrange(3000), draw.randrange(1500)
    amounts = (plan, data, voice, draw.choice((0, 500)))
    return [(kind, name, "", amount) for (kind, name), amount in zip(LINES, amounts, strict=True) if amount]
