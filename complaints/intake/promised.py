"""The times a complainant is promised, worked out before the complaint is taken, each with its reason (D§10.3-10.5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from complaints.lifecycle import ClockKind, Grade, Path
from complaints.models import Complaint
from complaints.rules import Rule
from complaints.services.clocks import ACKNOWLEDGED_LATER, CaseClocks
from foundation.calendars.limits import Limit, Runs, Unit
from foundation.calendars.queries import calendar_for
from foundation.common.errors import RuleBroken
from foundation.policies.registry import definition
from staff.models import OrgUnit

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class PromisedTime:
    """One time: what for, when (None: at once), and why then, in words."""

    kind: str
    label: str
    at: datetime | None
    why: str


def promised_times(
    *,
    channel: str,
    unit: OrgUnit,
    now: datetime,
    received_at: datetime | None = None,
    grade: str = Grade.ORDINARY,
    path: str = Path.SIMPLE,
) -> list[PromisedTime]:
    """What is promised when a complaint is taken at `now` for the pool of `unit`: acknowledgement, first contact,
    answer by the service limit, answer by the law. A limit that can never be reached (a calendar without hours) is left
    out."""
    received = min(received_at or now, now)
    # A case that is nowhere: as a record of the past it has no clocks to read.
    case = Complaint(
        channel=channel, work_unit=unit, grade=grade, path=path, received_at=received, source="preview", id=0
    )
    clocks = CaseClocks(case, at=now, actor=None)
    found = []
    if channel in ACKNOWLEDGED_LATER:
        rule = clocks.duty(ClockKind.ACKNOWLEDGE)
        found.append(_promise("acknowledge", _("Confirmation of receipt"), rule, now))
    else:
        words = _("What comes live or by the web is confirmed at once.")
        found.append(PromisedTime("acknowledge", _("Confirmation of receipt"), None, words))
    found.append(_promise("first_contact", _("First contact"), clocks.duty(ClockKind.FIRST_CONTACT), now))
    found.append(_promise("service", _("Answer, by our limit"), clocks.service(), now))
    found.append(_promise("statutory", _("Answer, by law at the latest"), clocks.statutory(received), received))
    return [promise for promise in found if promise is not None]


def _promise(kind: str, label: str, rule: Rule, start: datetime) -> PromisedTime | None:
    try:
        limit = Limit(rule.target, rule.runs, calendar_for(rule.calendar) if rule.calendar else None)
        due = limit.day_end(start) if rule.target.unit == Unit.DAY_END else limit.after(start, limit.amount())
    except RuleBroken:
        return None
    return PromisedTime(kind, label, due, _why(rule))


def _why(rule: Rule) -> str:
    """The rule behind a limit in a sentence, with the name of the setting it comes from."""
    said: dict[str, Any] = {"n": rule.target.amount, "rule": definition(rule.key).title}
    if rule.target.unit == Unit.DAY_END:
        return _("%(rule)s: the end of day %(n)s after the day of receipt. This clock never pauses.") % said
    if rule.target.unit == Unit.WORKING_DAYS:
        return _("%(rule)s: working days: %(n)s.") % said
    if rule.target.unit == Unit.CALENDAR_DAYS:
        return _("%(rule)s: days: %(n)s.") % said
    hours, rest = divmod(rule.target.amount, 60)
    said["span"] = f"{hours}:{rest:02d}"
    if rule.runs == Runs.WORKING:
        return _("%(rule)s: %(span)s hours of working time.") % said
    return _("%(rule)s: %(span)s hours, day and night.") % said
