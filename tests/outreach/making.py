"""Small makers for the tests of outreach."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from customers.models import Customer
from foundation.common import clock
from outreach.models import FollowUp, OutMessage
from outreach.services import owe_followup, queue_message
from outreach.wording import MessageTemplate, register_template
from staff.models import User
from tests.factories import ContactPointFactory, CustomerFactory, TeamFactory, TeamMemberFactory, UserFactory

MORNING = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)  # Tuesday, 10:00 in Beijing
ANY = register_template(
    MessageTemplate(
        "callback_promised_any",
        "Any",
        version=3,
        classes=frozenset({"SERVICE", "REMINDER", "CARE", "MARKETING", "SURVEY"}),
    )
)


def reachable(**fields: Any) -> Customer:
    """A customer with a mobile number and an e-mail address."""
    customer = CustomerFactory(**fields)
    ContactPointFactory(customer=customer, value="13900001111")
    ContactPointFactory(customer=customer, kind="EMAIL", value="li@example.test")
    return customer


def queue(customer: Customer, key: str = "k", **more: Any) -> OutMessage | None:
    fields: dict[str, Any] = {
        "message_class": "SERVICE",
        "template": "callback_promised",
        "params": {"number": "CB1", "due_at": "2026-11-24T12:00:00+08:00"},
    }
    return queue_message(customer=customer, dedupe_key=key, **(fields | more))


def team_of_two() -> tuple[User, User]:
    """An agent with e-mail and the lead of the agent's team."""
    lead = UserFactory(role="TEAM_LEAD", email="lead@example.test", language="en")
    agent = UserFactory(role="AGENT", email="agent@example.test", language="en", unit=lead.unit)
    TeamMemberFactory(team=TeamFactory(lead=lead), user=agent)
    return agent, lead


def owe(owner: User, *, minutes: float = 60, **more: Any) -> FollowUp:
    fields: dict[str, Any] = {"customer": None, "kind": "CALLBACK", "subject": "Ring back", "actor": owner}
    return owe_followup(owner=owner, due_at=clock.now() + timedelta(minutes=minutes), **(fields | more))


def queries(client: Client, url: str) -> int:
    """How many queries the fragment of a page costs, asked for the second time.

    Left out: the stamp of the policies, asked at most every two seconds, and the session, read from the database when
    the shared cache was emptied by somebody else's test.
    """
    client.get(url, headers={"HX-Request": "true"})
    with CaptureQueriesContext(connection) as seen:
        assert client.get(url, headers={"HX-Request": "true"}).status_code == 200
    by_chance = ("policies_policysetting", "django_session")
    return len([one for one in seen.captured_queries if not any(name in one["sql"] for name in by_chance)])


def state(message: OutMessage | None) -> tuple[str, str]:
    assert message is not None
    message.refresh_from_db()
    return message.state, message.reason
