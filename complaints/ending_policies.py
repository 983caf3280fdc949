"""What the business tunes in how complaints end."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from foundation.policies.registry import define

define(
    "complaints.close.ordinary_lesson",
    type="bool",
    default=True,
    source="D",
    title=_("Closing: lesson of ordinary complaints"),
    help=_(
        "Whether an ordinary complaint that was in time and did not come back also needs a lesson to be closed; all"
        " others need one in any case."
    ),
)
define(
    "complaints.flag_for",
    type="duration",
    unit="days",
    default=timedelta(days=180),
    low=timedelta(minutes=1),
    high=timedelta(days=366),
    source="D",
    title=_("Complainer flag"),
    help=_("How long after closing a complaint still raises the care the customer gets."),
)
