"""What the operator may tune about exports."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from foundation.policies.registry import define

define(
    "exports.rows_alone",
    type="int",
    default=1_000,
    low=0,
    high=1_000_000,
    unit="rows",
    source="D",
    title=_("Rows exported without approval"),
    help=_("Above so many rows a data protection officer must approve the export of a list."),
)
define(
    "exports.most_rows",
    type="int",
    default=1_000_000,
    low=1,
    high=20_000_000,
    unit="rows",
    source="D",
    title=_("Rows of the largest export"),
    help=_("No file holds more rows than this, approved or not."),
)
define(
    "exports.approval_life",
    type="duration",
    unit="days",
    default=timedelta(days=7),
    low=timedelta(days=1),
    high=timedelta(days=60),
    source="D",
    title=_("Life of an approval"),
    help=_("How long a request waits for the officer, and how long after the approval the file may be written."),
)
define(
    "exports.files_kept",
    type="duration",
    unit="days",
    default=timedelta(days=3),
    low=timedelta(days=1),
    high=timedelta(days=30),
    source="D",
    title=_("Life of an exported file"),
    help=_("How long an exported file can be fetched before it is deleted."),
)
