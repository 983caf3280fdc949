"""What the operator tunes about the exchange with billing."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from foundation.policies.registry import define

define(
    "billing.party_source",
    type="text",
    default="",
    source="D",
    title=_("Source of the numbers billing gives"),
    help=_(
        "The source of imported customers whose numbers billing gives with its accounts. Empty: billing gives our own"
        " customer numbers. Accounts whose number nobody has are matched by their lines, or by hand."
    ),
)
define(
    "billing.sender_ahead",
    type="duration",
    unit="minutes",
    default=timedelta(minutes=5),
    low=timedelta(minutes=1),
    high=timedelta(hours=12),
    source="D",
    title=_("Clock of billing ahead: limit"),
    help=_("An event whose time lies further ahead than this is not believed: what it is about is read from billing."),
)
define(
    "billing.acknowledged_within",
    type="duration",
    unit="minutes",
    default=timedelta(minutes=5),
    low=timedelta(minutes=1),
    high=timedelta(hours=24),
    source="D",
    title=_("Taken commands: time to take effect"),
    help=_("When no event tells the effect of a command within this time, billing is asked whether it took effect."),
)
define(
    "billing.restoring_unit",
    type="text",
    default="",
    source="D",
    title=_("Unit that restores lines"),
    help=_("The code of the unit that also hears when a restoration is late. Empty: the arrears officers alone."),
)
