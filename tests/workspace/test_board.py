"""The team board (STF-13)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import pytest

from foundation.common import clock
from outreach.models import FollowUp
from outreach.services import cancel_followup, complete_followup
from staff.picking import say_person
from tests.factories import TeamMemberFactory
from tests.workspace.making import NOON, away, enter, many, owe, person, queries, rows_behind, team_of

Travel = Callable[[datetime], AbstractContextManager[None]]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon(travel: Travel):
    with travel(NOON):
        yield


@pytest.mark.covers("STF-13")
def test_every_number_agrees_with_the_list_it_opens():
    lead, (first, second), _team = team_of(2)
    for minutes in (-60, -1, 5, 500):
        owe(first, minutes=minutes)
    for _ in range(2):
        complete_followup(owe(first).pk, actor=first)
    cancel_followup(owe(first).pk, actor=first, reason="not needed")
    before = complete_followup(owe(first).pk, actor=first)
    FollowUp.objects.filter(pk=before.pk).update(
        closed_at=clock.business_midnight(clock.today()) - timedelta(seconds=1)
    )
    owe(second, minutes=-1)
    owe(person("AGENT"), minutes=-1)
    client = enter(lead)
    figures = client.get("/team/").context["figures"]
    assert [figure.number for figure in figures] == [3, 1, 5, 2]
    assert [rows_behind(client, figure.url) for figure in figures] == [3, 1, 5, 2]
    members = {member.user: member for member in client.get("/team/").context["members"]}
    assert [members[first].open, members[first].overdue, members[first].done_today] == [4, 2, 2]
    assert [members[second].open, members[second].overdue, members[second].done_today] == [1, 1, 0]
    for member in members.values():
        for key, number, url in member.figures:
            assert rows_behind(client, url) == int(number), (member.user, key)


@pytest.mark.covers("STF-13")
def test_absence_and_delegate_are_shown_and_the_most_overdue_stand_first():
    lead, (calm, absent, late), _team = team_of(3)
    away(absent, delegate=calm)
    owe(late, minutes=-5)
    owe(calm)
    response = enter(lead).get("/team/")
    assert [member.user for member in response.context["members"]] == [late, calm, lead, absent]
    page = response.content.decode()
    assert f"Leave → {calm.name}" in page and "nobody stands in" not in page


def test_a_lead_sees_the_own_team_only_and_an_agent_no_board():
    lead, (agent,), _team = team_of(1)
    other_lead, (other,), _other_team = team_of(1)
    owe(other, minutes=-5)
    page = enter(lead).get("/team/").content.decode()
    assert agent.name in page and other.name not in page and other_lead.name not in page
    assert enter(agent).get("/team/").status_code == 403


def test_a_general_manager_sees_all_who_work_and_nobody_else_page_by_page():
    manager = person("GM")
    agents = [person("AGENT") for _ in range(55)]
    idle, gone = person("MARKETING"), person("AGENT", is_active=False)
    client = enter(manager)
    first = client.get("/team/").context["page"]
    second = client.get(f"/team/?after={first.next_cursor}").context["page"]
    assert len(first.items) == 50 and second.next_cursor is None
    shown = {user.pk for user in [*first.items, *second.items]}
    assert {agent.pk for agent in agents} <= shown
    assert idle.pk not in shown and gone.pk not in shown
    owe(agents[0], minutes=-5)
    member = next(m for m in client.get("/team/").context["members"] if m.overdue)
    assert [rows_behind(client, url) for _key, _number, url in member.figures] == [1, 1, 0]


def test_the_board_costs_the_same_for_three_and_for_forty_people_and_ten_thousand_duties():
    lead, (agent, _other), team = team_of(2)
    many(agent, 10)
    client = enter(lead)
    client.get("/team/")
    with queries() as small:
        client.get("/team/")
    for _ in range(38):
        TeamMemberFactory(team=team, user=person("AGENT", unit=lead.unit))
    many(agent, 9_990)
    with queries() as large:
        response = client.get("/team/")
    assert len(response.context["members"]) == 41
    assert len(small) == len(large) <= 11
    assert FollowUp.objects.count() == 10_000 and response.context["members"][0].open_words == "500+"


@pytest.mark.covers("STF-13")
def test_a_lead_gives_all_work_of_an_absent_person_to_another_in_one_act():
    lead, (absent, helper), _team = team_of(2)
    for minutes in (-5, 5, 50):
        owe(absent, minutes=minutes)
    owe(helper)
    client = enter(lead)
    link = f'href="/admin/people/{absent.pk}/work/"'
    assert link not in client.get("/team/").content.decode()
    away(absent)
    assert link in client.get("/team/").content.decode() and link in client.get("/").content.decode()
    assert client.post(f"/admin/people/{absent.pk}/work/", {"to": say_person(helper)}).status_code == 302
    members = {member.user: member.open for member in client.get("/team/").context["members"]}
    assert members == {absent: 0, helper: 4, lead: 0}
    assert link not in client.get("/team/").content.decode()
