"""The wordings outreach itself ships. Raise the version when the words change."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from outreach.lifecycle import MessageClass
from outreach.wording import MessageTemplate, register_template

PROGRAM_NOTICE = "program_notice"
_SERVICE = frozenset({MessageClass.SERVICE.value})


def register() -> None:
    """Make them known; called once at start."""
    for name, title in (
        ("followup_due", _("A follow-up is due")),
        ("followup_overdue", _("A follow-up is overdue")),
        ("callback_promised", _("Callback promised")),
        ("manager_changed", _("New customer manager")),
        ("protective_hold", _("Protective hold: why, and where to appeal")),
        ("protective_hold_lifted", _("Protective hold lifted")),
    ):
        register_template(MessageTemplate(name, title, version=1, classes=_SERVICE))
    # What another system has us say, in its own words; it names the class, and the gate decides by that (rest.md).
    every = frozenset(MessageClass.values)
    register_template(MessageTemplate(PROGRAM_NOTICE, _("Message of another system"), version=1, classes=every))
