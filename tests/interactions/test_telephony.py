"""The telephony door: signed, once per event, never an older state over a newer one; and the chip it lights."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from foundation.common import clock
from foundation.rest.signing import sign
from interactions.models import Call, CallEvent, Interaction
from staff.models import User
from tests.factories import UserFactory
from tests.interactions.test_contacts import PHONE, known
from tests.outreach.making import MORNING
from tests.racing import race

Travel = Callable[[datetime], AbstractContextManager[None]]
ClientFor = Callable[[User], Client]
DOOR = "/api/careline/v1/call-events"
KEY = "a-telephony-key-of-the-tests"


@pytest.fixture(autouse=True)
def _key(settings: Any) -> None:
    settings.CARELINE_TELEPHONY_KEY = KEY


def event(no: int = 1, state: str = "RINGING", minute: int = 0, **more: Any) -> dict[str, Any]:
    at = (MORNING + timedelta(minutes=minute)).isoformat()
    fields = {"eventId": f"e{no}", "callId": "c1", "state": state, "at": at, "number": PHONE, "agent": "3307"}
    return fields | more


def send(body: Any, *, key: str = KEY, late: int = 0, header: str | None = None) -> tuple[int, dict[str, Any]]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    signature = sign(key, int(clock.now().timestamp()) - late, raw) if header is None else header
    client = Client(enforce_csrf_checks=True)
    answer = client.post(DOOR, raw, content_type="application/json", headers={"X-Careline-Signature": signature})
    return answer.status_code, answer.json()


@pytest.mark.django_db
@pytest.mark.covers("INT-01")
def test_a_signed_event_is_taken_once() -> None:
    agent = UserFactory(role="AGENT", extension="3307")
    status, body = send(event())
    assert (status, body["eventId"], body["@type"]) == (201, "e1", "CallEvent")
    assert send(event()) == (200, body)
    call = Call.objects.get()
    assert (call.agent, call.state, call.number, call.started_at) == (agent, "RINGING", PHONE, MORNING)
    assert CallEvent.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"key": "another key"}, 401, "telephony.bad_signature"),
        ({"late": 301}, 401, "telephony.bad_signature"),
        ({"late": -301}, 401, "telephony.bad_signature"),
        ({"header": ""}, 401, "telephony.bad_signature"),
        ({"header": "t=1,v1=zz"}, 401, "telephony.bad_signature"),
    ],
)
def test_what_is_not_signed_by_us_and_now_is_refused(sent: dict[str, Any], status: int, code: str) -> None:
    answer, body = send(event(), **sent)
    assert (answer, body["code"], body["status"], body["@type"]) == (status, code, str(status), "Error")
    assert not CallEvent.objects.exists()
    assert not Call.objects.exists()


@pytest.mark.django_db
def test_a_door_without_a_key_is_closed(settings: Any) -> None:
    settings.CARELINE_TELEPHONY_KEY = ""
    assert send(event(), key="")[0] == 403


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe",
        b"[1]",
        b"[" * 50_000,
        event(state="SINGING"),
        event(at="2026-11-24T10:00"),
        event(at="0001-01-01T00:00:00+14:00") | {"callId": ""},
        event(at="9999-12-31T23:59:59-14:00"),
        event(minute=6),
        event(eventId=""),
        event(eventId="x" * 65),
        event(number={"a": 1}),
        event() | {"number": "1\x002"},
    ],
)
def test_what_is_no_event_is_named_and_nothing_kept(body: Any) -> None:
    status, answer = send(body)
    assert (status, answer["code"]) == (400, "telephony.bad_event")
    assert not CallEvent.objects.exists()


@pytest.mark.django_db
def test_too_large_an_event_is_refused() -> None:
    assert send(event(number="1" * 70_000))[0] == 413


@pytest.mark.django_db
def test_events_out_of_order_leave_the_call_as_it_last_was(travel: Travel) -> None:
    UserFactory(role="AGENT", extension="3307")
    with travel(MORNING + timedelta(minutes=5)):
        for no, state, minute in [(1, "RINGING", 0), (3, "ENDED", 3), (2, "ANSWERED", 1), (4, "RINGING", 4)]:
            assert send(event(no, state, minute))[0] == 201
    call = Call.objects.get()
    assert (call.state, call.event_at) == ("ENDED", MORNING + timedelta(minutes=3))
    assert list(CallEvent.objects.order_by("pk").values_list("taken", flat=True)) == [True, True, False, False]


@pytest.mark.django_db(transaction=True)
def test_the_same_event_sent_by_many_lines_at_once_is_one() -> None:
    UserFactory(role="AGENT", extension="3307")
    answers = race(*[lambda: send(event())] * 5)
    assert sorted(status for status, _body in answers) == [200, 200, 200, 200, 201]
    assert (CallEvent.objects.count(), Call.objects.count()) == (1, 1)


@pytest.mark.django_db
def test_the_chip_rings_for_the_agent_only_masked_and_falls_silent(client_for: ClientFor, travel: Travel) -> None:
    agent, other = UserFactory(role="AGENT", extension="3307", language="en"), UserFactory(role="AGENT")
    known(name="\u738b\u5c0f\u5a1f")
    send(event())
    chip = client_for(agent).get("/interactions/call/", headers={"HX-Request": "true"})
    page = chip.content.decode()
    assert chip.status_code == 200
    assert "138" not in page
    assert "139 **** 1111" in page
    assert "\u738b*\u5a1f" in page
    assert PHONE not in page
    call = Call.objects.get()
    seen = f"{call.ref}-RINGING"
    assert f'value="{seen}"' in page
    assert client_for(agent).get(f"/interactions/call/?seen={seen}").status_code == 204
    assert client_for(other).get("/interactions/call/?seen=").status_code == 204
    with travel(MORNING + timedelta(minutes=2)):
        send(event(2, "ENDED", 2))
        empty = client_for(agent).get(f"/interactions/call/?seen={seen}")
    assert empty.status_code == 200
    assert "139" not in empty.content.decode()


@pytest.mark.django_db
def test_the_chip_leads_to_the_start_of_a_contact_and_a_foreign_customer_opens_by_the_calling_number(
    client_for: ClientFor,
) -> None:
    agent = UserFactory(role="AGENT", extension="3307", language="en")
    customer = known(name="\u738b\u5c0f\u5a1f")
    send(event())
    call = Call.objects.get()
    client = client_for(agent)
    page = client.get(f"/interactions/call/{call.ref}/").content.decode()
    assert "\u738b*\u5a1f" in page
    assert "\u738b\u5c0f\u5a1f" not in page
    answer = client.post(
        "/interactions/start/",
        {"customer": customer.ref, "call_ref": "c1", "caller": "CUSTOMER", "channel": "HOTLINE"},
    )
    assert answer.status_code == 302
    contact = Interaction.objects.get()
    assert (contact.customer, contact.call_ref, contact.out_of_scope) == (customer, "c1", True)
    assert client_for(UserFactory(role="AGENT")).get(f"/interactions/call/{call.ref}/").status_code == 404
