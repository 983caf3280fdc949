"""What the archive asks of the room above it: tell the customer, owe somebody's work, close it again.

outreach stands above the archive and imports it, so it names its functions here (`AppConfig.ready()`); the archive
calls them in its own transaction and knows nothing else of messages and follow-ups.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Protocol

from customers.models import Customer
from staff.models import User


class Keeper(Protocol):
    """Who keeps what is owed. All act in the caller's transaction."""

    def tell(
        self, customer: Customer, template: str, *, params: dict[str, Any], dedupe_key: str, actor: User | None
    ) -> None:
        """Put a SERVICE message to the customer into the outbox, once for a key."""

    def owe(
        self,
        customer: Customer,
        *,
        owner: User,
        due_at: datetime,
        subject: str,
        source: str,
        dedupe_key: str,
        actor: User,
        call: bool = False,
    ) -> int:
        """`owner` owes the customer a task by `due_at`, or a call; the id of the follow-up. Raises RuleBroken as
        outreach does."""

    def can_owe(self, user: User) -> bool:
        """Whether this person takes follow-ups."""

    def owners(self, followup_ids: Collection[int]) -> dict[int, str]:
        """Who owes these now: names by id of the follow-up, in one query."""

    def settle(self, followup_id: int, *, actor: User | None, done: bool, words: str) -> None:
        """Close a follow-up of `owe` that is still open, as done or as no longer owed."""

    def stop(self, customer: Customer, *, actor: User | None, words: str) -> int:
        """Close everything that is still owed to the customer (D§5.13); how many."""


_keeper: Keeper | None = None


def register_keeper(keeper: Keeper) -> None:
    """Name who keeps it. Raises ValueError for a second one."""
    global _keeper
    if _keeper is not None and _keeper is not keeper:
        raise ValueError("somebody keeps what is owed to customers already")
    _keeper = keeper


def keeper() -> Keeper:
    """Who keeps it. Raises RuntimeError when no installed app does."""
    if _keeper is None:
        raise RuntimeError("no app keeps what is owed to customers")
    return _keeper
