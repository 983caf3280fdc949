"""Two people changed the same row: the difference field by field, and the choice the second one makes (ui-guide §5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from customers import copies

CHOOSE = "choose_"
THEIRS = "theirs"


@dataclass(frozen=True)
class Difference:
    """A field both sides see differently, in words. `keeps_mine`: what is chosen before anybody chooses: one's own
    value where one has changed it, the other's where only the other did."""

    field: str
    label: str
    was: str
    mine: str
    theirs: str
    keeps_mine: bool

    @property
    def name(self) -> str:
        """Of the choice in the form."""
        return f"{CHOOSE}{self.field}"


def differences(
    mine: Mapping[str, Any],
    theirs: Mapping[str, Any],
    was: Mapping[str, Any],
    *,
    label: Callable[[str], str],
    own_words: Callable[[str, Any], str],
    words: Callable[[str, Any], str],
) -> list[Difference]:
    """The fields of `theirs` that differ from `mine`. `was`: the copy the form was opened with, as `copies` holds it.

    `own_words` says what the person typed, `words` what is or was on file, masked where it is.
    """
    found = []
    for field, now in theirs.items():
        if field not in mine or copies.plain(mine[field]) == copies.plain(now):
            continue
        known = field in was
        found.append(
            Difference(
                field=field,
                label=label(field),
                was=words(field, was[field]) if known else "",
                mine=own_words(field, mine[field]),
                theirs=words(field, now),
                keeps_mine=not known or copies.plain(mine[field]) != was[field],
            )
        )
    return found


def takes_theirs(posted: Mapping[str, Any], field: str) -> bool:
    """Whether the person chose what is on file over what they wrote."""
    return bool(posted.get(f"{CHOOSE}{field}") == THEIRS)


def without_theirs(posted: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes that are left when the person took the other's value for some fields."""
    return {field: value for field, value in changes.items() if not takes_theirs(posted, field)}
