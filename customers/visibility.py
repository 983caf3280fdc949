"""Which customers a person's own open contacts make visible and clear (D§3.1); interactions tells, we ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from customers.models import Customer
    from staff.models import User

Opener = Callable[["User"], Iterable[int]]
_openers: list[Opener] = []


def register_opener(opener: Opener) -> None:
    """Add a source of customer ids open to a user now; each may spend one query. Registering twice counts once."""
    if opener not in _openers:
        _openers.append(opener)


def opened_ids(user: User) -> set[int]:
    """Ids of the customers the user's contacts open at this moment."""
    return {customer_id for opener in _openers for customer_id in opener(user)}


def contact_opens(user: User, customer: Customer) -> bool:
    """Whether an own open contact makes this customer visible, with name, phone and address clear."""
    return customer.pk in opened_ids(user)
