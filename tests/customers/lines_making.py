"""Lines typed on the pages, for their tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.urls import reverse

from customers import services
from customers.models import Customer, FindNumber, Plan, Subscription, TimelineLine
from foundation.audit.models import AuditEntry
from foundation.common import clock
from tests.customers.people import Operator

NUMBER = "13800138000"


def url(row: Customer, name: str = "line-new", *more: Any) -> str:
    return reverse(f"customers:{name}", args=[row.pk, *more])


def typed(**more: Any) -> dict[str, Any]:
    """What a person fills in; the number as it is pasted from a chat."""
    return {
        "product_line": "MOBILE",
        "service_no": "+86 138-0013 8000",
        "activated_on": clock.today().isoformat(),
    } | more


def words(response: Any) -> str:
    return response.content.decode()


def nothing_happened(row: Customer) -> bool:
    return not (
        Subscription.objects.filter(customer=row).exists()
        or AuditEntry.objects.filter(customer_id=row.pk).exists()
        or TimelineLine.objects.filter(customer_id=row.pk).exists()
        or FindNumber.objects.filter(value=NUMBER).exists()
    )


def held(op: Operator, row: Customer, plan: Plan) -> Subscription:
    return services.open_subscription(
        row.pk,
        actor=op.clerk,
        service_no=NUMBER,
        product_line="MOBILE",
        plan=plan,
        activated_on=clock.today() - timedelta(days=400),
        user_name="李四光",
    )


def terms(line: Subscription, **more: Any) -> dict[str, Any]:
    line.refresh_from_db()
    return {"version": line.version, "plan": line.plan_id or "", "monthly_fee": "", "contract_end": ""} | more
