"""What customers are told about their matters, suggestions and requests about their data.

Raise the version when the words change.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from outreach.lifecycle import MessageClass
from outreach.wording import MessageTemplate, register_template

_SERVICE = frozenset({MessageClass.SERVICE.value})


def register() -> None:
    """Make them known; called once at start."""
    for name, title in (
        ("matter_passed_on", _("Who works on your matter")),
        ("matter_new_owner", _("Who answers for your matter")),
        ("matter_answered", _("Your matter is answered")),
        ("suggestion_answered", _("Answer to your suggestion")),
        ("suggestion_done", _("Your suggestion is in effect")),
        ("rights_received", _("Your request has arrived")),
        ("rights_answered", _("Your request is answered")),
    ):
        register_template(MessageTemplate(name, title, version=1, classes=_SERVICE))
