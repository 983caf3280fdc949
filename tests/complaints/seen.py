"""What a case left behind, as tests look at it: messages, bells, clocks; and how they assess one or name a measure."""

from __future__ import annotations

from complaints.models import Complaint
from complaints.services import assessing
from foundation.calendars.models import Clock
from foundation.common import clock
from interactions.models import Topic
from outreach.models import Notification, OutMessage
from staff.models import User
from tests.complaints.cases import moment


def told(one: Complaint) -> list[str]:
    """The wordings of the messages to the customer, in their order."""
    rows = OutMessage.objects.filter(customer_id=one.customer_id).order_by("pk")
    return [row.template.removeprefix("complaint_") for row in rows]


def rung(person: User) -> list[str]:
    return list(Notification.objects.filter(user=person).order_by("pk").values_list("kind", flat=True))


def clocks(one: Complaint) -> dict[str, str]:
    """The newest clock of each kind: its state and due moment in words."""
    rows = Clock.objects.filter(owner_kind="CASE", owner_id=one.pk).order_by("pk")
    zone = clock.BUSINESS_ZONE
    return {
        row.kind: f"{row.state} {row.due_at.astimezone(zone):%d %H:%M}" if row.due_at else row.state for row in rows
    }


def measure(owner: User, kind: str = "EXPLAIN", amount: str | None = None, day: int = 6) -> dict[str, object]:
    return {
        "kind": kind,
        "text": "Do it",
        "owner": owner,
        "due_at": moment(day),
        **({"amount": amount} if amount else {}),
    }


def assess(one: Complaint, actor: User, **how: str) -> Complaint:
    how = {"grade": "ORDINARY", **how}
    return assessing.assess_complaint(one.pk, actor=actor, topic=Topic.objects.get(code="BILLING.AMOUNT"), **how)
