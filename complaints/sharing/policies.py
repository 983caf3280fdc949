"""What the business tunes where a case is shared: hand-overs, parts, new dates, authorities, mediation."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from foundation.policies.registry import define

define(
    "complaints.handing.most_passes",
    type="int",
    unit="hand-overs",
    default=3,
    low=1,
    high=10,
    source="D",
    title=_("Hand-overs between units"),
    help=_("After so many hand-overs between units the coordinator decides which unit is responsible."),
)
define(
    "complaints.handing.decide_minutes",
    type="int",
    unit="working minutes",
    default=240,
    low=30,
    high=2_700,
    source="D",
    title=_("Responsible unit: time to decide"),
    help=_("Working minutes within which the coordinator decides the responsible unit."),
)
define(
    "complaints.approval.decide_minutes",
    type="int",
    unit="working minutes",
    default=240,
    low=30,
    high=2_700,
    source="D",
    title=_("Approval: time to decide"),
    help=_(
        "Working minutes within which somebody decides on what waits for their approval; then it goes to the next one"
        " above."
    ),
)
define(
    "complaints.approval.decide_major",
    type="duration",
    unit="minutes",
    default=timedelta(minutes=120),
    low=timedelta(minutes=15),
    high=timedelta(hours=24),
    source="D",
    title=_("Grave complaint: time to approve"),
    help=_("Minutes of the day and night within which an approval in a major or skip-level complaint is decided."),
)
define(
    "complaints.parts.budget_percent",
    type="int",
    unit="%",
    default=40,
    low=5,
    high=100,
    source="D",
    title=_("Part of a case: share of the time left"),
    help=_("How much of the working time left to the answer a unit gets for its part."),
)
define(
    "complaints.parts.shortest_budget",
    type="int",
    unit="working minutes",
    default=30,
    low=5,
    high=540,
    source="D",
    title=_("Part of a case: shortest time"),
    help=_("Working minutes a unit gets for its part at least."),
)
define(
    "complaints.late.answer_in_days",
    type="int",
    unit="working days",
    default=1,
    low=1,
    high=10,
    source="D",
    title=_("Late answer: new date"),
    help=_(
        "Working days from now by which a customer whose answer is late is promised one, where the time up to 150 % of"
        " the limit is over already."
    ),
)
define(
    "complaints.appeal.days",
    type="int",
    unit="days",
    default=10,
    low=1,
    high=60,
    source="D",
    title=_("Appeal: days to respond"),
    help=_("Calendar days to respond to the authority where its letter names no date."),
)
define(
    "complaints.appeal.internal_days",
    type="int",
    unit="working days",
    default=2,
    low=0,
    high=10,
    source="D",
    title=_("Appeal: internal lead"),
    help=_("Working days before the authority's date by which our response is ready."),
)
define(
    "complaints.mediation.remind_before",
    type="duration",
    unit="hours",
    default=timedelta(hours=24),
    low=timedelta(hours=1),
    high=timedelta(days=7),
    source="D",
    title=_("Mediation: reminder before a session"),
    help=_("How long before a mediation session who works on the case is reminded."),
)
