"""Taking a complaint, and urging it: by the services."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from complaints.lifecycle import OWNER_KIND
from complaints.models import Complaint, ComplaintMove, Entry, RequiredFact
from complaints.public.codes import said_code, typed_code
from complaints.services.assessing import acknowledge_complaint
from complaints.services.intake import register_complaint
from complaints.services.urging import urge_complaint
from customers.models import ContactBlock, TimelineLine
from foundation.audit.models import AuditEntry
from foundation.calendars.clock_queries import clocks_of
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from interactions.models import Interaction, Matter, Topic
from interactions.services import start_contact
from outreach.models import Notification, OutMessage
from staff.models import User
from tests.complaints.cases import Office, case, office
from tests.factories import ContactPointFactory, CustomerFactory, SubscriptionFactory, UserFactory

MORNING = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)  # Tuesday, 10:00 in Beijing
DETAILS = {"channel": "HOTLINE", "text": "No signal at home since Sunday. Nobody calls back."}


@pytest.fixture(autouse=True)
def _morning(travel: Callable[[datetime], AbstractContextManager[None]]) -> Any:
    with travel(MORNING):
        yield


@pytest.fixture
def at(db: None) -> Office:
    return office()


def customer_of(at: Office) -> Any:
    found = CustomerFactory(unit=at.unit)
    ContactPointFactory(customer=found)
    return found


def due(found: Complaint) -> dict[str, str]:
    """The due moments of its clocks, as Beijing says them."""
    clocks = clocks_of(OWNER_KIND, [found.pk])
    return {one.kind: one.due_at.astimezone(clock.BUSINESS_ZONE).isoformat(" ")[:19] for one in clocks if one.due_at}


@pytest.mark.covers("CMP-01", "CMP-08", "CMP-14", "CMP-24", "CMP-30")
def test_a_complaint_gets_number_owner_clocks_history_and_the_customer_hears_at_once(at: Office) -> None:
    customer = customer_of(at)
    line = SubscriptionFactory(customer=customer)
    contact = start_contact(actor=at.agent, customer=customer, channel="HOTLINE")
    topic = Topic.objects.select_related("parent").get(code="NETWORK.COVERAGE")
    found = register_complaint(
        actor=at.agent,
        customer=customer,
        contact=contact,
        topic=topic,
        facts={"where": "West Lake Road 3", "since": "", "device": "phone"},
        demand="Mend it",
        amount=Decimal("30.00"),
        disputed_fee=True,
        lines=[line],
        area="Xihu",
        **DETAILS,
    )
    found = Complaint.objects.get(pk=found.pk)
    assert found.number.startswith("CP20261124") and len(found.number) == 16
    assert (found.state, found.owner, found.handler, found.work_unit) == ("ACKNOWLEDGED", at.agent, None, at.unit)
    assert (found.subject, found.received_at) == ("No signal at home since Sunday", MORNING)
    assert found.facts_given == {"where": "West Lake Road 3", "device": "phone"} and found.product_line == "MOBILE"
    assert (
        [one.subscription for one in found.lines.all()] == [line] and found.disputed_fee and found.demand == "Mend it"
    )
    # 2 working hours to assess; by law the end of the 15th day after the day of receipt (D§1.3).
    assert due(found) == {"assess": "2026-11-24 12:00:00", "statutory": "2026-12-09 23:59:59"}
    assert found.next_due_at is not None and found.statutory_due_at is not None and found.service_due_at is None
    moves = ComplaintMove.objects.filter(complaint=found).order_by("pk").values_list("act", "old", "new", "actor")
    assert list(moves) == [
        ("REGISTER", "", "REGISTERED", at.agent.pk),
        ("ACKNOWLEDGE", "REGISTERED", "ACKNOWLEDGED", at.agent.pk),
    ]
    verbs = AuditEntry.objects.filter(target_type="complaints.complaint").order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["complaint.register", "complaint.acknowledge"]
    kinds = TimelineLine.objects.filter(customer_id=customer.pk, ref_id=found.pk).values_list("kind", flat=True)
    assert set(kinds) == {"complaint.register", "complaint.acknowledge"}
    message = OutMessage.objects.get(customer=customer, template="complaint_acknowledged")
    assert message.params["number"] == found.number and message.params["code"] == said_code(found.public_code)
    assert typed_code(f" {said_code(found.public_code).lower()} ") == found.public_code
    # The contact is written up with it; no matter is opened beside the case.
    contact.refresh_from_db()
    assert (contact.kind, contact.result, contact.topic, contact.ended_at) == ("COMPLAINT", "CASE", topic, MORNING)
    assert not Matter.objects.exists()


@pytest.mark.covers("CMP-02", "CMP-03")
def test_letters_wait_for_a_clerk_the_web_does_not_and_each_finds_its_owner(at: Office) -> None:
    letter = register_complaint(
        actor=at.agent, channel="LETTER", text="A letter", customer=customer_of(at), received_at=MORNING - timedelta(2)
    )
    assert letter.state == "REGISTERED"
    assert due(letter) == {"acknowledge": "2026-11-24 12:00:00", "statutory": "2026-12-07 23:59:59"}
    assert not OutMessage.objects.exists()
    acknowledge_complaint(letter.pk, actor=at.agent)
    assert OutMessage.objects.get().params["code"]
    # By the web nobody took it: the handler with the fewest cases answers for it, never the one complained of.
    case(at, owner=at.handler)
    web = register_complaint(actor=None, channel="WEB", text="By the web", customer=customer_of(at))
    assert (web.owner, web.state, web.registered_by) == (at.other, "ACKNOWLEDGED", None)
    against = register_complaint(actor=None, channel="APP", text="About them", about_staff=at.other)
    assert against.owner == at.handler
    # Who is complained of does not answer for it: the lead does (D§9.3c).
    about = register_complaint(actor=at.agent, customer=customer_of(at), about_staff=at.agent, **DETAILS)
    assert about.owner == at.lead
    # A caller who is no customer is answered at the number given; one without any has no answer due (D§9.3d).
    stranger = register_complaint(actor=at.agent, contact_name="Wu", contact_phone="0571 8888 6666", **DETAILS)
    assert (stranger.customer, stranger.contact_phone) == (None, "057188886666") and stranger.statutory_due_at
    nobody = register_complaint(actor=at.agent, **DETAILS)
    assert nobody.statutory_due_at is None and due(nobody) == {"assess": "2026-11-24 12:00:00"}
    # A grave one: half an hour at any time of the day, and no marketing to the customer meanwhile.
    grave = register_complaint(
        actor=at.agent, customer=customer_of(at), grade="MAJOR", grade_reason="SAFETY", **DETAILS
    )
    assert due(grave)["assess"] == "2026-11-24 10:30:00"
    assert ContactBlock.objects.filter(customer=grave.customer, ends_at=None).exists()


def test_one_form_sent_twice_is_one_complaint_and_bad_input_leaves_nothing(at: Office) -> None:
    customer = customer_of(at)
    first = register_complaint(actor=at.agent, customer=customer, key="form-1", **DETAILS)
    again = register_complaint(actor=at.agent, customer=customer, key="form-1", **DETAILS)
    assert again == first and Complaint.objects.count() == 1 and OutMessage.objects.count() == 1
    retired = Topic.objects.select_related("parent").get(code="BILLING.REFUND")
    retired.active = False
    foreign = SubscriptionFactory(customer=customer_of(at))
    refused = {
        "complaint.no_text": {"text": " \n\0 "},
        "complaint.text_long": {"text": "长" * 1_000_000},
        "complaint.too_long": {"demand": "x" * 401},
        "complaint.topic_retired": {"topic": retired},
        "complaint.no_grade_reason": {"grade": "MAJOR"},
        "complaint.unknown_code": {"channel": "PIGEON"},
        "complaint.received_future": {"received_at": MORNING + timedelta(minutes=1)},
        "complaint.received_old": {"received_at": MORNING - timedelta(days=3 * 365)},
        "complaint.bad_amount": {"amount": Decimal("1.005")},
        "complaint.foreign_line": {"lines": [foreign]},
        "customers.bad_phone": {"contact_phone": "call me"},
    }
    for code, wrong in refused.items():
        with pytest.raises(RuleBroken) as no:
            register_complaint(actor=at.agent, **{**DETAILS, "customer": customer, **wrong})
        assert no.value.code.startswith(code), code
    with pytest.raises(NotAllowed):
        register_complaint(actor=UserFactory(role="FINANCE_DUNNING"), customer=customer, **DETAILS)
    lonely = UserFactory(role="AGENT")
    with pytest.raises(RuleBroken, match="above you"):
        register_complaint(actor=lonely, about_staff=lonely, **DETAILS)
    assert Complaint.objects.count() == 1 and ComplaintMove.objects.count() == 2
    odd = register_complaint(
        actor=at.agent, channel="HOTLINE", text="<script>alert(1)</script> 😀 {{ x }} %(number)s", customer=customer
    )
    assert odd.text == "<script>alert(1)</script> 😀 {{ x }} %(number)s"


def test_a_complaint_at_the_end_of_a_day_counts_that_day_as_day_nought(
    at: Office, travel: Callable[[datetime], AbstractContextManager[None]]
) -> None:
    with travel(datetime(2026, 12, 31, 15, 59, tzinfo=UTC)):  # New Year's Eve, 23:59 in Beijing
        late = register_complaint(actor=at.agent, customer=customer_of(at), **DETAILS)
    assert late.number.startswith("CP20261231")
    assert due(late)["statutory"] == "2027-01-15 23:59:59"
    with travel(datetime(2026, 12, 31, 16, 0, tzinfo=UTC)):
        new = register_complaint(actor=at.agent, customer=customer_of(at), **DETAILS)
    assert new.number.startswith("CP20270101") and due(new)["statutory"] == "2027-01-16 23:59:59"


@pytest.mark.covers("CMP-13")
def test_who_comes_again_urges_the_open_case_and_ends_its_pause(at: Office) -> None:
    found = case(at, "INVESTIGATING")
    urge_complaint(found.pk, actor=at.agent, channel="HOTLINE", text="Still nothing!", key="u1")
    urge_complaint(found.pk, actor=at.agent, channel="HOTLINE", text="Still nothing!", key="u1")
    found.refresh_from_db()
    assert (found.urges, found.state, Complaint.objects.count()) == (1, "INVESTIGATING", 1)
    entry = Entry.objects.get(complaint=found)
    assert (entry.kind, entry.text, entry.channel, entry.by) == ("URGE", "Still nothing!", "HOTLINE", at.agent)
    assert ComplaintMove.objects.get(complaint=found).act == "URGED"
    assert [bell.user for bell in Notification.objects.filter(kind="complaint.urged")] == [at.handler]
    paused = case(at, "PAUSED")
    urge_complaint(paused.pk, actor=None, channel="WEB", text="And now?")
    paused.refresh_from_db()
    assert (paused.state, paused.urges, paused.pause_reason) == ("INVESTIGATING", 1, "")
    told = Notification.objects.filter(kind="complaint.urged", subject_id=paused.pk).values_list("user", flat=True)
    assert set(told) == {at.handler.pk, at.agent.pk}
    # Not a case that is over, not by the one complained of, not by a stranger to the customer.
    closed, about = case(at, "CLOSED"), case(at, about_staff=at.other)
    for pk, actor, code in (
        (closed.pk, at.agent, "complaint.ended"),
        (about.pk, at.other, "complaint.about_you"),
        (found.pk, UserFactory(role="AGENT"), "complaint.not_yours"),
        (found.pk, UserFactory(role="QA"), "complaint.may_not_take"),
    ):
        with pytest.raises(RuleBroken) as no:
            urge_complaint(pk, actor=actor, channel="HOTLINE", text="x")
        assert no.value.code == code
    assert Entry.objects.count() == 2


def test_what_taking_a_complaint_asks_of_the_database(at: Office) -> None:
    customer, topic = customer_of(at), Topic.objects.select_related("parent").get(code="NETWORK.COVERAGE")
    actor = User.objects.select_related("unit").get(pk=at.agent.pk)
    register_complaint(actor=actor, customer=customer, topic=topic, **DETAILS)
    with CaptureQueriesContext(connection) as asked:
        register_complaint(actor=actor, customer=customer, topic=topic, key="k", **DETAILS)
    statements = [row["sql"] for row in asked if not row["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert len(statements) <= 20, "\n".join(statements)


def test_the_questions_of_a_topic_are_seeded(at: Office) -> None:
    asked = set(RequiredFact.objects.filter(topic__code="NETWORK").values_list("code", "required"))
    assert asked == {("where", True), ("since", True), ("device", False)}
    assert Interaction.objects.count() == 0
