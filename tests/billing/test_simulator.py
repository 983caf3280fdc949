"""The simulator itself: what other tests lean on when they compare Careline with billing."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.billing.simulator import Billing, Listener, listening

ONE = {"id": "A1", "party": "C1", "products": [{"id": "L1", "serviceNo": "13800000001"}]}
BILLS = "/tmf-api/customerBillManagement/v4/customerBill"
PRODUCTS = "/tmf-api/productInventory/v4/product"


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as server:
        yield server


@pytest.fixture
def billing(tmp_path: Path, listener: Listener) -> Iterator[Billing]:
    running = Billing(tmp_path, "--careline", listener.url).start()
    yield running
    running.kill()


def _lines(*amounts: str) -> list[dict[str, Any]]:
    return [{"amount": amount} for amount in amounts]


def _bill(billing: Billing, key: str) -> dict[str, Any]:
    return dict(httpx.get(f"{billing.url}{BILLS}/{key}").json())


def test_money_goes_to_the_oldest_bill_and_comes_back_when_the_bank_takes_it(
    billing: Billing, listener: Listener
) -> None:
    billing.do("accounts", accounts=[ONE], tell=False)
    billing.do("bill", account="A1", month="2026-08", lines=_lines("30.00", "8.50"))
    billing.do("bill", account="A1", month="2026-09", lines=_lines("20.00"))
    payment = billing.do("pay", account="A1", amount="45.00")["payment"]

    older, newer = _bill(billing, "A1-2026-08"), _bill(billing, "A1-2026-09")
    assert (older["state"], older["remainingAmount"]["value"]) == ("settled", 0.0)
    assert (newer["state"], newer["remainingAmount"]["value"]) == ("partiallyPaid", 13.5)
    assert older["paymentDueDate"] == "2026-09-30T23:59:59+08:00"
    assert [line["taxIncludedAmount"]["value"] for line in older["appliedCustomerBillingRate"]] == [30.0, 8.5]

    billing.do("reverse", payment=payment, bankErred=True)
    assert _bill(billing, "A1-2026-08")["remainingAmount"]["value"] == 38.5
    # Each in its order: two bills, the payment with the two bills it changed, the reversal with the same two.
    told = [event["eventType"].removesuffix("Event") for event in listener.wait_for(8)]
    change = "customerBillStateChange"
    bills = ["customerBillCreate", "customerBillCreate"]
    assert told == [*bills, "paymentCreate", change, change, "paymentStateChange", change, change]


def test_a_command_is_done_once_and_its_event_carries_the_key(billing: Billing, listener: Listener) -> None:
    billing.do("accounts", accounts=[ONE], tell=False)
    asked = {"status": "suspended", "suspensionType": "oneWay"}
    address, key = f"{billing.url}{PRODUCTS}/L1", {"Idempotency-Key": "k1"}
    answers = [httpx.patch(address, json=asked, headers=key) for _again in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.text for answer in answers}) == 1
    assert httpx.patch(address, json={"status": "active"}, headers=key).status_code == 422
    assert httpx.patch(address, json={"status": "active"}).status_code == 400
    assert (
        httpx.patch(
            address, json={"status": "active", "suspensionType": "oneWay"}, headers={"Idempotency-Key": "k2"}
        ).status_code
        == 400
    )
    (event,) = listener.wait_for(1)
    assert (event["correlationId"], event["event"]["product"]["suspensionType"]) == ("k1", "oneWay")
    assert [command["key"] for command in billing.state()["commands"]] == ["k1"]


def test_what_was_not_taken_is_told_again_after_a_kill(tmp_path: Path, listener: Listener) -> None:
    listener.refuse = 10_000
    billing = Billing(tmp_path, "--careline", listener.url).start()
    billing.do("accounts", accounts=[ONE])
    billing.do("bill", account="A1", month="2026-09", lines=_lines("20.00"))
    billing.kill()
    listener.refuse = 0
    billing.start()
    try:
        assert [event["eventType"] for event in listener.wait_for(3)] == [
            "productCreateEvent",
            "billingAccountAttributeValueChangeEvent",
            "customerBillCreateEvent",
        ]
        assert billing.state()["customerBill"][0]["id"] == "A1-2026-09"
    finally:
        billing.kill()


def test_a_storm_doubles_and_disorders_but_loses_nothing(billing: Billing, listener: Listener) -> None:
    accounts = [{"id": f"A{number}"} for number in range(40)]
    billing.do("accounts", accounts=accounts, tell=False)
    billing.do("storm", duplicates=0.5, disorder=0.5, seed=7)
    billing.do("month-end", month="2026-08", seed=1)
    billing.do("month-end", month="2026-09", seed=1)
    billing.do("storm")
    came = listener.wait_for(81)
    doubled = [event["eventId"] for event in came]
    assert len(set(doubled)) < len(doubled)
    months = [event["event"]["customerBill"]["id"] for event in came]
    firsts = {key: months.index(key) for key in set(months)}
    assert any(firsts.get(f"A{n}-2026-09", 999) < firsts.get(f"A{n}-2026-08", 999) for n in range(40))


def test_requests_fail_and_connections_break_as_the_weather_says(billing: Billing) -> None:
    billing.do("accounts", accounts=[ONE], tell=False)
    billing.do("storm", errors=1.0)
    assert httpx.get(f"{billing.url}{PRODUCTS}/L1").status_code == 500
    billing.do("storm", cut=1.0)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.patch(f"{billing.url}{PRODUCTS}/L1", json={"status": "terminated"}, headers={"Idempotency-Key": "k9"})
    billing.do("storm")
    assert httpx.get(f"{billing.url}{PRODUCTS}/L1").json()["status"] == "terminated"  # done, though the answer was lost
    billing.do("outage", seconds=600)
    assert httpx.get(f"{billing.url}{PRODUCTS}/L1").status_code == 503


def test_lists_are_paged_filtered_and_closed_to_strangers(tmp_path: Path) -> None:
    billing = Billing(tmp_path, "--api-client", "careline:s3cret").start()
    try:
        billing.do("accounts", accounts=[{"id": f"A{number}"} for number in range(3)])
        billing.do("month-end", month="2026-09", seed=1)
        address = f"{billing.url}{BILLS}"
        assert httpx.get(address).status_code == 401
        form = {"grant_type": "client_credentials", "client_id": "careline", "client_secret": "s3cret"}
        token = httpx.post(f"{billing.url}/oauth/token", data=form).json()["access_token"]
        shown = {"Authorization": f"Bearer {token}"}
        page = httpx.get(address, params={"limit": 2}, headers=shown)
        assert (page.status_code, page.headers["X-Total-Count"], len(page.json())) == (206, "3", 2)
        rest = httpx.get(address, params={"limit": 2, "offset": 2}, headers=shown).json()
        assert {bill["id"] for bill in page.json() + rest} == {"A0-2026-09", "A1-2026-09", "A2-2026-09"}
        since = {"lastUpdate.gte": page.json()[1]["lastUpdate"]}
        assert len(httpx.get(address, params=since, headers=shown).json()) == 2
        of_one = httpx.get(address, params={"billingAccount.id": "A1", "state": "sent"}, headers=shown).json()
        assert [bill["id"] for bill in of_one] == ["A1-2026-09"]
        assert httpx.get(address, params={"colour": "red"}, headers=shown).status_code == 400
    finally:
        billing.kill()


def test_a_month_as_a_file_says_the_same_in_both_forms(tmp_path: Path) -> None:
    billing = Billing(tmp_path).start()
    try:
        billing.do("accounts", accounts=[{"id": f"A{number}"} for number in range(5)], tell=False)
        assert billing.do("month-end", month="2026-09", seed=3, tell=False) == {"bills": 5}
        assert billing.do("month-end", month="2026-09", seed=3, tell=False) == {"bills": 0}
        bills = [json.loads(line) for line in billing.month_file("2026-09", "ndjson").splitlines()]
        rows = list(csv.DictReader(io.StringIO(billing.month_file("2026-09", "csv"))))
        by_line = [(row["billId"], row["lineType"], row["amount"]) for row in rows]
        assert by_line == [(b["billId"], part["lineType"], part["amount"]) for b in bills for part in b["lines"]]
        assert len(bills) == 5
        assert billing.state()["waiting"] == 0
        replaced = billing.do("replace-bill", bill="A1-2026-09", lines=_lines("12.30"))["bill"]
        assert [
            json.loads(line)["amount"]
            for line in billing.month_file("2026-09", "ndjson").splitlines()
            if replaced in line
        ] == ["12.30"]
        assert _bill(billing, "A1-2026-09")["replacedBy"] == {"id": replaced}
    finally:
        billing.kill()
