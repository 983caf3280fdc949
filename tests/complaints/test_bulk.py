"""Acts on many cases through their pages: preview, doing, refusals one by one, undo, the background above a hundred."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from complaints.lifecycle import State
from complaints.models import BulkChange, BulkLine, Complaint, Order
from complaints.services import bulk as service
from complaints.services import ordering
from complaints.services.grading import change_grade
from complaints.services.ground import save_case
from foundation.common.errors import RuleBroken
from foundation.jobs.models import JobRun
from foundation.jobs.tasks import run_job
from outreach.models import OutMessage
from staff.models import User
from tests.complaints.cases import Office, case, office
from tests.complaints.test_handing import kinds
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]


@pytest.fixture
def at() -> Office:
    return office()


def started(client: Client, act: str, cases: list[Complaint], **more: Any) -> BulkChange:
    sent = {"act": act, "query": "view=all", "pick": [one.ref for one in cases], **more}
    assert client.post("/complaints/bulk/", sent).status_code == 302
    return BulkChange.objects.latest("pk")


def told(answer: Any) -> str:
    return str(answer.content.decode())


def test_assigning_shows_who_gets_how_many_then_does_it_and_takes_it_back(at: Office, client_for: ClientFor) -> None:
    lead = client_for(at.lead)
    given = [case(at, State.ASSIGNED) for _n in range(3)]
    pooled = case(at, State.ASSIGNED, handler=None)
    ended = case(at, State.CLOSED)
    far = case(office(), State.ASSIGNED)
    bulk = started(lead, "ASSIGN", [*given, pooled, ended, far])
    assert set(bulk.lines.values_list("complaint", flat=True)) == {one.pk for one in [*given, pooled, ended]}
    page = f"/complaints/bulk/{bulk.ref}/"
    assert client_for(at.head).get(page).status_code == 404
    assert lead.post(f"{page}run/").status_code == 302  # nothing said yet: nothing done
    empty = lead.post(f"{page}aim/", {})
    assert empty.status_code == 422 and "Choose a person or a unit." in told(empty)
    assert lead.post(f"{page}aim/", {"people": [at.other.pk, at.handler.pk], "note": "leave"}).status_code == 302
    shown = lead.get(page)
    # The three lie with the handler, so they go to the other; the pooled one to who has fewer.
    assert [one[:2] for one in shown.context["shares"]] == [(at.other.name, 3), (at.handler.name, 1)]
    assert [(line.complaint, line.code) for line in shown.context["refused"]] == [(ended, "complaint.ended")]
    assert Complaint.objects.filter(handler=at.other).count() == 0 and not OutMessage.objects.exists()
    assert lead.post(f"{page}run/").status_code == 302
    assert lead.post(f"{page}run/").status_code == 302  # twice is once
    assert [one.handler for one in Complaint.objects.filter(pk__in=[g.pk for g in given])] == [at.other] * 3
    pooled.refresh_from_db()
    assert pooled.handler == at.handler
    # One is changed meanwhile: it stays where it is, the others go back.
    kept = Complaint.objects.get(pk=given[0].pk)
    save_case(kept)
    assert lead.post(f"{page}undo/").status_code == 302
    after = {one.pk: one.handler for one in Complaint.objects.filter(pk__in=[g.pk for g in given] + [pooled.pk])}
    assert after == {given[0].pk: at.other, given[1].pk: at.handler, given[2].pk: at.handler, pooled.pk: None}
    states = dict(bulk.lines.values_list("complaint", "state"))
    assert (states[given[0].pk], states[given[1].pk], states[ended.pk]) == ("KEPT", "UNDONE", "REFUSED")
    assert lead.post(f"{page}undo/").status_code == 302
    assert dict(bulk.lines.values_list("complaint", "state")) == states
    assert "It was changed since." in told(lead.get(page))


def test_a_whole_view_above_a_hundred_goes_to_the_background_and_back(
    at: Office, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "AT_ONCE", 4)
    monkeypatch.setattr(service, "BATCH", 2)
    for _n in range(6):
        case(at, State.ASSIGNED)
    case(at, State.ASSIGNED, grade="MAJOR", grade_reason="SAFETY")
    lead = client_for(at.lead)
    bulk = started(lead, "ASSIGN", [], every="1", query="view=all&grade=ORDINARY")
    page = f"/complaints/bulk/{bulk.ref}/"
    assert lead.post(f"{page}aim/", {"people": [at.other.pk]}).status_code == 302
    assert lead.post(f"{page}run/").status_code == 302
    assert Complaint.objects.filter(handler=at.other).count() == 0
    assert "At work in the background" in told(lead.get(page))
    # Killed after two: what is done stays done, the rest follows.
    run = JobRun.objects.get(job="complaints.bulk")
    for done, _total in service.run_lines(BulkChange.objects.get(pk=bulk.pk)):
        if done == 2:
            break
    assert Complaint.objects.filter(handler=at.other).count() == 2
    run_job(run.pk)
    run.refresh_from_db()
    assert (run.state, run.counts) == ("DONE", {"changed": 6, "refused": 0})
    assert Complaint.objects.filter(handler=at.other).count() == 6
    assert lead.post(f"{page}undo/").status_code == 302
    run_job(JobRun.objects.filter(job="complaints.bulk").latest("pk").pk)
    assert Complaint.objects.filter(handler=at.other).count() == 0
    assert set(bulk.lines.values_list("state", flat=True)) == {"UNDONE"}


def test_urging_and_raising_and_who_may_not(at: Office, client_for: ClientFor) -> None:
    worked, pooled = case(at, State.INVESTIGATING), case(at, State.ASSIGNED, handler=None)
    lead = client_for(at.lead)
    bulk = started(lead, "URGE", [worked, pooled])
    page = f"/complaints/bulk/{bulk.ref}/"
    assert lead.post(f"{page}aim/", {"note": "Call her today", "due_at": "2026-11-01 10:00"}).status_code == 422
    assert lead.post(f"{page}aim/", {"note": "Call her today", "due_at": "2026-11-25 10:00"}).status_code == 302
    assert lead.post(f"{page}run/").status_code == 302
    order = Order.objects.get()
    assert (order.complaint, order.to, order.by) == (worked, at.handler, at.lead)
    assert BulkLine.objects.get(complaint=pooled).code == "complaint.not_worked_on"
    raised = started(lead, "RAISE", [worked])
    page = f"/complaints/bulk/{raised.ref}/"
    assert lead.post(f"{page}aim/", {"grade": "UPGRADED", "reason": "UNSATISFIED"}).status_code == 302
    assert lead.post(f"{page}run/").status_code == 302
    worked.refresh_from_db()
    assert (worked.grade, worked.grade_reason) == ("UPGRADED", "UNSATISFIED")
    # Both are taken back: it has its grade again and the reply is owed no more; what was replied to stays.
    assert lead.post(f"{page}undo/").status_code == 302
    worked.refresh_from_db()
    assert (worked.grade, worked.grade_reason, raised.lines.get().state) == ("ORDINARY", "", "UNDONE")
    assert lead.post(f"/complaints/bulk/{bulk.ref}/undo/").status_code == 302
    order.refresh_from_db()
    assert order.withdrawn_at is not None and not worked.seats.filter(why="ORDER").exists()
    assert "order_withdrawn" in kinds(at.handler) and "taken back" in told(lead.get(f"/complaints/{worked.ref}/"))
    with pytest.raises(RuleBroken) as no:
        ordering.reply_to_order(order.pk, actor=at.handler, text="I do")
    assert no.value.code == "complaint.order_withdrawn"
    again = started(lead, "URGE", [worked])
    page = f"/complaints/bulk/{again.ref}/"
    assert lead.post(f"{page}aim/", {"note": "Call her today", "due_at": "2026-11-25 10:00"}).status_code == 302
    assert lead.post(f"{page}run/").status_code == 302
    ordering.reply_to_order(Order.objects.latest("pk").pk, actor=at.handler, text="Done")
    assert lead.post(f"{page}undo/").status_code == 302 and again.lines.get().state == "KEPT"
    # Graded by somebody else since: not taken back.
    raised = started(lead, "RAISE", [worked])
    page = f"/complaints/bulk/{raised.ref}/"
    assert lead.post(f"{page}aim/", {"grade": "UPGRADED", "reason": "UNSATISFIED"}).status_code == 302
    assert lead.post(f"{page}run/").status_code == 302
    change_grade(worked.pk, actor=at.boss, grade="MAJOR", reason_code="MEDIA")
    assert lead.post(f"{page}undo/").status_code == 302
    worked.refresh_from_db()
    assert worked.grade == "MAJOR" and raised.lines.get().state == "KEPT"
    agent, handler = client_for(at.agent), client_for(at.handler)
    assert agent.post("/complaints/bulk/", {"act": "RAISE", "pick": [worked.ref]}).status_code == 403
    assert handler.post("/complaints/bulk/", {"act": "ASSIGN", "pick": [worked.ref]}).status_code == 403
    before = BulkChange.objects.count()
    for sent in ({"act": "ASSIGN", "pick": ["?", "zzzzzzzzzzzzz"]}, {"act": "SELL", "pick": [worked.ref]}, {}):
        client_for(UserFactory(role="TEAM_LEAD", unit=at.unit)).post("/complaints/bulk/", sent)
    assert not BulkLine.objects.filter(bulk__act="SELL").exists()
    assert BulkChange.objects.count() - before <= 1


def test_suggested_topics_are_confirmed_together_and_taken_back(at: Office, client_for: ClientFor) -> None:
    past = {"source": "comcast", "source_no": "1", "customer": None, "topic_suggested": True}
    records = [case(at, State.CLOSED, **{**past, "source_no": str(n)}) for n in range(130)]
    open_one = case(at, State.INVESTIGATING, topic_suggested=True)
    chosen, none = case(at, State.INVESTIGATING), case(at, State.INVESTIGATING, topic=None)
    boss, agent = client_for(at.boss), client_for(at.agent)
    assert agent.post("/complaints/bulk/", {"act": "CONFIRM", "pick": [open_one.ref]}).status_code == 403
    shown = told(boss.get("/complaints/", {"view": "closed", "topic": "1"}))
    assert "Confirm topics" in shown and records[129].number in shown and chosen.number not in shown
    bulk = started(boss, "CONFIRM", [open_one, chosen, none])
    page = f"/complaints/bulk/{bulk.ref}/"
    assert boss.post(f"{page}aim/", {}).status_code == 302
    seen = boss.get(page)
    assert [line.code for line in seen.context["refused"]] == ["complaint.nothing_suggested"] * 2
    assert [number for _name, number in seen.context["topics"]] == [1] and Complaint.objects.get(
        pk=open_one.pk
    ).topic_suggested
    for _twice in range(2):
        assert boss.post(f"{page}run/").status_code == 302
    assert not Complaint.objects.get(pk=open_one.pk).topic_suggested
    # The whole filter, in the background; one is given another topic while it runs, one after it.
    every = started(boss, "CONFIRM", [], every="1", query="view=closed&topic=1")
    page = f"/complaints/bulk/{every.ref}/"
    assert boss.post(f"{page}aim/", {}).status_code == 302
    assert boss.get(page).context["topics"][0][1] == 130
    Complaint.objects.filter(pk=records[0].pk).update(topic_suggested=False)
    assert boss.post(f"{page}run/").status_code == 302
    run_job(JobRun.objects.get(job="complaints.bulk").pk)
    assert not Complaint.objects.filter(topic_suggested=True).exists()
    assert every.lines.filter(state="DONE").count() == 129
    save_case(Complaint.objects.get(pk=records[1].pk))
    assert boss.post(f"{page}undo/").status_code == 302
    run_job(JobRun.objects.filter(job="complaints.bulk").latest("pk").pk)
    assert Complaint.objects.filter(topic_suggested=True).count() == 128
    assert every.lines.get(complaint=records[1]).state == "KEPT"
    assert not OutMessage.objects.exists()  # records of the past: nobody is told anything
