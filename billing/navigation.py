"""The places of billing in the shell."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from foundation.ui.navigation import NavItem, register_nav


def register() -> None:
    """Make them known."""
    register_nav(
        NavItem(
            "billing-exchange",
            _("Exchange with billing"),
            "arrow-left-right",
            "billing:event-list",
            "billing.engineer",
            84,
            section="manage",
            match=(
                "billing:event",
                "billing:unmatched",
                "billing:command",
                "billing:account-commands",
                "billing:compar",
            ),
        )
    )
    register_nav(
        NavItem(
            "billing-arrears",
            _("Arrears"),
            "receipt",
            "billing:arrears-list",
            "billing.work",
            62,
            section="work",
            match=("billing:arrears",),
        )
    )
