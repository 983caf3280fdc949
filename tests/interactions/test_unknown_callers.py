"""Contacts without a customer: noted by hand, attached later with their history, or opened as a new customer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import pytest
from django.test import Client

from customers.models import Customer, CustomerFacts, Need, TimelineLine
from foundation.common.errors import NotAllowed
from foundation.policies.services import set_policy
from interactions.lifecycle import Channel
from interactions.models import ContactPlace, Interaction, InteractionMove, Matter, QualityMark, Suggestion
from interactions.quality_items import quality_items, shipped_items
from interactions.services import (
    NextAction,
    attach_customer,
    log_contact,
    mark_quality,
    open_customer_for,
    quick_log,
    save_place,
    start_contact,
)
from staff.models import User
from tests.factories import UnitFactory, UserFactory
from tests.interactions.first_ask_making import Hall, make_hall, refused
from tests.interactions.test_contacts import PHONE, known
from tests.outreach.making import MORNING, queries

pytestmark = pytest.mark.django_db
Travel = Callable[[datetime], AbstractContextManager[None]]
ClientFor = Callable[[User], Client]


@pytest.fixture
def hall() -> Hall:
    return make_hall()


def unknown(hall: Hall, **more: object) -> Interaction:
    contact = start_contact(actor=hall.agent, customer=None, channel="HOTLINE", caller="UNKNOWN", call_ref="c1")
    return log_contact(contact.pk, actor=hall.agent, summary="asked about porting", **more)  # type: ignore[arg-type]


@pytest.mark.covers("ARC-11")
def test_attached_later_it_joins_the_history_at_its_moment_with_what_it_left(hall: Hall, travel: Travel) -> None:
    contact = unknown(
        hall, result="FOLLOW_UP", next_action=NextAction("TASK", hall.agent, MORNING + timedelta(hours=5))
    )
    assert Matter.objects.get().customer is None
    with travel(MORNING + timedelta(hours=2)):
        attach_customer(contact.pk, actor=hall.agent, customer=hall.customer)
        refused("contact.has_customer", attach_customer, contact.pk, actor=hall.agent, customer=hall.customer)
    contact.refresh_from_db()
    assert (contact.customer, contact.caller) == (hall.customer, "CUSTOMER")
    assert Matter.objects.get().customer == hall.customer
    line = TimelineLine.objects.get(customer_id=hall.customer.pk, kind="contact.logged")
    assert abs(line.at - MORNING) < timedelta(seconds=2)
    facts = CustomerFacts.objects.get(customer=hall.customer)
    assert (facts.contacts_total, facts.last_contact_at) == (1, MORNING)
    assert list(InteractionMove.objects.order_by("pk").values_list("act", flat=True))[-1] == "ATTACHED"


def test_a_suggestion_of_an_unknown_author_gets_its_author(hall: Hall) -> None:
    contact = unknown(hall, kind="SUGGESTION")
    attach_customer(contact.pk, actor=hall.lead, customer=hall.customer)
    assert Suggestion.objects.get().customer == hall.customer


def test_attaching_keeps_the_rules_of_opening(hall: Hall) -> None:
    contact, foreign = unknown(hall), known()
    refused("contact.needs_full_identifier", attach_customer, contact.pk, actor=hall.agent, customer=foreign)
    refused(
        "contact.needs_full_identifier",
        attach_customer,
        contact.pk,
        actor=hall.agent,
        customer=foreign,
        identifier="1111",
    )
    with pytest.raises(NotAllowed):
        attach_customer(contact.pk, actor=hall.mate, customer=hall.customer)
    going_on = start_contact(actor=hall.agent, customer=None, channel="HOTLINE", caller="UNKNOWN")
    refused("contact.going_on", attach_customer, going_on.pk, actor=hall.agent, customer=hall.customer)
    contact.refresh_from_db()
    assert contact.customer is None
    attach_customer(contact.pk, actor=hall.agent, customer=foreign, identifier=PHONE)


def test_an_unknown_caller_becomes_a_new_customer(hall: Hall) -> None:
    contact = unknown(hall)
    refused("customers.no_name", open_customer_for, contact.pk, actor=hall.agent, name=" ")
    before = Customer.objects.count()
    open_customer_for(contact.pk, actor=hall.agent, name="Li Lei", mobile="13911112222")
    contact.refresh_from_db()
    assert contact.customer is not None
    assert (contact.customer.name, Customer.objects.count()) == ("Li Lei", before + 1)
    assert contact.customer.contact_points.get().value == "13911112222"


def test_the_list_of_unknown_callers_and_both_ways_out_of_it(hall: Hall, client_for: ClientFor) -> None:
    contact = unknown(hall)
    client = client_for(hall.agent)
    listed = client.get("/interactions/?view=unknown").content.decode()
    assert contact.number in listed
    page = client.get(f"/interactions/{contact.ref}/").content.decode()
    assert "Attach to a customer" in page and "It is a new customer" in page
    url = f"/interactions/{contact.ref}/"
    answer = client.post(f"{url}attach/", {"identifier": "00000000", "caller": "CUSTOMER"})
    assert answer.status_code == 422 and "No customer has this number." in answer.content.decode()
    answer = client.post(f"{url}new-customer/", {"name": "", "mobile": "13911112222"})
    assert answer.status_code == 422 and 'value="13911112222"' in answer.content.decode()
    assert client.post(f"{url}new-customer/", {"name": "Li Lei"}).status_code == 302
    assert contact.number not in client.get("/interactions/?view=unknown").content.decode()
    # A colleague of the unit who did not take it sees the contact and may not attach it.
    other = unknown(hall)
    assert (
        client_for(hall.mate)
        .post(f"/interactions/{other.ref}/attach/", {"identifier": "1" * 8, "caller": "CUSTOMER"})
        .status_code
        == 422
    )
    assert "Attach to a customer" not in client_for(hall.mate).get(f"/interactions/{other.ref}/").content.decode()


@pytest.mark.covers("INT-11")
@pytest.mark.covers("INT-12")
def test_messenger_and_social_contacts_are_noted_by_hand_with_the_way_back(hall: Hall, client_for: ClientFor) -> None:
    contact = start_contact(
        actor=hall.agent,
        customer=hall.customer,
        channel="SOCIAL",
        handle="https://weibo.example/u/42",
        direction="OUTBOUND",
    )
    logged = log_contact(contact.pk, actor=hall.agent, summary="answered a post")
    assert (logged.channel, logged.direction, logged.handle) == ("SOCIAL", "OUTBOUND", "https://weibo.example/u/42")
    page = client_for(hall.agent).get(f"/interactions/{contact.ref}/").content.decode()
    assert '<a href="https://weibo.example/u/42" rel="noopener noreferrer"' in page
    assert "weibo.example" not in client_for(hall.mate).get(f"/interactions/{contact.ref}/").content.decode()
    script = start_contact(actor=hall.agent, customer=hall.customer, channel="IM", handle="javascript:alert(1)")
    assert not script.handle_is_link
    refused(
        "contact.bad_handle",
        start_contact,
        actor=hall.agent,
        customer=None,
        caller="UNKNOWN",
        channel="IM",
        handle="x" * 201,
    )
    by_note = quick_log(
        actor=hall.mate, customer=hall.customer, summary="asked on WeChat", channel="IM", handle="wx_li"
    )
    assert by_note.handle == "wx_li"


@pytest.mark.covers("INT-07")
@pytest.mark.covers("INT-03")
def test_all_kinds_of_channel_and_the_phase_of_each_contact(hall: Hall) -> None:
    assert set(Channel.values) == {
        "HALL_OWN", "HALL_PARTNER", "AGENT_SHOP", "HOTLINE", "WEB", "APP", "SMS", "EMAIL", "LETTER", "SOCIAL", "IM",
        "VISIT", "PARTNER",
    }  # fmt: skip
    for channel in Channel.values:
        quick_log(actor=hall.agent, customer=hall.customer, summary="x", channel=channel)
    assert Interaction.objects.count() == 13
    phases = {
        kind: quick_log(actor=hall.agent, customer=hall.customer, summary="x", kind=kind).phase
        for kind in ("SALES", "CONSULT", "COMPLAINT", "PRAISE")
    }
    assert phases == {"SALES": "PRE", "CONSULT": "IN", "COMPLAINT": "AFTER", "PRAISE": "AFTER"}
    assert quick_log(actor=hall.agent, customer=hall.customer, summary="x", phase="PRE").phase == "PRE"
    refused("contact.unknown_code", quick_log, actor=hall.agent, customer=hall.customer, summary="x", phase="LATER")


@pytest.mark.covers("INT-02")
@pytest.mark.covers("INT-07")
def test_places_belong_to_units_and_a_hotline_is_open_at_night(
    hall: Hall, client_for: ClientFor, travel: Travel
) -> None:
    admin, unit = UserFactory(role="POLICY_ADMIN", language="en"), UnitFactory(code="HZ01")
    client = client_for(admin)
    fields = {"unit": "HZ01", "name_zh": "热线", "name_en": "Hotline 10086", "address": "10086", "active": "on"}
    for channel, calendar in (("HOTLINE", "ROUND_THE_CLOCK"), ("HALL_OWN", "STANDARD")):
        sent = fields | {"channel": channel, "calendar_code": calendar}
        assert client.post("/interactions/places/new/", sent).status_code == 302
    assert set(ContactPlace.objects.values_list("unit", "calendar_code")) == {
        (unit.pk, "ROUND_THE_CLOCK"),
        (unit.pk, "STANDARD"),
    }
    twice = client.post("/interactions/places/new/", fields | {"channel": "HOTLINE", "calendar_code": "STANDARD"})
    assert twice.status_code == 422 and "has a place of this channel and name already" in twice.content.decode()
    with travel(MORNING + timedelta(hours=14)):
        page = client_for(hall.agent).get("/interactions/places/").content.decode()
    assert "24 hours" in page and "closed now" in page and "open now" not in page
    assert "open now" in client_for(hall.agent).get("/interactions/places/").content.decode()
    place = ContactPlace.objects.get(channel="HOTLINE")
    save_place(place.pk, actor=admin, active=False)
    assert "24 hours" not in client_for(hall.agent).get("/interactions/places/").content.decode()
    refused("calendars.unknown", save_place, place.pk, actor=admin, calendar_code="NEVER")


@pytest.mark.covers("INT-17")
@pytest.mark.covers("CON-16")
def test_the_checklist_fits_the_way_people_met_and_is_noted_after_the_contact(
    hall: Hall, client_for: ClientFor
) -> None:
    codes = {channel: [item.code for item in quality_items(channel)] for channel in ("HOTLINE", "HALL_OWN", "EMAIL")}
    assert "MANNERS" in codes["HALL_OWN"] and "MANNERS" not in codes["HOTLINE"]
    assert codes["EMAIL"] == ["IDENTITY", "PLAIN_WORDS", "RECAP"]
    contact = start_contact(actor=hall.agent, customer=hall.customer, channel="EMAIL")
    refused("quality.not_logged", mark_quality, contact.pk, actor=hall.agent, marks={"RECAP": True})
    log_contact(contact.pk, actor=hall.agent, summary="answered")
    refused("quality.unknown_item", mark_quality, contact.pk, actor=hall.agent, marks={"GREETING": True})
    with pytest.raises(NotAllowed):
        mark_quality(contact.pk, actor=hall.mate, marks={"RECAP": True})
    client = client_for(hall.agent)
    assert client.post(f"/interactions/{contact.ref}/quality/", {"RECAP": "on", "IDENTITY": "on"}).status_code == 302
    assert dict(QualityMark.objects.values_list("item", "met")) == {
        "IDENTITY": True,
        "PLAIN_WORDS": False,
        "RECAP": True,
    }
    mark_quality(contact.pk, actor=hall.lead, marks={"RECAP": False})
    assert QualityMark.objects.count() == 3
    assert QualityMark.objects.get(item="RECAP").by == hall.lead
    assert "3 items noted" in client.get(f"/interactions/{contact.ref}/").content.decode()


def test_the_checklist_is_a_policy_and_nonsense_is_refused() -> None:
    admin = UserFactory(role="POLICY_ADMIN")
    wrong: list[object] = [[], [{"code": "A"}], "x", [{"code": "A", "zh": "a", "en": "a", "ways": ["SMOKE"]}]]
    wrong.append(shipped_items() + shipped_items())
    for value in wrong:
        refused("policies.value", set_policy, "interactions.quality_items", value, actor=admin)
    assert len(quality_items()) == 7


@pytest.mark.covers("ARC-08")
def test_the_complaints_of_a_customer_stand_on_their_page_by_topic_with_the_needs_behind(
    hall: Hall, client_for: ClientFor
) -> None:
    from customers.services import add_need
    from interactions.models import Topic

    fee, speed = (Topic.objects.get(code=code) for code in ("BILLING.AMOUNT", "NETWORK.SPEED"))
    client = client_for(hall.agent)
    url = f"/customers/{hall.customer.ref}/"
    assert "All complaints" not in client.get(url).content.decode()
    note = {"actor": hall.agent, "customer": hall.customer, "kind": "COMPLAINT"}
    quick_log(summary="too high", topic=fee, result="RESOLVED", **note)  # type: ignore[arg-type]
    quick_log(summary="again too high", topic=fee, **note)  # type: ignore[arg-type]
    quick_log(summary="slow at night", topic=speed, **note)  # type: ignore[arg-type]
    quick_log(actor=hall.agent, customer=hall.customer, summary="a question", topic=speed)
    add_need(hall.customer.pk, actor=hall.agent, text="A faster line", category=Need.Category.values[0])
    page = client.get(url).content.decode()
    assert "2 complaints" in page and "1 solved on the spot" in page and "All complaints" in page
    archive = client.get(f"/interactions/complaints/{hall.customer.ref}/")
    topics = archive.context["archive"].topics
    assert [(topic.name, topic.number, topic.on_the_spot) for topic in topics] == [("Amount", 2, 1), ("Speed", 1, 0)]
    words = archive.content.decode()
    assert "A faster line" in words and "slow at night" in words and "a question" not in words
    stranger = client_for(UserFactory(role="AGENT"))
    assert stranger.get(f"/interactions/complaints/{hall.customer.ref}/").status_code == 404


@pytest.mark.covers("ARC-08")
def test_the_complaint_archive_costs_the_same_for_ten_and_for_a_thousand(hall: Hall, client_for: ClientFor) -> None:
    client, url = client_for(hall.agent), f"/interactions/complaints/{hall.customer.ref}/"
    client.get(url)
    for _n in range(3):
        quick_log(actor=hall.agent, customer=hall.customer, summary="x", kind="COMPLAINT")
    few = queries(client, url)
    first = Interaction.objects.order_by("pk").first()
    assert first is not None
    Interaction.objects.bulk_create(
        Interaction(
            id=first.pk - 1 - number,
            number=f"INX{number}",
            customer=hall.customer,
            channel="HOTLINE",
            kind="COMPLAINT",
            staff=hall.agent,
            first_ask_owner=hall.agent,
            unit_no=hall.agent.unit.no,
            caller="CUSTOMER",
            started_at=MORNING,
            ended_at=MORNING,
            logged_at=MORNING,
            opens_until=MORNING,
            result="ANSWERED",
        )
        for number in range(600)
    )
    assert queries(client, url) == few <= 6
    assert client.get(url).context["archive"].said == "500+"
