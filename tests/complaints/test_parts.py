"""Parts of cases, promises, orders, measures and callbacks: what people owe, each noticed once when it is late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from complaints import tasks
from complaints.models import Callback, Complaint, ComplaintMove, Measure, Order, Part, Promise, Seat, Solution
from complaints.services import ground, ordering, pausing, promising
from complaints.services import parts as services
from foundation.calendars.models import Clock
from foundation.common import clock
from outreach.models import Notification, OutMessage
from staff.models import User
from tests.complaints.cases import Office, case, office
from tests.complaints.test_handing import kinds, refused
from tests.factories import UnitFactory, UserFactory

pytestmark = pytest.mark.django_db
MORNING = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)  # Tuesday, 10:00 in Beijing
HOUR = timedelta(hours=1)


@pytest.fixture
def at() -> Iterator[Office]:
    with clock.travel(MORNING):
        yield office()


def support(name: str = "Network") -> User:
    """A handler of a support unit with a head."""
    unit = UnitFactory(function="DEPARTMENT", name=f"{name} {UnitFactory.build().code}")
    UserFactory(role="DEPT_HEAD", unit=unit)
    return UserFactory(role="UNIT_HANDLER", unit=unit)


def in_work(at: Office, **columns: object) -> Complaint:
    """A case in work whose service clock runs 48 hours: until Thursday 10:00, 18 working hours."""
    one = case(at, "INVESTIGATING", **columns)
    clocks = ground.clocks_for(one, None, new=True)
    clocks.start(clocks.statutory(clock.now()), clocks.service())
    ground.save_case(one)
    return one


@pytest.mark.covers("CMP-13")
def test_a_part_has_its_own_budget_and_goes_straight_from_unit_to_unit(at: Office) -> None:
    one, network, checking = in_work(at), support(), support("Acceptance")
    refused("complaint.own_unit", services.give_part, one.pk, actor=at.handler, unit=at.unit, ask="Look")
    refused("complaint.part_asks_nothing", services.give_part, one.pk, actor=at.handler, unit=network.unit, ask=" ")
    refused("complaint.too_long", services.give_part, one.pk, actor=at.handler, unit=network.unit, ask="x" * 1_001)
    part = services.give_part(one.pk, actor=at.handler, unit=network.unit, ask="Measure the line")
    assert part.budget_minutes == 18 * 60 * 40 // 100  # 40 % of the working time left
    assert part.due_at == MORNING + timedelta(minutes=432)
    assert kinds(network) == ["part_given"]
    assert Part.objects.visible_to(network).get() == part and not Part.objects.visible_to(checking).exists()
    refused("complaint.part_given", services.give_part, one.pk, actor=at.handler, unit=network.unit, ask="Again")
    refused("complaint.part_not_yours", services.accept_part, part.pk, actor=checking)
    services.accept_part(part.pk, actor=network)
    refused("complaint.part_taken", services.accept_part, part.pk, actor=network)
    with clock.travel(MORNING + 3 * HOUR):
        refused("complaint.part_no_answer", services.finish_part, part.pk, actor=network, answer="")
        refused(
            "complaint.part_not_back", services.pass_part, part.pk, actor=network, unit=at.unit, answer="A", ask="B"
        )
        nxt = services.pass_part(
            part.pk, actor=network, unit=checking.unit, answer="The line is fine", ask="Check the modem"
        )
    part.refresh_from_db()
    assert (part.state, part.minutes_used, part.late, part.answer) == ("DONE", 180, False, "The line is fine")
    assert Clock.objects.get(owner_kind="PART", owner_id=part.pk).state == "MET"
    assert nxt.passed_from == part and kinds(checking) == ["part_given"] and kinds(at.handler) == ["part_passed"]
    with clock.travel(MORNING + 4 * HOUR):
        refused("complaint.no_reason", services.return_part, nxt.pk, actor=checking, reason="")
        refused("complaint.too_long", services.return_part, nxt.pk, actor=checking, reason="x" * 401)
        services.return_part(nxt.pk, actor=checking, reason="no address given")
        again = Part.objects.get(passed_from=nxt)
        assert (again.unit, again.ask, again.state) == (network.unit, "no address given", "OPEN")
        assert "part_returned" in kinds(network)
        services.finish_part(again.pk, actor=network, answer="Renmin road 5")
    nxt.refresh_from_db()
    assert (nxt.state, nxt.returned_for, nxt.late) == ("RETURNED", "no address given", False)
    acts = list(ComplaintMove.objects.filter(complaint=one).order_by("pk").values_list("act", flat=True))
    assert acts == ["PART_GIVEN", "PART_TAKEN", "PART_PASSED", "PART_RETURNED", "PART_DONE"]


@pytest.mark.covers("CMP-13")
def test_a_late_part_is_marked_and_its_head_hears_of_it_once(at: Office) -> None:
    one, network = in_work(at), support()
    part = services.give_part(one.pk, actor=at.handler, unit=network.unit, ask="Measure", budget_minutes=60)
    services.accept_part(part.pk, actor=network)
    with clock.travel(MORNING + 3 * HOUR):
        tasks.settle_dues()
        tasks.settle_dues()
        part.refresh_from_db()
        assert part.late
        head = User.objects.get(unit=network.unit, role_assignments__role="DEPT_HEAD")
        for person in (network, at.handler, head):
            assert kinds(person).count("part_late") == 1
        services.finish_part(part.pk, actor=network, answer="Done")
    part.refresh_from_db()
    assert (part.minutes_used, part.budget_minutes, part.late) == (180, 60, True)


@pytest.mark.covers("CMP-15", "CMP-22")
def test_promises_orders_and_measures_are_kept_or_noticed_once(at: Office) -> None:
    one = in_work(at)
    due = MORNING + 2 * HOUR
    refused("complaint.promise_when", promising.make_promise, one.pk, actor=at.agent, text="Call", due_at=MORNING)
    kept = promising.make_promise(one.pk, actor=at.agent, text="A new bill", due_at=due)
    missed = promising.make_promise(one.pk, actor=at.handler, text="A call", due_at=due, owner=at.other)
    assert kept.owner == at.handler and kinds(at.other) == ["promise"]
    refused("complaint.promise_not_yours", promising.keep_promise, missed.pk, actor=UserFactory(role="AGENT"))
    promising.keep_promise(kept.pk, actor=at.handler)
    refused("complaint.promise_ended", promising.keep_promise, kept.pk, actor=at.handler)
    too_long = {"text": "x" * 401}
    refused("complaint.too_long", ordering.order_reply, one.pk, actor=at.lead, to=at.handler, due_at=due, **too_long)
    order = ordering.order_reply(one.pk, actor=at.lead, to=at.handler, text="Answer today", due_at=due)
    refused("complaint.too_long", ordering.reply_to_order, order.pk, actor=at.handler, **too_long)
    assert Order.objects.get().replied_at is None
    refused("complaint.order_not_yours", ordering.reply_to_order, order.pk, actor=at.other, text="ok")
    refused("complaint.no_right", ordering.order_reply, one.pk, actor=at.agent, to=at.handler, text="x", due_at=due)
    solution = Solution.objects.create(complaint=one, finding="So", by=at.handler, told_at=MORNING)
    measure = Measure.objects.create(solution=solution, kind="FIX", text="Swap", owner=at.other, due_at=due)
    with clock.travel(due):
        assert tasks.settle_dues() == 3
        assert tasks.settle_dues() == 0
    assert kinds(at.other) == ["promise", "promise_due", "measure_due"]
    assert kinds(at.handler) == ["promise", "order", "order_due"] and kinds(at.lead).count("order_due") == 1
    assert {
        row.noticed_at for row in (Promise.objects.get(pk=missed.pk), Order.objects.get(), Measure.objects.get())
    } == {due}
    ordering.reply_to_order(order.pk, actor=at.handler, text="It leaves at four")
    assert kinds(at.lead)[-1] == "order_replied" and not Seat.objects.filter(why="ORDER").exists()
    promising.drop_promise(missed.pk, actor=at.handler, reason="the customer called")
    assert Seat.objects.filter(user=at.other, why="MEASURE").exists() and measure.done_at is None  # still owes that


@pytest.mark.covers("CMP-12", "CMP-20")
def test_pauses_end_by_the_clock_and_a_callback_nobody_could_make_ends_marked(at: Office) -> None:
    waiting = in_work(at)
    pausing.pause_complaint(
        waiting.pk, actor=at.handler, reason="APPOINTMENT", until=MORNING + 5 * HOUR, evidence="agreed by phone"
    )
    with clock.travel(MORNING + 6 * HOUR):
        assert tasks.settle_dues() == 1
        assert tasks.settle_dues() == 0
    waiting.refresh_from_db()
    assert waiting.state == "INVESTIGATING" and waiting.pause_until is None
    assert OutMessage.objects.filter(template="complaint_resumed").count() == 1

    answered = case(at, "DECIDED", decided_at=MORNING, answered_at=MORNING)
    solution = Solution.objects.create(complaint=answered, finding="So", by=at.handler, told_at=MORNING)
    tries = [
        {"at": (MORNING + hours * HOUR).isoformat(), "part": part, "outcome": "NO_ANSWER"}
        for hours, part in ((1, "MORNING"), (6, "AFTERNOON"), (25, "MORNING"))
    ]
    callback = Callback.objects.create(
        complaint=answered, solution=solution, due_at=MORNING + 48 * HOUR, tries=tries[:2]
    )
    with clock.travel(MORNING + 24 * HOUR):
        assert tasks.settle_dues() == 0
    Callback.objects.filter(pk=callback.pk).update(tries=tries)
    with clock.travel(MORNING + 26 * HOUR):
        assert tasks.settle_dues() == 1
        assert tasks.settle_dues() == 0
        asked = OutMessage.objects.get(template="complaint_call_us")
        assert asked.expires_at == MORNING + 98 * HOUR and asked.customer_id == answered.customer_id
    with clock.travel(MORNING + 98 * HOUR):
        assert tasks.settle_dues() == 1
    callback.refresh_from_db()
    assert (callback.solved, callback.reached_at) == ("UNREACHABLE", None)
    silence = Clock.objects.get(owner_id=answered.pk, kind="silence")
    with clock.travel(silence.due_at + HOUR):
        assert tasks.settle_dues() == 1
        assert tasks.settle_dues() == 0
    answered.refresh_from_db()
    assert (answered.state, answered.accepted_by_silence, answered.solved) == ("CALLBACK", True, "UNREACHABLE")
    assert not Notification.objects.filter(user=at.head).exists()
