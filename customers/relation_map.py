"""The relations of a customer as a small drawing: positions in per cent, so that text keeps its size at every width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_NODES = 12
LOW, HIGH, A_ROW = 120, 280, 56  # pixels: of the drawing, and of what one person needs
LEFT, RIGHT = 32, 68  # per cent: the words stand outward of the dots


@dataclass(frozen=True)
class Node:
    """Somebody around the customer: masked name, what they are, where they stand (x in per cent, y in pixels)."""

    name: str
    role: str
    x: int
    y: int

    @property
    def is_left(self) -> bool:
        """Whether the words stand to the left of the dot."""
        return self.x == LEFT

    @property
    def label_y(self) -> int:
        """Where the second line of words stands."""
        return self.y + 15


@dataclass(frozen=True)
class RelationMap:
    """The drawing: the customer in the middle, `nodes` left and right; `left_out`: how many found no room."""

    nodes: list[Node]
    left_out: int
    height: int

    @property
    def middle(self) -> int:
        """The height of the customer's own place."""
        return self.height // 2


def relation_map(people: Sequence[tuple[str, str]]) -> RelationMap | None:
    """The drawing of (name, role) pairs, at most `MOST_NODES` with the customer; None when there is nobody."""
    shown = people[: MOST_NODES - 1]
    if not shown:
        return None
    right = shown[: (len(shown) + 1) // 2]
    left = shown[len(right) :]
    height = min(HIGH, max(LOW, A_ROW * len(right)))
    nodes = [
        Node(name, role, x, round((place + 0.5) * height / len(side)))
        for side, x in ((right, RIGHT), (left, LEFT))
        for place, (name, role) in enumerate(side)
    ]
    return RelationMap(nodes, len(people) - len(shown), height)
