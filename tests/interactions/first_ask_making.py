"""A hall with a lead and two agents, and a matter somebody left open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from customers.models import Customer
from foundation.common import clock
from foundation.common.errors import RuleBroken
from interactions.models import Matter, MatterMove
from interactions.services import NextAction, quick_log
from outreach.models import Notification, OutMessage
from staff.models import Team, User
from tests.factories import ContactPointFactory, CustomerFactory, TeamFactory, TeamMemberFactory, UserFactory


@dataclass
class Hall:
    lead: User
    agent: User
    mate: User
    team: Team
    customer: Customer


def make_hall(**more: Any) -> Hall:
    """People of one team in one unit, and a customer of it with a mobile number."""
    lead = UserFactory(role="TEAM_LEAD", **more)
    team = TeamFactory(lead=lead)
    agent, mate = (UserFactory(role="AGENT", unit=lead.unit) for _ in range(2))
    for member in (agent, mate):
        TeamMemberFactory(team=team, user=member)
    customer = CustomerFactory(unit=lead.unit, language="en")
    ContactPointFactory(customer=customer)
    return Hall(lead, agent, mate, team, customer)


def leave_open(
    hall: Hall, *, by: User | None = None, handler: User | None = None, hours: float = 4, **more: Any
) -> Matter:
    """A contact that ends with "we act and report back": its first-ask matter."""
    by = by or hall.agent
    action = NextAction("CALLBACK", handler or by, clock.now() + timedelta(hours=hours), "roaming fee")
    contact = quick_log(
        actor=by,
        customer=hall.customer,
        **({"summary": "asks about a roaming fee", "result": "FOLLOW_UP", "next_action": action} | more),
    )
    return Matter.objects.get(contact=contact)


def refused(code: str, act: Callable[..., Any], *args: Any, **more: Any) -> None:
    """The act is refused with this code."""
    with pytest.raises(RuleBroken) as no:
        act(*args, **more)
    assert no.value.code == code


def acts(matter: Matter) -> list[str]:
    return list(MatterMove.objects.filter(matter=matter).order_by("pk").values_list("act", flat=True))


def bells(user: Any) -> list[str]:
    return list(Notification.objects.filter(user=user).order_by("pk").values_list("kind", flat=True))


def told(matter: Matter) -> list[tuple[str, str]]:
    return list(
        OutMessage.objects.filter(customer=matter.customer).order_by("pk").values_list("template", "message_class")
    )
