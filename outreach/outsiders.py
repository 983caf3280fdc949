"""People we write to who are no customers (a complainant of another operator): where they are known, not who they are.

A message to one holds only a reference, "complaint:<id>"; the app that knows them gives name, language and addresses
when the message leaves, so that their data stand in one place and are erased there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from outreach.lifecycle import Channel
from staff.models import User


@dataclass(frozen=True)
class Outsider:
    """Whom a message goes to, as it goes to the wording: name and language, phone and e-mail where known."""

    name: str
    language: str
    phone: str = ""
    email: str = ""

    def address(self, channel: str) -> str:
        """The address for a channel, or "". No other carrier takes a message to somebody we keep no archive of."""
        return {Channel.SMS: self.phone, Channel.EMAIL: self.email}.get(Channel(channel), "")


Find = Callable[[list[int]], dict[int, Outsider]]
Answers = Callable[[int, datetime], User | None]
_kinds: dict[str, Find] = {}
_answers: dict[str, Answers] = {}


def register_outsiders(kind: str, find: Find, answers: Answers) -> None:
    """Make a kind known; `find(ids)` gives those still known, in one query; `answers(id, at)` who sees to it that one
    hears what did not reach them, None when nobody is there. Raises ValueError for a second one."""
    if _kinds.setdefault(kind, find) is not find:
        raise ValueError(f"two kinds of outsiders are called {kind!r}")
    _answers[kind] = answers


def who_answers_outsider(one: str, at: datetime) -> User | None:
    """Who answers for the one of this reference; None when nobody is there, or its kind is no more."""
    kind, _colon, key = one.partition(":")
    return _answers[kind](int(key), at) if kind in _answers else None


def reference(kind: str, key: int) -> str:
    """How a message names one. Raises ValueError for a kind nobody registered."""
    if kind not in _kinds:
        raise ValueError(f"nobody registered outsiders called {kind!r}")
    return f"{kind}:{key}"


def outsiders_of(references: Iterable[str]) -> dict[str, Outsider]:
    """Those of the references who are still known: one query a kind."""
    wanted: dict[str, list[int]] = {}
    for one in set(references):
        kind, _colon, key = one.partition(":")
        wanted.setdefault(kind, []).append(int(key))
    return {
        f"{kind}:{key}": outsider
        for kind, keys in wanted.items()
        if kind in _kinds
        for key, outsider in _kinds[kind](sorted(keys)).items()
    }
