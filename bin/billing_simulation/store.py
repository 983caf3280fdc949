"""What billing holds: accounts, products, bills, payments, buckets, holds, answers given, events to tell.

Money is whole fen (1/100 CNY), moments are ISO 8601 in UTC with microseconds, so that text order is time order.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS account (id TEXT PRIMARY KEY, party TEXT NOT NULL, kind TEXT NOT NULL,
  pay_type TEXT NOT NULL, pay_way TEXT NOT NULL, state TEXT NOT NULL, credit_limit INTEGER,
  credit INTEGER NOT NULL DEFAULT 0,
  modified TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS product (id TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account,
  service_no TEXT NOT NULL, status TEXT NOT NULL, suspension TEXT NOT NULL DEFAULT '', modified TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS bill (id TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account, no TEXT NOT NULL,
  month TEXT NOT NULL, bill_date TEXT NOT NULL, due_date TEXT NOT NULL, amount INTEGER NOT NULL,
  remaining INTEGER NOT NULL, state TEXT NOT NULL, replaced_by TEXT REFERENCES bill, modified TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS bill_account ON bill (account, due_date);
CREATE TABLE IF NOT EXISTS line (bill TEXT NOT NULL REFERENCES bill, position INTEGER NOT NULL, kind TEXT NOT NULL,
  name TEXT NOT NULL, service_no TEXT NOT NULL, amount INTEGER NOT NULL, PRIMARY KEY (bill, position));
CREATE TABLE IF NOT EXISTS payment (id TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account,
  amount INTEGER NOT NULL, paid_at TEXT NOT NULL, way TEXT NOT NULL, status TEXT NOT NULL, reversed_at TEXT,
  bank_erred INTEGER NOT NULL DEFAULT 0, modified TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS payment_account ON payment (account, paid_at);
CREATE TABLE IF NOT EXISTS bucket (id TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account,
  remaining INTEGER NOT NULL, modified TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS dispute (id TEXT PRIMARY KEY, bill TEXT NOT NULL, amount INTEGER NOT NULL, until TEXT,
  released_at TEXT, modified TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS answer (key TEXT PRIMARY KEY, digest TEXT NOT NULL, status INTEGER NOT NULL,
  body TEXT NOT NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS event (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, account TEXT NOT NULL,
  type TEXT NOT NULL, body TEXT NOT NULL, copies INTEGER NOT NULL, held_until REAL NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, told_at TEXT);
CREATE INDEX IF NOT EXISTS event_waiting ON event (account, seq) WHERE copies > 0;
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
MODIFIED = ("account", "product", "bill", "payment", "bucket")


class Store:
    """One SQLite file; writers take turns, every change is one transaction."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.connection = sqlite3.connect(folder / "billing.sqlite3", check_same_thread=False, isolation_level=None)
        self.connection.row_factory = sqlite3.Row
        self.turn = threading.RLock()
        self.connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
        self.connection.executescript(SCHEMA)
        for table in MODIFIED:
            self.connection.execute(f"CREATE INDEX IF NOT EXISTS {table}_modified ON {table} (modified, id)")
        row = self.connection.execute("SELECT value FROM setting WHERE name = 'offset'").fetchone()
        self.offset = timedelta(seconds=float(row["value"])) if row else timedelta()

    @contextmanager
    def change(self) -> Iterator[None]:
        """One transaction: all of it or nothing. Not to be nested."""
        with self.turn:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self.connection.execute("ROLLBACK")
                raise
            self.connection.execute("COMMIT")

    def run(self, sql: str, *values: Any) -> sqlite3.Cursor:
        with self.turn:
            return self.connection.execute(sql, values)

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        with self.turn:
            return self.connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> sqlite3.Row | None:
        found = self.rows(sql, *values)
        return found[0] if found else None

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def moment(self) -> str:
        return self.now().isoformat(timespec="microseconds")

    def move_clock(self, seconds: float) -> None:
        self.offset = timedelta(seconds=seconds)
        with self.change():
            self.run("INSERT OR REPLACE INTO setting VALUES ('offset', ?)", str(seconds))


def fen(amount: Any) -> int:
    """Whole fen of an amount in CNY; raises ValueError for parts of a fen."""
    exact = Decimal(str(amount)) * 100
    if exact != int(exact):
        raise ValueError(f"{amount} has parts of a fen")
    return int(exact)


def yuan(amount: int) -> float:
    """An amount as TM Forum writes it: a number in CNY."""
    return amount / 100
