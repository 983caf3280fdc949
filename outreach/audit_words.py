"""What the log calls follow-ups and messages."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from foundation.audit.words import Detail, Shape, codes, name_acts, name_kinds
from outreach.sms.sorting import WhyDropped

LEVELS: dict[int, Any] = {0: _("Owner"), 1: _("Lead"), 2: _("Above the lead")}

name_kinds(
    {
        "outreach.followup": _("Follow-up"),
        "outreach.followupattempt": _("Attempt of a follow-up"),
        "outreach.followupmove": _("History of a follow-up"),
        "outreach.followupnotice": _("Reminder of a follow-up"),
        "outreach.outmessage": _("Message"),
        "outreach.messagetext": _("Words and address of a message"),
        "outreach.messagemove": _("History of a message"),
        "outreach.managertransfer": _("Transfer of a customer"),
        "outreach.smsreply": _("Text message received"),
    }
)
name_acts(
    "reply",
    title=_("Text messages received"),
    acts={
        "read": _("Reply from an unknown number read"),
        "attached": _("Reply given to a customer"),
        "dropped": _("Reply dropped"),
    },
    details={
        "why": Detail(_("Reason"), words=codes(dict(WhyDropped.choices))),
        "taken_by": Detail(_("Taken up by")),
    },
)
name_acts(
    "transfer",
    title=_("Transfers of customers"),
    acts={
        "offered": _("Customer offered to another manager"),
        "claimed": _("Customer claimed by another manager"),
        "accepted": _("Transfer of a customer accepted"),
        "refused": _("Transfer of a customer refused"),
        "withdrawn": _("Transfer of a customer withdrawn"),
        "superseded": _("Transfer ended by another"),
    },
    details={"from": Detail(_("From"), Shape.PERSON), "to": Detail(_("To"), Shape.PERSON)},
)
name_acts(
    "followup",
    title=_("Follow-ups"),
    acts={
        "owed": _("Follow-up promised"),
        "taken": _("Follow-up taken from the pool"),
        "reassigned": _("Follow-up given to another person"),
        "rescheduled": _("Follow-up moved"),
        "reminded": _("Owner reminded"),
        "handed_over": _("Follow-up handed to the lead"),
        "done": _("Follow-up done"),
        "cancelled": _("Follow-up cancelled"),
    },
    details={
        "owner": Detail(_("Owner"), Shape.PERSON),
        "level": Detail(_("Level"), words=codes(LEVELS)),
        "due_at": Detail(_("Due"), Shape.MOMENT),
    },
)
name_acts(
    "message", title=_("Messages"), acts={"retried": _("Message queued again"), "undelivered": _("Message came back")}
)
