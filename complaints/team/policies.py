"""What the business tunes about load: how much one person carries, and the aims the boards measure against."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from foundation.policies.registry import define

define(
    "complaints.load.most_open",
    type="int",
    unit="complaints",
    default=40,
    low=1,
    high=2_000,
    source="D",
    title=_("Open complaints per person: limit"),
    help=_("Who works on more open complaints than this is shown as over the limit and gets none when work is spread."),
)
define(
    "complaints.load.sign_within",
    type="duration",
    unit="minutes",
    default=timedelta(minutes=30),
    low=timedelta(minutes=5),
    high=timedelta(hours=12),
    source="D",
    title=_("Shift hand-over: time to sign"),
    help=_("Minutes after the end of a shift within which somebody signs for what it leaves; then the lead is told."),
)
define(
    "complaints.screens.days",
    type="int",
    unit="days",
    default=90,
    low=1,
    high=730,
    source="D",
    title=_("Screen on a wall: days"),
    help=_("After so many days a screen on a wall shows nothing any more and is coupled anew."),
)
define(
    "complaints.screens.couple_within",
    type="duration",
    unit="minutes",
    default=timedelta(minutes=15),
    low=timedelta(minutes=2),
    high=timedelta(hours=24),
    source="D",
    title=_("Screen on a wall: time to couple"),
    help=_("How long the code that couples a screen is valid."),
)
define(
    "complaints.assess_gold",
    type="int",
    unit="working hours",
    default=1,
    low=1,
    high=72,
    source="D",
    title=_("Time to assess: gold customers"),
    help=_("Working hours within which a complaint of a gold, platinum or diamond customer is assessed."),
)
define(
    "complaints.accept_gold",
    type="int",
    unit="working hours",
    default=1,
    low=1,
    high=72,
    source="D",
    title=_("Time to accept the work: gold customers"),
    help=_("Working hours within which somebody accepts a complaint of such a customer."),
)
define(
    "complaints.aim.on_time",
    type="int",
    unit="%",
    default=95,
    low=1,
    high=100,
    source="D",
    title=_("On-time rate: aim"),
    help=_("The share of complaints answered within the service limit that the boards measure against."),
)
