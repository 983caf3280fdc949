"""Rows as TM Forum v4 writes them (TMF678, 666, 676, 654, 637).

Said more than the swaggers say: a bill carries its lines as `appliedCustomerBillingRate`, the bill it was replaced by
as `replacedBy` with the state `replaced`; a product carries `suspensionType` (oneWay, twoWay); a payment taken back has
the status `reversed` and says whether the bank erred (`bankErred`).
"""

from __future__ import annotations

import sqlite3
from typing import Any

from billing_simulation.store import Store, yuan

BASES = {
    "customerBill": "/tmf-api/customerBillManagement/v4/customerBill",
    "billingAccount": "/tmf-api/accountManagement/v4/billingAccount",
    "payment": "/tmf-api/payment/v4/payment",
    "bucket": "/tmf-api/prepayBalanceManagement/v4/bucket",
    "product": "/tmf-api/productInventory/v4/product",
}
TABLES = {
    "customerBill": "bill",
    "billingAccount": "account",
    "payment": "payment",
    "bucket": "bucket",
    "product": "product",
}


def money(amount: int) -> dict[str, Any]:
    return {"unit": "CNY", "value": yuan(amount)}


def body_of(store: Store, resource: str, row: sqlite3.Row, address: str) -> dict[str, Any]:
    """The body of one row; `address`: scheme and host the caller used, for `href`."""
    told = {
        "customerBill": _bill,
        "billingAccount": _account,
        "payment": _payment,
        "bucket": _bucket,
        "product": _product,
    }
    kind = resource[0].upper() + resource[1:]
    head = {"id": row["id"], "href": f"{address}{BASES[resource]}/{row['id']}", "@type": kind}
    return head | told[resource](store, row)


def _account_ref(account: str) -> dict[str, str]:
    return {"id": account, "@referredType": "BillingAccount"}


def _bill(store: Store, row: sqlite3.Row) -> dict[str, Any]:
    lines = store.rows("SELECT * FROM line WHERE bill = ? ORDER BY position", row["id"])
    replaced = {"replacedBy": {"id": row["replaced_by"]}} if row["replaced_by"] else {}
    return replaced | {
        "billNo": row["no"],
        "billDate": f"{row['bill_date']}T00:00:00+08:00",
        "paymentDueDate": f"{row['due_date']}T23:59:59+08:00",
        "billingPeriod": {"startDateTime": f"{row['month']}-01T00:00:00+08:00"},
        "billingAccount": _account_ref(row["account"]),
        "taxIncludedAmount": money(row["amount"]),
        "amountDue": money(row["amount"]),
        "remainingAmount": money(row["remaining"]),
        "state": row["state"],
        "lastUpdate": row["modified"],
        "appliedCustomerBillingRate": [
            {
                "id": f"{row['id']}-{line['position']}",
                "type": line["kind"],
                "name": line["name"],
                "product": {"id": line["service_no"], "@referredType": "ServiceNumber"},
                "taxIncludedAmount": money(line["amount"]),
            }
            for line in lines
        ],
    }


def _account(store: Store, row: sqlite3.Row) -> dict[str, Any]:
    open_sum = store.rows(
        "SELECT coalesce(sum(remaining), 0) AS owed FROM bill WHERE account = ? AND state IN ('sent', 'partiallyPaid')",
        row["id"],
    )[0]["owed"]
    limit = {} if row["credit_limit"] is None else {"creditLimit": money(row["credit_limit"])}
    return limit | {
        "accountType": "prepaid" if row["pay_type"] == "PREPAID" else "postpaid",
        "state": row["state"],
        "paymentStatus": "inArrears" if open_sum else "paid",
        "defaultPaymentMethod": {"id": row["pay_way"]},
        "relatedParty": [{"id": row["party"], "role": "customer", "@referredType": row["kind"].capitalize()}],
        "accountBalance": [{"balanceType": "receivable", "amount": money(row["credit"] - open_sum)}],
        "lastModified": row["modified"],
    }


def _payment(store: Store, row: sqlite3.Row) -> dict[str, Any]:
    back = {"statusDate": row["reversed_at"], "bankErred": bool(row["bank_erred"])} if row["reversed_at"] else {}
    return {
        "paymentDate": row["paid_at"],
        "status": row["status"],
        "statusDate": row["paid_at"],
        "account": _account_ref(row["account"]),
        "amount": money(row["amount"]),
        "totalAmount": money(row["amount"]),
        "paymentMethod": {"name": row["way"], "@type": "PaymentMethod"},
        "lastUpdate": row["modified"],
    } | back


def _bucket(store: Store, row: sqlite3.Row) -> dict[str, Any]:
    return {
        "partyAccount": _account_ref(row["account"]),
        "remainingValue": {"amount": yuan(row["remaining"]), "units": "CNY"},
        "usageType": "monetary",
        "status": "active",
        "confirmationDate": row["modified"],
    }


def _product(store: Store, row: sqlite3.Row) -> dict[str, Any]:
    suspension = {"suspensionType": row["suspension"]} if row["suspension"] else {}
    return suspension | {
        "name": "line",
        "productSerialNumber": row["service_no"],
        "status": row["status"],
        "billingAccount": _account_ref(row["account"]),
        "lastUpdate": row["modified"],
    }
