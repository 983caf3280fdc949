"""What the log calls acts, objects and details in front of people.

Each app names what it records in its `audit_words.py`, found at start; a test fails for a verb, an object or a detail
that nobody named.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from foundation.audit.models import AuditEntry


class Shape(StrEnum):
    """What a stored value is, for the page that says it."""

    PLAIN = "plain"
    MOMENT = "moment"  # ISO with zone, or a day
    PERSON = "person"  # the id of a user
    UNIT = "unit"  # the id of a unit


@dataclass(frozen=True)
class Detail:
    """One detail of an entry: its label and how its value is said.

    `words(value, detail)`: the words of one value, `detail` being all that was recorded with it; of a list they are
    asked item by item, of a table (name -> number) name by name, with `whole` once for all of it. `pair`: a list is
    the old value and the new one.
    """

    label: Any
    shape: Shape = Shape.PLAIN
    words: Callable[[Any, dict[str, Any]], Any] | None = None
    pair: bool = False
    whole: bool = False


@dataclass
class _Area:
    title: Any
    acts: dict[str, Any]
    details: dict[str, Detail]


_areas: dict[str, _Area] = {}
_kinds: dict[str, Any] = {}
_by_strangers: set[str] = set()


def codes(labels: Mapping[Any, Any]) -> Callable[[Any, dict[str, Any]], Any]:
    """The words of a code, from its lazy labels; an unknown code says itself."""
    return lambda value, _detail: labels.get(value, value)


def name_acts(
    area: str,
    *,
    title: Any = "",
    acts: Mapping[str, Any],
    details: Mapping[str, Detail] | None = None,
    by_strangers: Collection[str] = (),
) -> None:
    """Name the acts of an area, the part of a verb before its dot; several apps may name acts of one area.

    `acts`: the rest of the verb -> lazy words. `by_strangers`: acts without an actor because nobody was signed in; of
    all others the clock is the actor. Raises ValueError for an act or a detail named twice.
    """
    known = _areas.setdefault(area, _Area(title, {}, {}))
    known.title = known.title or title
    twice = [*(known.acts.keys() & acts.keys()), *(known.details.keys() & (details or {}).keys())]
    if twice:
        raise ValueError(f"named twice in {area}: {twice}")
    known.acts.update(acts)
    known.details.update(details or {})
    _by_strangers.update(f"{area}.{act}" for act in by_strangers)


def name_kinds(kinds: Mapping[str, Any]) -> None:
    """Name kinds of objects: `app_label.model` in small letters (or the word a caller gave) -> lazy words."""
    _kinds.update(kinds)


def say_act(verb: str) -> str:
    """The words of a verb; a verb nobody named says itself."""
    area, _dot, act = verb.partition(".")
    return str(_areas[area].acts.get(act, verb)) if area in _areas else verb


def say_kind(kind: str) -> str:
    """The words of a kind of object; an unknown one says itself."""
    return str(_kinds.get(kind, kind))


def details_of(entry: AuditEntry) -> list[tuple[Detail, Any]]:
    """The details of an entry with how each is said, in the order they were named; one nobody named says itself."""
    area = _areas.get(entry.verb.partition(".")[0])
    named = area.details if area else {}
    return [
        *((detail, entry.detail[name]) for name, detail in named.items() if name in entry.detail),
        *((Detail(name), value) for name, value in entry.detail.items() if name not in named),
    ]


def is_by_stranger(entry: AuditEntry) -> bool:
    """Whether the entry has no actor because nobody was signed in."""
    return entry.actor_id is None and entry.verb in _by_strangers


def areas() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Every area with its title and its (verb, words), in the order of the active language's words."""
    found = [
        (area, str(known.title), sorted(((f"{area}.{act}", str(said)) for act, said in known.acts.items()), key=_words))
        for area, known in _areas.items()
    ]
    return sorted(found, key=_words)


def _words(row: tuple[str, ...] | tuple[str, str, list[tuple[str, str]]]) -> str:
    return row[1]


def known_kinds() -> frozenset[str]:
    """Every kind of object that has a name."""
    return frozenset(_kinds)


def known_details(area: str) -> frozenset[str]:
    """The details named in an area."""
    return frozenset(_areas[area].details) if area in _areas else frozenset()
