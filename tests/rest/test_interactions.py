"""TMF683: contacts as programs take and read them, by the rules of the pages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from foundation.common import clock
from foundation.rest.models import Event, Listener
from interactions.models import Interaction, Topic
from tests.factories import CustomerFactory, UnitFactory
from tests.rest.calling import program
from tests.rest.worlds import make_contacts, unit_ten

pytestmark = pytest.mark.django_db
PATH = "/tmf-api/partyInteraction/v4/partyInteraction"
READ, WRITE = "partyInteraction:read", "partyInteraction:write"
GOOD = {"reason": "consult", "direction": "INBOUND", "channel": [{"id": "web"}]}


def test_a_contact_is_taken_written_up_once_and_told_of() -> None:
    customer = CustomerFactory(unit=unit_ten(), name="王小明")
    caller = program(READ, WRITE)
    Listener.objects.create(client=caller.keys.client, base="partyInteraction", callback="https://x.test/", query="")
    party = {"relatedParty": [{"id": customer.ref, "role": "customer"}]}
    answer = caller.post(PATH, {**GOOD, **party, "description": "Asks for the fee."}, Idempotency_Key="a")
    assert answer.status_code == 201, answer.content
    body = answer.json()
    contact = Interaction.objects.get()
    assert (body["id"], body["status"], body["reason"], body["direction"], body["description"]) == (
        contact.ref, "open", "consult", "inbound", "Asks for the fee.",
    )  # fmt: skip
    assert body["channel"][0]["id"] == "web" and "endDateTime" not in body["interactionDate"]
    assert [(one["role"], one["name"]) for one in body["relatedParty"]] == [("customer", "王*明"), ("agent", "billing")]
    assert abs(contact.started_at - clock.now()) < timedelta(minutes=1)
    assert caller.post(PATH, {**GOOD, **party, "description": "Asks for the fee."}, Idempotency_Key="a").json() == body
    # Back as it was shown nothing changes; a part alone is refused; closed it is written up, and then stays.
    path = f"{PATH}/{body['id']}"
    assert caller.patch(path, body).json() == body
    assert caller.patch(path, {"description": "Other"}).json()["code"] == "contact.only_completed"
    topic = Topic.objects.order_by("pk")[0]
    item = {"resolution": "Resolved", "reason": topic.code}
    closed = caller.patch(path, {"status": "Completed", "interactionItem": [item]})
    assert (closed.status_code, closed.json()["status"]) == (200, "completed"), closed.content
    assert closed.json()["interactionItem"][0]["resolution"] == "resolved"
    contact.refresh_from_db()
    assert (contact.result, contact.resolved_on_spot, contact.summary) == ("RESOLVED", True, "Asks for the fee.")
    assert caller.patch(path, {"description": "Other", "status": "completed"}).status_code == 409
    assert list(Event.objects.order_by("pk").values_list("kind", "known")) == [
        ("PartyInteractionCreateEvent", {"status": "open"}),
        ("PartyInteractionStatusChangeEvent", {"status": "completed"}),
    ]


def test_what_a_contact_may_not_be_is_refused_and_nothing_is_written() -> None:
    stranger = CustomerFactory(unit=UnitFactory(no=50, last_no=59))
    caller = program(READ, WRITE)
    ahead = (clock.now() + timedelta(days=1)).isoformat()
    for number, (more, status) in enumerate((
        ({"reason": None}, 400), ({"direction": "sideways"}, 400), ({"channel": []}, 400), ({"channel": [{}]}, 400),
        ({"status": "purple"}, 400), ({"relatedParty": [{"id": stranger.ref, "role": "customer"}]}, 400),
        ({"relatedParty": [{"id": "NO!", "role": "customer"}]}, 400),
        ({"interactionDate": {"startDateTime": ahead}}, 400), ({"interactionDate": {"endDateTime": ahead}}, 400),
        ({"interactionItem": [{"resolution": "magic"}]}, 400), ({"interactionItem": [{"reason": "NO.SUCH"}]}, 400),
        ({"status": "completed"}, 409), ({"status": "completed", "description": "x", "interactionItem": [
            {"resolution": "followUp"}]}, 409),
    )):  # fmt: skip
        answer = caller.post(PATH, {**GOOD, **more})
        assert (number, answer.status_code) == (number, status), answer.content
    assert not Interaction.objects.exists()
    # The past may be told, by an unknown caller and a channel of the program's own.
    begun, ended = (clock.now() - timedelta(hours=hours) for hours in (5, 4))
    told = {"interactionDate": {"startDateTime": begun.isoformat(), "endDateTime": ended.isoformat()}}
    more = {"status": "completed", "description": "Lost his way", "channel": [{"id": "kiosk-7"}]}
    body = caller.post(PATH, {**GOOD, **told, **more}).json()
    contact = Interaction.objects.get()
    assert (contact.started_at, contact.ended_at, contact.caller, contact.channel) == (
        begun, ended, "UNKNOWN", "PARTNER",
    )  # fmt: skip
    assert body["status"] == "completed" and [one["role"] for one in body["relatedParty"]] == ["agent"]


def test_others_see_nothing_and_lists_ask_the_same_for_few_and_many() -> None:
    made = make_contacts()
    caller = program(READ, WRITE)
    far = program(READ, WRITE, unit=UnitFactory(no=50, last_no=59), name="far")
    assert (far.get(PATH).json(), far.get(f"{PATH}/{made[0].ref}").status_code) == ([], 404)
    assert far.patch(f"{PATH}/{made[1].ref}", {"status": "completed"}).status_code == 404
    assert caller.patch(f"{PATH}/{made[1].ref}", {"status": "completed"}).status_code == 403  # another's to write up
    assert program("troubleTicket:read", name="tickets").get(PATH).status_code == 403
    assert "王小明" not in caller.get(PATH).content.decode()
    counts = []
    for limit in ("1", "12"):
        with CaptureQueriesContext(connection) as spent:
            caller.get(PATH, limit=limit)
        counts.append(len(spent))
    assert counts[0] - 1 == counts[1] <= 6  # with a next page its total count too
