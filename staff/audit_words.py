"""What the log calls acts on people, units, teams, absences and shifts."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from foundation.audit.words import Detail, Shape, codes, name_acts, name_kinds
from staff.handover import work_kinds
from staff.models import Absence, OrgUnit, User
from staff.roles import ROLES

FACTORS = {"totp": _("Authenticator app"), "webauthn": _("Security key"), "recovery_codes": _("Recovery codes")}
_FROM, _TO = Detail(_("From"), Shape.MOMENT), Detail(_("To"), Shape.MOMENT)
_PERSON = Detail(_("Person"), Shape.PERSON)


def _work(value: str, _detail: dict[str, Any]) -> Any:
    return next((kind.label for kind in work_kinds() if kind.kind == value), value)


name_kinds(
    {
        "staff.user": _("Person"),
        "staff.orgunit": _("Unit"),
        "staff.team": _("Team"),
        "staff.shift": _("Shift"),
        "staff.absence": _("Absence"),
        "staff.draft": _("Draft"),
    }
)
name_acts(
    "user",
    title=_("People and sign-in"),
    acts={
        "created": _("Account opened"),
        "changed": _("Account changed"),
        "deactivated": _("Account closed"),
        "reactivated": _("Account opened again"),
        "role_granted": _("Role given"),
        "role_ended": _("Role ended"),
        "work_reassigned": _("Work handed over"),
        "password_reset": _("Password reset"),
        "password_changed": _("Password changed"),
        "second_factor_added": _("Second factor added"),
        "second_factor_removed": _("Second factor removed"),
        "second_factor_reset": _("Second factors taken off"),
        "unlocked": _("Account unlocked"),
        "locked_out": _("Account locked"),
        "session_ended": _("Own session ended"),
        "sessions_ended": _("Sessions ended"),
        "signed_in": _("Signed in"),
        "signed_out": _("Signed out"),
        "sign_in_failed": _("Sign-in failed"),
    },
    by_strangers=("sign_in_failed", "locked_out"),
    details={
        "staff_no": Detail(_("Staff number")),
        "kind": Detail(_("Kind"), words=codes(dict(User.Kind.choices))),
        "fields": Detail(
            _("Fields"),
            words=codes(
                {
                    "name": _("Name"),
                    "staff_no": _("Staff number"),
                    "extension": _("Extension"),
                    "email": _("E-mail"),
                    "employment": _("Employment"),
                    "skills": _("Skills"),
                    "unit": _("Unit"),
                }
            ),
        ),
        "unit": Detail(_("Unit"), Shape.UNIT, pair=True),
        "role": Detail(_("Role"), words=lambda value, _detail: ROLES[value].label if value in ROLES else value),
        "from": _FROM,
        "to": Detail(_("To"), Shape.MOMENT),
        "moved": Detail(_("Work"), words=_work),
        "removed": Detail(_("How many")),
        "entries": Detail(_("How many")),
        "ended": Detail(_("How many")),
        "session": Detail(_("Session")),
        "known": Detail(_("Account known")),
        "type": Detail(_("Second factor"), words=codes(FACTORS)),
    },
)
name_acts(
    "team",
    title=_("Teams"),
    acts={
        "created": _("Team made"),
        "changed": _("Team changed"),
        "joined": _("Joined a team"),
        "left": _("Left a team"),
    },
    details={
        "lead": Detail(_("Lead"), Shape.PERSON, pair=True),
        "fields": Detail(_("Fields"), words=codes({"name": _("Team name")})),
        "user": _PERSON,
        "from": _FROM,
        "to": _TO,
        "left": Detail(_("Team left")),
    },
)
name_acts(
    "unit",
    title=_("Units"),
    acts={
        "created": _("Unit made"),
        "changed": _("Unit changed"),
        "moved": _("Unit moved"),
        "closed": _("Unit closed"),
        "head_set": _("Head of a unit set"),
    },
    details={
        "code": Detail(_("Code")),
        "name": Detail(_("Unit name"), pair=True),
        "function": Detail(_("Function"), words=codes(dict(OrgUnit.Function.choices)), pair=True),
        "area": Detail(_("Area"), pair=True),
        "calendar_code": Detail(_("Work calendar"), pair=True),
        "from": Detail(_("From"), Shape.UNIT),
        "to": Detail(_("To"), Shape.UNIT),
        "no": Detail(_("Number")),
        "on": Detail(_("On"), Shape.MOMENT),
        "user": Detail(_("Head"), Shape.PERSON),
    },
)
name_acts(
    "absence",
    title=_("Absences"),
    acts={
        "created": _("Absence noted"),
        "delegate_set": _("Delegate named"),
        "ended": _("Absence ended"),
        "transferred": _("Work moved for good"),
    },
    details={
        "user": _PERSON,
        "reason": Detail(_("Reason"), words=codes(dict(Absence.Reason.choices))),
        "from": _FROM,
        "to": _TO,
        "delegate": Detail(_("Delegate"), Shape.PERSON, pair=True),
    },
)
name_acts(
    "shift",
    title=_("Shifts"),
    acts={"planned": _("Shift planned"), "removed": _("Shift removed")},
    details={"user": _PERSON, "from": _FROM, "to": _TO, "lead": Detail(_("Leads the shift"))},
)
