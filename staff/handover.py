"""The work people own, kind by kind: upper apps say how to count it and how to move it (`AppConfig.ready()`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from staff.models import User


@dataclass(frozen=True)
class WorkKind:
    """One kind of work a person owns.

    `count(user) -> int`: what is open, by one indexed query. `move(from_user, to_user, actor) -> int`: give all of it
    to another, with history, inside the caller's transaction. `right`: what the new owner must hold.
    """

    kind: str
    label: Any
    count: Callable[[User], int]
    move: Callable[[User, User, User], int]
    right: str = "outreach.work"


_kinds: dict[str, WorkKind] = {}


def register_work(
    kind: str,
    count: Callable[[User], int],
    move: Callable[[User, User, User], int],
    *,
    label: Any = "",
    right: str = "outreach.work",
) -> None:
    """Make a kind of work known. `label`: lazy translation. Raises ValueError for a second one of that name."""
    new = WorkKind(kind, label or kind, count, move, right)
    if _kinds.setdefault(kind, new) != new:
        raise ValueError(f"two kinds of work are called {kind}")


def work_kinds() -> list[WorkKind]:
    """Every registered kind, by name."""
    return [_kinds[kind] for kind in sorted(_kinds)]


def open_work(user: User) -> list[tuple[WorkKind, int]]:
    """What the user owns: every kind with its count."""
    return [(kind, kind.count(user)) for kind in work_kinds()]
