"""Against the simulator over real HTTP: events, commands, storms, outages."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db.models import Sum

from billing.commands.sending import send_due
from billing.mirror.working import work_events
from billing.models import Allocation, Bill, BillingAccount, BillingEvent, Command, Payment, RestoreWatch
from billing.services import queue_command
from customers.models import Subscription
from foundation.common import clock
from foundation.rest.models import AccessToken
from tests.billing.comparing import owed, unlike
from tests.billing.events import bill, event
from tests.billing.peer import Simulator, as_program
from tests.factories import CustomerFactory, SubscriptionFactory
from tests.rest.calling import program

Start = Callable[..., Simulator]


def work() -> int:
    """What the ticks do, with waits cut short."""
    BillingEvent.objects.filter(state="WAITING").update(not_before=clock.now())
    Command.objects.filter(state="QUEUED").update(not_before=clock.now())
    events = BillingEvent.objects.filter(state="WAITING").count()
    return events + Command.objects.filter(state__in=Command.OPEN).count() + work_events() + send_due()


@pytest.mark.django_db
def test_the_door_takes_events_and_says_what_is_wrong_with_others() -> None:
    caller = program("billing:notify")
    good = event("CustomerBillCreateEvent", "customerBill", bill(amount=59.9), event_id="E1")
    door = "/listener/customerBillCreateEvent"
    assert [caller.post(door, good).status_code for _again in range(2)] == [201, 201]
    assert BillingEvent.objects.get().body["event"]["customerBill"]["taxIncludedAmount"]["value"] == 59.9
    deep = '{"eventId":"d","eventTime":"2026-11-01T00:00:00Z","eventType":"CustomerBillCreateEvent","event":'
    stranger = replace(caller, token="nobody's")
    reader = program("billing:notify", "troubleTicket:read", name="reader")
    AccessToken.objects.filter(client__name="reader").update(scopes=["troubleTicket:read"])
    refused = [
        stranger.post(door, good),
        reader.post(door, good),
        caller.send("POST", door, good, "text/plain"),
        caller.post("/listener/paymentCreateEvent", good),
        caller.post(door, "{" + " " * 10_000_000 + "}"),
        caller.post(door, deep + "[" * 100_000 + "]" * 100_000 + "}"),
        caller.post(door, '{"eventId": NaN}'),
        caller.post(door, b"\xff\xfe"),
        caller.post(door, ""),
        caller.post(door, "[]"),
    ]
    assert [answer.status_code for answer in refused] == [401, 403, 415, 400, 413, 400, 400, 400, 400, 400]
    assert all(answer.json()["@type"] == "Error" for answer in refused)
    assert BillingEvent.objects.count() == 1
    trial = program("billing:notify", sandbox=True, name="trial")
    assert trial.post(door, {**good, "eventId": "E2"}).status_code == 201
    assert BillingEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_after_a_storm_the_mirror_is_what_billing_says(simulator: Start, live_server: Any, keys: Any) -> None:
    billing = simulator(live_server.url, *as_program(keys))
    customers = [CustomerFactory(number=f"CU-ST-{n}") for n in range(6)]
    for n, customer in enumerate(customers):
        SubscriptionFactory(customer=customer, service_no=f"1390000000{n}")
    draw = random.Random(20261123)
    billing.do("storm", duplicates=0.2, disorder=0.2, errors=0.2, cut=0.1, seed=20261123)
    told = [
        {
            "id": f"A{n}",
            "party": f"CU-ST-{n}",
            "creditLimit": 100,
            "products": [
                {"id": f"L{n}", "serviceNo": f"1390000000{n}"},
                {"id": f"M{n}", "serviceNo": f"1390000010{n}"},
            ],
        }
        for n in range(6)
    ]
    billing.do("accounts", accounts=told)
    for month in ("2026-08", "2026-09", "2026-10"):
        billing.do("month-end", month=month, seed=3)
        paid = [billing.do("pay", account=f"A{n}", amount=draw.choice([20, 59.5, None])) for n in range(0, 6, 2)]
        billing.do("reverse", payment=paid[0]["payment"], bankErred=True)
        work()
    billing.do("partial", on=True)
    billing.do("pay", account="A1")
    billing.do("partial", on=False)
    bills = [body for body in billing.state()["customerBill"] if body["billingAccount"]["id"] == "A3"]
    lines = [{"type": "PLAN", "name": "Plan", "amount": 10, "serviceNo": ""}]
    replaced = billing.do("replace-bill", bill=bills[0]["id"], lines=lines)
    billing.do("replace-bill", bill=replaced["bill"], lines=[{**lines[0], "amount": 8}])
    end = billing.settle(work)
    assert unlike(end) == []
    assert not BillingEvent.objects.exclude(state__in=["APPLIED", "IGNORED"]).exists()
    # What is covered is what was paid, and what is open is what billing says, to the cent.
    paid_in = Payment.objects.filter(state="DONE").aggregate(total=Sum("amount"))["total"]
    assert Allocation.objects.aggregate(total=Sum("amount"))["total"] == paid_in
    assert sum(Bill.objects.values_list("open_amount", flat=True)) == owed(end)
    assert BillingAccount.objects.filter(customer=None).count() == 0

    # Bars and restorations in the same weather: each took effect once, in order.
    rows = {row.external_id: row for row in BillingAccount.objects.all()}
    for n in range(4):
        queue_command(rows[f"A{n}"].pk, actor=None, kind="SUSPEND_ONE_WAY", natural_key=f"one-{n}")
        queue_command(
            rows[f"A{n}"].pk, actor=None, kind="CREDIT_LIMIT", natural_key=f"limit-{n}", params={"limit": "300.00"}
        )
    billing.settle(work)
    for n in range(2):
        queue_command(rows[f"A{n}"].pk, actor=None, kind="RESTORE", natural_key=f"back-{n}")
    end = billing.settle(work)
    assert unlike(end) == []
    assert set(Command.objects.values_list("state", flat=True)) == {"ACKNOWLEDGED"}
    assert sorted(one["key"] for one in end["commands"]) == sorted(
        str(key) for key in Command.objects.values_list("key", flat=True)
    )
    barred = dict(Subscription.objects.values_list("service_no", "status"))
    assert [barred[f"1390000000{n}"] for n in range(6)] == [
        "ACTIVE",
        "ACTIVE",
        "SUSPENDED_ARREARS_1WAY",
        "SUSPENDED_ARREARS_1WAY",
        "ACTIVE",
        "ACTIVE",
    ]
    assert RestoreWatch.objects.filter(done_at=None).count() == 0 and RestoreWatch.objects.count() == 2
    assert set(BillingAccount.objects.filter(external_id__in=["A0", "A3"]).values_list("credit_limit", flat=True)) == {
        300
    }


@pytest.mark.django_db(transaction=True)
def test_a_restoration_overtakes_a_bar_that_could_not_leave(simulator: Start, live_server: Any, keys: Any) -> None:
    billing = simulator(live_server.url, *as_program(keys))
    billing.do("accounts", accounts=[{"id": "A1", "products": [{"id": "L1", "serviceNo": "13900000001"}]}])
    billing.settle(work)
    owner = BillingAccount.objects.get()
    billing.do("outage", seconds=1.0)
    [bar] = queue_command(owner.pk, actor=None, kind="SUSPEND_TWO_WAY", natural_key="bar")
    send_due()
    bar.refresh_from_db()
    assert (bar.state, bar.tries, "503" in bar.why) == ("QUEUED", 1, True)
    [back] = queue_command(owner.pk, actor=None, kind="RESTORE", natural_key="back")
    time.sleep(1.1)
    end = billing.settle(work)
    bar.refresh_from_db()
    back.refresh_from_db()
    assert (bar.state, back.state) == ("OVERTAKEN", "ACKNOWLEDGED")
    assert [one["key"] for one in end["commands"]] == [str(back.key)]


@pytest.mark.django_db(transaction=True)
def test_what_billing_refuses_is_kept_and_what_it_does_not_tell_is_asked(simulator: Start) -> None:
    billing = simulator()  # it tells nobody anything
    [one, other] = [BillingAccount.objects.create(external_id=key) for key in ("A1", "A2")]
    billing.do("accounts", accounts=[{"id": "A1", "products": [{"id": "L1", "serviceNo": "13900000001"}]}])
    one.products.create(external_id="L1", service_no="13900000001", status="active")
    other.products.create(external_id="L9", service_no="13900000009", status="active")
    [silent] = queue_command(one.pk, actor=None, kind="SUSPEND_ONE_WAY", natural_key="silent")
    [unknown] = queue_command(other.pk, actor=None, kind="SUSPEND_ONE_WAY", natural_key="unknown")
    send_due()
    silent.refresh_from_db()
    unknown.refresh_from_db()
    assert silent.state == "SENT" and (unknown.state, unknown.why) == ("FAILED", "404 404")
    Command.objects.filter(pk=silent.pk).update(not_before=clock.now())
    send_due()
    silent.refresh_from_db()
    assert silent.state == "ACKNOWLEDGED"
    assert one.products.get().suspension_type == "oneWay"
