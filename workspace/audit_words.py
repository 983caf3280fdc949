"""What the log calls looking into it, and the sample operator."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from foundation.audit.words import Detail, Shape, name_acts, name_kinds, say_act

name_kinds({"audit": _("Audit log"), "sample.operator": _("Sample operator")})
name_acts(
    "audit",
    title=_("Audit log"),
    acts={"searched": _("Audit searched")},
    details={
        "staff_no": Detail(_("Person"), Shape.PERSON),
        "verb": Detail(_("Act"), words=lambda value, _detail: say_act(value)),
        "since": Detail(_("From"), Shape.MOMENT),
        "until": Detail(_("To"), Shape.MOMENT),
    },
)
name_acts(
    "sample",
    title=_("Sample operator"),
    acts={"made": _("Sample data made")},
    details={
        "customers": Detail(_("Customers")),
        "staff": Detail(_("People")),
        "demo_users": Detail(_("Demo accounts")),
        "contacts": Detail(_("Contacts taken")),
        "follow_ups": Detail(_("Follow-ups")),
        "rights": Detail(_("Requests about own data")),
        "matters": Detail(_("First-ask matters")),
        "suggestions": Detail(_("Suggestions")),
    },
)
