"""Callbacks: by whom and how; lists to call from, messages to all who were not reached (D§18.6-18.7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from complaints import tasks
from complaints.models import Callback, Complaint, RequiredFact, Seat
from complaints.services import answering, callbacks, solving, working
from complaints.services.intake import register_complaint
from foundation.common import clock
from foundation.common.errors import NotAllowed
from interactions.models import Topic
from outreach.delivery import deliver_due
from outreach.models import FollowUp, OutMessage
from staff.models import User
from tests.complaints.cases import Office, moment, office, on, ready
from tests.complaints.test_handing import kinds, refused
from tests.factories import ContactPointFactory, CustomerFactory, SubscriptionFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def at() -> Iterator[Office]:
    with on(3):
        yield office()


def answered(at: Office, **columns: Any) -> Complaint:
    """A case whose customer has the answer; the callback is owed by who was asked first."""
    one = ready(at, "INVESTIGATING", **columns)
    due = clock.now() + timedelta(days=9)
    explained = [{"kind": "EXPLAIN", "text": "Explain", "owner": at.handler, "due_at": due}]
    solving.propose_solution(one.pk, actor=at.handler, finding="So", measures=explained)
    answering.decide_complaint(one.pk, actor=at.handler, words="It was our mistake.")
    return Complaint.objects.get(pk=one.pk)


@pytest.mark.covers("INT-16")
def test_hall_staff_or_the_manager_calls_back_by_a_visit(at: Office, client_for: Callable[[User], Client]) -> None:
    one = answered(at)
    hall = UserFactory(role="HALL_CLERK", unit=at.unit)
    with pytest.raises(NotAllowed) as no:
        callbacks.send_callback(one.pk, actor=at.handler, to=hall, way="VISIT")
    assert no.value.code == "complaint.not_caller"  # it is not the handler's to give
    with pytest.raises(NotAllowed) as own:
        callbacks.send_callback(one.pk, actor=at.agent, to=at.handler, way="VISIT")
    assert own.value.code == "complaint.not_caller"  # who worked on it never calls back
    refused("complaint.unknown_code", callbacks.send_callback, one.pk, actor=at.agent, to=hall, way="PIGEON")
    asked = {"solved": "YES", "told_of_progress": True, "satisfaction": 5}
    refused("complaint.too_long", callbacks.record_callback, one.pk, actor=at.agent, said="x" * 401, **asked)
    assert FollowUp.objects.get().owner == at.agent and Callback.objects.get().way == "CALL"

    sent = {"to": str(hall.pk), "way": "VISIT"}
    address = reverse("complaints:act-callback-send", args=[one.pk])
    assert client_for(at.handler).post(address, sent).status_code == 403
    assert client_for(at.lead).post(address, sent).status_code == 302
    old, new = FollowUp.objects.order_by("pk")
    assert (old.state, new.kind, new.owner, new.due_at) == ("CANCELLED", "VISIT", hall, moment(5))
    assert list(Seat.objects.filter(complaint=one, why="CALLBACK").values_list("user", flat=True)) == [hall.pk]
    assert "callback" in kinds(hall)
    # The visitor sees the case and writes down what was said.
    page = client_for(hall)
    assert page.get(reverse("complaints:case", args=[one.pk])).status_code == 200
    said = {"solved": "YES", "told_of_progress": "1", "satisfaction": "5", "said": "Offered tea"}
    assert page.post(reverse("complaints:act-callback", args=[one.pk]), said).status_code == 302
    callback = Callback.objects.get()
    assert (callback.way, callback.by, callback.solved) == ("VISIT", hall, "YES")
    new.refresh_from_db()
    assert new.state == "DONE" and Complaint.objects.get(pk=one.pk).state == "CALLBACK"
    refused("complaint.called_back", callbacks.send_callback, one.pk, actor=at.lead, to=hall, way="CALL")


@pytest.mark.covers("INT-15", "CMP-24")
def test_calls_are_made_from_a_list_and_who_was_not_reached_is_written_to_by_text(
    at: Office, client_for: Callable[[User], Client]
) -> None:
    cases = [answered(at) for _n in range(3)]
    listed = client_for(at.agent).get(reverse("outreach:followup-list")).content.decode()
    assert all(one.number in listed for one in cases)
    for day, hour in ((3, 11), (3, 15), (4, 10)):
        with on(day, hour):
            for one in cases:
                callbacks.record_callback_try(one.pk, actor=at.agent, outcome="NO_ANSWER")
    with on(4, 11):
        assert (tasks.settle_dues(), tasks.settle_dues()) == (3, 0)  # all of them at once, each once
        texts = OutMessage.objects.filter(template="complaint_call_us")
        assert texts.count() == 3 and set(texts.values_list("channel", "message_class")) == {("SMS", "SERVICE")}
        deliver_due()
        assert set(texts.values_list("state", flat=True)) == {"sent"}


@pytest.mark.covers("CMP-35")
def test_a_value_added_fee_is_asked_for_by_name_disputed_and_refunded_without_proof(at: Office) -> None:
    topic = Topic.objects.get(code="BILLING.VAS_FEE")
    asked = RequiredFact.objects.filter(topic=topic)
    assert [(one.code, one.required) for one in asked] == [("service", True)]
    customer = CustomerFactory(unit=at.unit)
    ContactPointFactory(customer=customer)
    line = SubscriptionFactory(customer=customer)
    one = register_complaint(
        actor=at.agent,
        channel="HOTLINE",
        text="I never ordered this ring tone.",
        customer=customer,
        topic=topic,
        lines=[line],
        facts={"service": "Ring tones"},
        amount=Decimal("5000.00"),
        disputed_fee=True,
    )
    assert one.disputed_fee and one.facts_given == {"service": "Ring tones"}
    Complaint.objects.filter(pk=one.pk).update(state="ASSIGNED", handler=at.handler)
    working.accept_work(one.pk, actor=at.handler)
    # No proof of the order: the charge was wrong, and its refund needs no authority, however much it is (D§10.12).
    refund = {"kind": "REFUND", "text": "Refund", "amount": "5000.00", "owner": at.handler, "due_at": moment(5)}
    solution = solving.propose_solution(one.pk, actor=at.handler, finding="No proof", measures=[refund])
    assert not solution.approvals.exists()
    answering.decide_complaint(one.pk, actor=at.handler, words="You get it all back.")
    assert Complaint.objects.get(pk=one.pk).state == "DECIDED"
