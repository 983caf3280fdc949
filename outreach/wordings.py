"""The wordings outreach itself ships. Raise the version when the words change."""

from __future__ import annotations

from outreach.lifecycle import MessageClass
from outreach.wording import MessageTemplate, register_template

_SERVICE = frozenset({MessageClass.SERVICE.value})


def register() -> None:
    """Make them known; called once at start."""
    for name in ("followup_due", "followup_overdue", "callback_promised"):
        register_template(MessageTemplate(name, version=1, classes=_SERVICE))
