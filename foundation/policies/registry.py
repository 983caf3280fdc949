"""Every key the business may tune, defined in code by the app that owns it (its `policies.py`, found when
Django starts).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from foundation.common.errors import BadSetting, RuleBroken
from foundation.policies.kinds import UNIT_SECONDS, Kind, checked

_KEY = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_definitions: dict[str, Policy] = {}


@dataclass(frozen=True, slots=True)
class Policy:
    """One key: what kind of value, in what unit, within which bounds, its shipped value, where that comes
    from (source tag of the rulebook: D, R10, P6, S2), and words for the person who tunes it: a short title, and
    what it does.
    """

    key: str
    kind: Kind
    unit: str
    default: Any
    source: str
    title: str | Promise
    help: str | Promise
    low: Any = None
    high: Any = None
    choices: tuple[Any, ...] | None = None
    check: Callable[[Any], None] | None = None

    def shipped(self) -> Any:
        """The shipped value; a table is a copy."""
        return copy.deepcopy(self.default)


def define(
    key: str,
    *,
    type: Kind | str,
    default: Any,
    source: str,
    help: str | Promise,
    title: str | Promise = "",
    unit: str = "",
    low: Any = None,
    high: Any = None,
    choices: Sequence[Any] | None = None,
    check: Callable[[Any], None] | None = None,
) -> Policy:
    """Make `key` ("app.words") known; returns its definition.

    `unit` is a plain word ("minutes", "CNY", "working days"); of a duration it must be seconds, minutes,
    hours or days. `check` of a table gets the plain JSON value and raises RuleBroken. `help` is a lazy
    translation, as is `title` (a few words; left out, the help stands in). Raises BadSetting at start for a key
    defined twice, missing words, or a default its own bounds refuse.
    """
    if not _KEY.fullmatch(key) or len(key) > 80:
        raise BadSetting(f"the policy key {key!r} must be app.words in small letters")
    if key in _definitions:
        raise BadSetting(f"the policy {key} is defined twice")
    if not source.strip() or not str(help).strip():
        raise BadSetting(f"the policy {key} needs its source tag and a help text")
    try:
        kind = Kind(type)
    except ValueError:
        raise BadSetting(f"the policy {key} has the type {type!r}; there are {', '.join(Kind)}") from None
    if kind == Kind.DURATION and unit not in UNIT_SECONDS:
        raise BadSetting(f"the policy {key} is a duration: its unit must be one of {', '.join(UNIT_SECONDS)}")
    if kind == Kind.TABLE and check is None:
        raise BadSetting(f"the policy {key} is a table and needs a check")
    policy = Policy(key, kind, unit, default, source, title or help, help, check=check)
    try:
        policy = replace(
            policy,
            low=None if low is None else checked(policy, low),
            high=None if high is None else checked(policy, high),
            choices=None if choices is None else tuple(checked(policy, choice) for choice in choices),
        )
        policy = replace(policy, default=checked(policy, default))
    except RuleBroken as no:
        raise BadSetting(f"a shipped value is refused by its own rule: {no.message}") from no
    _definitions[key] = policy
    return policy


def definition(key: str) -> Policy:
    """The definition of a key. Refuses (RuleBroken `policies.unknown`) one nobody defined."""
    try:
        return _definitions[key]
    except KeyError:
        raise RuleBroken("policies.unknown", _("There is no policy “%(key)s”.") % {"key": key[:80]}) from None


def definitions() -> list[Policy]:
    """All definitions, by key."""
    return [_definitions[key] for key in sorted(_definitions)]
