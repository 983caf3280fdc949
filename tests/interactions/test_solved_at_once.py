"""Solved in the first contact: the nightly verdicts equal their per-contact twin, and every figure a naive recount."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from foundation.common import clock
from foundation.common.ids import first_id_at
from foundation.jobs.running import claim_and_run
from foundation.jobs.services import start_job
from interactions import judging
from interactions.figure_queries import figure_lines, period_of, sum_line, verdict_rows
from interactions.models import ContactFigure, ContactVerdict, Interaction, Topic
from interactions.services import quick_log
from staff.models import User
from tests.factories import CustomerFactory, UnitFactory, UserFactory
from tests.interactions.figures_making import DAY, WEEK, contact, drawn, judge, naive
from tests.interactions.first_ask_making import refused
from tests.outreach.making import MORNING

pytestmark = pytest.mark.django_db
Travel = Callable[[datetime], AbstractContextManager[None]]


def said(row: Interaction) -> tuple[str, list[str]]:
    verdict = ContactVerdict.objects.get(pk=row.pk)
    return verdict.state, verdict.reasons


@pytest.fixture
def agent() -> User:
    return UserFactory(role="AGENT")


@pytest.mark.covers("HND-07")
def test_solved_means_agreed_first_and_not_again_within_seven_days(agent: User) -> None:
    fee = Topic.objects.get(code="BILLING.AMOUNT")
    old = MORNING - 20 * DAY

    def one(at: datetime = old, **more: Any) -> Interaction:
        return contact(agent, CustomerFactory(unit=agent.unit), at, **more)

    fine, complaint = one(), one(kind="COMPLAINT", result="RESOLVED", agreed=True)
    unsolved, disagreed = one(kind="COMPLAINT"), one(agreed=False)
    again = one(topic=fee)
    second = contact(agent, again.customer, again.ended_at + WEEK, topic=fee, kind="COMPLAINT", result="RESOLVED")
    late = one(topic=fee)
    contact(agent, late.customer, late.ended_at + WEEK + timedelta(seconds=1), topic=fee)
    other = one(topic=fee)
    contact(agent, other.customer, old + DAY, topic=Topic.objects.get(code="NETWORK.SPEED"))
    ours = one(topic=fee)
    contact(agent, ours.customer, old + DAY, topic=fee, direction="OUTBOUND", kind="CALLBACK")
    fresh = one(MORNING - DAY)
    for nobody in (one(kind="PRAISE"), one(direction="OUTBOUND")):
        assert judging.verdict_of(nobody, MORNING) is None
    judge()
    assert said(fine) == said(complaint) == said(late) == said(other) == said(ours) == ("SOLVED", [])
    assert said(unsolved) == ("NOT_SOLVED", ["NOT_SOLVED"])
    assert said(disagreed) == ("NOT_SOLVED", ["NOT_AGREED"])
    assert said(again) == ("NOT_SOLVED", ["CAME_AGAIN"])
    assert ContactVerdict.objects.get(pk=again.pk).again_id == second.pk
    assert said(second) == ("NOT_SOLVED", ["NOT_FIRST"])
    assert said(fresh) == ("PENDING", [])


@pytest.mark.covers("HND-07")
def test_the_nightly_statement_the_twin_and_a_naive_recount_agree_and_figures_open_their_rows() -> None:
    unit = UnitFactory()
    staff = [UserFactory(role="AGENT", unit=unit), UserFactory(role="AGENT", unit=unit)]
    elsewhere = UserFactory(role="AGENT")
    lead = UserFactory(role="TEAM_LEAD", unit=unit)
    rows = drawn(7, [*staff, elsewhere])
    judge(clock.today(MORNING) - 70 * DAY)
    expected = naive(rows, MORNING)
    assert dict(ContactVerdict.objects.values_list("pk", "state")) == expected
    for row in rows:
        twin = judging.verdict_of(row, MORNING)
        stored = ContactVerdict.objects.filter(pk=row.pk).first()
        assert (twin is None) == (stored is None)
        if twin is not None and stored is not None:
            assert (stored.state, tuple(stored.reasons), stored.again_id) == (twin.state, twin.reasons, twin.again_id)
    period = period_of(clock.today(MORNING) - 45 * DAY, clock.today(MORNING) - DAY)
    mine = [
        row
        for row in rows
        if row.pk in expected
        and row.unit_no == unit.no
        and period.first <= row.started_at.astimezone(clock.BUSINESS_ZONE).date() <= period.last
    ]
    keys: dict[str, Callable[[Interaction], Any]] = {
        "day": lambda row: row.started_at.astimezone(clock.BUSINESS_ZONE).date(),
        "unit": lambda row: row.unit_no,
        "channel": lambda row: row.channel,
        "person": lambda row: row.staff_id,
        "kind": lambda row: row.kind,
    }
    for by, key in keys.items():
        lines = figure_lines(lead, period, by)
        assert {line.key for line in lines} == {key(row) for row in mine}
        for line in lines:
            behind = [row for row in mine if key(row) == line.key]
            solved = [row for row in behind if expected[row.pk] == "SOLVED"]
            pending = [row for row in behind if expected[row.pk] == "PENDING"]
            assert (line.total, line.solved, line.pending) == (len(behind), len(solved), len(pending))
            assert line.complaints == len([row for row in solved if row.kind == "COMPLAINT"])
            assert set(verdict_rows(lead, period, {by: line.key}).values_list("pk", flat=True)) == {
                r.pk for r in behind
            }
            opened = verdict_rows(lead, period, {by: line.key, "state": "SOLVED"})
            assert set(opened.values_list("pk", flat=True)) == {row.pk for row in solved}
        whole = sum_line(lead, period, "all")
        judged = [row for row in mine if expected[row.pk] != "PENDING"]
        good = [row for row in judged if expected[row.pk] == "SOLVED"]
        assert (whole.judged, whole.solved) == (len(judged), len(good))
        over = [row for row in judged if keys["day"](row) <= clock.today(MORNING) - 8 * DAY]
        well = [row for row in over if expected[row.pk] == "SOLVED"]
        assert (whole.settled, whole.share) == (len(over), round(100 * len(well) / len(over), 1))
        assert len(well) < len(good) or len(over) < len(judged)


def test_a_second_night_writes_only_what_changed_and_late_notes_count(agent: User, travel: Travel) -> None:
    customer = CustomerFactory(unit=agent.unit)
    first = contact(agent, customer, MORNING - 3 * DAY)
    assert judge() == 1
    assert judge() == 0
    with travel(MORNING + 5 * DAY):
        assert judge() == 1
        assert said(first) == ("SOLVED", [])
        contact(agent, customer, MORNING + DAY)
        assert judge() == 2
        assert said(first) == ("NOT_SOLVED", ["CAME_AGAIN"])
    assert ContactFigure.objects.get(day=clock.today(first.started_at)).solved == 0


def test_what_is_frozen_stays(agent: User, travel: Travel) -> None:
    september = MORNING - 70 * DAY
    row = contact(agent, CustomerFactory(unit=agent.unit), september)
    judge(clock.today(september))
    assert said(row) == ("SOLVED", [])
    Interaction.objects.filter(pk=row.pk).update(result="NO_RESULT")
    judge()
    assert said(row) == ("SOLVED", [])
    assert judging.first_open_day(date(2026, 11, 24), WEEK) == date(2026, 11, 1)
    assert judging.first_open_day(date(2026, 12, 5), WEEK) == date(2026, 11, 1)
    assert judging.first_open_day(date(2026, 12, 6), WEEK) == date(2026, 11, 27)
    assert judging.first_open_day(date(2026, 12, 20), WEEK) == date(2026, 12, 1)


@pytest.mark.django_db(transaction=True)
def test_the_job_broken_off_and_run_again_gives_the_same() -> None:
    staff = [UserFactory(role="AGENT")]
    rows = drawn(11, staff)
    run = start_job("interactions.judge_contacts", actor=None)
    with connection.cursor() as cursor:  # some hours were judged when the worker died
        judging.judge_chunk(cursor, None, first_id_at(MORNING - 20 * DAY), first_id_at(MORNING - 9 * DAY))
    assert claim_and_run(run.pk) is True
    expected = naive(rows, MORNING)
    open_from = first_id_at(clock.business_midnight(date(2026, 11, 1)) - DAY)
    assert dict(ContactVerdict.objects.values_list("pk", "state")) == {
        pk: state for pk, state in expected.items() if pk >= open_from
    }
    total = sum(ContactFigure.objects.filter(day__gte=date(2026, 11, 1)).values_list("total", flat=True))
    assert total == ContactVerdict.objects.filter(day__gte=date(2026, 11, 1)).count()


def test_the_statement_reads_contacts_by_key_only(agent: User) -> None:
    customers = [CustomerFactory(unit=agent.unit) for _ in range(60)]
    moments = [MORNING - timedelta(minutes=30 * number) for number in range(4_000)]
    fields = {"staff": agent, "first_ask_owner": agent, "unit_no": 1, "channel": "APP", "caller": "CUSTOMER"}
    Interaction.objects.bulk_create(
        Interaction(
            id=first_id_at(at),
            number=f"INP{number}",
            customer=customers[number % 60],
            started_at=at,
            ended_at=at,
            logged_at=at,
            opens_until=at,
            result="ANSWERED",
            **fields,
        )
        for number, at in enumerate(moments)
    )
    given = {
        "lo": first_id_at(MORNING - 20 * DAY),
        "hi": first_id_at(MORNING - 20 * DAY + timedelta(hours=1)),
        "now": MORNING,
        "within": WEEK,
        "days": 7,
        "slack": DAY,
        "zone": "Asia/Shanghai",
        "kinds": ["CONSULT"],
    }
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE interactions_interaction")
        cursor.execute("EXPLAIN " + judging._JUDGE, given)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan" not in plan
    assert plan.count("interactions_interaction_pkey on interactions_interaction i ") == 1
    assert plan.count("contact_customer on interactions_interaction o") >= 2


def test_an_amount_above_the_own_limit_or_split_over_contacts_is_refused(agent: User) -> None:
    from decimal import Decimal

    customer = CustomerFactory(unit=agent.unit)
    fee = Topic.objects.get(code="BILLING.AMOUNT")

    def settle(amount: str, topic: Topic | None = fee) -> Interaction:
        return quick_log(
            actor=agent,
            customer=customer,
            summary="fee waived",
            kind="COMPLAINT",
            topic=topic,
            result="RESOLVED",
            settled=Decimal(amount),
        )

    refused("contact.over_limit", settle, "50.01")
    refused("contact.bad_amount", settle, "-1")
    refused("contact.bad_amount", settle, "1.005")
    assert settle("30").settled == Decimal("30")
    refused("contact.over_limit", settle, "20.01")
    settle("20.00")
    settle("50", None)
    assert Interaction.objects.count() == 3
    refused(
        "contact.not_agreed", quick_log, actor=agent, customer=customer, summary="x", result="RESOLVED", agreed=False
    )
