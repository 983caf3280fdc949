"""What the kill rounds work on; `make` runs inside the stack, by its `manage shell`."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from foundation.common import clock
from foundation.policies.services import set_policy
from outreach.services import owe_followup, queue_message
from staff.models import User
from tests.factories import (
    ContactPointFactory,
    CustomerFactory,
    TeamFactory,
    TeamMemberFactory,
    UnitFactory,
    UserFactory,
)

MESSAGES = 40
PROMISES = 24
OVERDUE = 6
# Far enough apart that no promise of the rounds themselves grows old enough for the lead.
TO_LEAD, LONG_OVERDUE = timedelta(hours=2), timedelta(hours=3)


def make(number: int, seconds: float) -> None:
    """Promises falling due and messages to leave, spread over so many seconds from now; some promises overdue already,
    so that the lead is told too. `number` keeps the rounds on one database apart."""
    with transaction.atomic():
        agent, lead = _staff(number)
        set_policy("outreach.followup.to_lead_after", TO_LEAD, actor=lead)
        customer = CustomerFactory(unit=agent.unit, number=f"CU2026K{number:08d}")
        ContactPointFactory(customer=customer, kind="EMAIL", value=f"customer-{number}@example.test")
        now = clock.now()
        for at in range(PROMISES + OVERDUE):
            due = now - LONG_OVERDUE if at >= PROMISES else now + timedelta(seconds=at * seconds / PROMISES)
            owe_followup(
                customer=customer,
                kind="CALLBACK",
                owner=agent,
                due_at=due,
                subject=f"Ring back {at}",
                actor=None,
                dedupe_key=f"round-{number}-{at}",
            )
        for at in range(MESSAGES):
            queue_message(
                customer=customer,
                message_class="SERVICE",
                template="callback_promised",
                params={"number": f"CB{number}-{at}", "due_at": now.isoformat()},
                dedupe_key=f"round-{number}-message-{at}",
                channel="EMAIL",
                not_before=now + timedelta(seconds=at * seconds / MESSAGES),
                urgent=True,  # at any hour: the rounds run when somebody tests
            )


def _staff(number: int) -> tuple[User, User]:
    unit = UnitFactory(code=f"K{number}", no=10_000 + number * 10)
    made = [
        UserFactory(
            username=f"{role.lower()}-{number}",
            staff_no=f"{role[0]}{number:05d}",
            role=role,
            unit=unit,
            email=f"{role.lower()}-{number}@example.test",
        )
        for role in ("AGENT", "TEAM_LEAD")
    ]
    agent, lead = made
    TeamMemberFactory(team=TeamFactory(lead=lead, name=f"Team {number}"), user=agent)
    return agent, lead
