"""What the log calls hand-overs, parts, promises, orders and what the clock brings up."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from complaints.lifecycle import AppealState, HandoverRole, MediationState
from foundation.audit.words import Detail, Shape, codes, name_acts, name_kinds

name_kinds(
    {
        "complaints.escalation": _("Escalation"),
        "complaints.handover": _("Hand-over"),
        "complaints.part": _("Part of a complaint"),
        "complaints.promise": _("Promise"),
        "complaints.order": _("Order"),
        "complaints.casemerge": _("Merge of complaints"),
        "complaints.link": _("Link of complaints"),
        "complaints.appealcase": _("Appeal"),
        "complaints.mediationcase": _("Mediation"),
    }
)
HAND_DETAILS: dict[str, Any] = {
    "count": Detail(_("Number")),
    "told": Detail(_("People told")),
    "role": Detail(_("Role"), words=codes(dict(HandoverRole.choices))),
    "old": Detail(_("Before"), Shape.PERSON),
    "to": Detail(_("To"), Shape.PERSON),
    "budget": Detail(_("Budget (working minutes)")),
    "minutes": Detail(_("Working minutes used")),
    "late": Detail(_("Late")),
    "next_unit": Detail(_("Next unit"), Shape.UNIT),
    "other": Detail(_("Other complaint")),
    "master": Detail(_("Master")),
    "members": Detail(_("Members")),
    "appeal": Detail(_("Appeal")),
    "mediation": Detail(_("Mediation")),
}
APPEAL_ACTS: dict[str, Any] = {
    "opened": _("Appeal received"),
    "linked": _("Appeal linked to a case"),
    "drafted": _("Response to an appeal written"),
    "responded": _("Response to an appeal approved"),
    "denied": _("Response to an appeal not approved"),
    "moved": _("Appeal went on"),
}
MEDIATION_ACTS: dict[str, Any] = {
    "requested": _("Mediation asked for"),
    "moved": _("Mediation went on"),
}
name_acts(
    "appeal",
    title=_("Appeals"),
    acts=APPEAL_ACTS,
    details={
        "state": Detail(_("State"), words=codes(dict(AppealState.choices))),
        "due_at": Detail(_("Due"), Shape.MOMENT),
        "other": Detail(_("Other complaint")),
    },
)
name_acts(
    "mediation",
    title=_("Mediations"),
    acts=MEDIATION_ACTS,
    details={"state": Detail(_("State"), words=codes(dict(MediationState.choices)))},
)
