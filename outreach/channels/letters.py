"""What is handed to a carrier, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Letter:
    """One message ready to leave. `reference` is the same at every repeat, so that the receiver can drop doubles.
    `answers`: the Message-ID of a mail it answers, or ""; `by_hand`: a person wrote it for this reader."""

    message_id: int
    reference: str
    channel: str
    message_class: str
    address: str
    subject: str
    body: str
    answers: str = ""
    by_hand: bool = False


class Fate(StrEnum):
    TAKEN = "taken"  # the other side answered for it
    LATER = "later"  # it was refused for now, nothing was taken
    REFUSED = "refused"  # it will never be taken
    UNSURE = "unsure"  # the connection broke while it was being handed over
    UNREACHED = "unreached"  # the other side was not there at all: no attempt was made


@dataclass(frozen=True)
class Outcome:
    """`detail`: a short technical note without personal data. `nobody`: it was refused because there is nobody at the
    address, so that nothing else will arrive there either."""

    fate: Fate
    detail: str = ""
    nobody: bool = False
