"""Places of outreach in the shell: menu items and the bell."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from foundation.ui.navigation import NavItem, Slot, register_nav, register_slot
from outreach.queries import MY_COUNT
from outreach.views.bell import BELL


def register() -> None:
    """Make them known."""
    register_nav(
        NavItem(
            "followups",
            _("Follow-ups"),
            "list-checks",
            "outreach:followup-list",
            right="outreach.view",
            order=30,
            count=MY_COUNT,
            match=("outreach:followup-",),
            key_hint="t",
        )
    )
    register_nav(
        NavItem(
            "messages",
            _("Messages"),
            "send",
            "outreach:message-list",
            right="outreach.view",
            order=60,
            match=("outreach:message-",),
        )
    )
    register_nav(
        NavItem(
            "replies",
            _("Replies from unknown numbers"),
            "message-square",
            "outreach:reply-list",
            right="outreach.sort",
            order=61,
            match=("outreach:reply",),
        )
    )
    register_slot(Slot("bell", "outreach:bell-menu", first=BELL))
