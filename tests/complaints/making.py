"""Small makers for the tests of complaints."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from complaints.lifecycle import ENDED, State
from complaints.models import Complaint
from foundation.common import clock
from tests.complaints.cases import cause
from tests.factories import CustomerFactory, UserFactory

_count = iter(range(500_001, 10**6))  # beside the numbers the product draws


def case_in(state: str = State.INVESTIGATING, **fields: Any) -> Complaint:
    """A case that stands in `state`, as if it had come there: nothing of what leads there was done."""
    now = clock.now()
    handler = fields.pop("handler", None)
    owner = fields.pop("owner", None) or handler or UserFactory(role="COMPLAINT_HANDLER")
    unit = fields.pop("work_unit", None) or (handler or owner).unit
    if "customer" not in fields:
        fields["customer"] = CustomerFactory(unit=owner.unit, language="en")
    given: dict[str, Any] = {
        "number": f"CP{clock.today():%Y%m%d}{next(_count):06d}",
        "channel": "HOTLINE",
        "received_at": now - timedelta(hours=1),
        "subject": "Signal weak at home",
        "text": "Only one bar since this morning.",
        "owner": owner,
        "handler": handler,
        "work_unit": unit,
        "unit_no": owner.unit.no,
        "work_unit_no": unit.no,
        "public_code": f"code{next(_count)}",
        "next_due_at": now + timedelta(hours=2),
        "service_due_at": now + timedelta(hours=20),
        "statutory_due_at": now + timedelta(days=14),
    }
    if state in ENDED:
        given |= {"closed_at": now, "next_due_at": None, "service_due_at": None, "statutory_due_at": None}
    if state == State.CLOSED:
        given |= {"cause": cause(), "responsible_unit": unit, "solved": "YES"}
    if state == State.MERGED:
        given["merged_into"] = case_in(owner=owner)
    if state == State.PAUSED:
        given["pause_reason"] = "CUSTOMER_INFO"
    return Complaint.objects.create(state=state, **(given | fields))
