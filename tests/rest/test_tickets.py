"""TMF621: a complaint through the door of programs is the complaint people work on."""

from __future__ import annotations

from typing import Any

import pytest

from complaints.models import Complaint, ComplaintMove, Entry, TicketTold
from foundation.audit.models import AuditEntry
from foundation.common.ids import from_text
from interactions.models import Topic
from outreach.models import OutMessage
from tests.complaints.making import case_in
from tests.factories import ContactPointFactory, CustomerFactory, SubscriptionFactory, UnitFactory, UserFactory
from tests.rest.calling import TICKET, Program, program

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Program:
    """A program of the branch 10..19, where a handler works."""
    unit = UnitFactory(no=10, last_no=19)
    UserFactory(role="COMPLAINT_HANDLER", unit=unit, staff_no="H1")
    return program("troubleTicket:read", "troubleTicket:write", unit=unit)


def case_of(answer: Any) -> Complaint:
    return Complaint.objects.get(pk=from_text(answer.json()["id"]))


def test_a_ticket_is_a_complaint_with_clocks_owner_and_a_word_to_the_customer(desk: Program) -> None:
    customer = CustomerFactory(unit=UnitFactory(no=12, last_no=12), name="王小明")
    ContactPointFactory(customer=customer)
    line = SubscriptionFactory(customer=customer)
    topic = Topic.objects.get(code="BILLING")
    sent = {
        "name": "Charged twice", "description": "Charged twice for February.", "severity": "MAJOR",
        "severityReason": "Media", "ticketType": "billing", "externalId": "SD-77", "status": "closed",
        "id": "mine", "creationDate": "2001-01-01T00:00:00Z", "priority": "now", "@schemaLocation": "http://169.254.169.254/x",
        "requestedResolutionDate": "2026-12-01T12:00:00+08:00",
        "channel": {"id": "kiosk-7", "name": "Kiosk"},
        "note": [{"text": "Seen at the kiosk", "author": "forged"}],
        "relatedParty": [
            {"id": customer.ref, "role": "Customer", "@referredType": "Customer"},
            {"id": "A-1", "role": "billingAccount", "@referredType": "BillingAccount"},
        ],
        "relatedEntity": [
            {"id": line.ref, "role": "subscription", "@referredType": "Product"},
            {"id": "B-9", "role": "disputedBill", "name": "February", "@referredType": "CustomerBill"},
        ],
    }  # fmt: skip
    answer = desk.post(TICKET, sent)
    assert answer.status_code == 201, answer.content
    body, case = answer.json(), case_of(answer)
    assert answer["Location"] == body["href"] == f"http://testserver{TICKET}/{case.ref}"
    assert desk.get(f"{TICKET}/{case.ref}").json() == body
    shown = {name: body[name] for name in ("name", "severity", "severityReason", "ticketType", "externalId", "status")}
    assert shown == {
        "name": "Charged twice", "severity": "major", "severityReason": "media", "ticketType": "BILLING",
        "externalId": "SD-77", "status": "acknowledged",
    }  # fmt: skip
    assert (body["channel"], body["requestedResolutionDate"]) == (
        {"id": "partner", "name": "Kiosk", "@type": "ChannelRef"},
        "2026-12-01T12:00:00+08:00",
    )
    assert {(one["role"], one["id"]) for one in body["relatedParty"]} == {
        ("customer", customer.ref), ("firstResponder", "H1"), ("owner", "H1"), ("billingAccount", "A-1")
    }  # fmt: skip
    assert {one["role"]: one["id"] for one in body["relatedEntity"]} == {
        "subscription": line.ref, "disputedBill": "B-9", "statutoryDueDate": f"{case.ref}-statutory"
    }  # fmt: skip
    user = desk.keys.client.user_id
    assert [(note["text"], note["author"]) for note in body["note"]] == [("Seen at the kiosk", f"API{1:04d}")]
    assert [change["status"] for change in body["statusChange"]] == ["acknowledged"]
    assert (case.topic, case.customer, case.disputed_fee, case.owner.staff_no) == (topic, customer, True, "H1")
    assert (case.registered_by_id, Entry.objects.get().by_id) == (None, user)
    assert (TicketTold.objects.get().schema_location, case.statutory_due_at is not None) == (
        sent["@schemaLocation"],
        True,
    )
    assert OutMessage.objects.get().template == "complaint_acknowledged"
    called = AuditEntry.objects.filter(verb="rest.called").order_by("pk").first()
    assert called is not None and (called.customer_id, called.detail["id"], called.actor_id) == (
        customer.pk,
        case.ref,
        user,
    )


def test_what_our_rules_forbid_is_409_and_nothing_happened(desk: Program) -> None:
    good = {"description": "x", "severity": "ordinary", "ticketType": "complaint"}
    foreign = SubscriptionFactory()
    far = CustomerFactory(unit=UnitFactory(no=70, last_no=79))
    refused = [
        ({**good, "severity": "major"}, 409, "complaint.no_grade_reason"),
        ({**good, "relatedParty": [{"id": far.ref, "role": "customer"}]}, 400, "invalid"),
        ({**good, "relatedEntity": [{"id": foreign.ref, "role": "subscription"}]}, 400, "invalid"),
        ({**good, "description": "  "}, 409, "complaint.no_text"),
    ]
    for body, status, code in refused:
        answer = desk.post(TICKET, body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not Complaint.objects.exists() and not OutMessage.objects.exists() and not TicketTold.objects.exists()


def test_a_patch_asks_for_legal_moves_only(desk: Program) -> None:
    taken = desk.post(TICKET, {"description": "Slow.", "severity": "ordinary", "ticketType": "complaint"})
    path, case = f"{TICKET}/{taken.json()['id']}", case_of(taken)

    def ask(**body: Any) -> tuple[int, str]:
        answer = desk.patch(path, body)
        return answer.status_code, answer.json().get("code") or answer.json()["status"]

    assert ask(status="closed") == (409, "complaint.illegal")
    assert ask(status="resolved") == (409, "complaint.illegal")
    assert ask(status="inProgress") == (409, "complaint.no_topic")
    assert ask(ticketType="BILLING") == (409, "ticket.type_at_assessment")
    assert ask(status="INPROGRESS", ticketType="NETWORK.COVERAGE") == (200, "inProgress")
    case.refresh_from_db()
    assert (case.state, case.topic.code, case.service_due_at is not None) == ("ASSESSED", "NETWORK.COVERAGE", True)
    assert ask(status="inProgress") == (200, "inProgress")  # it is already
    assert ask(severity="upgraded", severityReason="unsatisfied") == (200, "inProgress")
    assert ask(severity="ordinary")[0] == 403  # lowering is the coordinator's
    moves = ComplaintMove.objects.count()
    assert ask(status="cancelled") == (409, "complaint.no_reason")
    assert ComplaintMove.objects.count() == moves
    assert ask(status="cancelled", statusChangeReason="Solved itself") == (200, "cancelled")
    body = desk.get(path).json()
    assert [one["status"] for one in body["statusChange"]] == ["acknowledged", "inProgress", "cancelled"]
    assert (body["statusChangeReason"], body["severity"]) == ("Solved itself", "upgraded")
    assert ask(status="inProgress") == (409, "complaint.illegal")
    gone = desk.send("DELETE", path, "")
    assert (gone.status_code, gone.json()["code"], Complaint.objects.count()) == (409, "ticket.stays", 1)


def test_notes_are_added_and_never_changed(desk: Program) -> None:
    unit = UnitFactory(no=11, last_no=11)
    owner = UserFactory(role="COMPLAINT_HANDLER", unit=unit)
    case = case_in(owner=owner)
    Entry.objects.create(complaint=case, kind="NOTE", text="First.", by=owner)
    path = f"{TICKET}/{case.ref}"
    shown = desk.get(path).json()["note"]
    more = desk.patch(path, {"note": [*shown, {"text": "Second."}]})
    assert [note["text"] for note in more.json()["note"]] == ["First.", "Second."]
    assert [n["text"] for n in desk.patch(path, {"note": [{"text": "Third."}]}).json()["note"]] == [
        "First.",
        "Second.",
        "Third.",
    ]
    for wrong in ({"id": shown[0]["id"], "text": "Edited."}, {"id": "zz", "text": "Forged."}):
        answer = desk.patch(path, {"note": [wrong]})
        assert (answer.status_code, answer.json()["code"]) == (409, "ticket.notes_stay")
    assert Entry.objects.count() == 3
