"""Ids made by the application: 64-bit, ordered by time (recipes §1).

Layout of the 63 bits: 41 ms since 2020 | 1 maker | 13 node | 8 counter. Maker 0 is this module; maker 1 is the
SQL function `make_id()`, whose 21 low bits come from a cycling sequence. Ids exceed 2^53: strings in JSON.
"""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime, timedelta

from django.db import connection, models

from foundation.common import clock

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
NODE_LIFE_SECONDS = 86_400
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


class _Maker:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.ms = self.seq = 0
        self.node: int | None = None
        self.node_until = 0.0

    def forget(self) -> None:
        """A forked child must draw a node of its own."""
        self.__init__()  # type: ignore[misc]

    def use_node(self, node: int) -> None:
        with self.lock:
            self.ms = self.seq = 0
            self.node, self.node_until = node, float("inf")

    def new(self) -> int:
        with self.lock:
            if self.node is None or time.monotonic() > self.node_until:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT nextval('id_node')")
                    self.node = int(cursor.fetchone()[0])
                self.node_until = time.monotonic() + NODE_LIFE_SECONDS
            now = _milliseconds(clock.now())
            if now > self.ms:
                self.ms, self.seq = now, 0
            elif self.seq < 255:
                self.seq += 1
            else:  # counter full or clock went back: run ahead, never repeat
                self.ms, self.seq = self.ms + 1, 0
            return self.ms << 22 | self.node << 8 | self.seq


def _milliseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


_maker = _Maker()
os.register_at_fork(after_in_child=_maker.forget)


def new_id() -> int:
    """A new id, unique in the installation, ordered by the moment of its making."""
    return _maker.new()


def count_anew() -> None:
    """Draw another node and count from the clock again: for who travelled back to write a past in its order."""
    _maker.forget()


def use_node(node: int) -> None:
    """Fix this process's node and start counting anew: for tests, which travel and have no database."""
    _maker.use_node(node)


def first_id_at(moment: datetime) -> int:
    """The smallest id a row of `moment` (aware) can have: partition bounds, "since" filters."""
    return max(0, _milliseconds(moment)) << 22


def moment_of(row_id: int) -> datetime:
    """The moment an id was made for, in UTC, to the millisecond."""
    return EPOCH + timedelta(milliseconds=row_id >> 22)


def to_text(row_id: int) -> str:
    """An id as it stands in a URL: base 36, at most 13 characters."""
    digits = ""
    while row_id:
        row_id, rest = divmod(row_id, 36)
        digits = _BASE36[rest] + digits
    return digits or "0"


def from_text(text: str) -> int:
    """The id of a URL part. Raises ValueError when it is none."""
    return int(text, 36)


class IdConverter:
    """URL converter `<id:pk>`: base-36 ids."""

    regex = "[0-9a-z]{1,13}"

    def to_python(self, value: str) -> int:
        return from_text(value)

    def to_url(self, value: int) -> str:
        return to_text(int(value))


class Row(models.Model):
    """Base of big tables: the id is made by us and ordered by time."""

    id = models.BigIntegerField(primary_key=True, default=new_id, editable=False)

    class Meta:
        abstract = True

    @property
    def ref(self) -> str:
        """The id as it stands in URLs."""
        return to_text(self.pk)
