"""Events as billing sends them, for tests that need no peer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

START = datetime(2026, 11, 1, 0, 0, tzinfo=UTC)


def money(value: Any) -> dict[str, Any]:
    return {"unit": "CNY", "value": value}


def event(kind: str, resource: str, body: dict[str, Any], at: int = 0, **more: Any) -> dict[str, Any]:
    """An event `at` minutes after the start."""
    moment = (START + timedelta(minutes=at)).isoformat()
    told = {"eventId": more.pop("event_id", uuid4().hex), "eventTime": moment, "eventType": kind}
    return told | {"event": {resource: body}} | more


def account(key: str = "A1", party: str = "", **more: Any) -> dict[str, Any]:
    return {
        "id": key,
        "state": "active",
        "accountType": "postpaid",
        "relatedParty": [{"id": party, "role": "customer", "@referredType": "Person"}],
        "accountBalance": [{"balanceType": "receivable", "amount": money(0)}],
        "creditLimit": money(100),
        "defaultPaymentMethod": {"id": "cash"},
        **more,
    }


def bill(
    key: str = "B1",
    owner: str = "A1",
    amount: Any = 59,
    remaining: Any = None,
    month: str = "2026-10",
    due: str = "2026-11-30",
    **more: Any,
) -> dict[str, Any]:
    rest = amount if remaining is None else remaining
    state = "settled" if not rest else "sent" if rest == amount else "partiallyPaid"
    year, number = int(month[:4]), int(month[5:])
    after = f"{year + number // 12}-{number % 12 + 1:02d}"
    return {
        "id": key,
        "billNo": f"NO-{key}",
        "billDate": f"{after}-01T00:00:00+08:00",
        "paymentDueDate": f"{due}T23:59:59+08:00",
        "billingPeriod": {"startDateTime": f"{month}-01T00:00:00+08:00"},
        "billingAccount": {"id": owner},
        "taxIncludedAmount": money(amount),
        "remainingAmount": money(rest),
        "state": state,
        "appliedCustomerBillingRate": [
            {
                "id": "1",
                "type": "PLAN",
                "name": "Plan",
                "product": {"id": "13800000001"},
                "taxIncludedAmount": money(amount),
            }
        ],
        **more,
    }


def payment(key: str = "P1", owner: str = "A1", amount: Any = 59, at: int = 10, **more: Any) -> dict[str, Any]:
    return {
        "id": key,
        "account": {"id": owner},
        "amount": money(amount),
        "paymentDate": (START + timedelta(minutes=at)).isoformat(),
        "status": "done",
        "paymentMethod": {"name": "cash"},
        **more,
    }


def product(
    key: str = "L1", owner: str = "A1", number: str = "13800000001", status: str = "active", **more: Any
) -> dict[str, Any]:
    return {"id": key, "billingAccount": {"id": owner}, "productSerialNumber": number, "status": status, **more}


def bucket(key: str = "K1", owner: str = "A1", remaining: Any = 20) -> dict[str, Any]:
    return {"id": key, "partyAccount": {"id": owner}, "remainingValue": {"amount": remaining, "units": "CNY"}}
