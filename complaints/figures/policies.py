"""What the operator tunes about figures of complaints: when a cause counts as repeated."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from foundation.policies.registry import define

define(
    "complaints.repeat.cases",
    type="int",
    unit="complaints",
    default=3,
    low=2,
    high=1_000,
    source="D",
    title=_("Repeated cause: cases"),
    help=_("How many cases closed with the same cause in one unit make it a repeated cause."),
)
define(
    "complaints.repeat.days",
    type="int",
    unit="days",
    default=30,
    low=1,
    high=366,
    source="D",
    title=_("Repeated cause: days"),
    help=_("Within how many days."),
)
