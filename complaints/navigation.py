"""The place of complaints in the shell, and whose customers their cases open."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from complaints.queries import CUSTOMERS_COMPLAINING, MY_CASES
from customers.visibility import register_opener
from foundation.ui.navigation import NavItem, register_nav


def register() -> None:
    """Make them known."""
    register_nav(
        NavItem(
            "complaints",
            _("Complaints"),
            "inbox",
            "complaints:queue",
            right="complaints.view",
            order=12,
            count=MY_CASES,
            match=("complaints:case", "complaints:edit", "complaints:bulk", "complaints:hand"),
            key_hint="q",
        )
    )
    register_opener(CUSTOMERS_COMPLAINING)
