"""My desk: figures that agree with the lists behind them, the next duties, and what each role sees besides."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

import pytest

from customers.finding import rebuild_find_rows
from foundation.calendars.models import WorkCalendarDay
from foundation.common import clock
from foundation.jobs.models import BeatMark, JobRun
from interactions.services import start_contact
from outreach.models import FollowUp
from outreach.services import complete_followup
from staff.reveals import reveal
from tests.complaints.making import case_in
from tests.factories import CustomerFactory
from tests.workspace.making import HX, NOON, away, enter, many, owe, person, queries, rows_behind, team_of

Travel = Callable[[datetime], AbstractContextManager[None]]
pytestmark = pytest.mark.django_db
NAME = "\u738b\u5c0f\u5a1f"


@pytest.fixture(autouse=True)
def _noon(travel: Travel):
    with travel(NOON):
        yield


def desk_with_everything():
    """An agent with own duties of each kind, those of an absent colleague, and one handed over; and strangers'."""
    lead, (agent, colleague), team = team_of(2)
    owe(agent, minutes=-90, subject="late")
    owe(agent, minutes=10, subject="soon", kind="CALLBACK")
    owe(agent, minutes=31, subject="not so soon")
    owe(agent, minutes=3000, subject="far", kind="CALLBACK")
    complete_followup(owe(agent, subject="over").pk, actor=agent)
    away(colleague, delegate=agent)
    owe(colleague, minutes=-5, subject="of the absent one", kind="CALLBACK")
    handed = owe(lead, minutes=-600, subject="handed over")
    FollowUp.objects.filter(pk=handed.pk).update(handed_to=agent)
    owe(agent, minutes=-600, subject="in the pool", team=team, pooled=True)
    owe(person("AGENT"), minutes=-600, subject="of a stranger")
    return agent


@pytest.mark.covers("INT-18")
def test_each_figure_agrees_with_the_list_it_opens():
    agent = desk_with_everything()
    client = enter(agent)
    figures = {figure.key: figure for figure in client.get("/").context["desk"].figures}
    assert {key: figure.number for key, figure in figures.items()} == {
        "overdue": 3,
        "soon": 1,
        "mine": 6,
        "callbacks": 3,
    }
    assert {key: rows_behind(client, figure.url) for key, figure in figures.items()} == {
        "overdue": 3,
        "soon": 1,
        "mine": 6,
        "callbacks": 3,
    }


def test_do_next_is_ordered_by_due_and_holds_what_was_acted_for_and_handed_over():
    agent = desk_with_everything()
    rows = enter(agent).get("/").context["desk"].rows
    assert [row.subject for row in rows] == [
        "handed over",
        "late",
        "of the absent one",
        "soon",
        "not so soon",
        "far",
    ]


def test_names_on_the_desk_are_masked_and_a_closed_contact_leads_nowhere():
    agent = person("AGENT")
    customer = CustomerFactory(unit=agent.unit, name=NAME)
    owe(agent, customer=customer)
    start_contact(actor=agent, customer=customer, channel="HOTLINE")
    page = enter(agent).get("/").content.decode()
    assert NAME not in page
    assert page.count("\u738b*\u5a1f") == 2
    assert f"/customers/{customer.ref}/" in page


def test_a_contact_with_another_branchs_customer_is_a_link_for_a_day_only(travel: Travel):
    agent, other = person("AGENT"), CustomerFactory(name=NAME)
    rebuild_find_rows([other.pk])
    start_contact(actor=agent, customer=other, channel="HOTLINE", identifier=other.number)
    link = f'href="/customers/{other.ref}/"'
    assert link in enter(agent).get("/").content.decode()
    with travel(NOON + timedelta(hours=25)):
        page = enter(agent).get("/").content.decode()
    assert link not in page and other.number in page


@pytest.mark.parametrize(("role", "budget"), [("AGENT", 10), ("TEAM_LEAD", 13)])
def test_the_desk_costs_the_same_with_ten_and_with_ten_thousand_duties(role, budget):
    lead, (agent,), _team = team_of(1)
    user = lead if role == "TEAM_LEAD" else agent
    client = enter(user)
    many(agent, 10)
    client.get("/")
    with queries() as few:
        client.get("/")
    many(agent, 9_990)
    with queries() as heap:
        response = client.get("/")
    assert len(few) == len(heap) <= budget
    figures = {figure.key: figure.said for figure in enter(agent).get("/").context["desk"].figures}
    assert figures == {"overdue": "500+", "soon": "0", "mine": "500+", "callbacks": "500+"}
    if role == "TEAM_LEAD":
        assert response.context["team"][0].open_words == "500+"


def seen(page: str) -> tuple[str, str]:
    """The address the figures ask and the mark of the rows, as the browser would send them."""
    url = re.search(r'id="figures" hx-get="([^"]+)"', page)
    rows = re.search(r'id="rows-seen" name="rows" value="([^"]*)"', page)
    assert url and rows
    return url.group(1).replace("&amp;", "&"), rows.group(1)


def test_the_live_part_keeps_silent_until_something_changes():
    agent = person("AGENT")
    first = owe(agent, minutes=40)
    client = enter(agent)
    url, rows = seen(client.get("/").content.decode())
    assert client.get(f"{url}&rows={rows}", headers=HX).status_code == 204
    owe(agent, minutes=20, subject="a new one")
    answer = client.get(f"{url}&rows={rows}", headers=HX)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert 'id="figures"' in text and "The list has changed" in text and "a new one" not in text
    fresh = client.get("/?part=next", headers=HX).content.decode()
    assert fresh.index("a new one") < fresh.index(first.subject)
    assert "<html" not in fresh


def test_another_branch_sees_none_of_it():
    desk_with_everything()
    stranger = person("AGENT")
    desk = enter(stranger).get("/").context["desk"]
    assert [figure.number for figure in desk.figures] == [0, 0, 0, 0] and desk.rows == []


@pytest.mark.covers("STF-13")
def test_a_lead_sees_the_load_of_the_team_and_who_is_away_with_nobody_standing_in():
    lead, (busy, absent), _team = team_of(2)
    for minutes in (-10, -5, 30):
        owe(busy, minutes=minutes)
    owe(absent)
    away(absent)
    response = enter(lead).get("/")
    shown = [(member.user.pk, member.open, member.overdue) for member in response.context["team"]]
    assert shown == [(busy.pk, 3, 2), (absent.pk, 1, 0), (lead.pk, 0, 0)]
    assert [member.user.pk for member in response.context["uncovered"]] == [absent.pk]
    assert f"{absent.name} is away and nobody stands in: 1 open duties." in response.content.decode()
    assert "team" not in enter(busy).get("/").context


def test_the_administrator_sees_failures_silence_and_missing_holidays(travel: Travel):
    admin = person("SYS_ADMIN")
    JobRun.objects.create(job="common.make_partitions", state="FAILED", finished_at=clock.now(), error_text="disk full")
    JobRun.objects.create(job="common.make_partitions", state="WAITING")
    client = enter(admin)
    response = client.get("/")
    page = response.content.decode()
    assert "disk full" in page and "The clock has never ticked" in page
    figures = {figure.key: figure for figure in response.context["run_figures"]}
    assert {key: figure.number for key, figure in figures.items()} == {"WAITING": 1, "RUNNING": 0, "FAILED": 1}
    assert {key: rows_behind(client, figure.url) for key, figure in figures.items()} == {
        "WAITING": 1,
        "RUNNING": 0,
        "FAILED": 1,
    }
    mark = BeatMark.objects.create(ticked_at=clock.now() - timedelta(minutes=61), leader="beat")
    assert "The clock has been silent for 1:01" in client.get("/").content.decode()
    BeatMark.objects.filter(pk=mark.pk).update(ticked_at=clock.now())
    WorkCalendarDay.objects.filter(date__year=2027).delete()
    assert "Fill the year" not in client.get("/").content.decode()
    with travel(datetime(2026, 12, 1, 1, 0, tzinfo=UTC)):
        assert "Fill the year" in enter(admin).get("/").content.decode()
    agent_page = enter(person("AGENT")).get("/").content.decode()
    assert "disk full" not in agent_page and "ticked" not in agent_page


def test_the_data_protection_officer_sees_what_was_revealed_today(travel: Travel):
    agent = person("AGENT")
    customer = CustomerFactory(unit=agent.unit, name=NAME)
    reveal(agent, customer.pk, "id_number", "caller asked")
    officer = enter(person("DPO"))
    page = officer.get("/").content.decode()
    assert customer.number in page and "caller asked" in page and agent.name in page and NAME not in page
    assert "caller asked" not in enter(agent).get("/").content.decode()
    with travel(NOON + timedelta(hours=25)):
        assert "caller asked" not in officer.get("/").content.decode()


@pytest.mark.parametrize("role", ["MARKETING", "QA", "POLICY_ADMIN", "GM", "UNIT_HANDLER", "FINANCE_DUNNING"])
def test_every_role_with_a_desk_gets_one(role):
    assert enter(person(role)).get("/").status_code == 200


def test_who_has_no_desk_is_refused_and_a_stranger_signs_in(client):
    assert enter(person("VENDOR")).get("/").status_code == 403
    assert client.get("/").status_code == 302


def test_do_next_holds_cases_among_the_follow_ups_by_deadline():
    agent = person("AGENT")
    owe(agent, minutes=30, subject="ring back")
    owe(agent, minutes=3000, subject="far")
    case = case_in(owner=agent, handler=agent, next_due_at=clock.now() + timedelta(minutes=60), subject="weak signal")
    html = enter(agent).get("/").content.decode()
    places = [html.index(words) for words in ("ring back", "weak signal", "far</a>")]
    assert places == sorted(places) and f"/complaints/{case.ref}/" in html
    assert "weak signal" in enter(agent).get("/work/").content.decode()
