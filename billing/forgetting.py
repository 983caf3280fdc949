"""What billing's events say of a customer goes with the customer (D§5.12): their bodies, by the accounts they name."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from billing.models import BillingAccount, BillingEvent, StagedBill
from foundation.common.personal import Step, register_step


def events_of(ids: list[int]) -> QuerySet[BillingEvent]:
    """Events about the accounts of these customers whose bodies still stand."""
    accounts = BillingAccount.objects.filter(customer__in=ids).values("external_id")
    return BillingEvent.objects.filter(account_ref__in=accounts).exclude(body={})


def staged_of(ids: list[int]) -> QuerySet[StagedBill]:
    """Bills of a file being read that are theirs."""
    accounts = BillingAccount.objects.filter(customer__in=ids).values("external_id")
    return StagedBill.objects.filter(account_ref__in=accounts)


def find(ids: list[int]) -> dict[str, QuerySet[Any]]:
    """What would go."""
    return {"billing_billingevent": events_of(ids), "billing_staged_bill": staged_of(ids)}


def erase(ids: list[int], at: datetime) -> dict[str, int]:
    """Empty the bodies; that the events came and what they did stays."""
    staged, _by_model = staged_of(ids).delete()
    return {"billing_billingevent": events_of(ids).update(body={}), "billing_staged_bill": staged}


def read(ids: list[int]) -> dict[str, list[dict[str, Any]]]:
    """What billing told, for an access request."""
    rows = events_of(ids).order_by("pk").values("kind", "received_at", "body")
    return {"billing.BillingEvent": [{**row, "received_at": row["received_at"].isoformat()} for row in rows]}


def register() -> None:
    """Make the step known."""
    register_step(Step("billing.events", find, erase, read=read))
