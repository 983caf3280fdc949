"""A delivering process really killed: nothing recorded as sent leaves twice, nothing is lost (design §1.2)."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from django.db import connections

from customers.models import Customer
from outreach import delivery
from outreach.models import OutMessage
from tests.outreach.making import MORNING, queue, reachable
from tests.outreach.peer import Mailbox

Travel = Callable[[datetime], AbstractContextManager[None]]
PATIENCE = 20


def delivering_child() -> int:
    """A forked worker that delivers what is due and ends; returns its process id."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        for connection in connections.all():
            connection.connection = None  # closing would end the parent's session
        delivery.deliver_due()
        code = 0
    finally:
        os._exit(code)


class Trap:
    """Stops the peer at a chosen letter and point until the worker is dead."""

    def __init__(self, box: Mailbox, *, letter: int, point: str) -> None:
        self.arrived, self.go_on, self.left = threading.Event(), threading.Event(), letter
        self.cut: list[str] = []
        if point == "data":
            box.on_data = self.at_data
        else:
            box.on_rcpt = self.at_rcpt

    def _stop(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.arrived.set()
            assert self.go_on.wait(PATIENCE)

    def at_data(self, letter: EmailMessage) -> str | None:
        if self.left == 1:
            self.cut.append(str(letter["Message-ID"]))
        self._stop()
        return None

    def at_rcpt(self, _address: str) -> str | None:
        self._stop()
        return None

    def kill(self, pid: int) -> bool:
        """Kill the worker at the trap; False when it ended before."""
        while not self.arrived.wait(0.05):
            if os.waitpid(pid, os.WNOHANG)[0]:
                return False
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self.go_on.set()
        return True


def mails(customer: Customer, count: int, **more: Any) -> dict[str, OutMessage]:
    made = [queue(customer, f"k{n}", channel="EMAIL", **more) for n in range(count)]
    return {delivery.reference_of(message.pk): message for message in made if message}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("point", "copies"), [("data", 2), ("rcpt", 1)])
def test_a_service_message_whose_sender_was_killed_comes_again_with_the_same_reference(
    peer: Mailbox, travel: Travel, point: str, copies: int
) -> None:
    with travel(MORNING):
        sent = mails(reachable(), 3)
        trap = Trap(peer, letter=2, point=point)
        assert trap.kill(delivering_child())
        assert delivery.deliver_due() == 0  # the leases of the dead worker still run
    peer.on_data = peer.on_rcpt = lambda _given: None
    with travel(MORNING + delivery.IN_FLIGHT_LEASE):
        delivery.deliver_due()
    seen = Counter(peer.references)
    assert set(seen) == set(sent)
    assert sorted(seen.values()) == [1, 1, copies]
    assert {reference for reference, count in seen.items() if count > 1} == set(trap.cut)
    assert set(OutMessage.objects.values_list("state", flat=True)) == {"sent"}


@pytest.mark.django_db(transaction=True)
def test_of_the_other_classes_a_cut_attempt_is_unknown_and_never_repeated(
    peer: Mailbox, travel: Travel, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A survey passes the gate only with consent, whose table comes later; here the class stands for "the rest".
    monkeypatch.setattr(delivery, "REPEATED_WHEN_CUT", frozenset())
    with travel(MORNING):
        mails(reachable(), 3)
        trap = Trap(peer, letter=2, point="data")
        assert trap.kill(delivering_child())
    peer.on_data = lambda _given: None
    with travel(MORNING + delivery.IN_FLIGHT_LEASE):
        delivery.deliver_due()
    assert sorted(Counter(peer.references).values()) == [1, 1, 1]
    states = dict(OutMessage.objects.values_list("state", "reason"))
    assert states == {"sent": "", "unknown": "cut"}


def round_of_kills(peer: Mailbox, travel: Travel, seed: int) -> None:
    """Twenty letters, workers killed at random letters and points until one lives to the end."""
    dice = random.Random(seed)
    with travel(MORNING):
        wanted = mails(reachable(), 20)
    cut: list[str] = []
    for step in range(12):
        with travel(MORNING + step * timedelta(minutes=2)):
            recorded = set(OutMessage.objects.filter(state="sent").values_list("pk", flat=True))
            before = Counter(peer.references)
            peer.on_data = peer.on_rcpt = lambda _given: None
            trap = Trap(peer, letter=dice.randint(1, 9), point=dice.choice(["data", "rcpt"]))
            killed = trap.kill(delivering_child())
            cut += trap.cut if killed else []
            after = Counter(peer.references)
            for reference, message in wanted.items():
                if message.pk in recorded:
                    assert after[reference] == before[reference], "a message recorded as sent left again"
        if not killed:
            break
    peer.on_data = peer.on_rcpt = lambda _given: None
    with travel(MORNING + timedelta(hours=1)):
        delivery.deliver_due()
    seen = Counter(peer.references)
    assert set(seen) == set(wanted)
    assert {reference for reference, count in seen.items() if count > 1} <= set(cut)
    assert set(OutMessage.objects.values_list("state", flat=True)) == {"sent"}


@pytest.mark.django_db(transaction=True)
def test_a_round_of_kills(peer: Mailbox, travel: Travel) -> None:
    round_of_kills(peer, travel, seed=1)


@pytest.mark.deep
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(2, 22))
def test_twenty_rounds_of_kills(peer: Mailbox, travel: Travel, seed: int) -> None:
    round_of_kills(peer, travel, seed)
