"""Accounts as other systems are told of them: references, never balances (TMF629 AccountRef)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from billing.models import BillingAccount


def account_refs(customer_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """Accounts in use by customer, the oldest first; one query."""
    found: dict[int, list[dict[str, Any]]] = {}
    rows = BillingAccount.objects.filter(customer__in=customer_ids, status=BillingAccount.Status.ACTIVE)
    for row in rows.only("external_id", "customer", "pay_type").order_by("pk"):
        assert row.customer_id is not None  # asked by customer
        shown = {"id": row.external_id, "name": row.external_id, "description": row.pay_type.lower()}
        found.setdefault(row.customer_id, []).append({**shown, "@type": "AccountRef"})
    return found
