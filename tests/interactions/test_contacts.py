"""Contacts: who may open whose customer, what is written up, and that nothing is promised without owner and due."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest

from customers.finding import rebuild_find_rows
from customers.models import Customer, CustomerFacts, TimelineLine
from foundation.audit.models import AuditEntry
from foundation.common import clock, crypto
from foundation.common.errors import NotAllowed, RuleBroken
from interactions.models import Call, Interaction, InteractionMove, Topic
from interactions.services import (
    NextAction,
    end_contact,
    link_customer,
    log_contact,
    quick_log,
    start_contact,
    verify_caller,
)
from outreach import delivery
from outreach.models import FollowUp, OutMessage
from staff.models import User
from tests.factories import UserFactory
from tests.outreach.making import MORNING, reachable
from tests.racing import race

Travel = Callable[[datetime], AbstractContextManager[None]]
PHONE = "13900001111"


def known(**more: Any) -> Customer:
    """A customer with one findable number, in a unit of their own."""
    customer = reachable(**more)
    rebuild_find_rows([customer.pk])
    return customer


def own_customer(agent: User, **more: Any) -> Customer:
    return known(unit=agent.unit, **more)


def begin(agent: User, customer: Customer | None, **more: Any) -> Interaction:
    return start_contact(actor=agent, customer=customer, **({"channel": "HOTLINE"} | more))


def refused(code: str, act: Callable[..., Any], *args: Any, **more: Any) -> None:
    with pytest.raises(RuleBroken) as no:
        act(*args, **more)
    assert no.value.code == code


@pytest.mark.django_db
@pytest.mark.covers("INT-06")
def test_a_customer_of_another_unit_is_seen_only_after_a_contact_by_full_identifier_and_for_a_day(
    travel: Travel,
) -> None:
    agent, customer = UserFactory(role="AGENT"), known()
    assert not Customer.objects.visible_to(agent).exists()
    for part in ("", "1111", "0001111", "13900001112", customer.name):
        refused("contact.needs_full_identifier", begin, agent, customer, identifier=part)
    assert not Interaction.objects.exists()
    assert not AuditEntry.objects.exists()
    contact = begin(agent, customer, identifier=" +86 139-0000 1111")
    assert contact.out_of_scope
    assert list(Customer.objects.visible_to(agent)) == [customer]
    assert not Customer.objects.visible_to(UserFactory(role="AGENT")).exists()
    entry = AuditEntry.objects.get(verb="contact.started")
    assert (entry.actor_id, entry.customer_id, entry.detail["out_of_scope"]) == (agent.pk, customer.pk, True)
    with travel(MORNING + timedelta(hours=2)):
        end_contact(contact.pk, actor=agent)
    with travel(MORNING + timedelta(hours=26)):
        assert not Customer.objects.visible_to(agent).exists()
    with travel(MORNING + timedelta(hours=26) - timedelta(seconds=1)):
        assert Customer.objects.visible_to(agent).exists()


@pytest.mark.django_db
def test_the_whole_id_number_opens_too_and_so_does_the_calling_number() -> None:
    agent, customer = UserFactory(role="AGENT"), known()
    number = "33010619900101204X"
    Customer.objects.filter(pk=customer.pk).update(
        id_hash=crypto.blind_index(number), id_sealed=crypto.encrypt(number, row_id=customer.pk)
    )
    customer.refresh_from_db()
    refused("contact.needs_full_identifier", begin, agent, customer, identifier="204X")
    begin(agent, customer, identifier=number.lower())
    other = UserFactory(role="AGENT")
    call = Call.objects.create(
        call_ref="c1", number=PHONE, agent=other, state="RINGING", started_at=MORNING, event_at=MORNING
    )
    third = UserFactory(role="AGENT")
    refused("contact.needs_full_identifier", begin, third, customer, call_ref=call.call_ref)
    assert begin(other, customer, call_ref=call.call_ref).call_ref == "c1"


@pytest.mark.django_db
def test_opening_customers_of_other_units_is_limited_per_hour(travel: Travel) -> None:
    agent = UserFactory(role="AGENT")
    for _n in range(20):
        begin(agent, known(), identifier=PHONE)
    late = known()
    refused("contact.too_many", begin, agent, late, identifier=PHONE)
    assert Interaction.objects.count() == 20
    begin(agent, own_customer(agent))  # the own unit's are never counted
    with travel(MORNING + timedelta(minutes=61)):
        begin(agent, late, identifier=PHONE)


@pytest.mark.django_db(transaction=True)
def test_two_windows_at_once_do_not_pass_the_limit() -> None:
    agent = UserFactory(role="AGENT")
    for _n in range(19):
        begin(agent, known(), identifier=PHONE)
    wanted = [known() for _ in range(4)]

    def job(customer: Customer) -> Callable[[], Interaction]:
        return lambda: begin(User.objects.get(pk=agent.pk), customer, identifier=PHONE)

    got = race(*[job(customer) for customer in wanted])
    assert len([one for one in got if isinstance(one, Interaction)]) == 1
    assert {one.code for one in got if isinstance(one, RuleBroken)} == {"contact.too_many"}


@pytest.mark.django_db
def test_an_unknown_caller_gets_a_customer_later_a_wrong_number_never() -> None:
    agent = UserFactory(role="AGENT")
    customer = known()
    refused("contact.caller_and_customer", begin, agent, None, caller="CUSTOMER")
    refused("contact.caller_and_customer", begin, agent, own_customer(agent), caller="WRONG_NUMBER")
    refused("contact.unknown_code", begin, agent, None, caller="UNKNOWN", channel="PIGEON")
    contact = begin(agent, None, caller="UNKNOWN")
    refused("contact.needs_full_identifier", link_customer, contact.pk, actor=agent, customer=customer)
    link_customer(contact.pk, actor=agent, customer=customer, identifier=PHONE)
    refused("contact.has_customer", link_customer, contact.pk, actor=agent, customer=customer, identifier=PHONE)
    contact.refresh_from_db()
    assert (contact.customer_id, contact.caller, contact.out_of_scope) == (customer.pk, "CUSTOMER", True)
    wrong = begin(agent, None, caller="WRONG_NUMBER")
    done = log_contact(wrong.pk, actor=agent, summary="", result="WRONG_NUMBER")
    assert (done.result, done.customer_id) == ("WRONG_NUMBER", None)


@pytest.mark.django_db
def test_a_caller_counts_as_verified_for_half_an_hour(travel: Travel) -> None:
    agent = UserFactory(role="AGENT")
    contact = begin(agent, own_customer(agent), verified_by="CODE")
    assert contact.is_verified(MORNING + timedelta(minutes=29, seconds=59))
    assert not contact.is_verified(MORNING + timedelta(minutes=30))
    with travel(MORNING + timedelta(minutes=45)):
        again = verify_caller(contact.pk, actor=agent, how="QUESTIONS")
        assert again.is_verified(clock.now())
        refused("contact.unknown_code", verify_caller, contact.pk, actor=agent, how="NONE")
        refused("contact.not_yours", verify_caller, contact.pk, actor=UserFactory(role="AGENT"), how="CODE")


@pytest.mark.django_db
@pytest.mark.covers("INT-04")
def test_one_key_and_one_field_log_a_contact() -> None:
    agent = UserFactory(role="AGENT")
    customer = own_customer(agent)
    contact = quick_log(actor=agent, customer=customer, summary=" asked about the bill ")
    assert (contact.summary, contact.result, contact.kind, contact.channel) == (
        "asked about the bill",
        "ANSWERED",
        "CONSULT",
        "HOTLINE",
    )
    assert contact.ended_at == contact.logged_at == MORNING
    assert contact.number.startswith("IN20261124")
    facts = CustomerFacts.objects.get(customer=customer)
    assert (facts.last_contact_at, facts.contacts_total) == (MORNING, 1)
    lines = TimelineLine.objects.filter(customer_id=customer.pk).order_by("pk")
    assert [(line.kind, line.ref_id) for line in lines] == [
        ("contact.started", contact.pk),
        ("contact.logged", contact.pk),
    ]
    assert "bill" not in str(list(lines.values("params")))
    assert "bill" not in str(list(AuditEntry.objects.values("detail", "verb")))
    assert list(InteractionMove.objects.order_by("pk").values_list("act", flat=True)) == ["STARTED", "ENDED", "LOGGED"]


@pytest.mark.django_db
def test_the_note_belongs_to_the_contact_that_goes_on() -> None:
    agent = UserFactory(role="AGENT")
    customer = own_customer(agent)
    contact = begin(agent, customer, channel="HALL_OWN", verified_by="ID_DOCUMENT")
    topic = Topic.objects.get(code="BILLING.AMOUNT")
    logged = quick_log(actor=agent, customer=customer, summary="too much", topic=topic, result="RESOLVED")
    assert (logged.pk, logged.channel, logged.topic, logged.resolved_on_spot) == (contact.pk, "HALL_OWN", topic, True)
    refused("contact.already_logged", log_contact, contact.pk, actor=agent, summary="again")
    assert quick_log(actor=agent, customer=customer, summary="a second call").pk != contact.pk


@pytest.mark.django_db
def test_a_next_action_without_owner_or_due_saves_nothing() -> None:
    agent = UserFactory(role="AGENT")
    contact = begin(agent, own_customer(agent))
    later = clock.now() + timedelta(hours=1)
    before = AuditEntry.objects.count()

    def log(**more: Any) -> Interaction:
        return log_contact(contact.pk, actor=agent, summary="will ring back", **more)

    for owner, due in ((None, later), (agent, None), (None, None)):
        refused("contact.next_action_needs_owner_and_due", log, next_action=NextAction("CALLBACK", owner, due))
    refused("contact.needs_next_action", log, result="FOLLOW_UP")
    refused("followup.bad_due", log, next_action=NextAction("CALLBACK", agent, MORNING))
    refused("followup.owner_cannot", log, next_action=NextAction("CALLBACK", UserFactory(), later))
    refused("contact.no_summary", log_contact, contact.pk, actor=agent, summary=" ")
    refused("contact.summary_too_long", log_contact, contact.pk, actor=agent, summary="x" * 4_001)
    refused("contact.unknown_code", log_contact, contact.pk, actor=agent, summary="x", result="NOT_MY_DEPARTMENT")
    contact.refresh_from_db()
    assert (contact.summary, contact.ended_at, contact.logged_at) == ("", None, None)
    assert not FollowUp.objects.exists()
    assert AuditEntry.objects.count() == before


@pytest.mark.django_db
@pytest.mark.covers("INT-18")
def test_a_promised_callback_is_owed_and_told_in_the_same_breath() -> None:
    agent = UserFactory(role="AGENT")
    customer = own_customer(agent, language="en")
    due = clock.now() + timedelta(hours=3)
    contact = quick_log(
        actor=agent,
        customer=customer,
        summary="wants an answer about roaming",
        result="FOLLOW_UP",
        next_action=NextAction("CALLBACK", agent, due, "roaming fee", tell_customer=True),
    )
    follow_up = FollowUp.objects.get()
    assert contact.next_action == follow_up
    assert (follow_up.kind, follow_up.owner, follow_up.due_at, follow_up.customer) == ("CALLBACK", agent, due, customer)
    assert follow_up.source == f"interaction:{contact.ref}"
    message = OutMessage.objects.get()
    assert (message.message_class, message.expires_at) == ("SERVICE", due)
    delivery.deliver_due()
    message.refresh_from_db()
    assert message.state == "sent"
    kinds = TimelineLine.objects.filter(customer_id=customer.pk).order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["contact.started", "followup.owed", "contact.logged", "message.sent"]


@pytest.mark.django_db
def test_who_does_not_take_contacts_takes_none() -> None:
    with pytest.raises(NotAllowed):
        begin(UserFactory(role="QA"), None, caller="UNKNOWN")
    assert not Interaction.objects.exists()


@pytest.mark.django_db
def test_the_topic_tree_has_two_levels_in_both_languages() -> None:
    tops = Topic.objects.filter(parent__isnull=True)
    assert tops.count() == 11
    assert Topic.objects.filter(parent__isnull=False, parent__parent__isnull=False).count() == 0
    assert Topic.objects.filter(parent__code="BILLING").count() == 5
    assert not Topic.objects.filter(name_zh="").exists()
    assert not Topic.objects.filter(name_en="").exists()
