"""What the operator tunes about the REST interface."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from foundation.policies.registry import define

define(
    "rest.calls_per_minute",
    type="int",
    unit="calls",
    default=1200,
    low=1,
    high=100_000,
    source="D",
    title=_("Calls of a program per minute"),
    help=_("How often a program of another system may call within a minute; a client may have a figure of its own."),
)
define(
    "rest.token_life",
    type="duration",
    unit="minutes",
    default=timedelta(minutes=60),
    low=timedelta(minutes=1),
    high=timedelta(hours=24),
    source="D",
    title=_("Life of an access token"),
    help=_("For how long a program may use the access token it was given."),
)
define(
    "rest.largest_body",
    type="int",
    unit="kilobytes",
    default=1024,
    low=1,
    high=5120,
    source="D",
    title=_("Largest request of a program"),
    help=_("A larger body is refused before it is read. Month-end files go through the bulk door instead."),
)
define(
    "rest.retry_hours",
    type="duration",
    unit="hours",
    default=timedelta(hours=48),
    low=timedelta(hours=1),
    high=timedelta(hours=240),
    source="D",
    title=_("Delivery of events is tried for"),
    help=_("An event another system does not take is tried again for so long; then it lies aside until replayed."),
)
