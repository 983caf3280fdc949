"""What goes out because of a mark: e-mails to those it went up to, and an apology with a new date to the customer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from complaints.lifecycle import ClockKind
from complaints.models import Complaint
from complaints.services.ground import tell_customer
from complaints.services.speaking import tell_speakers
from complaints.watching.rows import Raised
from foundation.calendars.models import ClockMark
from foundation.calendars.queries import calendar_for
from foundation.calendars.working_time import add_working, working_days
from foundation.policies.reading import policy
from outreach.lifecycle import Channel, MessageClass
from outreach.services import queue_messages, queue_staff_messages
from staff.models import OrgUnit

FAR_ABOVE = 150  # per cent of the service limit: by then a late answer is promised


def mail_superiors(raised: Sequence[Raised]) -> None:
    """Misses and grave cases also go by e-mail."""
    queue_staff_messages(
        [
            (
                told.person_id,
                {
                    "number": one.case.number,
                    "case_id": str(one.case.id),
                    "due_at": one.limit_at.isoformat() if one.limit_at else "",
                },
                f"complaint-escalation-{one.id}-{told.person_id}",
            )
            for one in raised
            for told in one.told
            if told.tell_at is not None
        ],
        template="complaint_missed",
    )


_LATE = """
SELECT c.customer_id, u.unit_no, 'complaint_late-' || r.key AS dedupe_key, r.params, NULL::timestamptz AS not_before,
       r.expires_at
FROM unnest(%(cases)s::bigint[], %(keys)s::text[], %(params)s::jsonb[], %(until)s::timestamptz[])
  AS r(id, key, params, expires_at)
JOIN complaints_complaint p ON p.id = r.id
JOIN complaints_complaint c ON (c.id = p.id OR (p.is_parent AND c.parent_id = p.id AND c.closed_at IS NULL))
JOIN customers_customer u ON u.id = c.customer_id
WHERE c.source = '' AND (c.channel = 'EMAIL') = %(by_mail)s
"""


def tell_customers(late: Sequence[Raised], now: datetime) -> None:
    """An apology with the new date to the customer of a late case; of a group to all its members (D§24, 26). Dropped
    when it could not leave before the date it names."""
    if not late:
        return
    given, dates = [], _new_dates(late, now)
    for one in late:
        new_date = dates[one.id]
        params = {"number": one.case.number, "case_id": str(one.case.id), "due_at": new_date.isoformat()}
        given.append((one.case.id, f"{one.case.id}-{one.id}", json.dumps(params), new_date))
    cases, keys, told, until = (list(column) for column in zip(*given, strict=True))
    for by_mail in (False, True):
        queue_messages(
            _LATE,
            {"cases": cases, "keys": keys, "params": told, "until": until, "by_mail": by_mail},
            message_class=MessageClass.SERVICE,
            template="complaint_late",
            channel=Channel.EMAIL if by_mail else Channel.SMS,
        )
    Complaint.objects.filter(pk__in=cases, customer__isnull=False).update(last_told_at=now)
    tell_speakers("complaint_late", given)
    for one in late:
        if one.case.customer_id is None and not one.case.is_parent:  # complained without being a customer
            case = Complaint.objects.select_related("owner", "handler", "customer").get(pk=one.case.id)
            at = dates[one.id]
            tell_customer(
                case,
                "complaint_late",
                key=str(one.id),
                actor=None,
                expires_at=at,
                due_at=at.isoformat(),
                case_id=str(case.pk),
            )


def _new_dates(late: Sequence[Raised], now: datetime) -> dict[int, datetime]:
    """By when each late answer is promised: when 150 % of the limit are over; if they are, a working day from now."""
    far = ClockMark.objects.filter(
        clock__in={one.clock_id for one in late if one.kind == ClockKind.SERVICE and one.clock_id},
        unit="P",
        amount=FAR_ABOVE,
        passed_at=None,
        due_at__gt=now,
    )
    ahead = dict(far.values_list("clock_id", "due_at"))
    units = OrgUnit.objects.in_bulk({one.case.work_unit_id for one in late})
    by_unit = {key: _in_days(unit, now) for key, unit in units.items()}
    return {one.id: ahead.get(one.clock_id or 0) or by_unit[one.case.work_unit_id] for one in late}


def _in_days(unit: OrgUnit, now: datetime) -> datetime:
    calendar = calendar_for(unit.calendar_code)
    return add_working(now, working_days(policy("complaints.late.answer_in_days", unit=unit), calendar), calendar)
