"""What the clock asks every ten seconds, and the lists, go by index: the plan is checked, not only the result."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from foundation.common import clock
from foundation.common.paging import first_of, keyset_page
from outreach import delivery
from outreach.models import FollowUp, OutMessage
from outreach.queries import closed_streams, followups_in_view, messages_of
from tests.factories import CustomerFactory, UnitFactory, UserFactory
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
        {"now": now, "lease": now, "floor": delivery.message_floor(now), "size": 50, "channel": "SMS"},
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


@pytest.fixture
def halls(travel: Callable[[datetime], AbstractContextManager[None]]) -> list[Any]:
    """Heads of two halls, one with four closed follow-ups among four thousand of others and one with none."""
    with travel(MORNING):
        units = [UnitFactory(code=f"H{n}", no=500 + n) for n in range(20)]
        heads = [UserFactory(role="DEPT_HEAD", unit=units[n]) for n in (0, 1)]
        other = UserFactory(unit=units[2])
        FollowUp.objects.bulk_create(
            FollowUp(
                number=f"CB20261124{n:06d}",
                kind="TASK" if n in (7, 8) else "CALLBACK",
                subject="x",
                owner=heads[0] if n == 9 else other,
                unit_no=units[0].no if n in (1, 3_000, 8, 10) else units[2 + n % 18].no,
                due_at=MORNING,
                state="DONE",
                closed_at=MORNING - timedelta(minutes=n),
            )
            for n in range(4_000)
        )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE outreach_followup")
        yield heads


def visited(rows: Any) -> int:
    """Follow-ups read, those a filter threw away included."""
    sql, parameters = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters)
        nodes, count = [cursor.fetchone()[0][0]["Plan"]], 0
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", [])
        if node.get("Relation Name") == "outreach_followup":
            count += (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    return int(count)


@pytest.mark.django_db
def test_the_head_of_a_hall_sees_what_was_closed_without_a_walk_through_all_other_halls(halls: list[Any]) -> None:
    head, idle = halls
    rows, streams = closed_streams(head)
    first = keyset_page(rows, after=None, size=3, streams=streams)
    second = keyset_page(rows, after=first.next_cursor, size=3, streams=streams)
    shown = first.items + second.items
    assert [row.number[-4:] for row in shown] == ["0001", "0008", "0009", "0010", "3000"]
    assert [row.pk for row in shown] == [row.pk for row in followups_in_view(head, "closed")]
    assert visited(first_of(rows, streams, 51)) == 2 * 5  # for their keys, and for what is shown
    assert visited(first_of(*closed_streams(idle), 51)) == 0


@pytest.mark.django_db
def test_a_rare_kind_is_found_without_a_walk_through_all_others(halls: list[Any]) -> None:
    everybody = UserFactory(role="GM", unit=halls[0].unit)
    rows, streams = closed_streams(everybody)
    tasks = first_of(rows.filter(kind="TASK"), streams, 51)
    assert [row.number[-1] for row in tasks] == ["7", "8"]
    assert visited(tasks) == 2
