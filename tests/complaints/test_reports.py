"""Reports of a month: callbacks, support units, time used, customers' experience; suggested groups (CMP-12, 22, 36)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from complaints import tasks
from complaints.library.words import read_cases
from complaints.lifecycle import State
from complaints.models import CaseTime, Complaint, ComplaintMove, GroupSuggestion, Part
from complaints.services.closing import withdraw_complaint
from complaints.services.suggesting import make_suggested_group, refuse_suggestion, suggest_groups
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.ids import to_text
from interactions.models import Interaction, Suggestion, Topic
from outreach.models import Notification, OutMessage
from staff.models import User
from tests.complaints.cases import Office, case, moment, office, ready
from tests.complaints.figure_world import NOW, call, opened
from tests.factories import UserFactory
from tests.racing import race

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def rows_of(client: Client, url: str) -> int:
    page = client.get(url)
    assert page.status_code == 200, url
    return len(page.context["page"].items)


def cost(client: Client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as seen:
        assert client.get(url).status_code == 200
    return len(seen.captured_queries)


def called(at: Office, **columns: Any) -> Complaint:
    return case(at, State.CALLBACK, received_at=moment(2), **columns)


@pytest.mark.covers("CMP-22", "CMP-36", "SUR-12")
def test_callbacks_are_summed_up_and_each_number_opens_its_rows(client_for: ClientFor) -> None:
    with clock.travel(moment(-9)):
        here, there = office(), office()
    other = Topic.objects.get(code="NETWORK.COVERAGE")
    said = {"done_at": moment(14), "reached_at": moment(14), "by": here.lead}
    tries = [{"at": moment(13).isoformat(), "part": "MORNING", "outcome": "NO_ANSWER"}] * 2
    call(called(here), moment(13), **said, solved="YES", satisfaction=5, attitude=5, tries=tries)
    call(called(here, brand="GoTone"), moment(13), **said, solved="NO", satisfaction=2, attitude=4)
    call(called(here, topic=other, handler=here.other), moment(13), **said, solved="YES", satisfaction=4, way="VISIT")
    call(called(here), moment(13), done_at=moment(31, 23), solved="UNREACHABLE", tries=tries * 2)
    call(called(here), moment(13), done_at=moment(32, 1), reached_at=moment(32, 1), solved="YES", satisfaction=1)
    call(called(here), moment(13))
    call(called(there), moment(13), **said, solved="YES", satisfaction=1)
    call(called(here, about_staff=here.head), moment(13), **said, solved="YES", satisfaction=1)
    contact = Interaction.objects.create(
        number="CT1", channel="HOTLINE", kind="SUGGESTION", staff=here.agent, first_ask_owner=here.agent,
        unit_no=here.unit.no, started_at=moment(9), opens_until=moment(10), direction="INBOUND",
    )  # fmt: skip
    Suggestion.objects.create(
        number="SG1", contact=contact, topic=other, text="More masts", owner=here.agent, unit_no=here.unit.no,
        received_at=moment(9),
    )  # fmt: skip
    with clock.travel(moment(33)):
        client = client_for(here.head)
        page = client.get("/complaints/callbacks/?month=2026-03")
        counts = page.context["sum"]["line"].counts
        assert counts == {
            "all": 4, "reached": 3, "visited": 1, "solved": 2, "not_solved": 1, "returned": 1, "unreachable": 1,
            "satisfied": 2, "kind": 2,
        }  # fmt: skip
        means = page.context["sum"]["line"].means
        assert means["satisfaction"] == pytest.approx(11 / 3) and means["attitude"] == 4.5 and means["tries"] == 1.5
        assert "66.7%" in page.content.decode()
        for by in ("topic", "brand", "unit", "responsible", "person", "caller", "channel"):
            page = client.get(f"/complaints/callbacks/?month=2026-03&by={by}")
            lines = [*page.context["lines"], page.context["sum"]]
            for line in lines:
                for number, url, _words, _share in line["links"]:
                    assert rows_of(client, url) == number, (by, url)
            assert sum(line["line"].counts["all"] for line in page.context["lines"]) == 4
        assert client.get("/complaints/callbacks/rows/?by=topic&key=x").status_code == 404
        assert client.get("/complaints/callbacks/rows/?part=none").status_code == 404
        april = client.get("/complaints/callbacks/?month=2026-04").context["sum"]["line"].counts
        assert (april["all"], april["satisfied"]) == (1, 0)
        assert client_for(here.agent).get("/complaints/callbacks/").status_code == 403
        # Complaints, suggestions and callbacks side by side.
        page = client.get("/complaints/experience/?month=2026-03")
        found = {line.label.split(" · ")[-1]: line for line in page.context["lines"]}
        network, billing = found[str(other)], found[str(Topic.objects.get(code="BILLING.AMOUNT"))]
        assert (network.complaints, network.suggestions, network.reached, network.satisfied) == (1, 1, 1, 1)
        assert (billing.complaints, billing.suggestions, billing.reached, billing.satisfied) == (5, 0, 2, 1)
        for line in (network, billing):
            assert len(opened(client, line.complaints_url)) == line.complaints
            for number, url in (
                (line.suggestions, line.suggestions_url), (line.reached, line.reached_url),
                (line.satisfied, line.satisfied_url),
            ):  # fmt: skip
                assert rows_of(client, url) == number
        assert max(cost(client, f"/complaints/{name}/?month=2026-03") for name in ("callbacks", "experience")) <= 15


@pytest.mark.covers("CMP-25")
def test_support_units_are_measured_by_their_parts(client_for: ClientFor) -> None:
    with clock.travel(moment(-9)):
        here, there = office(), office()
    one = case(here, State.INVESTIGATING, received_at=moment(2))

    def part(due: int, done: int | None, **columns: Any) -> Part:
        given: dict[str, Any] = {
            "state": "DONE" if done else "OPEN",
            "done_at": moment(done) if done else None,
            "minutes_used": 90,
        }
        given |= {"due_at": moment(due), "unit": there.unit, "unit_no": there.unit.no} | columns
        return Part.objects.create(complaint=one, ask="x", budget_minutes=60, **given)

    part(5, 4)
    part(5, 5, handler=there.handler)
    part(6, 7)
    part(8, None)
    part(40, None)  # due in April
    part(31, None, due_at=moment(31, 13))  # not due yet
    part(9, 9, state="RETURNED", returned_for="nothing in it")
    part(9, 9, state="CANCELLED")
    with clock.travel(NOW):
        for user in (here.head, there.head):
            client = client_for(user)
            page = client.get("/complaints/support/?month=2026-03")
            assert page.context["sum"]["line"].counts == {"all": 4, "on_time": 2, "late": 2}
            assert page.context["sum"]["shares"]["on_time"] == 50
            for by in ("unit", "person"):
                page = client.get(f"/complaints/support/?month=2026-03&by={by}")
                for line in [*page.context["lines"], page.context["sum"]]:
                    for number, url, _words, _share in line["links"]:
                        assert rows_of(client, url) == number
        assert cost(client, "/complaints/support/?month=2026-03") <= 15
        empty = client_for(office().head).get("/complaints/support/?month=2026-03")
        assert "No part fell due in this month" in empty.content.decode()


@pytest.mark.covers("CMP-12")
def test_time_used_by_person_and_unit_with_pauses_apart(client_for: ClientFor) -> None:
    with clock.travel(moment(-9)):
        here = office()
    one = case(here, State.CLOSED, received_at=moment(2, 9))
    Complaint.objects.filter(pk=one.pk).update(closed_at=moment(4, 12))
    steps: list[tuple[Any, str, Any]] = [
        (moment(2, 9), "REGISTERED", None), (moment(2, 10), "ASSIGNED", None),
        (moment(2, 12), "INVESTIGATING", here.handler), (moment(3, 9), "PAUSED", here.handler),
        (moment(3, 15), "INVESTIGATING", here.handler), (moment(4, 9), "", here.other), (moment(4, 12), "CLOSED", None),
    ]  # fmt: skip
    for at, new, handler in steps:
        ComplaintMove.objects.create(complaint=one, act="ASSIGN", new=new, at=at, handler=handler, unit=here.unit)
    with clock.travel(NOW):
        assert read_cases([one.pk]) == 1
        assert read_cases([one.pk]) == 1  # once more: the same
        found = {row.person_id: (row.minutes, row.working, row.paused, row.times) for row in CaseTime.objects.all()}
        assert found == {
            None: (180, 180, 0, 1),
            here.handler.pk: (21 * 60 + 18 * 60, 6 * 60 + 3 * 60, 360, 1),
            here.other.pk: (180, 180, 0, 1),
        }
        client = client_for(here.head)
        page = client.get("/complaints/times/?month=2026-03")
        lines = {line.key: line for line, _url in page.context["lines"]}
        mine = lines[str(here.handler.pk)]
        assert (mine.cases, mine.held_hours, mine.working_hours, mine.paused_hours, mine.mean_hours) == (1, 39, 9, 6, 9)
        for _line, url in page.context["lines"]:
            assert opened(client, url) == {one.pk}
        by_unit = client.get("/complaints/times/?month=2026-03&by=unit").context["lines"]
        assert [(line.label, line.minutes, line.paused) for line, _url in by_unit] == [(here.unit.name, 45 * 60, 360)]
        assert client.get("/complaints/times/rows/?key=x").status_code == 404
        assert cost(client, "/complaints/times/?month=2026-03") <= 15


@pytest.mark.covers("CMP-16")
def test_five_customers_of_one_category_are_suggested_once(client_for: ClientFor) -> None:
    with clock.travel(moment(2, 8)):
        at = office()
        boss = UserFactory(role="COORDINATOR", unit=at.unit, language="en")
    topic = Topic.objects.get(code="NETWORK.COVERAGE")
    with clock.travel(moment(3, 10)):
        first = [ready(at, State.INVESTIGATING, topic=topic, area="Wenzhou") for _number in range(4)]
        case(at, State.INVESTIGATING, topic=topic, area="Wenzhou", customer=first[0].customer)  # the same customer
        case(at, State.INVESTIGATING, topic=topic, area="Ningbo")
        case(at, State.INVESTIGATING, topic=topic, area="Wenzhou", about_staff=at.other, handler=at.handler)
        old = case(at, State.INVESTIGATING, topic=topic, area="Wenzhou", received_at=clock.now() - 25 * HOUR)
        # Five of the category, wherever: suggested as a whole.
        assert tasks.suggest_group_cases() == 1
        row = GroupSuggestion.objects.get()
        assert (row.topic, row.area, row.customers) == (topic, "", 5)
        rung = Notification.objects.filter(kind="complaint.group_suggested")
        assert boss.pk in set(rung.values_list("user", flat=True)) and not rung.filter(user=at.lead).exists()
        assert suggest_groups() == 0 and rung.filter(user=boss).count() == 1
        refuse_suggestion(row.pk, actor=boss, reason="Four different causes")
        assert suggest_groups() == 0
        with pytest.raises(RuleBroken):
            refuse_suggestion(row.pk, actor=boss, reason="again")
    with clock.travel(moment(3, 12)):
        again = [ready(at, State.INVESTIGATING, topic=topic, area="Wenzhou") for _number in range(5)]
        withdraw_complaint(again[4].pk, actor=at.agent, reason="gone")
        assert suggest_groups() == 0
        again.append(ready(at, State.INVESTIGATING, topic=topic, area="Wenzhou"))
        assert suggest_groups() == 1
        row = GroupSuggestion.objects.get(decided_at=None)
        assert (row.area, row.customers, row.since) == ("Wenzhou", 5, again[0].received_at)
        client = client_for(boss)
        assert "Wenzhou" in client.get("/complaints/groups/").content.decode()
        url = f"/complaints/groups/{to_text(row.pk)}/"
        page = client.get(url)
        listed = {case.pk for case, _ref in page.context["cases"]}
        assert listed == {again[0].pk, again[1].pk, again[2].pk, again[3].pk, again[5].pk} and old.pk not in listed
        assert client_for(at.handler).get(url).status_code == 403
        with pytest.raises(NotAllowed):
            make_suggested_group(row.pk, actor=at.handler, case_ids=listed, subject="x")
        # None chosen: told so, nothing lost, nothing done.
        answer = client.post(f"{url}make/", {"into": "new", "subject": "Mast down"})
        assert answer.status_code == 422 and "Mast down" in answer.content.decode()
        assert not Complaint.objects.filter(is_parent=True).exists()
        before = OutMessage.objects.filter(template="complaint_grouped").count()
        pick = [to_text(key) for key in listed if key != again[5].pk]
        answer = client.post(f"{url}make/", {"into": "new", "subject": "Mast down", "pick": pick})
        parent = Complaint.objects.get(is_parent=True)
        assert answer["Location"] == f"/complaints/{to_text(parent.pk)}/"
        assert parent.members.count() == 4 and parent.subject == "Mast down"
        assert OutMessage.objects.filter(template="complaint_grouped").count() == before + 4
        row.refresh_from_db()
        assert (row.parent, row.decided_by) == (parent, boss)
        assert AuditEntry.objects.filter(verb="complaint.group_made", actor_id=boss.pk).count() == 1
        assert client.post(f"{url}refuse/", {"reason": "late"}).status_code == 422
        assert "made the group" in client.get(url).content.decode()
        assert suggest_groups() == 0
    with clock.travel(moment(3, 14)):
        more = [ready(at, State.INVESTIGATING, topic=topic, area="Wenzhou") for _number in range(5)]
        assert suggest_groups() == 1
        row = GroupSuggestion.objects.get(decided_at=None)
        url = f"/complaints/groups/{to_text(row.pk)}/"
        pick = [to_text(one.pk) for one in more]
        answer = client_for(boss).post(f"{url}make/", {"into": to_text(parent.pk), "pick": pick})
        assert answer["Location"] == f"/complaints/{to_text(parent.pk)}/"
        assert parent.members.count() == 9


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_suggest_and_ring_once() -> None:
    at = office()
    boss = UserFactory(role="COORDINATOR", unit=at.unit)
    topic = Topic.objects.get(code="NETWORK.COVERAGE")
    for _number in range(5):
        case(at, State.INVESTIGATING, topic=topic)
    now = clock.now()
    done = race(*[lambda: suggest_groups(now)] * 4)
    assert sorted(done) == [0, 0, 0, 1]
    assert GroupSuggestion.objects.count() == 1
    assert Notification.objects.filter(user=boss, kind="complaint.group_suggested").count() == 1
