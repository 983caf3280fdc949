"""My work and "get next"."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

import pytest

from outreach.models import FollowUp, FollowUpMove
from tests.factories import CustomerFactory
from tests.racing import race
from tests.workspace.making import HX, NOON, enter, many, owe, person, queries, team_of

Travel = Callable[[datetime], AbstractContextManager[None]]


@pytest.fixture(autouse=True)
def _noon(travel: Travel):
    with travel(NOON):
        yield


@pytest.mark.django_db
def test_duties_stand_in_three_groups_by_due():
    agent = person("AGENT")
    customer = CustomerFactory(unit=agent.unit, name="\u738b\u5c0f\u5a1f")
    owe(agent, minutes=-1, subject="late", customer=customer)
    owe(agent, minutes=60 * 11, subject="tonight")
    owe(agent, minutes=60 * 12, subject="tomorrow")
    response = enter(agent).get("/work/")
    groups = [(group.key, [row.subject for row in group.rows]) for group in response.context["groups"]]
    assert groups == [("overdue", ["late"]), ("today", ["tonight"]), ("later", ["tomorrow"])]
    assert customer.name not in response.content.decode()


@pytest.mark.django_db
def test_the_page_costs_the_same_with_ten_and_with_ten_thousand_duties():
    agent = person("AGENT")
    client = enter(agent)
    many(agent, 10)
    client.get("/work/")
    with queries() as few:
        client.get("/work/")
    many(agent, 9_990)
    with queries() as heap:
        response = client.get("/work/")
    assert len(few) == len(heap) <= 9
    assert len(response.context["page"].items) == 50


@pytest.mark.django_db
@pytest.mark.covers("INT-18")
def test_get_next_takes_the_most_urgent_then_the_earliest_that_fits_the_skill():
    lead, (agent,), team = team_of(1)
    pool = {"team": team, "pooled": True}
    owe(lead, minutes=10, subject="normal, early", **pool)
    owe(lead, minutes=90, subject="urgent, late", priority=1, **pool)
    owe(lead, minutes=60, subject="urgent, early", priority=1, **pool)
    owe(lead, minutes=1, subject="roaming", priority=1, skill="ROAMING", **pool)
    client = enter(agent)
    assert client.get("/work/").context["waiting"] == 4
    taken = []
    for _ in range(3):
        response = client.post("/work/next/")
        assert response.status_code == 302
        mine = FollowUp.objects.filter(owner=agent)
        newest = FollowUpMove.objects.filter(act="TAKEN").order_by("-pk").select_related("follow_up").first()
        assert newest is not None and response.url == f"/follow-ups/{newest.follow_up.ref}/"
        taken.append(newest.follow_up.subject)
    assert taken == ["urgent, early", "urgent, late", "normal, early"]
    assert mine.count() == 3 and not mine.filter(pooled=True).exists()
    assert client.post("/work/next/", follow=True).redirect_chain == [("/work/", 302)]
    assert "Nothing waits to be taken." in client.post("/work/next/", follow=True).content.decode()
    assert client.post("/work/next/", headers=HX).status_code == 204
    assert FollowUp.objects.get(subject="roaming").owner == lead


@pytest.mark.django_db(transaction=True)
@pytest.mark.covers("INT-18")
def test_two_who_press_at_once_get_different_ones():
    lead, agents, team = team_of(4)
    for at in range(4):
        owe(lead, minutes=at + 1, team=team, pooled=True, subject=f"{at}")
    clients = [enter(agent) for agent in agents]
    for client in clients:
        client.get("/work/")
    answers = race(*[lambda client=client: client.post("/work/next/").url for client in clients])
    assert len(set(answers)) == 4 and all(url.startswith("/follow-ups/") for url in answers)
    owners = FollowUp.objects.values_list("owner", flat=True)
    assert sorted(owners) == sorted(agent.pk for agent in agents)
    assert FollowUpMove.objects.filter(act="TAKEN").count() == 4


@pytest.mark.django_db
def test_who_takes_no_duties_is_refused_and_nothing_is_taken():
    lead, _agents, team = team_of(1)
    owe(lead, team=team, pooled=True)
    moves = FollowUpMove.objects.count()
    client = enter(person("QA"))
    assert client.get("/work/").status_code == 403
    assert client.post("/work/next/").status_code == 403
    assert enter(lead).get("/work/next/").status_code == 405
    assert FollowUp.objects.get().pooled and FollowUpMove.objects.count() == moves


@pytest.mark.django_db
def test_a_damaged_page_address_leads_to_the_first_page():
    client = enter(person("AGENT"))
    assert client.get("/work/?after=@@@").url == "/work/"
