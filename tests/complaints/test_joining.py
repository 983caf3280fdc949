"""Cases that are one: merged, taken apart, split, linked, grouped; nothing that was promised or said gets lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from complaints import tasks
from complaints.lifecycle import ClockKind
from complaints.models import (
    CaseMerge,
    ComplainerFlag,
    Complaint,
    Entry,
    GroupSuggestion,
    Link,
    Measure,
    Promise,
    Solution,
)
from complaints.services import closing, ground, grouping, joining, promising
from complaints.services.suggesting import suggest_groups
from foundation.calendars.clock_queries import faults_of_clocks
from foundation.calendars.models import Clock
from foundation.common import clock
from foundation.common.errors import RuleBroken
from interactions.models import Topic
from outreach.models import OutMessage
from tests.complaints.cases import Office, case, cause, office
from tests.complaints.test_handing import kinds, refused
from tests.conftest import DEEP
from tests.racing import race

MORNING = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)  # Tuesday, 10:00 in Beijing
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ROUNDS = 200 if DEEP else 5


@pytest.fixture
def at() -> Iterator[Office]:
    with clock.travel(MORNING):
        yield office()


def begun(at: Office, state: str = "ASSESSED", **columns: object) -> Complaint:
    """A case whose clocks run as its state wants."""
    one = case(at, state, **columns)
    clocks = ground.clocks_for(one, None, new=True)
    clocks.begin()
    clocks.start(clocks.service() if state != "REGISTERED" else clocks.duty(ClockKind.ASSESS))
    ground.save_case(one)
    return one


def standing(one: Complaint, kind: str = "statutory") -> list[str]:
    rows = Clock.objects.filter(owner_kind="CASE", owner_id=one.pk, kind=kind).order_by("pk")
    return list(rows.values_list("state", flat=True))


@pytest.mark.django_db
@pytest.mark.covers("CMP-15")
def test_a_merge_takes_the_earliest_receipt_and_everything_owed_and_can_be_undone(at: Office) -> None:
    late = begun(at)
    early = begun(at, customer=late.customer, received_at=MORNING - 3 * DAY, channel="LETTER", grade="MAJOR")
    promise = promising.make_promise(early.pk, actor=at.agent, text="Call", due_at=MORNING + DAY, owner=at.other)
    entry = Entry.objects.create(complaint=early, kind="INBOUND", text="And again")
    refused("complaint.merge_itself", joining.merge_complaints, late.pk, late.pk, actor=at.lead)
    refused("complaint.merge_customers", joining.merge_complaints, begun(at).pk, late.pk, actor=at.lead)
    busy = begun(at, "INVESTIGATING", customer=late.customer)
    refused("complaint.illegal", joining.merge_complaints, busy.pk, late.pk, actor=at.lead)
    refused("complaint.no_right", joining.merge_complaints, early.pk, late.pk, actor=at.agent)
    merge = joining.merge_complaints(early.pk, late.pk, actor=at.lead)
    early.refresh_from_db()
    late.refresh_from_db()
    assert (early.state, early.merged_into, early.state_before_merge, early.channel) == (
        "MERGED",
        late,
        "ASSESSED",
        "LETTER",
    )
    assert early.received_at == late.received_at == MORNING - 3 * DAY and late.grade == "MAJOR"
    assert standing(early) == ["STOPPED"] and standing(early, "service") == ["STOPPED"]
    running = Clock.objects.get(owner_kind="CASE", owner_id=late.pk, kind="statutory")
    assert (running.state, running.started_at) == ("RUNNING", MORNING - 3 * DAY)
    assert late.statutory_due_at == running.due_at == datetime(2026, 3, 15, 15, 59, 59, tzinfo=UTC)
    promise.refresh_from_db()
    entry.refresh_from_db()
    assert promise.complaint == late and entry.complaint == late
    assert Complaint.objects.visible_to(at.other).filter(pk=late.pk).exists()
    told = OutMessage.objects.get(template="complaint_merged")
    assert (told.params["number"], told.params["master"]) == (early.number, late.number)
    refused("complaint.illegal", joining.merge_complaints, early.pk, busy.pk, actor=at.lead)

    with clock.travel(MORNING + HOUR):
        joining.undo_case_merge(merge.pk, actor=at.lead)
        refused("complaint.merge_undone", joining.undo_case_merge, merge.pk, actor=at.lead)
    early.refresh_from_db()
    late.refresh_from_db()
    assert (early.state, early.merged_into, early.closed_at) == ("ASSESSED", None, None)
    assert late.received_at == MORNING and late.statutory_due_at == datetime(2026, 3, 18, 15, 59, 59, tzinfo=UTC)
    assert early.statutory_due_at == datetime(2026, 3, 15, 15, 59, 59, tzinfo=UTC)
    assert standing(early) == ["STOPPED", "RUNNING"] and standing(early, "service") == ["STOPPED", "RUNNING"]
    service = Clock.objects.get(owner_id=early.pk, kind="service", state="RUNNING")
    assert service.started_at == MORNING
    assert Promise.objects.get(complaint=early) == promise and Entry.objects.get(complaint=early) == entry
    assert OutMessage.objects.filter(template="complaint_unmerged").count() == 1
    assert not list(faults_of_clocks())


@pytest.mark.django_db
@pytest.mark.covers("CMP-15")
def test_split_link_and_group(at: Office) -> None:
    one = begun(at, area="Pudong")
    topic = Topic.objects.get(code="NETWORK.COVERAGE")
    new = joining.split_complaint(one.pk, actor=at.lead, text="And no signal at home.", topic=topic)
    assert new.customer == one.customer and new.received_at == one.received_at and new.number != one.number
    assert Link.objects.get().kind == "SPLIT" and OutMessage.objects.filter(template="complaint_split").count() == 1
    joining.link_complaints(new.pk, one.pk, actor=at.lead, kind="REPEAT")
    joining.link_complaints(new.pk, one.pk, actor=at.lead, kind="REPEAT")
    assert Link.objects.filter(kind="REPEAT").count() == 1
    refused("complaint.link_kind", joining.link_complaints, new.pk, one.pk, actor=at.lead, kind="SPLIT")

    others = [begun(at, area="Pudong") for _one in range(4)]
    assert suggest_groups() == 1
    assert list(GroupSuggestion.objects.values_list("customers", "area")) == [(5, "Pudong")]
    members = [one.pk, *(other.pk for other in others)]
    parent = grouping.make_group(members, actor=at.lead, subject="Billing run of February")
    assert parent.is_parent and parent.customer is None and suggest_groups() == 0
    one.refresh_from_db()
    assert (one.parent, one.grade, one.grade_reason) == (parent, "GROUP", "SAME_CAUSE")
    assert standing(one, "service") == ["STOPPED"] and standing(one) == ["RUNNING"]
    assert OutMessage.objects.filter(template="complaint_grouped").count() == 5
    refused("complaint.grouped", grouping.join_group, one.pk, parent.pk, actor=at.lead)
    grouping.leave_group(others[0].pk, actor=at.lead, reason="a contract matter")
    others[0].refresh_from_db()
    assert others[0].parent is None and standing(others[0], "service") == ["STOPPED", "RUNNING"]

    Complaint.objects.filter(pk=parent.pk).update(state="INVESTIGATING", handler=at.handler)
    end = {"cause": cause(), "responsible_unit": at.unit, "lesson": "Check the run", "words": "The bill is right now."}
    refused("complaint.no_solution", grouping.close_group, parent.pk, actor=at.handler, **end)
    solution = Solution.objects.create(complaint=parent, finding="A wrong run", by=at.handler)
    Measure.objects.create(
        solution=solution, kind="FIX", text="Run again", owner=at.handler, due_at=MORNING + DAY, done_at=MORNING
    )
    refused("complaint.no_group", grouping.close_group, one.pk, actor=at.lead, **end)
    grouping.close_group(parent.pk, actor=at.handler, **end)
    with clock.travel(MORNING + HOUR):
        tasks.settle_dues()
        tasks.settle_dues()
    one.refresh_from_db()
    assert (one.state, one.cause, one.responsible_unit, one.lesson) == ("CLOSED", cause(), at.unit, "Check the run")
    assert standing(one) == ["MET"]
    assert OutMessage.objects.filter(template="complaint_group_answered").count() == 4
    assert Complaint.objects.get(pk=others[0].pk).is_open
    # Not "unreachable": nobody tried. Each was told the answer to all, and until when theirs may come back.
    assert (parent.solved, one.solved, one.satisfaction) == ("", "WITH_GROUP", None)
    told = OutMessage.objects.get(template="complaint_group_answered", customer=one.customer)
    assert told.params["words"] == "The bill is right now." and told.params["reopen_until_at"][:10] == "2026-04-02"
    assert one.entries.get(kind="REPLY").message_id == told.pk and ComplainerFlag.objects.filter(complaint=one).exists()
    with clock.travel(MORNING + DAY):
        closing.reopen_complaint(one.pk, actor=at.agent, words="Mine is still wrong")
        tasks.settle_dues()
    one.refresh_from_db()
    # It goes on alone: a case of its own again, whose clocks bring it up as any other.
    assert (one.parent, one.grade, standing(one, "service")[-1]) == (None, "ORDINARY", "RUNNING")
    assert Link.objects.get(complaint=one, other=parent).kind == "RELATED"
    assert one.state == "REOPENED" and one.closed_at is None  # alone: its group stays closed
    assert "reopened" in kinds(at.head)


@pytest.mark.django_db(transaction=True)
@pytest.mark.covers("CMP-15")
def test_a_into_b_and_b_into_a_at_once_lose_nothing() -> None:
    with clock.travel(MORNING):
        at = office()
        for _round in range(ROUNDS):
            first = begun(at)
            second = begun(at, customer=first.customer, received_at=MORNING - HOUR)
            for one in (first, second):
                promising.make_promise(one.pk, actor=at.agent, text="Call", due_at=MORNING + DAY, owner=at.other)
                Entry.objects.create(complaint=one, kind="INBOUND", text="Words")
            done = race(
                lambda a=first.pk, b=second.pk: joining.merge_complaints(a, b, actor=at.lead),
                lambda a=second.pk, b=first.pk: joining.merge_complaints(a, b, actor=at.lead),
            )
            won = [one for one in done if isinstance(one, CaseMerge)]
            lost = [one for one in done if isinstance(one, RuleBroken)]
            assert len(won) == 1 and [no.code for no in lost] in (["complaint.ended"], ["complaint.illegal"]), done
            master = Complaint.objects.get(pk=won[0].master_id)
            merged = Complaint.objects.get(pk=won[0].merged_id)
            assert master.is_open and merged.merged_into_id == master.pk
            assert master.received_at == MORNING - HOUR
            assert (standing(master), standing(merged)) == (["RUNNING"], ["STOPPED"])
            assert Promise.objects.open().filter(complaint=master).count() == 2
            assert Entry.objects.filter(complaint=master).count() == 2
            told = OutMessage.objects.filter(template="complaint_merged", customer=first.customer)
            assert [row.params["number"] for row in told] == [merged.number]
    assert not list(faults_of_clocks())
