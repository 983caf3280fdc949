"""Where a line of a bill is disputed: the business that takes complaints says where, for bills know nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from billing.models import BillLine
from customers.models import Customer
from staff.models import User


@dataclass(frozen=True)
class DisputePlace:
    """Takes disputes of those with `right`; `address(customer, line)` of the page with line and amount filled in."""

    right: str
    address: Callable[[Customer, BillLine], str]


_places: list[DisputePlace] = []


def register_dispute_place(place: DisputePlace) -> None:
    """Say where disputes are taken; there is one place."""
    _places[:] = [place]


def dispute_place(user: User) -> DisputePlace | None:
    """Where this person may take a dispute, None without one."""
    return next((place for place in _places if user.has_perm(place.right)), None)
