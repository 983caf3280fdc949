"""May this message leave now? One pure decision over its inputs, asked at the moment of sending (D§5.6-5.9).

Nothing here reads a clock or a table: `outreach.delivery` collects the inputs for real messages,
`manage gate_try` reads them from a file, tests write them down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_noop as _
from django.utils.translation import pgettext_lazy

from customers.models import ContactBlock, Customer
from customers.models.wishes import lies_in
from foundation.calendars.windows import DAY, Window
from foundation.common.clock import BUSINESS_ZONE
from foundation.common.explain import Explanation, register_codes
from outreach.lifecycle import MessageClass

LOOK_AHEAD_DAYS = 31
NEED_CONSENT = frozenset({MessageClass.CARE, MessageClass.MARKETING, MessageClass.SURVEY})
# What a time not wanted holds up: everything but service messages and notices the law demands.
MINDS_WISHES = NEED_CONSENT | {MessageClass.REMINDER}
# What a block stops whatever classes it names (D§5.3, D§5.9).
STOPPED_BY: dict[str, frozenset[str]] = {
    ContactBlock.Reason.MAJOR_COMPLAINT: frozenset({MessageClass.MARKETING}),
    ContactBlock.Reason.PORT_LOCK: frozenset({MessageClass.MARKETING}),
    ContactBlock.Reason.MOURNING: frozenset({MessageClass.MARKETING}),
    ContactBlock.Reason.PROTECTIVE: frozenset({MessageClass.MARKETING, MessageClass.CARE}),
}
ALL_DAY = (Window(0, DAY),)
NOT_TO_FORMER = frozenset({MessageClass.CARE, MessageClass.MARKETING})
NOT_ON_HOLIDAYS = frozenset({MessageClass.MARKETING})
CONSENT = {
    "GRANTED": pgettext_lazy("consent", "given"),
    "DENIED": pgettext_lazy("consent", "denied"),
    "WITHDRAWN": pgettext_lazy("consent", "withdrawn"),
    "EXPIRED": pgettext_lazy("consent", "over"),
    "UNKNOWN": pgettext_lazy("consent", "unknown"),
}


class Verdict(StrEnum):
    ALLOWED = "ALLOWED"
    WAIT = "WAIT"
    SUPPRESSED = "SUPPRESSED"


@dataclass(frozen=True)
class Block:
    """A contact block in force at the moment of the question."""

    reason: str
    classes: frozenset[str]


@dataclass(frozen=True)
class Unwanted:
    """A time the customer does not want: weekdays (0 Monday), minutes of the day in the business zone; over midnight
    when it ends before it starts, a whole day when it ends as it starts."""

    weekdays: frozenset[int]
    start: int
    end: int

    def covers(self, moment: datetime) -> bool:
        """Whether the moment lies in it."""
        return lies_in(moment, self.weekdays, self.start, self.end)


@dataclass(frozen=True)
class GateInput:
    """Everything the decision may depend on. `at`, `expires_at`: aware moments.

    `to_staff`: the recipient is one of us, whom quiet hours and consent do not concern. `legal`: a notice the
    law demands (suspension), which the customer cannot switch off. `urgent`: a service message for any hour.
    `windows`: class -> daily windows, no entry = any hour. `zones`: where the recipient is, the business zone
    included (D§1.1: all must allow). `holidays`: statutory holidays of the coming month, in the business zone.
    `unwanted`: times the customer does not want. `barred`: an address is on file, but marked not to be used.
    """

    message_class: str
    at: datetime
    to_staff: bool = False
    recipient_exists: bool = True
    status: str = "ACTIVE"
    minor: bool = False
    consent: str = "UNKNOWN"
    blocks: tuple[Block, ...] = ()
    has_address: bool = True
    barred: bool = False
    urgent: bool = False
    legal: bool = False
    expires_at: datetime | None = None
    windows: Mapping[str, tuple[Window, ...]] = field(default_factory=dict)
    zones: tuple[ZoneInfo, ...] = (BUSINESS_ZONE,)
    holidays: frozenset[date] = frozenset()
    unwanted: tuple[Unwanted, ...] = ()

    @property
    def wishes(self) -> tuple[Unwanted, ...]:
        """The times not wanted that this message minds."""
        return self.unwanted if self.message_class in MINDS_WISHES and not self.legal else ()


@dataclass(frozen=True)
class Decision:
    """`until` for WAIT, `reason` (a code of `OutMessage.Reason`) otherwise; `why` in the order of the questions."""

    verdict: Verdict
    why: Explanation
    until: datetime | None = None
    reason: str = ""


def decide(given: GateInput) -> Decision:
    """Allowed now, to wait until a moment, or never (held back with a reason). Pure; never raises."""
    why = Explanation()
    reason = _forbidden(given, why)
    if reason:
        return Decision(Verdict.SUPPRESSED, why, reason=reason)
    if given.to_staff:
        return Decision(Verdict.ALLOWED, why)
    return _timing(given, why)


def _forbidden(given: GateInput, why: Explanation) -> str:
    """The reason why it may never leave, or "" when only the hour is left to ask."""
    kind = given.message_class
    if given.expires_at is not None and given.expires_at <= given.at:
        why.add(
            "expires_at",
            _local(given.expires_at, given.zones[0]),
            "expiry",
            _("It had to leave before %(value)s: dropped, not sent late."),
            "D§1.10",
        )
        return "expired"
    if not given.recipient_exists:
        why.add("recipient", "", "recipient", _("The recipient is no longer there."))
        return "gone"
    if not given.has_address:
        if given.barred:
            words = _("What is on file for this channel is marked not to be used.")
            why.add("address", "BARRED", "address", words, "D§5.7")
        else:
            why.add("address", "", "address", _("There is no usable address for this channel."))
        return "no_address"
    if given.to_staff:
        why.add("recipient", "STAFF", "recipient", _("Written to a member of staff: hours and consent do not apply."))
        return ""
    return _customer_forbids(given, kind, why)


def _customer_forbids(given: GateInput, kind: str, why: Explanation) -> str:
    if given.status in {"DECEASED", "ANONYMISED"}:
        why.add("status", given.status, "status", _("The customer's status %(value)s stops every message."), "D§5.13")
        return "status"
    if given.status == "FORMER" and kind in NOT_TO_FORMER:
        why.add("status", given.status, "status", _("No care and no marketing to a former customer."), "D§26")
        return "status"
    if given.minor and kind == MessageClass.MARKETING:
        why.add("minor", True, "minor", _("No marketing to a minor."), "D§5.2")
        return "minor"
    for block in given.blocks:
        if kind not in block.classes | STOPPED_BY.get(block.reason, frozenset()):
            continue
        if given.legal and block.reason == "ASKED":
            why.add(
                "block",
                block.reason,
                "block",
                _("The customer switched this off, but the law demands this notice."),
                "D§5.7",
            )
            continue
        why.add("block", block.reason, "block", _("A block of contact holds: %(value)s."), "D§5.9")
        return "blocked"
    if kind in NEED_CONSENT:
        why.add(
            "consent",
            given.consent,
            "consent",
            _("Consent is %(value)s.")
            if given.consent == "GRANTED"
            else _("Consent is %(value)s; no answer is no consent."),
            "D§5.6",
        )
        if given.consent != "GRANTED":
            return "no_consent"
    else:
        why.add("class", kind, "consent", _("A message of class %(value)s needs no consent."), "D§5.7")
    return ""


def _timing(given: GateInput, why: Explanation) -> Decision:
    windows = given.windows.get(given.message_class, ())
    if (not windows and not given.wishes) or (given.urgent and given.message_class == MessageClass.SERVICE):
        why.add("hour", _local(given.at, given.zones[0]), "quiet hours", _("It may leave at any hour."), "D§5.8")
        return Decision(Verdict.ALLOWED, why)
    windows = windows or ALL_DAY
    shown = [str(window) for window in windows]
    moment = next_open(given, windows)
    if moment == given.at:
        why.add(
            "hour",
            _local(given.at, given.zones[0]),
            "quiet hours",
            _("%(value)s lies inside the allowed hours %(windows)s."),
            "D§5.8",
            windows=shown,
        )
        return Decision(Verdict.ALLOWED, why)
    if any(wish.covers(given.at) for wish in given.wishes):
        words = _("%(value)s lies in a time the customer does not want.")
        why.add("hour", _local(given.at, given.zones[0]), "wish", words, "D§5.7")
    else:
        why.add(
            "hour",
            _local(given.at, given.zones[0]),
            "quiet hours",
            _("%(value)s lies outside the allowed hours %(windows)s."),
            "D§5.8",
            windows=shown,
        )
    if moment is None:
        why.add("next", "", "quiet hours", _("No allowed hour comes in the next month."), "D§5.8")
        return Decision(Verdict.SUPPRESSED, why, reason="no_window")
    why.add("next", _local(moment, given.zones[0]), "quiet hours", _("The next allowed moment is %(value)s."), "D§5.8")
    if given.expires_at is not None and given.expires_at <= moment:
        why.add(
            "expires_at",
            _local(given.expires_at, given.zones[0]),
            "expiry",
            _("By then it has lost its meaning (%(value)s): dropped."),
            "D§5.8",
        )
        return Decision(Verdict.SUPPRESSED, why, reason="expires_before_window")
    return Decision(Verdict.WAIT, why, until=moment)


def next_open(given: GateInput, windows: Iterable[Window]) -> datetime | None:
    """The first moment from `given.at` on at which every zone allows; None when none comes within a month."""
    windows = tuple(windows)
    candidates = {given.at}
    for zone in given.zones:
        first = given.at.astimezone(zone).date()
        # After a holiday a window over midnight opens at 00:00, not at its start.
        minutes = {0, *(window.start for window in windows), *(wish.end for wish in given.wishes)}
        starts = {time(minute // 60, minute % 60) for minute in minutes}
        candidates |= {
            datetime.combine(first + timedelta(days=plus), start, tzinfo=zone).astimezone(given.at.tzinfo)
            for plus in range(LOOK_AHEAD_DAYS + 1)
            for start in starts
        }
    return next(
        (
            moment
            for moment in sorted(candidates)
            if moment >= given.at and all(_open(moment, zone, windows, given) for zone in given.zones)
        ),
        None,
    )


def _open(moment: datetime, zone: ZoneInfo, windows: tuple[Window, ...], given: GateInput) -> bool:
    local = moment.astimezone(zone)
    if given.message_class in NOT_ON_HOLIDAYS and moment.astimezone(BUSINESS_ZONE).date() in given.holidays:
        return False
    if any(wish.covers(moment) for wish in given.wishes):
        return False
    minute = local.hour * 60 + local.minute
    return any(start <= minute < end or start <= minute + DAY < end for start, end in windows)


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def register() -> None:
    """Name the codes of the gate's explanations."""
    register_codes("status", "status", dict(Customer.Status.choices))
    register_codes("block", "block", dict(ContactBlock.Reason.choices))
    register_codes("consent", "consent", CONSENT)
    register_codes("consent", "class", dict(MessageClass.choices))
