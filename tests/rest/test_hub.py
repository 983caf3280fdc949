"""`/hub`: other systems are told what happens: in order, signed, again until they take it, never into our own house."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client, RequestFactory

from complaints.models import Complaint
from complaints.services import assessing, closing
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.common.ids import to_text
from foundation.rest import delivering
from foundation.rest.addresses import may_reach
from foundation.rest.delivering import deliver_due
from foundation.rest.models import Delivery, Event, Listener
from foundation.rest.signing import HEADER, signature_fault
from interactions.models import Topic
from staff.models import User
from staff.services.programs import shut_out
from tests.complaints.making import case_in
from tests.factories import UnitFactory, UserFactory
from tests.rest.calling import TICKET, Program, program
from tests.rest.receiving import Receiver, receiver

pytestmark = pytest.mark.django_db
HUB = "/tmf-api/troubleTicket/v4/hub"
BODY = {"description": "The line is dead.", "severity": "ordinary", "ticketType": "complaint"}


@pytest.fixture(autouse=True)
def _hosts(settings: Any) -> None:
    settings.CARELINE_HUB_HOSTS = ["hub.localhost", "127.0.0.1", ".example.test", "[::1]", "::1", "localhost"]
    settings.CARELINE_HUB_NETWORKS = ["127.0.0.0/8", "::1/128"]


@pytest.fixture
def other() -> Iterator[Receiver]:
    with receiver() as told:
        yield told


@pytest.fixture
def desk() -> Program:
    unit = UnitFactory(no=10, last_no=19)
    UserFactory(role="COMPLAINT_HANDLER", unit=unit)
    return program("troubleTicket:read", "troubleTicket:write", unit=unit)


def boss() -> User:
    return UserFactory(role="COORDINATOR", unit=UnitFactory(no=13, last_no=13))


def take(desk: Program) -> Complaint:
    answer = desk.post(TICKET, BODY)
    assert answer.status_code == 201, answer.content
    return Complaint.objects.latest("pk")


def test_a_listener_is_told_in_order_and_signed(desk: Program, other: Receiver) -> None:
    made = desk.post(HUB, {"callback": other.url, "query": ""})
    assert (made.status_code, set(made.json())) == (201, {"id", "callback", "query", "@type"})
    assert desk.post(HUB, {"callback": other.url}).json()["id"] == made.json()["id"]  # the same twice is one
    case = take(desk)
    lead = boss()
    assessing.assess_complaint(case.pk, actor=lead, topic=Topic.objects.get(code="BILLING"), grade="ORDINARY")
    closing.withdraw_complaint(case.pk, actor=lead, reason="solved itself")
    assert other.came == []  # nothing leaves before the commit
    # The oldest of a ticket first, the next when that one was taken.
    assert [deliver_due(), deliver_due()] == [3, 0]
    said = [(one["eventType"], one["event"]["troubleTicket"]["status"]) for one in other.events]
    assert said == [
        ("TroubleTicketCreateEvent", "acknowledged"),
        ("TroubleTicketStatusChangeEvent", "inProgress"),
        ("TroubleTicketStatusChangeEvent", "cancelled"),
    ]
    assert len({one["eventId"] for one in other.events}) == 3
    ticket = other.events[0]["event"]["troubleTicket"]
    assert (ticket["id"], ticket["description"]) == (case.ref, BODY["description"])
    headers, body = other.came[0]
    request = RequestFactory().post("/", body, "application/json", headers={HEADER: headers[HEADER]})
    assert signature_fault(request, desk.keys.signing_key) == ""
    assert signature_fault(request, "another key") != ""
    assert headers["Host"] == other.url.split("/")[2]
    # No more after DELETE, which only who asked may send.
    gone = f"{HUB}/{made.json()['id']}"
    assert program("troubleTicket:read", name="stranger").send("DELETE", gone, "").status_code == 404
    assert [desk.send("DELETE", gone, "").status_code for _twice in range(2)] == [204, 404]
    take(desk)
    assert (deliver_due(), len(other.came), Event.objects.count()) == (0, 3, 3)


def test_what_is_not_taken_is_tried_again_and_then_given_up(
    desk: Program, other: Receiver, travel: Any, client_for: Callable[[User], Client]
) -> None:
    desk.post(HUB, {"callback": other.url, "query": "eventType=TroubleTicketCreateEvent"})
    start = clock.now()
    with travel(start):
        first = take(desk)
        second = take(desk)
    other.answers = [500]
    for at in (0, 5, 20):
        with travel(start + timedelta(seconds=at)):
            deliver_due()
    # One try a round: who does not answer is left alone, and comes again after 10, 30 … seconds.
    tries = list(Delivery.objects.order_by("pk").values_list("attempts", "state", "status", "why"))
    assert tries == [(2, "WAITING", 500, "answered 500"), (1, "WAITING", 500, "answered 500")]
    assert "Answered 500" in client_for(UserFactory(role="SYS_ADMIN")).get("/admin/hub/?state=WAITING").content.decode()
    other.answers = [302]
    with travel(start + timedelta(minutes=30)):
        deliver_due()
    assert len(other.came) == 4  # the redirect was not followed
    with travel(start + timedelta(hours=48, seconds=1)):
        deliver_due()
        deliver_due()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"DEAD"}
    with travel(start + timedelta(hours=60)):
        assert deliver_due() == 0
        row = Delivery.objects.get(resource_id=first.pk)
        admin = client_for(UserFactory(role="SYS_ADMIN"))
        page = admin.get("/admin/hub/")
        assert page.status_code == 200 and "billing" in page.content.decode()
        other.answers = [204]
        assert admin.post(f"/admin/hub/{row.ref}/replay/").status_code == 302
        assert deliver_due() == 1
        row.refresh_from_db()
        assert (row.state, row.status, other.events[-1]["event"]["troubleTicket"]["id"]) == ("SENT", 204, first.ref)
        assert admin.post(f"/admin/hub/{row.ref}/replay/", follow=True).status_code == 200
        assert deliver_due() == 0
    assert AuditEntry.objects.filter(verb="rest.event_replayed").count() == 1
    assert Delivery.objects.get(resource_id=second.pk).state == "DEAD"


def test_what_a_killed_worker_had_taken_goes_out_again_with_the_same_id(
    desk: Program, other: Receiver, travel: Any
) -> None:
    desk.post(HUB, {"callback": other.url})
    start = clock.now()
    with travel(start):
        take(desk)
        [held] = delivering._claimed(set())  # it is killed before or while it sends
        assert deliver_due() == 0
    with travel(start + timedelta(seconds=119)):
        assert (deliver_due(), other.came) == (0, [])
    with travel(start + timedelta(seconds=121)):
        assert deliver_due() == 1
        # The first one was slow, not dead: what it says now counts for nothing.
        delivering._settle(held, "DEAD", 500, "late")
    row = Delivery.objects.get()
    assert (row.state, row.attempts, other.events[0]["eventId"]) == ("SENT", 2, to_text(row.event_id))


def test_a_program_is_told_only_what_it_may_see(desk: Program, other: Receiver) -> None:
    far = program("troubleTicket:read", unit=UnitFactory(no=50, last_no=59), name="far")
    far.post(HUB, {"callback": other.url})
    gone = program("troubleTicket:read", name="gone")
    gone.post(HUB, {"callback": other.url})
    take(desk)
    assert Delivery.objects.count() == 2
    shut_out(gone.keys.client.pk, actor=None)
    assert (deliver_due(), other.came) == (0, [])
    assert set(Delivery.objects.values_list("state", flat=True)) == {"SKIPPED"}


def test_an_event_and_what_it_tells_of_are_one_transaction(desk: Program, other: Receiver) -> None:
    desk.post(HUB, {"callback": other.url})
    case = case_in(owner=UserFactory(role="COMPLAINT_HANDLER", unit=UnitFactory(no=14, last_no=14)))
    ask = {"status": "cancelled", "statusChangeReason": "x"}
    refused = desk.patch(f"{TICKET}/{case.ref}", {**ask, "note": [{"id": "z", "text": "y"}]})
    assert (refused.status_code, Event.objects.count(), Delivery.objects.count()) == (409, 0, 0)
    tried = program("troubleTicket:read", "troubleTicket:write", sandbox=True, name="tried")
    assert tried.patch(f"{TICKET}/{case.ref}", ask).status_code == 200
    assert Event.objects.count() == 0


@pytest.mark.parametrize(
    "callback",
    [
        "", "billing", "ftp://hub.localhost/x", "file:///etc/passwd", "http:///x", "//hub.localhost/x",
        "http://hub.localhost:0/", "http://hub.localhost:99999/", "http://u:p@hub.localhost/", "http://hub.localhost/#x",
        "http://hub.localhost\\@evil.com/", "http://evil.com/", "http://hub.localhost.evil.com/",
        "http://evil.com/?hub.localhost", "http://hub.localhost\r\nX: y/", "http://xn--/",
        "http://no-such-name.example.test/", "http://" + "a" * 500 + ".example.test/",
    ],
)  # fmt: skip
def test_callbacks_that_are_none_of_the_list_are_refused(desk: Program, callback: str) -> None:
    answer = desk.post(HUB, {"callback": callback})
    assert answer.status_code in (400, 409) and answer.json()["@type"] == "Error"
    assert not Listener.objects.exists()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.1", "100.64.0.1",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::1", "2001:0:7f00:1::1",
        "192.0.2.1",
    ],
)  # fmt: skip
def test_internal_addresses_are_never_reached(address: str, settings: Any) -> None:
    settings.CARELINE_HUB_NETWORKS = []
    assert not may_reach(ipaddress.ip_address(address))
    settings.CARELINE_HUB_NETWORKS = ["169.254.0.0/16", "fe80::/10"]  # not even when an operator names them
    assert not may_reach(ipaddress.ip_address(address))


def test_a_name_that_leads_inside_is_refused_when_registered_and_when_delivered(
    desk: Program, other: Receiver, settings: Any
) -> None:
    assert may_reach(ipaddress.ip_address("8.8.8.8")) and may_reach(ipaddress.ip_address("2606:4700::1111"))
    assert desk.post(HUB, {"callback": other.url}).status_code == 201
    settings.CARELINE_HUB_NETWORKS = []
    for host in ("127.0.0.1", "localhost", "[::1]"):
        refused = desk.post(HUB, {"callback": f"http://{host}/x"})
        assert (host, refused.status_code, refused.json()["code"]) == (host, 409, "hub.internal")
    assert Listener.objects.count() == 1
    take(desk)
    assert (deliver_due(), other.came) == (0, [])
    assert Delivery.objects.values_list("state", "why").get() == ("WAITING", "hub.internal")
    settings.CARELINE_HUB_NETWORKS, settings.CARELINE_HUB_HOSTS = ["127.0.0.0/8"], []
    Delivery.objects.update(not_before=clock.now())
    assert (deliver_due(), other.came, Delivery.objects.get().why) == (0, [], "hub.callback")


def test_a_query_names_events_there_are(desk: Program, other: Receiver) -> None:
    for wrong in ("eventType=Boom", "status=closed", "eventType", "x", "&".join(["eventType=a"] * 30)):
        assert (wrong, desk.post(HUB, {"callback": other.url, "query": wrong}).status_code) == (wrong, 400)
    desk.post(HUB, {"callback": other.url, "query": "eventType=TroubleTicketStatusChangeEvent"})
    take(desk)
    assert (Event.objects.count(), deliver_due()) == (0, 0)
    for number in range(19):
        assert desk.post(HUB, {"callback": f"{other.url}/{number}"}).status_code == 201
    assert desk.post(HUB, {"callback": f"{other.url}/20"}).json()["code"] == "hub.too_many"
    assert program("personal:read", name="none").post(HUB, {"callback": other.url}).status_code == 403
