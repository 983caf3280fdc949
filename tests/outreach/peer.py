"""A real SMTP peer in a thread: keeps what it took, and answers as it is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Mailbox:
    """`on_rcpt`, `on_data` may return an SMTP answer such as "450 later"; None takes the letter."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.lock = threading.Lock()
        self.on_rcpt: Callable[[str], str | None] = lambda _address: None
        self.on_data: Callable[[EmailMessage], str | None] = lambda _letter: None
        self.sessions: set[int] = set()
        self.port = 0

    @property
    def references(self) -> list[str]:
        return [str(letter["Message-ID"]) for letter in self.letters]

    async def handle_RCPT(
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[Any]
    ) -> str:
        self.sessions.add(id(session))
        refusal = self.on_rcpt(address)
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        letter = message_from_bytes(envelope.content or b"", policy=policy.default)
        assert isinstance(letter, EmailMessage)
        refusal = self.on_data(letter)
        if refusal:
            return refusal
        with self.lock:
            self.letters.append(letter)
        return "250 taken"


@contextmanager
def smtp_peer(port: int = 0) -> Iterator[Mailbox]:
    """A listening peer; its port stands in `Mailbox.port`."""
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=port or free_port())
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop()


def free_port() -> int:
    """A port nobody listens on now."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
