"""TMF681: messages programs have sent: the gate decides, and what it holds back is an answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from foundation.common import clock
from outreach.delivery import claim_due, let_through
from outreach.models import MessageText, OutMessage
from tests.factories import CustomerFactory, UnitFactory
from tests.outreach.making import MORNING, reachable
from tests.rest.calling import program
from tests.rest.worlds import make_messages, unit_ten

pytestmark = pytest.mark.django_db
PATH = "/tmf-api/communicationManagement/v4/communicationMessage"
READ, WRITE, PERSONAL = "communicationMessage:read", "communicationMessage:write", "personal:read"


@pytest.fixture
def morning() -> Iterator[None]:
    """A Tuesday at ten."""
    with clock.travel(MORNING):
        yield


def said(body: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in body["characteristic"]}


def test_a_message_is_queued_once_and_what_the_gate_holds_back_is_an_answer(morning: None) -> None:
    customer = reachable(unit=unit_ten(), name="王小明")
    caller = program(READ, WRITE)
    good = {"content": "Your router is ready.", "messageType": "SMS", "receiver": [{"id": customer.ref}], "sender": {}}
    service = {**good, "characteristic": [{"name": "messageClass", "value": "service"}]}
    first = caller.post(PATH, service, Idempotency_Key="k")
    assert first.status_code == 201, first.content
    assert caller.post(PATH, service, Idempotency_Key="k").json() == first.json()
    body = first.json()
    assert (body["state"], body["messageType"], body["receiver"][0]["name"]) == ("initial", "sms", "王*明")
    assert said(body) == {"messageClass": "SERVICE", "gate": "allowed"} and "content" not in body
    # Without a class it is an offer, and nobody consented to any.
    offer = caller.post(PATH, good)
    assert offer.status_code == 201
    assert said(offer.json()) == {"messageClass": "MARKETING", "gate": "suppressed", "gateReason": "no_consent"}
    assert OutMessage.objects.count() == 2
    ready = let_through(claim_due(10))
    assert [one.letter.body for one in ready] == ["Your router is ready.\n"]
    later = caller.get(f"{PATH}/{offer.json()['id']}").json()
    assert later["state"] == "cancelled"
    assert said(later) == {"messageClass": "MARKETING", "gate": "suppressed", "gateReason": "no_consent"}
    assert MessageText.objects.get().address == "13900001111"
    sent = caller.get(f"{PATH}/{body['id']}").json()
    assert sent["receiver"][0]["phoneNumber"] == "139 **** 1111"
    trusted = program(READ, PERSONAL, name="trusted").get(f"{PATH}/{body['id']}").json()
    assert (trusted["content"], trusted["receiver"][0]["phoneNumber"]) == ("Your router is ready.\n", "13900001111")


def test_what_cannot_be_said_is_refused_and_nothing_is_queued() -> None:
    customer = reachable(unit=unit_ten())
    stranger = CustomerFactory(unit=UnitFactory(no=50, last_no=59))
    caller = program(READ, WRITE)
    good = {"content": "x", "messageType": "email", "receiver": [{"id": customer.ref}]}
    late = (clock.now() + timedelta(days=61)).isoformat()
    for number, more in enumerate((
        {"content": " "}, {"content": "x" * 2_001}, {"messageType": "pigeon"}, {"messageType": "file"},
        {"receiver": []}, {"receiver": [{}]}, {"receiver": [{"id": stranger.ref}]}, {"receiver": [{"id": "NO!"}]},
        {"receiver": [{"id": customer.ref}] * 2}, {"receiver": [{"id": customer.ref, "email": "who@else.test"}]},
        {"receiver": [{"id": customer.ref, "email": "no address"}]}, {"scheduledSendTime": late},
        {"characteristic": [{"name": "messageClass", "value": "shout"}]}, {"characteristic": [{}]},
    )):  # fmt: skip
        answer = caller.post(PATH, {**good, **more})
        assert (number, answer.status_code) == (number, 400), answer.content
    assert not OutMessage.objects.exists()
    named = {"receiver": [{"party": {"id": customer.ref}, "email": "LI@example.test"}]}
    assert caller.post(PATH, {**good, **named}).status_code == 201
    assert OutMessage.objects.get().contact_point_id == customer.contact_points.get(kind="EMAIL").pk


def test_others_see_nothing_and_lists_ask_the_same_for_few_and_many() -> None:
    made = make_messages()
    caller = program(READ, WRITE)
    far = program(READ, WRITE, unit=UnitFactory(no=50, last_no=59), name="far")
    assert (far.get(PATH).json(), far.get(f"{PATH}/{made[0].ref}").status_code) == ([], 404)
    assert program("troubleTicket:read", name="tickets").get(PATH).status_code == 403
    shown = caller.get(PATH).content.decode()
    assert "王小明" not in shown and "13900001111" not in shown and "said" not in shown
    counts = []
    for limit in ("3", "12"):
        with CaptureQueriesContext(connection) as spent:
            caller.get(PATH, limit=limit)
        counts.append(len(spent))
    assert counts[0] - 1 == counts[1] <= 12  # with a next page its total count too
