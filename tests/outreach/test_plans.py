"""What the clock asks every ten seconds, and the lists, go by index: the plan is checked, not only the result."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from foundation.common import clock
from outreach import delivery
from outreach.models import FollowUp, OutMessage
from outreach.queries import followups_in_view, messages_of
from tests.factories import CustomerFactory, UserFactory
from tests.outreach.making import MORNING, team_of_two

MONTH = f"outreach_message_{MORNING:%Y_%m}"  # the empty months beside it cost nothing


@pytest.fixture
def crowd(travel: Callable[[datetime], AbstractContextManager[None]]) -> Any:
    """Four thousand follow-ups and messages, nearly all of them over."""
    with travel(MORNING):
        agent, lead = team_of_two()
        customer = CustomerFactory(unit=agent.unit)
        owners = [agent, lead, *UserFactory.create_batch(18)]
        FollowUp.objects.bulk_create(
            FollowUp(
                number=f"CB20261124{n:06d}",
                kind="CALLBACK",
                subject="x",
                owner=owners[n % 20],
                unit_no=agent.unit.no,
                customer=customer,
                due_at=MORNING + timedelta(minutes=n),
                state="OPEN" if n % 37 == 0 else "DONE",
                closed_at=None if n % 37 == 0 else MORNING + timedelta(minutes=n),
                next_notice_at=MORNING + timedelta(minutes=n) if n % 37 == 0 else None,
            )
            for n in range(4_000)
        )
        OutMessage.objects.bulk_create(
            OutMessage(
                customer=customer,
                unit_no=customer.unit_no,
                message_class="SERVICE",
                channel="SMS",
                template="callback_promised",
                not_before=MORNING,
                state="queued" if n % 40 == 0 else "sent",
            )
            for n in range(4_000)
        )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE outreach_followup; ANALYZE outreach_message")
        yield agent, lead


def plan(sql: str, parameters: Any) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}", parameters)
        return "\n".join(line for (line,) in cursor.fetchall())


def plan_of(rows: Any) -> str:
    return plan(*rows.query.sql_with_params())


@pytest.mark.django_db
def test_claiming_messages_reads_the_index_of_what_is_due(crowd: Any) -> None:
    now = clock.now()
    text = plan(
        delivery._CLAIM,
        {"now": now, "lease": now, "floor": delivery.message_floor(now), "size": 50},
    )
    assert f"Seq Scan on {MONTH}" not in text
    assert f"on {MONTH}" in text


@pytest.mark.django_db
def test_what_the_clock_and_the_lists_ask_goes_by_index(crowd: Any) -> None:
    agent, lead = crowd
    now = clock.now()
    due = FollowUp.objects.notice_due(now).filter(next_level=0).order_by("next_notice_at", "pk")[:500]
    assert "followup_notice_due" in plan_of(due)
    for user, view in ((agent, "mine"), (lead, "all"), (agent, "pool"), (agent, "closed")):
        text = plan_of(followups_in_view(user, view)[:51])
        assert "Seq Scan on outreach_followup" not in text, text
    assert f"Seq Scan on {MONTH}" not in plan_of(messages_of(lead)[:51])
