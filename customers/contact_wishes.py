"""How a customer wants to be reached, for the pages of who calls and of who plans a call (D§5.7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from customers.labels import CHANNELS, say_unusable
from customers.models import ContactBlock, ContactPoint, ContactTime, Customer
from customers.services.wishes import reminders_off
from foundation.common import clock


@dataclass(frozen=True)
class Unusable:
    """A number or address marked not to be used: what it is, what it is called, and why, in words."""

    kind: Any
    label: str
    why: str


@dataclass(frozen=True)
class Wishes:
    """What the customer asked for. `preferred`: the channel in words, or ""; `now`: the time not wanted that holds at
    this moment."""

    preferred: Any
    avoid: tuple[ContactTime, ...]
    best: tuple[ContactTime, ...]
    reminders_off: bool
    unusable: tuple[Unusable, ...]
    now: ContactTime | None

    @property
    def any(self) -> bool:
        """Whether the customer asked for anything at all."""
        return bool(self.preferred or self.avoid or self.best or self.reminders_off or self.unusable)


def wishes_of(
    customer: Customer,
    *,
    times: Iterable[ContactTime],
    blocks: Iterable[ContactBlock],
    points: Iterable[ContactPoint],
) -> Wishes:
    """The wishes from rows at hand: all times, the blocks in force, the current contact points."""
    kept = sorted(times, key=lambda row: (row.starts, row.pk))
    avoid = tuple(row for row in kept if row.wish == ContactTime.Wish.AVOID)
    return Wishes(
        preferred=CHANNELS.get(customer.channel_preference, ""),
        avoid=avoid,
        best=tuple(row for row in kept if row.wish == ContactTime.Wish.PREFER),
        reminders_off=reminders_off(list(blocks)),
        unusable=tuple(
            Unusable(point.get_kind_display(), point.label, say_unusable(point.do_not_use))
            for point in points
            if point.do_not_use
        ),
        now=unwanted_at(avoid, clock.now()),
    )


def wishes_for(customer: Customer) -> Wishes:
    """The same for a page that has read the customer alone: three queries."""
    now = clock.now()
    return wishes_of(
        customer,
        times=customer.contact_times.all(),
        blocks=[block for block in customer.contact_blocks.all() if block.holds(now)],
        points=customer.contact_points.filter(valid_to__isnull=True).exclude(do_not_use="").order_by("kind", "pk"),
    )


def unwanted_at(times: Iterable[ContactTime], moment: datetime) -> ContactTime | None:
    """The time among `times` the customer does not want and in which an aware moment lies."""
    return next((row for row in times if row.wish == ContactTime.Wish.AVOID and row.covers(moment)), None)
