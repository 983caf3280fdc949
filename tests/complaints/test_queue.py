"""The queue through its page: what each view holds, in which order, what it costs, and views somebody keeps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from complaints.lifecycle import State
from complaints.models import Complaint, Handover, Part, SavedView, Seat
from complaints.queries import VIEW_WORDS, counts_of, first_lines, view_of
from complaints.services.views_kept import keep_view
from foundation.common import clock
from foundation.common.errors import RuleBroken
from staff.models import Absence, User
from tests.complaints.cases import office
from tests.complaints.making import case_in
from tests.factories import TeamFactory, TeamMemberFactory, UnitFactory, UserFactory
from tests.outreach.making import queries

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
QUEUE = "/complaints/"


def listed(client: Client, query: str) -> list[str]:
    page = client.get(f"{QUEUE}?{query}")
    assert page.status_code == 200
    return [row.number for row in page.context["page"].items]


def words(response: Any) -> str:
    return response.content.decode()


def all_queries(client: Client, url: str) -> int:
    """How many queries the whole page costs."""
    client.get(url)
    with CaptureQueriesContext(connection) as seen:
        assert client.get(url).status_code == 200
    return len(seen.captured_queries)


def test_each_view_holds_its_cases_by_the_time_left(client_for: ClientFor) -> None:
    unit = UnitFactory(no=10, last_no=19)
    me, mate = (UserFactory(role="COMPLAINT_HANDLER", unit=unit) for _n in range(2))
    far = UserFactory(role="COMPLAINT_HANDLER", unit=UnitFactory(no=50, last_no=59))
    now = clock.now()
    late = case_in(handler=me, next_due_at=now - timedelta(hours=1))
    soon = case_in(handler=mate, next_due_at=now + timedelta(minutes=1))
    pooled = case_in(State.ASSIGNED, owner=mate, handler=None, next_due_at=now + timedelta(days=2))
    waits = case_in(State.PAUSED, handler=me, next_due_at=None)
    back = case_in(State.CALLBACK, handler=mate, next_due_at=now + timedelta(days=3))
    ended = case_in(State.CLOSED, handler=me)
    offered = case_in(handler=far)
    Handover.objects.create(
        complaint=offered, role="OWNER", number=1, by=far, old=far, to=me, until=now + timedelta(hours=1)
    )
    about_me = case_in(owner=mate, about_staff=me)
    client = client_for(me)
    assert listed(client, "view=mine") == [late.number, waits.number]
    assert listed(client, "view=pool") == [pooled.number]
    assert listed(client, "view=offered") == [offered.number]
    assert listed(client, "view=breached") == [late.number]
    assert listed(client, "view=today") == [soon.number]
    assert listed(client, "view=waiting") == [waits.number]
    assert listed(client, "view=callback") == [back.number]
    assert listed(client, "view=all") == [one.number for one in (late, soon, pooled, back, waits)]
    assert listed(client, "view=closed") == [ended.number]
    assert about_me.number not in words(client.get(f"{QUEUE}?view=all"))
    page = client.get(QUEUE)
    assert page.context["view"] == "mine"
    assert [tab.count for tab in page.context["tabs"]] == ["2", "1", "1", "1", "1", "1", "1", "5", None]
    assert client_for(UserFactory(role="MARKETING")).get(QUEUE).status_code == 403


def test_what_a_tab_counts_is_what_it_holds_whoever_looks() -> None:
    unit, far = UnitFactory(no=10, last_no=19), UnitFactory(no=50, last_no=59)
    roles = ("AGENT", "COMPLAINT_HANDLER", "TEAM_LEAD", "DEPT_HEAD", "DIRECTOR", "COORDINATOR", "GM", "BACK_OFFICE")
    people = [UserFactory(role=role, unit=unit) for role in roles]
    handler, other = people[1], UserFactory(role="COMPLAINT_HANDLER", unit=far)
    Absence.objects.create(user=other, reason="LEAVE", starts_at=clock.now(), delegate=handler)
    now = clock.now()
    for n, state in enumerate((State.INVESTIGATING, State.PAUSED, State.CALLBACK, State.ASSESSED, State.CLOSED) * 3):
        moment = now + timedelta(hours=10 * (n % 4) - 5)
        pooled = {"handler": None} if state == State.ASSESSED else {"handler": (handler, other)[n % 2]}
        made = case_in(state, owner=(people[0], other)[n % 3 > 0], **pooled)
        if state not in (State.PAUSED, State.CLOSED):
            Complaint.objects.filter(pk=made.pk).update(next_due_at=moment)
        if n % 4 == 0:
            Seat.objects.create(complaint=made, user=people[2], why="RAISED")
            Part.objects.create(complaint=made, unit=unit, unit_no=unit.no, ask="So?", budget_minutes=60)
        if n in (1, 6, 8):
            Complaint.objects.filter(pk=made.pk).update(source="OLD", source_no=str(n))  # records of the past
    Complaint.objects.filter(handler=handler).order_by("-pk")[0].save()
    keys = [key for key in VIEW_WORDS if key != "closed"]
    for person in people:
        views = {key: view_of(person, key) for key in VIEW_WORDS}
        held = {key: view.seen.count() for key, view in views.items()}
        assert counts_of(person, keys) == {key: held[key] for key in keys}, person
        for key, view in views.items():
            shown = [row.pk for row in first_lines(person, key, view.rows, 100)]
            assert shown == list(view.seen.values_list("pk", flat=True)), (person, key)
            assert [row.pk for row in first_lines(person, key, view.rows, 2)] == shown[:2]
    assert {key for key in keys if counts_of(handler, [key])[key]} == {*keys} - {"offered", "decide"}


@pytest.mark.covers("CMP-20")
def test_filters_chips_and_a_damaged_address(client_for: ClientFor) -> None:
    me = UserFactory(role="COORDINATOR")
    major = case_in(grade="MAJOR", grade_reason="SAFETY", channel="EMAIL", area="Wenzhou", handler=me)
    plain = case_in(service_late=True, owner=me, handler=None)
    client = client_for(me)
    both = [major.number, plain.number]
    assert listed(client, "view=all") == both
    assert listed(client, "view=all&grade=MAJOR") == [major.number]
    assert listed(client, "view=all&channel=EMAIL&area=Wenzhou") == [major.number]
    assert listed(client, "view=all&late=service") == [plain.number]
    assert listed(client, "view=all&handler=0") == [plain.number]
    assert listed(client, f"view=all&handler={me.pk}") == [major.number]
    assert listed(client, f"view=all&number={plain.number[-6:]}") == [plain.number]
    assert listed(client, f"view=all&number={plain.number.lower()}") == [plain.number]
    assert listed(client, "view=all&number=CP1") == []
    # Counted when somebody is about to select the whole view, with its filters.
    assert 'data-total="2"' in words(client.get(f"{QUEUE}?view=all&part=total"))
    assert "Select all 1 in this view" in words(client.get(f"{QUEUE}?view=all&grade=MAJOR&part=total"))
    assert words(client.get(f"{QUEUE}?view=all&number=CP1&part=total")) == ""
    page = client.get(f"{QUEUE}?view=all&grade=MAJOR&channel=EMAIL")
    assert page.context["chips"] == [
        ("Grade: Major", "?view=all&channel=EMAIL"),
        ("Channel: E-mail", "?view=all&grade=MAJOR"),
    ]
    assert "Clear all" in words(page)
    assert "No case fits these filters." in words(client.get(f"{QUEUE}?view=all&grade=GROUP"))
    assert client.get(f"{QUEUE}?view=all&after=damaged").status_code == 302
    assert client.get(f"{QUEUE}?view=all&grade=NONE").status_code == 200


def test_the_cost_does_not_grow_and_pages_hold_every_case_once(client_for: ClientFor) -> None:
    me = UserFactory(role="COMPLAINT_HANDLER", unit=UnitFactory(no=10, last_no=19))
    now = clock.now()
    for minute in range(52):  # more than a page: what a page adds is counted from here on
        case_in(handler=me, next_due_at=now + timedelta(minutes=minute))
    client = client_for(me)
    client.get(f"{QUEUE}?view=all")
    few = queries(client, f"{QUEUE}?view=all")
    whole = all_queries(client, f"{QUEUE}?view=all")
    one = Complaint.objects.order_by("pk").last()
    assert one is not None
    fields = {f.attname: getattr(one, f.attname) for f in Complaint._meta.concrete_fields if not f.generated}
    more = [
        Complaint(**{**fields, "id": one.pk + n, "number": f"CP20200101{n:06d}", "public_code": str(n)})
        for n in range(1, 120)
    ]
    Complaint.objects.bulk_create(more)
    assert queries(client, f"{QUEUE}?view=all") == few
    assert all_queries(client, f"{QUEUE}?view=all") == whole <= 15
    seen, address = [], f"{QUEUE}?view=all"
    while address:
        page = client.get(address).context["page"]
        seen += [row.number for row in page.items]
        address = f"{QUEUE}?view=all&after={page.next_cursor}" if page.next_cursor else ""
    assert len(seen) == len(set(seen)) == 171


def test_kept_views_own_and_of_the_team(client_for: ClientFor) -> None:
    lead = UserFactory(role="TEAM_LEAD")
    team = TeamFactory(lead=lead)
    mate = UserFactory(role="COMPLAINT_HANDLER", unit=lead.unit)
    TeamMemberFactory(team=team, user=mate)
    boss, worker = client_for(lead), client_for(mate)
    kept = {"name": "Major by mail", "query": "view=all&grade=MAJOR&channel=EMAIL&after=x", "team": team.pk}
    assert boss.post(f"{QUEUE}views/keep/", kept).status_code == 302
    view = SavedView.objects.get()
    assert (view.query, view.team_id, view.user_id) == ("view=all&grade=MAJOR&channel=EMAIL", team.pk, None)
    page = worker.get(f"{QUEUE}?{view.query}")
    assert [tab.label for tab in page.context["tabs"] if tab.current] == ["Major by mail"]
    drop = f'action="{QUEUE}views/drop/"'
    assert drop in page.content.decode() and drop not in worker.get(f"{QUEUE}?view=all").content.decode()
    # Not the lead: neither keeps for the team nor removes; a name is needed.
    assert worker.post(f"{QUEUE}views/keep/", kept).status_code == 302
    assert worker.post(f"{QUEUE}views/drop/", {"query": view.query}).status_code == 302
    assert worker.post(f"{QUEUE}views/keep/", {"name": " ", "query": "view=all"}).status_code == 302
    assert SavedView.objects.get() == view
    assert worker.post(f"{QUEUE}views/keep/", {"name": "Mine", "query": "view=mine&late=now"}).status_code == 302
    assert worker.post(f"{QUEUE}views/drop/", {"query": "view=mine&late=now"}).status_code == 302
    assert boss.post(f"{QUEUE}views/drop/", {"query": view.query}).status_code == 302
    assert not SavedView.objects.exists()


def test_the_list_says_when_it_has_changed_and_who_has_a_case_open(client_for: ClientFor) -> None:
    me = UserFactory(role="COMPLAINT_HANDLER")
    mate = UserFactory(role="COMPLAINT_HANDLER", unit=me.unit)
    case = case_in(handler=me)
    client = client_for(me)
    page = client.get(f"{QUEUE}?view=mine")
    assert "Somebody has this case open" not in words(page)
    fresh = f"{QUEUE}?view=mine&part=fresh&seen={page.context['seen']}"
    assert client.get(fresh).status_code == 204
    assert client_for(mate).get(f"{QUEUE}{case.ref}/").status_code == 200
    assert "Somebody has this case open" in words(client.get(f"{QUEUE}?view=mine"))
    Complaint.objects.filter(pk=case.pk).update(version=2)
    assert "The list has changed." in words(client.get(fresh))


def test_a_kept_view_has_a_plain_name_and_only_filters_there_are(client_for: ClientFor) -> None:
    at = office()

    def refused(name: str, query: str) -> str:
        with pytest.raises(RuleBroken) as no:
            keep_view(actor=at.handler, name=name, query=query)
        return f"{no.value.code}: {no.value.message}"

    assert refused("a\u200bb", "view=mine") == (
        "complaint.view_name: There are invisible characters in this name. Type it by hand."
    )
    assert refused("x" * 41, "view=mine").startswith("complaint.view_name")
    assert refused("x", "view=mine&after=abc") == "complaint.view_query: “after” is no filter of this list."
    assert refused("x", "state=OPEN&state=CLOSED") == "complaint.view_query: “state” is no filter of this list."
    assert refused("x", "view=theirs") == "complaint.view_query: “view” is no filter of this list."
    assert "clear the case number first" in refused("x", "number=13812345678")
    for wrong, label in (
        ("state=OPEN", "State"),
        ("handler=99999999", "Handler"),
        ("topic=MOON", "Topic"),
        ("late=%3Cscript%3E", "Late"),
        (f"area={'a' * 41}", "Area"),
    ):
        assert f"The filter “{label}” has a value there is not" in refused("x", f"view=all&{wrong}")
    assert refused("x", "area=" + "%41" * 200).startswith("complaint.view_too_long")
    assert not SavedView.objects.exists()
    view = keep_view(
        actor=at.handler, name=" <b>Mine</b> ", query=f"state=PAUSED&view=mine&handler={at.handler.pk}&late="
    )
    assert (view.name, view.query) == ("<b>Mine</b>", f"view=mine&state=PAUSED&handler={at.handler.pk}")
    page = client_for(at.handler).get(f"/complaints/?{view.query}").content.decode()
    assert "&lt;b&gt;Mine&lt;/b&gt;" in page and "<b>Mine</b>" not in page
