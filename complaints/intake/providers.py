"""What other apps know that matters when a complaint is taken: known outages, works, failures of a system.

Intake shows what they say; an app above or beside registers its provider when it starts (design §2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from customers.models import Customer
from interactions.models import Topic


@dataclass(frozen=True)
class Asked:
    """What is known of a complaint while it is taken; each part may be missing."""

    customer: Customer | None
    topic: Topic | None
    lines: tuple[int, ...]
    area: str


@dataclass(frozen=True)
class KnownTrouble:
    """A trouble already known: what it is in the reader's language, until when it lasts, where to read on ("" for
    nowhere)."""

    words: str
    until: datetime | None = None
    url: str = ""


Provider = Callable[[Asked], list[KnownTrouble]]
_providers: dict[str, Provider] = {}


def register_provider(name: str, provider: Provider) -> None:
    """Let `provider` be asked: one query at most, an empty list when it knows nothing. Raises ValueError for another
    one of the name."""
    if _providers.setdefault(name, provider) is not provider:
        raise ValueError(f"two providers of known troubles are called {name!r}")


def known_troubles(asked: Asked) -> list[KnownTrouble]:
    """What all providers know, in the order of their names."""
    return [trouble for _name, provider in sorted(_providers.items()) for trouble in provider(asked)]
