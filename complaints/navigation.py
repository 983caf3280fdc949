"""The places of complaints, their parts, appeals and boards in the shell, and whose customers their cases open."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from complaints.queries import CUSTOMERS_COMPLAINING, KEPT_MAILS, MY_CASES
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
    register_nav(
        NavItem(
            "complaint-parts",
            _("Parts of complaints"),
            "puzzle",
            "complaints:part-list",
            right="complaints.part",
            order=46,  # below what everybody opens daily: the first four are the tabs of a phone
            match=("complaints:part-",),
        )
    )
    register_nav(
        NavItem(
            "appeals",
            _("Appeals"),
            "landmark",
            "complaints:appeal-list",
            right="complaints.view",
            order=47,
            match=("complaints:appeal",),
        )
    )
    register_nav(
        NavItem(
            "complaint-shift",
            _("Change of shift"),
            "log-out",
            "complaints:shift",
            right="complaints.work",
            order=48,
            match=("complaints:shift-",),
        )
    )
    register_nav(
        NavItem(
            "complaint-board",
            _("Supervisor board"),
            "chart-column",
            "complaints:board",
            right="complaints.figures",
            order=49,
            match=("complaints:load", "complaints:behind", "complaints:screen-"),
        )
    )
    register_nav(
        NavItem(
            "rehearsals",
            _("Rehearsals"),
            "flask-conical",
            "complaints:rehearsal-list",
            right="complaints.rehearse",
            order=72,
            section="manage",
            match=("complaints:rehearsal", "complaints:staffing-"),
        )
    )
    register_nav(
        NavItem(
            "complaint-library",
            _("Library of complaints"),
            "book-open",
            "complaints:library",
            right="complaints.view",
            order=48,  # below what everybody opens daily
        )
    )
    register_nav(
        NavItem(
            "complaint-analysis",
            _("Analysis of complaints"),
            "chart-line",
            "complaints:analysis",
            right="complaints.figures",
            order=51,
            match=(
                "complaints:figure",
                "complaints:callback",
                "complaints:support",
                "complaints:time",
                "complaints:voice",
            ),
        )
    )
    register_nav(
        NavItem(
            "complaint-groups",
            _("Suggested groups"),
            "users",
            "complaints:group-list",
            right="complaints.coordinate",
            order=52,
            match=("complaints:group-",),
        )
    )
    register_nav(
        NavItem(
            "kept-mails",
            _("Mails kept aside"),
            "mail-warning",
            "complaints:mail-list",
            right="complaints.coordinate",
            order=53,
            count=KEPT_MAILS,
            match=("complaints:mail",),
        )
    )
    register_opener(CUSTOMERS_COMPLAINING)
