"""Customers of a high tier are taken up faster: shorter limits put them ahead in the queue, and say why (D§9.6)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from complaints.lifecycle import OWNER_KIND, Grade, State
from complaints.models import Complaint
from complaints.services.assessing import acknowledge_complaint, assess_complaint
from complaints.services.working import assign_complaint
from customers.models import CustomerFacts
from foundation.calendars.clock_queries import open_clock
from foundation.policies.services import set_policy
from interactions.models import Topic
from staff.models import User
from tests.complaints.cases import Office, case, moment, office, on

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]


def given(at: Office, tier: str, grade: str = Grade.ORDINARY) -> Complaint:
    """A case of such a customer, taken, assessed and given to the handler just now."""
    one = case(at, State.REGISTERED)
    CustomerFacts.objects.update_or_create(customer=one.customer, defaults={"tier": tier})
    acknowledge_complaint(one.pk, actor=at.boss)
    waiting = open_clock(OWNER_KIND, one.pk, "assess")
    assert waiting is not None
    assert waiting.policy_key == (
        "complaints.assess_gold" if tier in ("GOLD", "DIAMOND") else "complaints.assess_hours"
    )
    topic = Topic.objects.get(code="BILLING.AMOUNT")
    reason = "SAFETY" if grade == Grade.MAJOR else ""
    assess_complaint(one.pk, actor=at.boss, topic=topic, grade=grade, grade_reason=reason)
    assign_complaint(one.pk, actor=at.boss, to=at.handler)
    return Complaint.objects.get(pk=one.pk)


@pytest.mark.covers("INT-05")
def test_gold_customers_stand_before_others_and_the_clock_says_why(client_for: ClientFor) -> None:
    with on(2, 10):
        at = office()
        ordinary, silver = given(at, "ORDINARY"), given(at, "SILVER")
        gold, diamond = given(at, "GOLD"), given(at, "DIAMOND")
        grave = given(at, "GOLD", Grade.MAJOR)
        assert [one.next_due_at for one in (ordinary, silver)] == [moment(2, 12)] * 2
        assert [one.next_due_at for one in (gold, diamond)] == [moment(2, 11)] * 2
        assert grave.next_due_at == moment(2, 10, 30)  # graver is graver than gold
        page = client_for(at.handler).get("/complaints/?view=mine")
        shown = [row.number for row in page.context["page"].items]
        assert shown == [one.number for one in (grave, gold, diamond, ordinary, silver)]
        assert "Diamond" in page.content.decode()
        accept = open_clock(OWNER_KIND, gold.pk, "accept")
        assert accept is not None and accept.policy_key == "complaints.accept_gold"
        set_policy("complaints.accept_gold", 2, actor=at.boss)
        assert given(at, "GOLD").next_due_at == moment(2, 12)
