"""What the business tunes in taking contacts."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from foundation.policies.registry import define

define(
    "interactions.verified_for",
    type="duration",
    unit="minutes",
    default=timedelta(minutes=30),
    low=timedelta(minutes=1),
    high=timedelta(hours=8),
    source="D",
    title=_("Time a caller stays verified"),
    help=_("How long a caller counts as verified."),
)
define(
    "interactions.opens_for",
    type="duration",
    unit="hours",
    default=timedelta(hours=24),
    low=timedelta(hours=1),
    high=timedelta(days=7),
    source="D",
    title=_("Time a contact opens its customer"),
    help=_("How long after a contact its customer stays visible to the person who took it."),
)
define(
    "interactions.foreign_contacts_per_hour",
    type="int",
    unit="contacts",
    default=20,
    low=1,
    high=1000,
    source="D",
    title=_("Contacts outside the own scope per hour"),
    help=_("How many contacts with customers outside the own scope a person may start in one hour."),
)
