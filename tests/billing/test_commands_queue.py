"""Asking billing: once, one command for each line, in order; a restoration overtakes what has not left yet."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from billing.commands.acknowledging import acknowledge
from billing.commands.watching import watch_restores
from billing.models import BilledProduct, BillingAccount, Command, RestoreWatch
from billing.services import is_blocked_for_orders, open_debt_of, queue_command
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.common.errors import RuleBroken
from outreach.models import Notification
from tests.factories import CustomerFactory, UserFactory

pytestmark = pytest.mark.django_db


def account_with(*statuses: str) -> BillingAccount:
    account = BillingAccount.objects.create(external_id="A1", customer=CustomerFactory())
    for number, status in enumerate(statuses):
        BilledProduct.objects.create(
            external_id=f"P{number}",
            account=account,
            service_no=f"1380000000{number}",
            status=status,
            suspension_type="oneWay" if status == "suspended" else "",
        )
    return account


def test_a_decision_becomes_one_command_for_each_living_line_once() -> None:
    account = account_with("active", "suspended", "terminated")
    asked = queue_command(account.pk, actor=None, kind="SUSPEND_ONE_WAY", natural_key="case-1:one-way:1")
    assert [(one.product.external_id, one.state) for one in asked if one.product] == [
        ("P0", "QUEUED"),
        ("P1", "QUEUED"),
    ]
    assert len({one.key for one in asked}) == 2
    again = queue_command(account.pk, actor=None, kind="SUSPEND_ONE_WAY", natural_key="case-1:one-way:1")
    assert [one.pk for one in again] == [one.pk for one in asked]
    assert Command.objects.count() == 2 and AuditEntry.objects.filter(verb="billing.asked").count() == 1
    with pytest.raises(RuleBroken, match="cannot be asked"):
        queue_command(account.pk, actor=None, kind="CUT_OFF", natural_key="x")
    assert Command.objects.count() == 2

    first, second = asked
    restored = queue_command(account.pk, actor=None, kind="RESTORE", natural_key="case-1:restore:1")
    first.refresh_from_db()
    second.refresh_from_db()
    assert {first.state, second.state} == {"OVERTAKEN"} and len(restored) == 2
    watch = RestoreWatch.objects.get()
    assert watch.own_due_at - watch.asked_at == timedelta(hours=24)
    assert watch.law_due_at - watch.asked_at == timedelta(hours=48)


def test_only_one_command_of_an_account_is_ever_in_flight() -> None:
    account = account_with("active", "active")
    one, other = queue_command(account.pk, actor=None, kind="SUSPEND_TWO_WAY", natural_key="k")
    Command.objects.filter(pk=one.pk).update(state="SENDING")
    with pytest.raises(IntegrityError), transaction.atomic():
        Command.objects.filter(pk=other.pk).update(state="SENT", sent_at=clock.now())
    # What is on its way is not overtaken: the restoration comes after it.
    queue_command(account.pk, actor=None, kind="RESTORE", natural_key="r")
    assert list(Command.objects.order_by("pk").values_list("state", flat=True)) == [
        "SENDING",
        "OVERTAKEN",
        "QUEUED",
        "QUEUED",
    ]


def test_what_a_customer_owes_blocks_new_orders_only_while_suspended() -> None:
    account = account_with("active")
    customer = account.customer
    assert customer is not None
    today = clock.today()
    account.bills.create(
        external_id="B1",
        month=today.replace(day=1),
        bill_date=today,
        due_date=today,
        amount="88.50",
        remaining="88.50",
        open_amount="88.50",
        state="OPEN",
    )
    assert str(open_debt_of(customer)) == "88.50"
    assert not is_blocked_for_orders(customer)
    account.products.update(status="suspended", suspension_type="twoWay")
    assert is_blocked_for_orders(customer)


def test_a_restoration_that_is_late_rings_once_for_each_limit(travel: Any, client_for: Any) -> None:
    finance = UserFactory(role="FINANCE_DUNNING")
    account = account_with("suspended")
    [back] = queue_command(account.pk, actor=None, kind="RESTORE", natural_key="back")
    asked = RestoreWatch.objects.get().asked_at
    rung = []
    for hours in (23, 25, 26, 49, 60):
        with travel(asked + timedelta(hours=hours)):
            rung.append((watch_restores(), Notification.objects.filter(user=finance).count()))
    assert rung == [(0, 0), (1, 1), (0, 1), (1, 2), (0, 2)]
    said = client_for(finance).get("/bell/").content.decode()
    assert "Not restored within 24 hours: account A1" in said and "within 48 hours, against the law" in said
    assert RestoreWatch.objects.get().level == 2
    Command.objects.filter(pk=back.pk).update(state="SENDING")
    assert acknowledge({back.key}) == 1 and acknowledge({back.key}) == 0
    watch = RestoreWatch.objects.get()
    assert watch.done_at is not None and watch.next_at is None
