"""The mirror against what billing says it is, row by row."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from billing.mirror.reading import read
from billing.models import Bill, BilledProduct, BillingAccount, Payment

MODELS = {"customerBill": Bill, "billingAccount": BillingAccount, "payment": Payment, "product": BilledProduct}
# The balance is stated with the account alone, and changes with each bill.
NOT_COMPARED = {"balance"}


def unlike(state: dict[str, Any]) -> list[str]:
    """What differs, one line each: rows missing on either side, columns with another value."""
    found = []
    for resource, model in MODELS.items():
        rows = {row.external_id: row for row in model._default_manager.all()}
        told = {str(body["id"]): read(resource, body) for body in state[resource]}
        found += [f"{resource} {key} is missing here" for key in sorted(set(told) - set(rows))]
        found += [f"{resource} {key} is missing there" for key in sorted(set(rows) - set(told))]
        for key in sorted(set(rows) & set(told)):
            for column, value in told[key].values.items():
                if column not in NOT_COMPARED and getattr(rows[key], column) != value:
                    found.append(f"{resource} {key}.{column}: here {getattr(rows[key], column)!r}, there {value!r}")
    return found


def owed(state: dict[str, Any]) -> Decimal:
    """What is open in billing in all."""
    bills = [read("customerBill", body) for body in state["customerBill"]]
    return sum((one.values["remaining"] for one in bills if one.values["state"] not in Bill.VOID), Decimal("0.00"))
