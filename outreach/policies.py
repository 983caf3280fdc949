"""What the business tunes in outreach: hours in which messages may leave, and when a promise goes to the lead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.translation import gettext_lazy as _

from foundation.calendars.definition import DayKind
from foundation.calendars.models import WorkCalendarDay
from foundation.calendars.queries import STANDARD
from foundation.calendars.windows import Window
from foundation.common import clock
from foundation.policies.reading import policy
from foundation.policies.registry import define
from outreach.gate import LOOK_AHEAD_DAYS
from outreach.lifecycle import MessageClass

WINDOW_KEYS = {
    MessageClass.SERVICE: "outreach.hours.service",
    MessageClass.REMINDER: "outreach.hours.reminder",
    MessageClass.CARE: "outreach.hours.care",
    MessageClass.MARKETING: "outreach.hours.marketing",
    MessageClass.SURVEY: "outreach.hours.survey",
}

define(
    WINDOW_KEYS[MessageClass.SERVICE],
    type="windows",
    default=((7 * 60, 22 * 60),),
    source="D",
    title=_("Hours of service messages"),
    help=_("Hours in which service messages that are not urgent may leave; the others leave at any hour."),
)
define(
    WINDOW_KEYS[MessageClass.REMINDER],
    type="windows",
    default=((8 * 60, 21 * 60),),
    source="D",
    title=_("Hours of reminders"),
    help=_("Hours in which reminders may leave."),
)
define(
    WINDOW_KEYS[MessageClass.CARE],
    type="windows",
    default=((8 * 60 + 30, 21 * 60),),
    source="D",
    title=_("Hours of care messages"),
    help=_("Hours in which care messages may leave."),
)
define(
    WINDOW_KEYS[MessageClass.MARKETING],
    type="windows",
    default=((9 * 60, 20 * 60),),
    source="D",
    title=_("Hours of marketing messages"),
    help=_("Hours in which marketing messages may leave; never on statutory holidays."),
)
define(
    WINDOW_KEYS[MessageClass.SURVEY],
    type="windows",
    default=((9 * 60, 20 * 60),),
    source="D",
    title=_("Hours of survey invitations"),
    help=_("Hours in which survey invitations may leave."),
)
define(
    "outreach.offer.sender",
    type="text",
    default="",
    source="R4",
    title=_("Sender of offers"),
    help=_("How the operator calls itself at the head of every offer by text message; empty: nothing is put there."),
)
define(
    "outreach.followup.to_lead_after",
    type="duration",
    unit="minutes",
    default=timedelta(minutes=30),
    low=timedelta(minutes=1),
    high=timedelta(days=30),
    source="D",
    title=_("Overdue follow-up: to the lead"),
    help=_("How long after its due moment an open follow-up is brought to the lead."),
)
define(
    "outreach.followup.to_head_after",
    type="duration",
    unit="minutes",
    default=timedelta(hours=4),
    low=timedelta(minutes=1),
    high=timedelta(days=30),
    source="D",
    title=_("Overdue follow-up: above the lead"),
    help=_("How long after its due moment an open follow-up is brought to the one above the lead."),
)
define(
    "outreach.reply.answer_within",
    type="duration",
    unit="minutes",
    default=timedelta(hours=4),
    low=timedelta(minutes=5),
    high=timedelta(days=5),
    source="D",
    title=_("Reply by text message: answer"),
    help=_("Within how long a customer's text message must be answered when it concerns no business in particular."),
)
define(
    "outreach.rescue.receipt_within",
    type="duration",
    unit="minutes",
    default=timedelta(minutes=50),
    low=timedelta(minutes=5),
    high=timedelta(days=3),
    source="D",
    title=_("No receipt: second channel"),
    help=_(
        "How long after a service message left its receipt may take; then it goes out on the second channel as well."
    ),
)
define(
    "outreach.rescue.call_within",
    type="duration",
    unit="minutes",
    default=timedelta(hours=2),
    low=timedelta(minutes=5),
    high=timedelta(days=5),
    source="D",
    title=_("Message did not arrive: call"),
    help=_("Within how long the customer must be called when the second channel did not reach them either."),
)


@dataclass(frozen=True)
class GateRules:
    """What the gate needs besides the message and its recipient."""

    windows: Mapping[str, tuple[Window, ...]]
    holidays: frozenset[date]


def gate_rules(at: datetime) -> GateRules:
    """Allowed hours by class and the statutory holidays of the coming month (one query)."""
    first = clock.today(at)
    holidays = WorkCalendarDay.objects.filter(
        calendar__code=STANDARD,
        kind=DayKind.HOLIDAY.value,
        date__range=(first - timedelta(days=3), first + timedelta(days=LOOK_AHEAD_DAYS + 3)),
    ).values_list("date", flat=True)
    return GateRules({kind: policy(key, at=at) for kind, key in WINDOW_KEYS.items()}, whole_holidays(holidays))


def whole_holidays(listed: Iterable[date]) -> frozenset[date]:
    """The listed holidays with the weekend days between them: the calendar lists only what differs from the week."""
    known = frozenset(listed)
    between: set[date] = set()
    for day in known:
        gap, beyond = set(), day + timedelta(days=1)
        while beyond.weekday() >= 5 and beyond not in known:
            gap.add(beyond)
            beyond += timedelta(days=1)
        if beyond in known:
            between |= gap
    return known | between


def hand_over_after() -> tuple[timedelta, ...]:
    """How long after the due moment each level of hand-over comes, ascending: to the lead, then to the one above."""
    lead, head = policy("outreach.followup.to_lead_after"), policy("outreach.followup.to_head_after")
    return tuple(sorted((lead, head)))
