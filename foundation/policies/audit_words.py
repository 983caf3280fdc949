"""What the log calls decisions about policies."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from foundation.audit.words import Detail, Shape, codes, name_acts, name_kinds
from foundation.common.errors import RuleBroken
from foundation.policies.kinds import as_text, from_stored
from foundation.policies.models import Draft, PolicySetting
from foundation.policies.registry import definition


def _title(value: str, _detail: dict[str, Any]) -> Any:
    try:
        return definition(value).title
    except RuleBroken:
        return value


def _value(value: Any, detail: dict[str, Any]) -> Any:
    """The value as it is typed, with its unit."""
    try:
        known = definition(detail.get("key", ""))
        return f"{as_text(known, from_stored(known, value))} {gettext(known.unit) if known.unit else ''}".strip()
    except (RuleBroken, TypeError, ValueError, LookupError):
        return value


name_kinds({"policies.policysetting": _("Policy"), "policies.draft": pgettext_lazy("decision", "Draft")})
name_acts(
    "draft",
    title=_("Drafts"),
    acts={
        "made": _("Draft made"),
        "activated": _("Draft activated"),
        "dropped": _("Draft dropped"),
        "clocks_moved": _("Open clocks moved"),
    },
    details={
        "kind": Detail(_("Kind"), words=codes(dict(Draft.Kind.choices))),
        "subject": Detail(_("Policy, calendar or unit"), words=_title),
        "clocks": Detail(_("Clocks moved")),
        "kept": Detail(_("Clocks kept")),
    },
)
name_acts(
    "policy",
    title=_("Policies"),
    acts={"set": _("Value of a policy set"), "withdrawn": _("Own value of a policy taken back")},
    details={
        "key": Detail(_("Policy"), words=_title),
        "scope": Detail(_("Where"), words=codes(dict(PolicySetting.Scope.choices))),
        "scope_ref": Detail(_("Segment or unit")),
        "old": Detail(_("Old"), words=_value, whole=True),
        "new": Detail(_("New"), words=_value, whole=True),
        "effective_from": Detail(_("In force from"), Shape.MOMENT),
    },
)
