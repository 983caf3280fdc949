"""What the log calls hand-overs, parts, promises, orders and what the clock brings up."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from complaints.lifecycle import HandoverRole
from foundation.audit.words import Detail, Shape, codes, name_kinds

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
