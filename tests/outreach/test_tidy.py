"""The nightly tidying: what stayed open too long is held back, keys and read bells past their time go."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import pytest

from customers.models import Customer
from foundation.jobs.kinds import kind_of
from outreach import delivery, tasks
from outreach.models import FollowUp, MessageKey, MessageMove, Notification, OutMessage
from outreach.results import drop_old_keys, expire_old
from outreach.services import mark_read, notify
from outreach.services.bell import drop_read_bells
from tests.factories import CustomerFactory
from tests.outreach.making import MORNING, owe, queue, reachable, team_of_two

Travel = Callable[[datetime], AbstractContextManager[None]]


@pytest.mark.django_db
def test_a_message_nobody_could_send_for_three_months_is_held_back(travel: Travel) -> None:
    with travel(MORNING):
        old = queue(reachable(), "old")
    with travel(MORNING + timedelta(days=60)):
        young = queue(reachable(), "young")
    with travel(MORNING + timedelta(days=93)):
        assert expire_old() == 1
        assert expire_old() == 0
        assert [m.pk for m in delivery.claim_due(10)] == [young.pk if young else 0]
    assert old is not None
    old.refresh_from_db()
    assert (old.state, old.reason) == ("suppressed", "expired")
    assert list(MessageMove.objects.values_list("message_id", "new")) == [(old.pk, "suppressed")]


@pytest.mark.django_db
def test_keys_live_longer_than_a_year_and_then_go(travel: Travel) -> None:
    customer = reachable()
    with travel(MORNING):
        queue(customer, "birthday-2026")
    with travel(MORNING + timedelta(days=399)):
        assert drop_old_keys() == 0
        assert queue(customer, "birthday-2026") is None
    with travel(MORNING + timedelta(days=401)):
        assert drop_old_keys() == 1
    assert not MessageKey.objects.exists()
    assert OutMessage.objects.count() == 1


@pytest.mark.django_db
def test_a_bell_long_read_goes_an_unread_one_stays(travel: Travel) -> None:
    with travel(MORNING):
        agent, _lead = team_of_two()
        follow_up = owe(agent)
        for key in ("a", "b"):
            notify(agent, "followup.due", subject_ref=follow_up, params={}, dedupe_key=key)
        mark_read(Notification.objects.get(dedupe_key="a").pk, actor=agent)
    with travel(MORNING + timedelta(days=93)):
        assert drop_read_bells() == 1
    assert Notification.objects.get().dedupe_key == "b"


@pytest.mark.django_db
def test_the_status_of_a_customer_who_died_stops_the_clock(travel: Travel) -> None:
    with travel(MORNING):
        agent, _lead = team_of_two()
        customer = CustomerFactory()
        owe(agent, minutes=1, customer=customer)
        Customer.objects.filter(pk=customer.pk).update(status="DECEASED")
    with travel(MORNING + timedelta(hours=1)):
        assert (tasks.remind_due_followups(), tasks.hand_over_overdue_followups()) == (0, 0)
    assert not Notification.objects.exists()
    assert FollowUp.objects.get().state == "OPEN"


def test_the_night_knows_the_job() -> None:
    assert kind_of("outreach.tidy").right == ""
