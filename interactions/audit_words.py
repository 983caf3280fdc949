"""What the log calls contacts."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from foundation.audit.words import Detail, Shape, codes, name_acts, name_kinds
from interactions.lifecycle import Caller, Channel, Verified
from interactions.rights.lifecycle import Outcome, RefusalCode, RightsKind
from interactions.stages import MatterAct, SuggestionAct, SuggestionState

LEVELS: dict[int, Any] = {0: _("Owner"), 1: _("Lead"), 2: _("Above the lead")}

name_kinds(
    {
        "interactions.interaction": _("Contact taken"),
        "interactions.call": _("Call"),
        "interactions.topic": _("Topic"),
        "interactions.matter": _("First-ask matter"),
        "interactions.suggestion": _("Suggestion"),
        "interactions.contactplace": _("Contact place"),
        "interactions.interactionmove": _("History of a contact"),
        "interactions.callevent": _("Report of a call"),
        "interactions.rightsrequest": _("Request about own data"),
        "interactions.rightsmove": _("History of a request"),
    }
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
        "attached": _("Contact attached to a customer"),
        "quality_marked": _("Checklist of a contact noted"),
    },
    details={
        "channel": Detail(_("Channel"), words=codes(dict(Channel.choices))),
        "caller": Detail(_("Caller"), words=codes(dict(Caller.choices))),
        "verified": Detail(_("Verified"), words=codes(dict(Verified.choices))),
        "out_of_scope": Detail(_("Outside the own scope")),
        "items": Detail(_("Items")),
        "met": Detail(_("Met")),
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
        "deleted": _("Topic deleted"),
    },
    details={
        "code": Detail(_("Code")),
        "name_zh": Detail(_("Name in Chinese"), pair=True),
        "name_en": Detail(_("Name in English"), pair=True),
    },
)
name_acts(
    "matter",
    title=_("First-ask matters"),
    acts={act.value.lower(): act.label for act in MatterAct},
    details={
        "owner": Detail(_("Owner"), Shape.PERSON),
        "handler": Detail(_("Handler"), Shape.PERSON),
        "level": Detail(_("Level"), words=codes(LEVELS)),
        "due_at": Detail(_("Due"), Shape.MOMENT),
    },
)
name_acts(
    "suggestion",
    title=_("Suggestions"),
    acts={act.value.lower(): act.label for act in SuggestionAct},
    details={
        "state": Detail(_("State"), words=codes(dict(SuggestionState.choices))),
        "level": Detail(_("Level"), words=codes(LEVELS)),
    },
)
name_acts(
    "place",
    title=_("Contact places"),
    acts={"added": _("Contact place added"), "changed": _("Contact place changed")},
    details={
        "channel": Detail(_("Channel"), words=codes(dict(Channel.choices))),
        "calendar": Detail(_("Work calendar")),
        "active": Detail(_("In use")),
    },
)
name_acts(
    "rights",
    title=_("Requests about own data"),
    acts={
        "received": _("Request received"),
        "checked": _("Identity checked"),
        "exported": _("Data put together"),
        "fetched": _("Data downloaded"),
        "reminded": _("Owner reminded of a request"),
        "handed_over": _("Overdue request brought to the director"),
        "answered": _("Request answered"),
        "refused": _("Request refused"),
        "withdrawn": _("Request withdrawn"),
    },
    details={
        "number": Detail(_("Number")),
        "kind": Detail(_("Kind"), words=codes(dict(RightsKind.choices))),
        "code": Detail(
            _("Result"),
            words=codes(dict(Outcome.choices) | dict(RefusalCode.choices) | dict(Verified.choices)),
        ),
    },
)
