"""Which lines of the timeline tell of an answered contact: the apps that take contacts say so when they start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ContactKind:
    """A kind of line that is an answered contact; `complaint`: parameters it carries when it was a complaint."""

    kind: str
    complaint: Mapping[str, Any] = field(default_factory=dict)


_kinds: dict[str, ContactKind] = {}


def count_as_contact(kind: str, *, complaint: Mapping[str, Any] | None = None) -> None:
    """Make a kind of line count as an answered contact. Raises ValueError when it counts otherwise already."""
    made = ContactKind(kind, dict(complaint or {}))
    if _kinds.setdefault(kind, made) != made:
        raise ValueError(f"the lines {kind!r} count in two ways")


def contact_kinds() -> list[str]:
    """The kinds of lines that are answered contacts."""
    return sorted(_kinds)


def is_complaint(kind: str, params: Mapping[str, Any]) -> bool:
    """Whether a line tells of a contact that was a complaint."""
    known = _kinds.get(kind)
    return bool(known and known.complaint) and known is not None and known.complaint.items() <= params.items()


def complaint_patterns() -> list[tuple[str, dict[str, Any]]]:
    """Kind and parameters of the lines that tell of complaints, for conditions in SQL."""
    return [(one.kind, dict(one.complaint)) for one in _kinds.values() if one.complaint]
