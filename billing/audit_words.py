"""What the log calls billing."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from billing.dunning.words import STEPS
from billing.models import Command, Hold
from foundation.audit.words import Detail, Shape, codes, name_acts, name_kinds

name_kinds(
    {
        "billing.billingaccount": _("Billing account"),
        "billing.billingevent": _("Event of billing"),
        "billing.creditchange": _("Credit grade set by hand"),
        "billing.command": _("Command to billing"),
        "billing.dunningcase": _("Case of arrears"),
        "billing.dunningstep": _("Step about arrears"),
        "billing.hold": _("Hold of arrears"),
        "billing.restorewatch": _("Restoration owed"),
        "billing.difference": _("Difference with billing"),
        "billing.reconciliation": _("Comparison with billing"),
    }
)
name_acts(
    "billing",
    title=_("Billing"),
    acts={
        "asked": _("Billing asked"),
        "matched": _("Account matched"),
        "event_again": _("Event worked on again"),
        "refused": _("Billing refused"),
        "restore_late": _("Restoration late"),
        "credit_set": _("Credit grade set by hand"),
        "held": _("Arrears held"),
        "released": _("Hold of arrears ended"),
        "promised": _("Promise to pay"),
        "restored_by_lead": _("Restored on a promise"),
        "approved_step": _("Step about arrears approved"),
        "reached": _("Final warning told"),
    },
    details={
        "kind": Detail(_("Kind"), words=codes({**dict(Command.Kind.choices), **dict(Hold.Kind.choices)})),
        "amount": Detail(_("Amount")),
        "source": Detail(_("Source")),
        "step": Detail(_("Step"), words=codes(STEPS)),
        "needs": Detail(_("Decided by")),
        "letter": Detail(_("Letter sent")),
        "commands": Detail(_("Commands")),
        "batch": Detail(_("Decision")),
        "why": Detail(_("Reason")),
        "level": Detail(_("Limit passed")),
        "due_at": Detail(_("Due"), Shape.MOMENT),
        "from": Detail(_("From")),
        "to": Detail(_("To")),
    },
)
