"""Solved in the first contact: the nightly verdicts equal their per-contact twin, and every figure a naive recount."""

from __future__ import annotations

import html
import random
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from customers.merging.services import approve_merge, propose_merge
from foundation.common import clock
from foundation.common.ids import first_id_at
from foundation.jobs.running import claim_and_run
from foundation.jobs.services import start_job
from interactions import judging
from interactions.figure_queries import figure_lines, late_matters, matter_figures, period_of, sum_line, verdict_rows
from interactions.models import ContactFigure, ContactVerdict, Interaction, Matter, Topic
from interactions.services import answer_matter, quick_log
from staff.models import User
from tests.factories import CustomerFactory, UnitFactory, UserFactory
from tests.interactions.first_ask_making import leave_open, make_hall, refused
from tests.outreach.making import MORNING, queries

pytestmark = pytest.mark.django_db
Travel = Callable[[datetime], AbstractContextManager[None]]
ClientFor = Callable[[User], Client]
DAY = timedelta(days=1)
WEEK = 7 * DAY


def contact(staff: User, customer: Any, at: datetime, **more: Any) -> Interaction:
    """One logged contact of five minutes at a moment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT make_id(%s)", [at])
        key = cursor.fetchone()[0]
    fields = {
        "channel": "HOTLINE",
        "kind": "CONSULT",
        "result": "ANSWERED",
        "caller": "CUSTOMER",
        "direction": "INBOUND",
    } | more
    ended = at + timedelta(minutes=5)
    return Interaction.objects.create(
        id=key,
        number=f"INT{key}"[-24:],
        customer=customer,
        staff=staff,
        first_ask_owner=staff,
        unit_no=staff.unit.no,
        started_at=at,
        ended_at=ended,
        logged_at=ended,
        opens_until=ended,
        **fields,
    )


def judge(first: date | None = None) -> int:
    """What the job does, in this transaction."""
    now = clock.now()
    first = first or judging.first_open_day(clock.today(now), WEEK)
    with connection.cursor() as cursor:
        lo = first_id_at(clock.business_midnight(first) - DAY)
        written = judging.judge_chunk(cursor, None, lo, first_id_at(now) + 1)
    for number in range((clock.today(now) - first).days + 1):
        judging.count_day(first + number * DAY)
    return written


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


def drawn(seed: int, staff: list[User]) -> list[Interaction]:
    """Two months of contacts of a few customers, so that many come again."""
    draw = random.Random(seed)
    topics = [None, *Topic.objects.filter(code__in=["BILLING.AMOUNT", "NETWORK.SPEED"])]
    customers = [CustomerFactory(unit=staff[0].unit) for _ in range(25)]
    return [
        contact(
            draw.choice(staff),
            draw.choice([*customers, None]),
            MORNING - timedelta(minutes=draw.randrange(60 * 24 * 60)),
            topic=draw.choice(topics),
            kind=draw.choice(["CONSULT", "CONSULT", "COMPLAINT", "FAULT", "SALES", "PRAISE"]),
            result=draw.choice(["ANSWERED", "ANSWERED", "RESOLVED", "FOLLOW_UP", "NO_RESULT"]),
            agreed=draw.choice([None, None, True, False]),
            direction=draw.choice(["INBOUND", "INBOUND", "INBOUND", "OUTBOUND"]),
            channel=draw.choice(["HOTLINE", "HALL_OWN", "APP"]),
        )
        for _ in range(300)
    ]


def naive(rows: list[Interaction], at: datetime) -> dict[int, str]:
    """The verdicts by going through all contacts again and again."""
    counted = [row for row in rows if row.customer_id and row.direction == "INBOUND"]
    found = {}
    for row in counted:
        if row.kind not in ("CONSULT", "COMPLAINT", "FAULT"):
            continue
        same = [o for o in counted if o.customer_id == row.customer_id and o.topic_id == row.topic_id and o is not row]
        good = (
            row.result == "RESOLVED" or (row.result, row.kind) == ("ANSWERED", "CONSULT")
        ) and row.agreed is not False
        came = any(o.started_at >= row.started_at and o.started_at <= row.ended_at + WEEK for o in same)
        was = any(o.started_at <= row.started_at and o.ended_at >= row.started_at - WEEK for o in same)
        if not good or came or was:
            found[row.pk] = "NOT_SOLVED"
        else:
            found[row.pk] = "PENDING" if row.ended_at + WEEK > at else "SOLVED"
    return found


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


def test_breaches_count_matters_told_late_and_open_the_list(travel: Travel) -> None:
    hall = make_hall()
    in_time, late, never = (leave_open(hall) for _ in range(3))
    leave_open(hall, hours=24 * 20)
    answer_matter(in_time.pk, actor=hall.agent, answer="x", told_how="CALL")
    with travel(MORNING + timedelta(hours=5)):
        answer_matter(late.pk, actor=hall.agent, answer="x", told_how="CALL")
        period = period_of(clock.today(), clock.today())
        figures = matter_figures(hall.lead, period)
        assert (figures.due, figures.late, figures.share) == (3, 2, 66.7)
        assert set(late_matters(hall.lead, period)) == {late, never}
        assert matter_figures(UserFactory(role="TEAM_LEAD"), period).share is None
    assert Matter.objects.count() == 4


def behind(client: Client, url: str) -> list[Any]:
    """The ids of every row a link opens, page after page."""
    found: list[Any] = []
    after = ""
    while True:
        page = client.get(f"{url}&after={after}" if after else url).context["page"]
        found += [getattr(row, "interaction_id", row.pk) for row in page.items]
        if page.next_cursor is None:
            return found
        after = page.next_cursor


def numbers(page: Any) -> list[tuple[str, str]]:
    """(address, what is said) of every number on the page of figures."""
    words = page.content.decode()
    cells = re.findall(r'<a href="([^"]+)">(\d+)</a>', words)
    boxes = re.findall(r'<a class="card kpi[^"]*" href="([^"]+)">.*?<span class="kpi-v">([^<]+)<', words, re.DOTALL)
    return [(html.unescape(url), text) for url, text in (*cells, *boxes)]


@pytest.mark.covers("INT-07", "HND-07", "HND-05")
def test_every_number_on_the_page_is_a_naive_recount_and_opens_as_many_rows(
    client_for: ClientFor, travel: Travel
) -> None:
    """A month's border, somebody who came again on the last second and a second too late, a customer who turned out
    to be another one, another branch, matters answered late; for a lead, a head and who sees everything."""
    lead, qa = (UserFactory(role=role, language="en") for role in ("TEAM_LEAD", "QA"))
    agent = UserFactory(role="AGENT", unit=lead.unit)
    far = UserFactory(role="AGENT")
    midnight = clock.business_midnight(date(2026, 11, 1))
    fee = Topic.objects.get(code="BILLING.AMOUNT")
    rows = [*drawn(3, [agent, far])]

    def one(at: datetime, customer: Any = None, **more: Any) -> Interaction:
        rows.append(contact(agent, customer or CustomerFactory(unit=agent.unit), at, **more))
        return rows[-1]

    for second in (-1, 0):
        one(midnight + timedelta(seconds=second), kind="COMPLAINT", result="RESOLVED", channel="WEB")
    for late in (0, 1):
        before = one(midnight + 2 * DAY, topic=fee)
        one(before.ended_at + WEEK + timedelta(seconds=late), before.customer, topic=fee, kind="FAULT")
    twice = [one(midnight + number * DAY, topic=fee) for number in (3, 5)]
    boss, second = (UserFactory(role="DEPT_HEAD", unit=lead.unit) for _ in range(2))
    judge(clock.today(MORNING) - 70 * DAY)
    asked = propose_merge(twice[0].customer.pk, twice[1].customer.pk, actor=boss, reason="one person")
    approve_merge(asked.pk, actor=second)
    for row in rows:
        row.refresh_from_db()
    assert twice[0].customer == twice[1].customer
    judge(clock.today(MORNING) - 70 * DAY)
    expected = naive(rows, MORNING)
    assert [expected[row.pk] for row in twice] == ["NOT_SOLVED", "NOT_SOLVED"]
    hall = make_hall(unit=lead.unit, language="en")
    told = leave_open(hall, hours=0.01)
    leave_open(hall, hours=0.01)
    leave_open(make_hall(), hours=0.01)
    answer_matter(told.pk, actor=hall.agent, answer="x", told_how="CALL")
    with travel(MORNING + timedelta(hours=1)):
        november, october = ("2026-11-01", "2026-11-24"), ("2026-10-25", "2026-10-31")
        both = {lead.unit.no, far.unit.no}
        for user, of, (first, last), late in (
            (lead, {lead.unit.no}, november, (1, 2)),
            (lead, {lead.unit.no}, october, (0, 0)),
            (qa, both, november, (2, 3)),
        ):
            client, days = client_for(user), (date.fromisoformat(first), date.fromisoformat(last))
            mine = [
                row
                for row in rows
                if row.pk in expected
                and row.unit_no in of
                and days[0] <= row.started_at.astimezone(clock.BUSINESS_ZONE).date() <= days[1]
            ]
            state = {key: [row for row in mine if expected[row.pk] == key] for key in set(expected.values())}
            old = [row for row in mine if row.started_at < clock.business_midnight(date(2026, 11, 17))]
            good = len([row for row in old if expected[row.pk] == "SOLVED"])
            failed = len(mine) - len(state["SOLVED"]) - len(state["PENDING"])
            complaints = len([row for row in state["SOLVED"] if row.kind == "COMPLAINT"])
            for by, followed in (("kind", 99), ("day", 12), ("unit", 4), ("channel", 4), ("person", 4)):
                page = client.get(f"/interactions/figures/?by={by}&first={first}&last={last}")
                said = numbers(page)
                lines, whole, boxes = said[:-11], said[-11:-6], said[-6:]
                pending = len(state["PENDING"])
                figures = [len(mine), len(state["SOLVED"]), failed, pending, complaints]
                assert [int(text) for _url, text in whole] == figures
                assert [text for _url, text in boxes] == [
                    f"{round(100 * good / len(old), 1)}%",
                    *(str(number) for number in (failed, pending, complaints, *late)),
                ]
                assert sum(line.total for line in page.context["lines"]) == len(mine)
                for url, text in (lines[:followed] if late[0] == 1 else []) + (whole + boxes if by == "kind" else []):
                    opened = behind(client, url)
                    assert len(set(opened)) == len(opened) == (good if "%" in text else int(text)), url


@pytest.mark.covers("INT-07")
def test_the_pages_of_figures_cost_the_same_for_ten_and_a_thousand(client_for: ClientFor) -> None:
    lead = UserFactory(role="TEAM_LEAD", language="en")
    agent = UserFactory(role="AGENT", unit=lead.unit)
    drawn(3, [agent])
    judge(clock.today(MORNING) - 70 * DAY)
    client = client_for(lead)
    few = queries(client, "/interactions/figures/?by=person")
    rows = queries(client, "/interactions/figures/contacts/?by=person&state=SOLVED&unit=1")
    drawn(4, [agent, *(UserFactory(role="AGENT", unit=lead.unit) for _ in range(10))])
    judge(clock.today(MORNING) - 70 * DAY)
    assert queries(client, "/interactions/figures/?by=person") == few <= 9
    assert queries(client, "/interactions/figures/contacts/?by=person&state=SOLVED&unit=1") == rows <= 9
    assert "Solved in the first contact" in client.get("/interactions/figures/contacts/?state=SOLVED").content.decode()
    assert client_for(agent).get("/interactions/figures/").status_code == 403
    first, day = ContactFigure.objects.order_by("pk")[0], clock.today(MORNING)
    fields = {name: getattr(first, name) for name in ("unit_no", "channel", "kind", "staff_id", "pending")}
    ContactFigure.objects.all().delete()
    ContactFigure.objects.bulk_create(
        ContactFigure(day=day - number * DAY, total=2, solved=1, **fields) for number in range(1, 201)
    )
    year = client.get(f"/interactions/figures/?first={day - 300 * DAY}&last={day}")
    lines, whole = year.context["lines"], year.context["sum"]
    assert (len(lines), lines[-1].key, lines[0].key) == (120, day - DAY, day - 120 * DAY)
    assert (whole.total, whole.settled, "120 lines stand here" in year.content.decode()) == (400, 386, True)


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
