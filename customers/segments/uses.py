"""Who uses a segment: apps that address customers say so when they start, and a used one is not deleted."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Use:
    """Something that uses a segment: its name in words and where it is found."""

    segment_id: int
    label: str
    href: str = ""


Finder = Callable[[Collection[int]], list[Use]]
_finders: dict[str, Finder] = {}


def register_uses(key: str, find: Finder) -> None:
    """Add a finder: of segment ids, what uses them; at most one query. Raises ValueError for a second one of a key."""
    if _finders.setdefault(key, find) is not find:
        raise ValueError(f"two finders of uses are called {key!r}")


def uses_of(ids: Collection[int]) -> list[Use]:
    """What uses these segments."""
    return [use for find in _finders.values() for use in find(ids)] if ids else []


def is_used(segment: Any) -> bool:
    """Whether anything uses a segment."""
    return bool(uses_of([segment.pk]))
