"""Who may do what, and on whose rows: the one table of roles (D§3).

Reading a row: ROLE -> for each module a scope and the rights the role has in it. A right is "module.verb";
`user.has_perm("customers.edit")` asks this table through `staff.rights.RoleBackend`. The scope says which rows
`visible_to(user)` lets through: OWN (rows I own or manage), TEAM (my teams), UNIT (my units with what is below
them), ALL. A role is held in a unit, from a day to a day (`RoleAssignment`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Scope(IntEnum):
    """How far a role sees; a higher one includes the lower."""

    OWN = 1
    TEAM = 2
    UNIT = 3
    ALL = 4


OWN, TEAM, UNIT, ALL = Scope.OWN, Scope.TEAM, Scope.UNIT, Scope.ALL


@dataclass(frozen=True)
class Role:
    """One role: its name, what it may do where, and how it must sign in."""

    code: str
    label: str | Promise
    modules: dict[str, tuple[Scope, str]]
    second_factor: bool = False
    view_sensitive: bool = False
    skills: tuple[str, ...] = field(default=())

    def rights(self) -> dict[str, Scope]:
        """Every right of the role with the scope of its module."""
        return {f"{module}.{verb}": scope for module, (scope, verbs) in self.modules.items() for verb in verbs.split()}


_DESK = {
    "customers": (UNIT, "view find create edit reveal merge"),
    "interactions": (UNIT, "view take handle"),
    "complaints": (OWN, "view take"),
    "billing": (UNIT, "view"),
    "rights": (OWN, "raise"),
    "outreach": (OWN, "view work"),
    "workspace": (OWN, "home"),
    "places": (ALL, "view"),
}
_LEAD = {
    "customers": (UNIT, "view find create edit reveal export approve hold merge approve_merge segments"),
    "interactions": (UNIT, "view take handle assign figures"),
    "complaints": (UNIT, "view take assess assign work approve part figures"),
    "billing": (UNIT, "view work approve"),
    "rights": (OWN, "raise"),
    "outreach": (TEAM, "view work assign"),
    "staff": (TEAM, "view absence reassign export"),
    "exports": (OWN, "ask"),
    "workspace": (TEAM, "home board"),
    "places": (ALL, "view"),
}
_HEAD = {
    "customers": (UNIT, "view find edit reveal export approve hold merge approve_merge segments transfer"),
    "interactions": (UNIT, "view take handle assign figures"),
    "complaints": (UNIT, "view take assess assign work approve part figures"),
    "billing": (UNIT, "view approve"),
    "rights": (OWN, "raise"),
    "outreach": (UNIT, "view work assign"),
    "staff": (UNIT, "view absence reassign export"),
    "exports": (OWN, "ask"),
    "workspace": (UNIT, "home board"),
    "jobs": (OWN, "view export"),
    "places": (ALL, "view"),
}

_TABLE = [
    Role("HALL_GUIDE", _("Hall guide"), {**_DESK, "customers": (UNIT, "view find")}),
    Role("HALL_CLERK", _("Hall clerk"), _DESK),
    Role("AGENT", _("Call-centre agent"), _DESK),
    Role("ROAMING_AGENT", _("Roaming agent"), _DESK, skills=("ROAMING",)),
    Role(
        "ACCOUNT_MANAGER",
        _("Account manager"),
        {
            **_DESK,
            "customers": (OWN, "view find create edit reveal export manage merge segments"),
            "billing": (OWN, "view"),
            "exports": (OWN, "ask"),
        },
        view_sensitive=True,
    ),
    Role(
        "PROJECT_MANAGER",
        _("Project manager"),
        {**_DESK, "customers": (OWN, "view find edit reveal manage merge"), "billing": (OWN, "view")},
        view_sensitive=True,
    ),
    Role(
        "COMPLAINT_HANDLER",
        _("Complaint handler"),
        {**_DESK, "complaints": (UNIT, "view take assess work part")},
    ),
    Role(
        "COORDINATOR",
        _("Complaint coordinator"),
        {
            **_DESK,
            "customers": (ALL, "view find edit reveal hold merge"),
            "billing": (ALL, "view"),
            "complaints": (ALL, "view take assess assign work coordinate part figures rehearse"),
            "complaint_lists": (ALL, "view change"),
            "outreach": (ALL, "view work assign sort"),
        },
        second_factor=True,
    ),
    Role(
        "UNIT_HANDLER",
        _("Support unit handler"),
        {
            "workspace": (OWN, "home"),
            "complaints": (UNIT, "part"),
            "outreach": (OWN, "view work"),
            "interactions": (OWN, "view handle"),
        },
    ),
    Role("TEAM_LEAD", _("Team lead"), _LEAD, second_factor=True),
    Role("DEPT_HEAD", _("Department head"), _HEAD, second_factor=True),
    Role("DIRECTOR", _("Director"), {**_HEAD, "rights": (UNIT, "raise view export")}, second_factor=True),
    Role(
        "GM",
        _("General manager"),
        {name: (ALL, verbs) for name, (_s, verbs) in _HEAD.items()}
        | {
            "rights": (ALL, "raise view export"),
            "complaints": (ALL, f"{_HEAD['complaints'][1]} rehearse"),
        },
        second_factor=True,
    ),
    Role(
        "QA",
        _("Quality supervisor"),
        {
            "customers": (ALL, "view find"),
            "interactions": (ALL, "view figures"),
            "complaints": (ALL, "view figures rehearse"),
            "outreach": (ALL, "view"),
            "workspace": (OWN, "home"),
        },
    ),
    Role("MARKETING", _("Marketing"), {"workspace": (OWN, "home"), "customers": (UNIT, "segments")}),
    Role(
        "FINANCE_DUNNING",
        _("Arrears officer"),
        {
            "customers": (ALL, "view find"),
            "billing": (ALL, "view work finance engineer"),
            "outreach": (OWN, "view work"),
            "workspace": (OWN, "home"),
        },
        second_factor=True,
    ),
    Role(
        "POLICY_ADMIN",
        _("Policy administrator"),
        {
            "workspace": (OWN, "home"),
            "policies": (ALL, "view change"),
            "calendars": (ALL, "view change"),
            "complaints": (ALL, "rehearse"),
            "topics": (ALL, "view change"),
            "complaint_lists": (ALL, "view change"),
            "places": (ALL, "view change"),
            "jobs": (ALL, "view export"),
            "exports": (OWN, "ask"),
        },
        second_factor=True,
    ),
    Role(
        "SYS_ADMIN",
        _("System administrator"),
        {
            "workspace": (OWN, "home"),
            "staff": (ALL, "view administer absence reassign export"),
            "calendars": (ALL, "view change"),
            "policies": (ALL, "view"),
            "topics": (ALL, "view"),
            "complaint_lists": (ALL, "view"),
            "jobs": (ALL, "view control export"),
            "hub": (ALL, "view control"),
            "imports": (ALL, "view run revert export"),
            "billing": (ALL, "engineer"),
            "audit": (ALL, "view export"),
            "exports": (OWN, "ask"),
        },
        second_factor=True,
    ),
    Role(
        "DPO",
        _("Data protection officer"),
        {
            "workspace": (OWN, "home"),
            "customers": (ALL, "view find reveal"),
            "interactions": (ALL, "view"),
            "rights": (ALL, "raise view answer export"),
            "audit": (ALL, "view export"),
            "jobs": (ALL, "view export"),
            "exports": (ALL, "view approve ask"),
        },
        second_factor=True,
        view_sensitive=True,
    ),
    # Held by programs alone (kind SERVICE): what they may do is narrowed by the scopes of their tokens (rest.md).
    Role(
        "PROGRAM",
        _("Program of another system"),
        {
            "customers": (UNIT, "view find create edit"),
            "interactions": (UNIT, "view take handle"),
            "complaints": (UNIT, "view take assess assign work"),
            "outreach": (UNIT, "view work"),
        },
    ),
    Role("VENDOR", _("Mystery-visit company"), {}),
    Role("SUPERVISOR_EXT", _("Social supervisor"), {}),
]

# What a delegate must be able to do as far as the absent person is (D§3.3); approvals stay with the lead.
WORK_RIGHTS: dict[str, Any] = {
    "customers.view": _("see customers"),
    "interactions.take": _("take contacts"),
    "interactions.handle": _("work on first-ask matters"),
    "complaints.work": _("work on complaints"),
    "outreach.work": _("work on follow-ups"),
}

ROLES: dict[str, Role] = {role.code: role for role in _TABLE}
