"""What a customer has to get and did not: the second channel within the hour, then a call, each once (D§24)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest

from customers.models import ContactPoint, Customer
from outreach import delivery
from outreach.bounces import report_delivered, report_undelivered
from outreach.models import FollowUp, OutMessage, RescueStep
from outreach.services.rescuing import note_outcomes, steps_due, take_step
from outreach.tasks import rescue_messages
from staff.models import UnitHead
from tests.factories import CustomerFactory, UserFactory
from tests.outreach.making import MORNING, queue, reachable
from tests.outreach.peer import Mailbox
from tests.racing import race

Travel = Callable[[datetime], AbstractContextManager[None]]
MINUTE = timedelta(minutes=1)


def sent(customer: Customer, key: str = "k", **more: Any) -> OutMessage:
    message = queue(customer, key, **more)
    assert message is not None
    delivery.deliver_due()
    message.refresh_from_db()
    assert message.state == "sent"
    return message


def steps() -> list[tuple[str, str]]:
    return list(RescueStep.objects.order_by("pk").values_list("step", "outcome"))


def managed(**fields: Any) -> Customer:
    return reachable(manager=UserFactory(role="ACCOUNT_MANAGER"), language="en", **fields)


@pytest.mark.django_db
def test_an_undelivered_text_goes_by_mail_and_when_that_comes_back_somebody_owes_a_call(
    peer: Mailbox, travel: Travel
) -> None:
    with travel(MORNING):
        customer = managed()
        message = sent(customer)
        report_undelivered(message.pk, detail="011", for_good=False)
    with travel(MORNING + MINUTE):
        assert rescue_messages() == 1
        assert rescue_messages() == 0
        second = OutMessage.objects.exclude(pk=message.pk).get()
        same = ("message_class", "template", "params", "customer_id", "expires_at", "urgent")
        assert [getattr(second, name) for name in same] == [getattr(message, name) for name in same]
        assert (second.channel, second.state) == ("EMAIL", "queued")
        delivery.deliver_due()
        assert [letter["To"] for letter in peer.letters] == ["li@example.test"]
        assert FollowUp.objects.count() == 0
    with travel(MORNING + 2 * MINUTE):
        report_undelivered(second.pk, detail="5.2.2", for_good=False)
        assert rescue_messages() == 1
        assert rescue_messages() == 0
    call = FollowUp.objects.get()
    assert (call.kind, call.owner_id, call.customer_id) == ("CALLBACK", customer.manager_id, customer.pk)
    assert call.due_at == MORNING + 2 * MINUTE + timedelta(hours=2)
    assert call.source == f"message:{message.pk}"
    assert steps() == [("CHANNEL", "DONE"), ("CALL", "DONE")]
    assert OutMessage.objects.count() == 2


@pytest.mark.django_db
def test_without_a_second_channel_the_call_comes_at_once_and_in_the_morning(travel: Travel) -> None:
    night = MORNING + timedelta(hours=11)  # 21:00 in Beijing
    with travel(night):
        customer = managed()
        ContactPoint.objects.filter(customer=customer, kind="EMAIL").update(do_not_use="bounced")
        report_undelivered(sent(customer).pk, for_good=True)
        assert rescue_messages() == 1
        assert rescue_messages() == 1
    call = FollowUp.objects.get()
    assert call.due_at.isoformat() == "2026-11-24T23:00:00+00:00"  # 07:00: two hours later the hours are over
    assert steps() == [("CHANNEL", "DONE"), ("CALL", "DONE")]


@pytest.mark.django_db
def test_with_nobody_to_answer_the_step_waits_and_the_head_of_the_unit_gets_it(travel: Travel) -> None:
    with travel(MORNING):
        customer = CustomerFactory()
        message = queue(customer)
        delivery.deliver_due()  # no address on any channel
        assert message is not None
        assert rescue_messages() == 1
        assert rescue_messages() == 0
    with travel(MORNING + timedelta(minutes=61)):
        head = UserFactory(role="TEAM_LEAD")
        UnitHead.objects.create(unit_id=customer.unit_id, user=head, from_day="2026-01-01")
        assert rescue_messages() == 1
    assert FollowUp.objects.get().owner_id == head.pk


@pytest.mark.django_db
def test_no_word_for_fifty_minutes_counts_as_not_arrived_and_a_late_word_ends_what_is_owed(travel: Travel) -> None:
    with travel(MORNING):
        quiet, late, told = (sent(managed(name=name), name) for name in "ABC")
        for message in (quiet, late, told):
            message.carrier = "smpp"
            note_outcomes([message], MORNING)
        assert steps() == [("RECEIPT", "")] * 3
    with travel(MORNING + 49 * MINUTE):
        report_delivered(told.pk)
        assert rescue_messages() == 0
    with travel(MORNING + 50 * MINUTE):
        assert rescue_messages() == 2
        report_delivered(late.pk)
        assert rescue_messages() == 1
    assert OutMessage.objects.filter(channel="EMAIL").values_list("customer_id", flat=True).get() == quiet.customer_id
    assert sorted(steps()) == [
        ("CHANNEL", "ARRIVED"),
        ("CHANNEL", "DONE"),
        ("RECEIPT", "ARRIVED"),
        ("RECEIPT", "DONE"),
        ("RECEIPT", "DONE"),
    ]


@pytest.mark.django_db
def test_what_lost_its_meaning_or_was_no_duty_is_not_repeated(travel: Travel) -> None:
    with travel(MORNING):
        soon = sent(managed(), "soon", expires_at=MORNING + 10 * MINUTE)
        reminder = sent(managed(), "reminder")
        OutMessage.objects.filter(pk=reminder.pk).update(message_class="REMINDER")
        report_undelivered(soon.pk)
        report_undelivered(reminder.pk)
    with travel(MORNING + 10 * MINUTE):
        assert rescue_messages() == 1
    assert steps() == [("CHANNEL", "POINTLESS")]
    assert OutMessage.objects.count() == 2
    assert FollowUp.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_the_clock_of_two_workers_at_once_gives_one_message(travel: Travel) -> None:
    with travel(MORNING):
        report_undelivered(sent(managed()).pk)
        [step] = steps_due(MORNING, 10)
        taken = race(*(lambda: take_step(step, now=MORNING),) * 4)
        assert sorted(taken) == [False, False, False, True]
        assert OutMessage.objects.filter(channel="EMAIL").count() == 1
