"""The whole stack under `kill -9` while promises fall due and messages leave to a real SMTP peer (design §1.2).

Web, worker, beat, broker and database die in turn, each while a letter lies at the peer unanswered. Everything comes
back by itself; every promise is kept once, every message leaves, and at the peer a reference repeats only where a
kill of the worker cut that very attempt.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from runtime.stack import build
from runtime.state import State
from runtime.testing import throwaway_state

from foundation.common import ids
from tests.outreach.peer import Mailbox, smtp_peer
from tests.runtime.conftest import Clone, all_gone, free_port, wait_for
from tests.runtime.kill_world import MESSAGES, OVERDUE, PROMISES
from tests.runtime.test_whole import answers, family, pids_of

VICTIMS = ("web", "beat", "valkey", "postgres", "worker")
SPREAD = 20.0  # seconds over which a round's work falls due
LETTER_PATIENCE = 60.0
PACE = 0.7
HOLD = 8.0  # below the time-out of our SMTP client: holding a letter must not itself break the attempt
OPEN = "state IN ('queued', 'sending')"
UNTOLD = """
SELECT id, next_level, next_notice_at, due_at, state FROM outreach_followup f WHERE
  NOT EXISTS (SELECT FROM outreach_followupnotice n WHERE n.follow_up_id = f.id AND n.level = 0)
  OR (f.due_at < f.created_at - interval '1 hour'
      AND NOT EXISTS (SELECT FROM outreach_followupnotice n WHERE n.follow_up_id = f.id AND n.level = 1))
"""


class Held:
    """The peer stops at a letter, its answer not given, until somebody was killed. While that one comes back it takes
    its time over each letter, so that there is one for the next kill too."""

    def __init__(self, box: Mailbox) -> None:
        self.left, self.arrived, self.go_on = 0, threading.Event(), threading.Event()
        self.go_on.set()
        box.on_data = self._at_data

    def arm(self, letter: int) -> None:
        self.arrived.clear()
        self.go_on.clear()
        self.left = letter

    def release(self, *, hurry: bool = False) -> None:
        """Answer the held letter; `hurry`: and all others at once."""
        self.go_on.set()
        if not hurry:
            self.go_on = threading.Event()

    def _at_data(self, _letter: EmailMessage) -> str | None:
        if self.left:
            self.left -= 1
            if self.left == 0:
                self.arrived.set()
                self.go_on.wait(HOLD)
        else:
            self.go_on.wait(PACE)
        return None


class Whole:
    """A running stack, its database and its peer."""

    def __init__(self, state: State, house: Clone, port: int, out: Path, box: Mailbox) -> None:
        self.state, self.house, self.port, self.out, self.box = state, house, port, out, box
        self.held = Held(box)
        self.url = build(state, Path(sys.executable), port=port, own_servers=True).env["DATABASE_URL"]
        self.cut: set[int] = set()
        self.rounds = 0

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        with contextlib.closing(psycopg2.connect(self.url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql, params or None)
                return cursor.fetchall()

    def pids(self) -> dict[str, int | None]:
        return pids_of(self.state.status())

    def told(self) -> str:
        """For a failing test: what is left, and the ends of all logs."""
        left = self.rows(
            "SELECT state, reason, attempts, tries, in_flight_at, not_before, now() FROM outreach_message"
            f" WHERE {OPEN} ORDER BY not_before LIMIT 20"
        )
        logs = "\n".join(f"== {p.name}\n{p.read_text(errors='replace')[-2500:]}" for p in self.state.logs.glob("*.log"))
        return f"untold {self.rows(UNTOLD)[:20]}, open {left}\n{self.out.read_text()[-2000:]}\n{logs}"

    def make(self) -> None:
        """One more round of work, due from now on."""
        self.rounds += 1
        code = f"from tests.runtime.kill_world import make; make({self.rounds}, {SPREAD})"
        done = self.house.run("manage", "--state", str(self.state.root), "shell", "--no-imports", "-c", code)
        assert done.returncode == 0, done.stderr

    def kill(self, name: str, letter: int) -> None:
        """Kill a service while the `letter`-th letter from now lies at the peer; returns when it is back."""
        self.held.arm(letter)
        assert self.held.arrived.wait(LETTER_PATIENCE), f"no letter to kill {name} at\n{self.told()}"
        # Beat ends when the database took its lock away, and may still be on its way back from that.
        assert wait_for(lambda: None not in self.pids().values(), 60), self.told()
        before = self.pids()
        pid = before[name]
        assert pid is not None
        everybody = family(pid)
        os.kill(pid, signal.SIGKILL)
        if name == "worker":
            assert all_gone(everybody)
            self._lose(self._on_the_way())
        self.held.release()
        assert wait_for(lambda: self._is_back(name, pid), 60), self.told()
        if name == "valkey":
            # A worker with a letter on its way outlives the broker: it is no cut attempt.
            assert self.pids()["worker"] == before["worker"], self.told()

    def _on_the_way(self) -> set[int]:
        sql = "SELECT id FROM outreach_message WHERE state = 'sending' AND in_flight_at IS NOT NULL"
        return {message_id for (message_id,) in self.rows(sql)}

    def _lose(self, cut: set[int]) -> None:
        """These attempts died with their sender. Its leases (75 s) need not run out in real time."""
        self.cut |= cut
        self.rows(
            "UPDATE outreach_message SET not_before = now() WHERE state = 'sending' AND id = ANY(%s) RETURNING id",
            list(cut),
        )

    def _is_back(self, name: str, pid: int) -> bool:
        now = self.pids()
        if now[name] in (None, pid):
            return False
        if name == "postgres":
            try:
                return self.rows("SELECT 1") == [(1,)]
            except psycopg2.OperationalError:
                return False
        return answers(self.port)

    def settled(self) -> bool:
        """Every promise told, every message at its end."""
        return self.rows(UNTOLD) == [] and self.rows(f"SELECT 1 FROM outreach_message WHERE {OPEN} LIMIT 1") == []

    def check(self) -> None:
        """What must hold after all rounds."""
        notices = Counter(self.rows("SELECT follow_up_id, level, due_at FROM outreach_followupnotice"))
        assert set(notices.values()) == {1}
        wanted = Counter({0: self.rounds * (PROMISES + OVERDUE), 1: self.rounds * OVERDUE})
        assert Counter(level for _id, level, _due in notices) == wanted
        bells = self.rows("SELECT user_id, dedupe_key FROM outreach_notification")
        assert len(bells) == len(set(bells)) == wanted.total()

        messages = self.rows("SELECT id, state, tries, staff_id IS NULL FROM outreach_message")
        assert Counter(of_customer for *_rest, of_customer in messages) == {
            True: self.rounds * MESSAGES,
            False: wanted.total(),
        }
        # All are SERVICE: what was cut is repeated, nothing ends unknown, failed or held back.
        assert {state for _id, state, *_rest in messages} == {"sent"}

        copies = Counter(ids.from_text(ref.strip("<>").partition(".")[0]) for ref in self.box.references)
        assert set(copies) == {message_id for message_id, *_rest in messages}
        assert {message_id for message_id, count in copies.items() if count > 1} <= self.cut
        for message_id, _state, tries, _of_customer in messages:
            assert copies[message_id] <= tries


@pytest.fixture
def whole(house: Clone, tmp_path: Path) -> Iterator[Whole]:
    with throwaway_state("careline-kills-") as state, smtp_peer() as box:
        port, out = free_port(), tmp_path / "out"
        words = ("--no-sample", "--state", str(state.root), "--port", str(port))
        child = house.start(*words, out=out, CARELINE_SMTP_URL=f"smtp://127.0.0.1:{box.port}")
        assert child.poll() is None, out.read_text()
        yield Whole(state, house, port, out, box)
        # The stack must be gone before its state is removed.
        house.end()


def play(whole: Whole, seed: int, order: list[str]) -> None:
    dice = random.Random(seed)
    whole.make()
    for name in order:
        whole.kill(name, letter=dice.randint(1, 4))
    whole.held.release(hurry=True)


def test_everything_comes_back_and_nothing_is_lost_or_told_twice(whole: Whole) -> None:
    play(whole, 1, list(VICTIMS))
    assert wait_for(whole.settled, 150), whole.told()
    assert whole.cut, "the worker died with no letter on its way: this proved nothing"
    whole.check()


@pytest.mark.deep
def test_twenty_rounds(whole: Whole) -> None:
    dice = random.Random(20)
    for seed in range(2, 22):
        play(whole, seed, dice.sample(VICTIMS, len(VICTIMS)))
    assert wait_for(whole.settled, 180), whole.told()
    assert len(whole.cut) >= 10
    whole.check()
