"""Reads for the pages of policies: the list, the history, and why a value is what it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_noop

from foundation.common import clock
from foundation.common.explain import Explanation
from foundation.policies.kinds import as_text, from_stored
from foundation.policies.models import PolicySetting
from foundation.policies.reading import places
from foundation.policies.registry import Policy, definition, definitions

Scope = PolicySetting.Scope


@dataclass(frozen=True, slots=True)
class PolicyLine:
    """One key of the list: its value everywhere now, the row behind it (None: the shipped value), how many
    segments and units have a value of their own now, and the next change already decided.
    """

    policy: Policy
    value: Any
    setting: PolicySetting | None
    overrides: int
    next_change: PolicySetting | None

    @property
    def text(self) -> str:
        """The value as it is typed."""
        return as_text(self.policy, self.value)

    @property
    def is_shipped(self) -> bool:
        return self.setting is None

    @property
    def app(self) -> str:
        """The app that owns the key."""
        return self.policy.key.partition(".")[0]


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """One row of the history, with old and new value as people type them; None where the next wider scope
    held.
    """

    setting: PolicySetting
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Effective:
    """A value in force, the row that won (None: the shipped value), and the way there in steps."""

    value: Any
    setting: PolicySetting | None
    explanation: Explanation


def list_policies(at: datetime | None = None) -> list[PolicyLine]:
    """Every defined key with its value at `at` (default now), by key; one query."""
    moment = at or clock.now()
    in_force: dict[tuple[str, str, str], PolicySetting] = {}
    coming: dict[str, PolicySetting] = {}
    for row in PolicySetting.objects.order_by("effective_from", "pk"):
        if row.effective_from <= moment:
            in_force[row.key, row.scope, row.scope_ref] = row
        else:
            coming.setdefault(row.key, row)
    lines = []
    for policy in definitions():
        setting = in_force.get((policy.key, Scope.GLOBAL.value, ""))
        if setting is not None and setting.withdrawn:
            setting = None
        overrides = sum(
            key == policy.key and scope != Scope.GLOBAL and not row.withdrawn
            for (key, scope, _ref), row in in_force.items()
        )
        value = policy.shipped() if setting is None else from_stored(policy, setting.value)
        lines.append(PolicyLine(policy, value, setting, overrides, coming.get(policy.key)))
    return lines


def policy_history(key: str) -> list[PolicyChange]:
    """All decisions about a key, the newest first, those still to come included; one query. Refuses an
    unknown key.
    """
    policy = definition(key)

    def text(value: Any) -> str | None:
        return None if value is None else as_text(policy, from_stored(policy, value))

    return [
        PolicyChange(row, text(row.old_value), text(row.value))
        for row in PolicySetting.objects.filter(key=key).order_by("-pk")
    ]


def effective(key: str, *, at: datetime | None = None, unit: Any = None, segment: str | None = None) -> Effective:
    """The value in force and why: every place asked, nearest first, until one had a value. Arguments as
    `reading.policy`.
    """
    policy, moment, told = definition(key), at or clock.now(), Explanation()
    asked = places(key, unit, segment)
    rows: dict[tuple[str, str], PolicySetting] = {}
    for row in PolicySetting.objects.filter(key=key, effective_from__lte=moment).order_by("effective_from", "pk"):
        rows[row.scope, row.scope_ref] = row
    for _key, scope, ref in asked:
        found = rows.get((scope, ref))
        if found is None or found.withdrawn:
            told.add(scope, None, key, _NOTHING[scope], ref=ref)
            continue
        value = from_stored(policy, found.value)
        told.add(
            scope,
            as_text(policy, value),
            key,
            _WON[scope],
            found.source,
            ref=ref,
            since=found.effective_from.astimezone(clock.BUSINESS_ZONE).strftime("%Y-%m-%d %H:%M"),
        )
        return Effective(value, found, told)
    told.add("SHIPPED", as_text(policy, policy.default), key, _SHIPPED, policy.source)
    return Effective(
        from_stored(policy, policy.default) if isinstance(policy.default, list | dict) else policy.default, None, told
    )


_NOTHING = {
    Scope.UNIT.value: gettext_noop("Unit %(ref)s has no value of its own."),
    Scope.SEGMENT.value: gettext_noop("Segment %(ref)s has no value of its own."),
    Scope.GLOBAL.value: gettext_noop("No value was set for everybody."),
}
_WON = {
    Scope.UNIT.value: gettext_noop("Unit %(ref)s has %(value)s since %(since)s."),
    Scope.SEGMENT.value: gettext_noop("Segment %(ref)s has %(value)s since %(since)s."),
    Scope.GLOBAL.value: gettext_noop("Everywhere it is %(value)s since %(since)s."),
}
_SHIPPED = gettext_noop("The shipped value %(value)s holds.")
