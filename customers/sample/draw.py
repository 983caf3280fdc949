"""Seeded drawing from figures: one `Draw` gives the same operator on every machine."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from datetime import date
from random import Random
from typing import TypeVar

from customers.sample.figures import Counts, Deciles

T = TypeVar("T")


class Draw:
    """A seeded source of chance. Not for secrets."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 (sample data, must repeat)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def whole(self, low: int, high: int) -> int:
        """A whole number of low..high, both included."""
        return low + int(self.random.random() * (high - low + 1))

    def one(self, values: Sequence[T]) -> T:
        return values[int(self.random.random() * len(values))]

    def by_count(self, counts: Counts | Mapping[str, int]) -> str:
        """A key, as often as it was counted."""
        values = counts.values if isinstance(counts, Counts) else counts
        return self.random.choices(list(values), weights=list(values.values()))[0]

    def by_deciles(self, deciles: Deciles, rank: float | None = None) -> float:
        """A value: a decile by chance (or the one of `rank`, 0..1), even within it."""
        place = (self.random.random() if rank is None else min(max(rank, 0.0), 0.999_999)) * 10
        low, high = deciles.values[int(place)], deciles.values[int(place) + 1]
        return low + (high - low) * (place - int(place))

    def digits(self, count: int) -> str:
        return str(int(self.random.random() * 10**count)).zfill(count)


def months_back(day: date, months: int) -> date:
    """`day` minus whole months, clipped to the last day of the month (D§1.5)."""
    total = day.year * 12 + day.month - 1 - months
    year, month = total // 12, total % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def month_starts(day: date, count: int) -> list[date]:
    """The first days of the last `count` complete months before `day`, oldest first."""
    return [months_back(day.replace(day=1), back) for back in range(count, 0, -1)]
