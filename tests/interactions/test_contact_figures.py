"""Figures of contacts and matters: every number is a naive recount and opens exactly its rows."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from customers.merging.services import approve_merge, propose_merge
from foundation.common import clock
from interactions.figure_queries import late_matters, matter_figures, period_of
from interactions.models import ContactFigure, Interaction, Matter, Topic
from interactions.services import answer_matter
from staff.models import User
from tests.factories import CustomerFactory, UserFactory
from tests.interactions.figures_making import DAY, WEEK, contact, drawn, judge, naive
from tests.interactions.first_ask_making import leave_open, make_hall
from tests.outreach.making import MORNING, queries

pytestmark = pytest.mark.django_db
Travel = Callable[[datetime], AbstractContextManager[None]]
ClientFor = Callable[[User], Client]


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
