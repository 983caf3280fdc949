"""The places of `staff` in the side menu."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from foundation.ui.navigation import NavItem, register_nav


def register() -> None:
    """Put them there."""
    for item in (
        NavItem(
            "people",
            _("People"),
            "users",
            "staff:user-list",
            "staff.view",
            20,
            section="manage",
            match=("staff:user", "staff:role"),
        ),
        NavItem(
            "units", _("Units"), "network", "staff:unit-list", "staff.view", 22, section="manage", match=("staff:unit",)
        ),
        NavItem(
            "teams",
            _("Teams"),
            "users-round",
            "staff:team-list",
            "staff.view",
            24,
            section="manage",
            match=("staff:team",),
        ),
        NavItem(
            "shifts",
            _("Shifts"),
            "calendar-clock",
            "staff:shift-list",
            "staff.absence",
            26,
            section="manage",
            match=("staff:shift",),
        ),
        NavItem(
            "absences",
            _("Absences"),
            "plane",
            "staff:absence-list",
            "staff.absence",
            28,
            section="manage",
            match=("staff:absence",),
        ),
    ):
        register_nav(item)
