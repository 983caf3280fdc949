"""The supervisor's board: every number against a naive recount, and against the list it opens."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from complaints.lifecycle import State
from complaints.models import Approval, Callback, Complaint, Handover, Part, Solution
from foundation.common import clock
from foundation.policies.services import set_policy
from staff.models import Absence, Shift, User
from tests.complaints.cases import Office, case, moment, office
from tests.complaints.test_kpis import HOUR, NOW, shown, world

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
BOARD = "/complaints/board/"


def busy(at: Office) -> dict[str, Complaint]:
    """Open cases of an office with each of the reasons to act; NOW is the moment."""
    made = {
        "grave": case(at, State.INVESTIGATING, grade="MAJOR", grade_reason="SAFETY", next_due_at=NOW + HOUR * 9),
        "offer": case(at, State.INVESTIGATING, next_due_at=NOW + HOUR * 9, handler=at.other),
        "part": case(at, State.INVESTIGATING, next_due_at=NOW + HOUR * 9),
        "approval": case(at, State.SOLUTION_PROPOSED, next_due_at=NOW + HOUR * 9),
        "callback": case(at, State.CALLBACK, next_due_at=NOW + HOUR * 2),
        "later": case(at, State.DECIDED, next_due_at=NOW + HOUR * 30),
    }
    Handover.objects.create(
        complaint=made["offer"], role="OWNER", number=1, by=at.agent, old=at.agent, to=at.handler, until=NOW + HOUR
    )
    Part.objects.create(
        complaint=made["part"], unit=at.unit, unit_no=at.unit.no, ask="?", due_at=NOW - HOUR, budget_minutes=60
    )
    solution = Solution.objects.create(complaint=made["approval"], finding="So", by=at.handler)
    Approval.objects.create(solution=solution, amount=90, matter_amount=90, asked_by=at.handler, asked_of=at.lead)
    for name, due in (("callback", NOW + HOUR * 2), ("later", NOW + HOUR * 30)):
        told = Solution.objects.create(complaint=made[name], finding="So", by=at.handler)
        Callback.objects.create(complaint=made[name], solution=told, due_at=due)
    return made


COUNTS = (
    r'class="kpi-v">(\d+)<',
    r'class="count[^"]*">(\d+)<',
    r"<b>(\d+)</b>",
    r"received (\d+)<",
    r"^\s*(\d+)(?:<|\s*$)",
)


def numbers_of(text: str) -> list[tuple[str, int]]:
    """(address, count) of each number of cases or people on the board; rates and times are looked at by themselves."""
    found = []
    for href, inner in re.findall(
        r'<a\b[^>]*\bhref="([^"]+)"[^>]*>(.*?)</a>', text.split('id="results"')[1], re.DOTALL
    ):
        counts = [match[1] for match in (re.search(pattern, inner) for pattern in COUNTS) if match]
        if counts and not re.search(r"kpi=(on_time|mean_time|p90_time|score)&", unescape(href)):
            found.append((unescape(href), int(counts[0])))
    return found


@pytest.mark.covers("CMP-12", "CMP-04", "REP-05")
def test_every_number_of_the_board_opens_exactly_its_rows(client_for: ClientFor) -> None:
    here, there = world()
    made = busy(here)
    busy(there)
    with clock.travel(NOW):
        case(here, State.CLOSED, received_at=moment(31, 8, 30), closed_at=moment(31, 11), satisfaction=5)
        case(here, State.INVESTIGATING, about_staff=here.lead, next_due_at=NOW - HOUR)
        for viewer in (here.lead, there.boss):
            client = client_for(viewer)
            mine = list(Complaint.objects.visible_to(viewer).filter(closed_at=None))
            page = client.get(BOARD)
            assert page.status_code == 200
            text = page.content.decode()
            late = {one.pk for one in mine if one.next_due_at and one.next_due_at < NOW}
            soon = {one.pk for one in mine if one.next_due_at and NOW <= one.next_due_at < NOW + HOUR / 2}
            by_label = {one["label"]: one for one in page.context["kpis"]}
            assert by_label["Breached"]["value"] == len(late)
            assert by_label["Due in 30 minutes"]["value"] == len(soon)
            assert by_label["Cases open"]["value"] == len(mine)
            assert shown(client, by_label["Breached"]["href"]) == late
            assert shown(client, by_label["Due in 30 minutes"]["href"]) == soon
            assert shown(client, by_label["Cases open"]["href"]) == {one.pk for one in mine}
            found = numbers_of(text)
            assert len(found) > 40
            looked = sorted(set(found), key=lambda one: -one[1])
            for href, number in looked[: len([one for one in looked if one[1]]) + 4]:  # a few of those that are nothing
                if href.startswith("/complaints/load/"):
                    listed = client.get(href)
                    assert len(listed.context["people"]) == number, href
                else:
                    assert len(shown(client, href)) == number, href
        lead = client_for(here.lead)
        page = lead.get(BOARD)
        reasons = {url.split("risk=")[1]: number for _label, number, url, _tone in page.context["reasons"]}
        assert reasons == {
            "breached": 1, "soon": 1, "offered": 1, "part": 1, "approval": 1, "callback": 1, "grave": 1
        }  # fmt: skip
        assert shown(lead, "/complaints/?view=all&risk=callback") == {made["callback"].pk}
        pressing = [(one.case.pk, [reason.value for reason in one.reasons]) for one in page.context["pressing"]]
        assert [reasons for _pk, reasons in pressing] == [
            ["breached"], ["soon"], ["offered"], ["part"], ["approval"], ["callback"], ["grave"]
        ]  # fmt: skip
        assert {pk for pk, _reasons in pressing} == shown(lead, page.context["all_pressing"])
        month = lead.get(f"{BOARD}?period=month")
        rate = next(one for one in month.context["kpis"] if one["label"] == "On-time rate")
        assert (rate["value"], rate["note"]) == ("33.3", "aim 95 %, missed 4 of 6")
        assert len(shown(lead, rate["note_href"])) == 4 and len(shown(lead, rate["href"])) == 6
        closed = next(one for one in month.context["kpis"] if one["label"] == "Cases closed")
        assert (closed["value"], closed["note"]) == (6, "received 10")
        assert len(shown(lead, closed["href"])) == 6 and len(shown(lead, closed["note_href"])) == 10


@pytest.mark.covers("CMP-12")
def test_load_states_limits_and_who_is_over(client_for: ClientFor) -> None:
    with clock.travel(moment(1)):
        at = office()
    with clock.travel(moment(5)):
        now = clock.now()
        set_policy("complaints.load.most_open", 2, actor=at.boss, scope="UNIT", scope_ref=at.unit.pk)
        for _n in range(3):
            case(at, State.INVESTIGATING, next_due_at=now - HOUR)
        case(at, State.INVESTIGATING, handler=at.other)
        Absence.objects.create(
            user=at.other, reason="LEAVE", starts_at=now - HOUR, ends_at=now + HOUR, delegate=at.head
        )
        third = User.objects.get(pk=at.handler.pk)
        Shift.objects.create(user=third, starts_at=now - HOUR * 20, ends_at=now - HOUR * 12)
        page = client_for(at.head).get("/complaints/load/")
        rows = [(one.worker.name, one.worker.state, one.worker.open, one.worker.late) for one in page.context["people"]]
        assert rows == [(at.handler.name, "off", 3, 3), (at.other.name, "away", 1, 0)]
        text = page.content.decode()
        assert "over the limit" in text and f"away, {at.head.name} stands in" in text
        over = client_for(at.head).get("/complaints/load/?view=over")
        assert [one.worker.pk for one in over.context["people"]] == [at.handler.pk]
        assert [tab.count for tab in over.context["tabs"]] == [2, 1, 0, 1]
        assert client_for(at.handler).get("/complaints/load/").status_code == 403
        assert client_for(at.agent).get(BOARD).status_code == 403


def test_the_board_costs_the_same_however_much_there_is(client_for: ClientFor) -> None:
    with clock.travel(moment(1)):
        at = office()
    with clock.travel(NOW):
        busy(at)
        client = client_for(at.head)
        client.get(BOARD)
        with CaptureQueriesContext(connection) as few:
            client.get(BOARD)
        for _n in range(2):
            busy(at)
        extra = [case(at, State.INVESTIGATING, handler=at.other) for _n in range(3)]
        with CaptureQueriesContext(connection) as many:
            assert client.get(BOARD).status_code == 200
        assert len(extra) == 3 and len(many) == len(few) <= 15, [one["sql"][:90] for one in many.captured_queries]
        fragment: Any = client.get(BOARD, headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in fragment and 'id="results"' in fragment


def test_the_wall_shows_the_same_numbers_and_nobody(client_for: ClientFor) -> None:
    with clock.travel(moment(1)):
        at = office()
    with clock.travel(NOW):
        busy(at)
        case(at, State.INVESTIGATING, next_due_at=NOW - HOUR)
        client = client_for(at.head)
        board = client.get(BOARD).context
        page = client.get(f"{BOARD}wall/")
        text = page.content.decode()
        assert [(one["label"], one["value"]) for one in page.context["kpis"]] == [
            (one["label"], one["value"]) for one in board["kpis"]
        ]
        assert [one[:2] for one in page.context["reasons"]] == [(str(a), b) for a, b, _u, _t in board["reasons"]][2:]
        names = [one.name for one in (at.handler, at.other, at.agent, at.lead, at.head)]
        assert not any(name in text for name in names) and "Charged twice" not in text and "CP2026" not in text
        main = text.split("<main")[1]
        assert "<a " not in main and "<button" not in main and "<form" not in main
        assert (
            'data-live="15"' in text and 'data-fresh-for="45"' in text and f'data-at="{int(NOW.timestamp())}"' in text
        )
        tick = f"{BOARD}wall/?seen={page.context['version']}"
        assert client.get(tick, headers={"HX-Request": "true"}).status_code == 204
        assert client.get(tick).status_code == 200  # loaded anew it is the whole page
        case(at, State.INVESTIGATING, next_due_at=NOW - HOUR)
        after = client.get(tick, headers={"HX-Request": "true"})
        assert after.status_code == 200 and '<span class="kpi-v">2</span>' in after.content.decode()
