"""What the operator tunes about complaints: limits, duties, pauses, windows (D§10.4-10.8, 18.6, 23)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from complaints import ending_policies  # noqa: F401 (it defines its keys)
from complaints.figures import policies as figure_policies  # noqa: F401 (as above)
from complaints.intake import policies as intake_policies  # noqa: F401 (as above)
from complaints.sharing import policies as sharing_policies  # noqa: F401 (as above)
from complaints.statutory import SHIPPED, check_rules
from complaints.team import policies as team_policies  # noqa: F401 (as above)
from foundation.policies.registry import define


def _span(key: str, default: timedelta, unit: str, source: str, title: Any, help: Any, **bounds: timedelta) -> None:
    bounds = {"low": timedelta(minutes=1), "high": timedelta(days=366), **bounds}
    define(
        f"complaints.{key}",
        type="duration",
        unit=unit,
        default=default,
        source=source,
        title=title,
        help=help,
        **bounds,  # type: ignore[arg-type]  # bounds are names of parameters of `define`
    )


def _count(
    key: str, default: int, unit: str, source: str, title: Any, help: Any, low: int = 1, high: int = 366
) -> None:
    define(
        f"complaints.{key}",
        type="int",
        unit=unit,
        default=default,
        low=low,
        high=high,
        source=source,
        title=title,
        help=help,
    )


HOUR, DAY = timedelta(hours=1), timedelta(days=1)

define(
    "complaints.statutory",
    type="table",
    default=SHIPPED,
    check=check_rules,
    source="R2, R13, R15, R16",
    title=_("Statutory answer: the law that holds"),
    help=_("Which rule limits the answer, and the dated versions of each rule, in days or weeks from receipt."),
)
_span(
    "limit.simple",
    48 * HOUR,
    "hours",
    "P6",
    _("Service limit: simple"),
    _("Hours of the day and night within which a simple complaint is answered."),
)
_count(
    "limit.cross_unit",
    5,
    "working days",
    "P6b",
    _("Service limit: needs another unit"),
    _("Working days within which a complaint that needs another unit is answered."),
    high=60,
)
_count(
    "limit.works",
    15,
    "days",
    "D",
    _("Service limit: building works"),
    _("Days within which a complaint that needs building works is answered, its plan told before."),
)
_span(
    "limit.major",
    72 * HOUR,
    "hours",
    "D",
    _("Service limit: major"),
    _("Hours of the day and night within which a major complaint is decided."),
)
_span(
    "limit.major_position",
    24 * HOUR,
    "hours",
    "D",
    _("Major: first position"),
    _("Hours within which the customer of a major complaint hears our first position."),
)
_count(
    "limit.authority_before",
    2,
    "working days",
    "D",
    _("Skip-level: before the authority's date"),
    _("Working days before the date of the authority by which a skip-level complaint is answered."),
    high=30,
)
_count(
    "limit.authority_days",
    10,
    "days",
    "G",
    _("Skip-level: date if none is named"),
    _("Days from receipt that stand for the date of the authority when its letter names none."),
)
_span(
    "register_within",
    timedelta(minutes=15),
    "minutes",
    "P7",
    _("Time to register"),
    _("How soon after the contact a complaint is registered; later the lead is told."),
)
_count(
    "acknowledge_hours",
    2,
    "working hours",
    "D",
    _("Time to acknowledge"),
    _("Working hours within which a complaint by letter or e-mail is acknowledged."),
    high=72,
)
_count(
    "assess_hours",
    2,
    "working hours",
    "D",
    _("Time to assess"),
    _("Working hours within which a complaint is assessed."),
    high=72,
)
_span(
    "assess_major",
    timedelta(minutes=30),
    "minutes",
    "D",
    _("Time to assess: major"),
    _("Minutes of the day and night within which a major complaint is assessed."),
)
_count(
    "accept_hours",
    2,
    "working hours",
    "D",
    _("Time to accept the work"),
    _("Working hours within which somebody accepts a complaint given to them."),
    high=72,
)
_span(
    "accept_major",
    timedelta(minutes=30),
    "minutes",
    "D",
    _("Time to accept the work: major"),
    _("Minutes of the day and night within which somebody accepts a major complaint."),
)
_span(
    "first_contact",
    24 * HOUR,
    "hours",
    "P6",
    _("First contact"),
    _("Hours within which whoever works on a complaint speaks with the customer."),
)
_span(
    "progress",
    48 * HOUR,
    "hours",
    "P6",
    _("Progress"),
    _("Hours after which the customer hears again how far their complaint is."),
)
_count(
    "lead_contact_days",
    1,
    "working days",
    "D",
    _("Disputed: contact by the lead"),
    _("Working days within which a lead contacts the customer who disputes the answer."),
    high=30,
)
_count(
    "disputed_days",
    5,
    "working days",
    "D",
    _("Disputed: new service limit"),
    _("Working days within which a disputed answer is settled."),
    high=60,
)
_count(
    "manager_hours",
    4,
    "working hours",
    "D",
    _("Asked for the manager"),
    _("Working hours within which a customer who asks for the manager is contacted."),
    high=72,
)
_span(
    "silence",
    7 * DAY,
    "days",
    "D",
    _("Silence after the answer"),
    _("Days after the answer when an unreachable customer's silence counts as agreement."),
)
_count(
    "silence_notices",
    2,
    "notices",
    "D",
    _("Notices before silence counts"),
    _("How often the customer was written to after the answer before silence counts as agreement."),
    low=0,
    high=9,
)
_span(
    "callback.within",
    48 * HOUR,
    "hours",
    "P15",
    _("Callback"),
    _("Hours after the answer within which the customer is called back."),
)
_count(
    "callback.tries",
    3,
    "tries",
    "D",
    _("Callback: tries"),
    _("How often the customer is tried before a message asks them to answer."),
    high=9,
)
_count(
    "callback.days",
    2,
    "days",
    "D",
    _("Callback: on different days"),
    _("Over how many days, in different parts of them, these tries are spread."),
    high=9,
)
_span(
    "callback.answer_within",
    72 * HOUR,
    "hours",
    "D",
    _("Callback: answer to the message"),
    _("Hours the customer has to answer the message after the tries."),
)
_span(
    "reopen.window",
    30 * DAY,
    "days",
    "D",
    _("Reopening"),
    _("Days after closing within which a complaint is reopened; later it is a new one."),
)
_span(
    "reopen.floor",
    24 * HOUR,
    "hours",
    "D",
    _("Reopening: shortest limit"),
    _("The half limit of a reopened complaint is never shorter than this."),
)
_span(
    "take_up.window",
    30 * DAY,
    "days",
    "D",
    _("Taking up again"),
    _("Days within which a withdrawn complaint may be taken up again."),
)
_count(
    "pause.customer_info",
    3,
    "days",
    "D",
    _("Pause for information: each"),
    _("Days one pause may last that waits for the customer's information."),
)
_count(
    "pause.customer_info_total",
    5,
    "days",
    "D",
    _("Pause for information: in all"),
    _("Days all such pauses of a complaint may last together."),
)
_span(
    "pause.unreachable",
    48 * HOUR,
    "hours",
    "D",
    _("Pause: not reached"),
    _("Hours a pause may last because the customer cannot be reached."),
)
_count(
    "pause.unreachable_tries",
    3,
    "tries",
    "D",
    _("Pause: tries before not reached"),
    _("How often within two days the customer was tried before such a pause."),
    high=9,
)
_count(
    "pause.third_party",
    5,
    "working days",
    "D",
    _("Pause for a third party"),
    _("Working days a pause may last that waits for another operator, a provider or the police."),
    high=60,
)
_count(
    "pause.disaster",
    7,
    "days",
    "D",
    _("Pause in a disaster"),
    _("Days a pause may last because of a disaster; it may be repeated."),
)
_span(
    "pause.margin",
    24 * HOUR,
    "hours",
    "D",
    _("Pause: before the statutory limit"),
    _("A pause is refused when the service limit would come nearer to the statutory one than this."),
    low=timedelta(0),
)
_count(
    "group.customers",
    5,
    "customers",
    "D",
    _("Group complaint: customers"),
    _("How many customers with the same cause within the time below make a group complaint."),
    low=2,
)
_span(
    "group.within",
    24 * HOUR,
    "hours",
    "D",
    _("Group complaint: within"),
    _("The time within which they complain."),
)
define(
    "complaints.major_amount",
    type="decimal",
    unit="CNY",
    default=Decimal(5000),
    low=Decimal(1),
    source="D",
    title=_("Major from an amount of"),
    help=_("A complaint about at least this amount is major."),
)
_span(
    "files_kept",
    730 * DAY,
    "days",
    "P6b",
    _("Files of complainants"),
    _("Days after closing when what a complainant who is no customer told us is forgotten."),
    high=3660 * DAY,
)
_span(
    "settled_together",
    30 * DAY,
    "days",
    "D",
    _("Complaint amounts that count together"),
    _("What one customer gets in linked and other complaints within this time counts together against the limit."),
)
