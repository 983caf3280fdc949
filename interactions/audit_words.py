"""What the log calls contacts."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from foundation.audit.words import Detail, codes, name_acts, name_kinds
from interactions.lifecycle import Caller, Channel, Verified

name_kinds(
    {"interactions.interaction": _("Contact taken"), "interactions.call": _("Call"), "interactions.topic": _("Topic")}
)
name_acts(
    "contact",
    title=_("Contacts taken"),
    acts={
        "started": _("Contact started"),
        "verified": _("Caller verified"),
        "linked": _("Customer found"),
        "logged": _("Contact logged"),
        "ended": _("Contact ended"),
    },
    details={
        "channel": Detail(_("Channel"), words=codes(dict(Channel.choices))),
        "caller": Detail(_("Caller"), words=codes(dict(Caller.choices))),
        "verified": Detail(_("Verified"), words=codes(dict(Verified.choices))),
        "out_of_scope": Detail(_("Outside the own scope")),
    },
)
name_acts(
    "topic",
    title=_("Topics"),
    acts={
        "added": _("Topic added"),
        "renamed": _("Topic renamed"),
        "retired": _("Topic retired"),
        "restored": _("Topic offered again"),
    },
    details={
        "code": Detail(_("Code")),
        "name_zh": Detail(_("Name in Chinese"), pair=True),
        "name_en": Detail(_("Name in English"), pair=True),
    },
)
