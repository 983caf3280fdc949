"""What was decided about customers automatically, with its explanation: each engine says where it is kept (D§1.7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from foundation.common.explain import Explanation


@dataclass(frozen=True)
class Decided:
    """One stored decision: when, its result in a code or number, and the steps that led to it."""

    at: datetime
    result: str
    why: Explanation


@dataclass(frozen=True)
class DecisionKind:
    """A kind of automatic decision. `label`: lazy words; `read(customer_id)`: the stored ones, the newest first."""

    code: str
    label: Any
    read: Callable[[int], list[Decided]]


_kinds: dict[str, DecisionKind] = {}


def register_decision(kind: DecisionKind) -> None:
    """Make a kind known. Raises ValueError for a second one of the code."""
    if _kinds.setdefault(kind.code, kind) != kind:
        raise ValueError(f"two kinds of decision are called {kind.code!r}")


def decision_kinds() -> list[DecisionKind]:
    """All kinds, by code."""
    return sorted(_kinds.values(), key=lambda kind: kind.code)
