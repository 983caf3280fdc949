"""Why this deadline, for other systems: the same steps as on the page, under the same rights."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from complaints.lifecycle import State
from complaints.services import grading
from foundation.calendars.clock_queries import open_clock
from foundation.calendars.clock_words import explain_clock
from foundation.common import clock
from tests.complaints.cases import office, on, ready
from tests.factories import UnitFactory
from tests.rest.calling import program
from tests.workspace.making import enter, person, queries

pytestmark = [pytest.mark.django_db, pytest.mark.covers("CMP-09")]


def test_the_clocks_of_a_case_say_why_as_the_page_does():
    with on(2, 10):
        at = office()
        one = ready(at, State.INVESTIGATING, path="CROSS_UNIT")
        other = ready(at, State.INVESTIGATING, about_staff=at.handler, handler=at.other)
    with on(2, 13):
        grading.change_grade(one.pk, actor=at.boss, grade="MAJOR", reason_code="SAFETY")
        address = f"/api/careline/v1/complaint/{one.ref}/clock"
        client = enter(at.handler)
        with queries() as seen:
            answer = client.get(address, headers={"accept-language": "en"})
        assert len(seen) <= 15
        assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("application/json")
        body: list[dict[str, Any]] = answer.json()
        assert answer.headers["X-Result-Count"] == "2" and {row["name"] for row in body} == {"service", "statutory"}
        service = next(row for row in body if row["name"] == "service")
        assert service["href"] == f"http://testserver{address}/{service['id']}" and service["@type"] == "ComplaintClock"
        assert (service["state"], service["startedAt"], service["dueDate"], service["elapsedMinutes"]) == (
            "running", "2026-03-02T10:00:00+08:00", "2026-03-05T10:00:00+08:00", 180,
        )  # fmt: skip
        assert (service["remainingMinutes"], service["policyKey"]) == (69 * 60, "complaints.limit.major")
        why = explain_clock(open_clock("CASE", one.pk, "service"), clock.now())
        assert [step["words"] for step in service["why"]] == why.in_words()
        assert [(step["input"], step["value"], step["params"]) for step in service["why"]] == [
            (step.input, step.value, step.params) for step in why.steps
        ]
        assert "Reason of the change: another grade." in [step["words"] for step in service["why"]]
        single = client.get(service["href"].removeprefix("http://testserver"))
        assert single.json()["why"][0]["input"] == "target"
        few = client.get(f"{address}?fields=dueDate").json()
        assert set(few[0]) == {"id", "href", "@type", "dueDate"}
        # What is not there is said; who may not see the case sees no clock of it.
        for wrong in ("?fields=colour", "?colour=red"):
            refused = client.get(f"{address}{wrong}")
            assert refused.status_code == 400 and refused.json()["@type"] == "Error"
        assert client.get(f"/api/careline/v1/complaint/{other.ref}/clock").status_code == 404  # it is about them
        assert client.get(f"{address}/1").status_code == 404
        assert Client().get(address).status_code == 401
        # A program with the scope sees the same by its token; without it, and outside of its unit, nothing.
        named = program("troubleTicket:read", unit=one.owner.unit)
        assert named.get(address).json() == client.get(address).json()
        assert program("personal:read", unit=one.owner.unit, name="other").get(address).status_code == 403
        assert program("troubleTicket:read", unit=UnitFactory(no=90_000), name="far").get(address).status_code == 404
        assert enter(person("POLICY_ADMIN")).get(address).json()["code"] == "permission_denied"
