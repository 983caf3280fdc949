"""What the operator may tune about segments."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy

from foundation.policies.registry import define

define(
    "customers.segment_count_limit",
    type="duration",
    default=timedelta(seconds=3),
    low=timedelta(seconds=1),
    high=timedelta(seconds=30),
    unit="seconds",
    source="D",
    title=gettext_lazy("Longest count of a segment"),
    help=gettext_lazy("How long the members of a segment are counted on a page; then it says “at least”."),
)
define(
    "customers.segment_smallest_count",
    type="int",
    default=5,
    low=1,
    high=100,
    unit="customers",
    source="D",
    title=gettext_lazy("Smallest count shown"),
    help=gettext_lazy("Below this figure a count is not told to people who may not see single customers."),
)
