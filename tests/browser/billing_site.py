"""A customer with bills, arrears and a credit grade, for the pages of billing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.urls import reverse

from billing.credit.running import judge_everybody, month_of
from billing.dunning.running import advance
from billing.models import Bill, BillingAccount, BillingEvent, BillLine, Payment
from customers.models import Customer
from foundation.calendars.working_time import add_months
from foundation.common import clock

LINES = (("PLAN", "5G 169", 169), ("ROAMING", "Japan", 30), ("THIRD_PARTY", "Music", 12), ("DISCOUNT", "Loyalty", -20))
MONTHS = 8


def engineer_pages() -> list[tuple[str, str]]:
    """What the engineer sees of billing: events, one refused, accounts of nobody, commands, the comparison, files."""
    stranger = BillingAccount.objects.create(external_id="BA33010099", party="P-UNKNOWN")
    refused = BillingEvent.objects.create(
        event_id="SITE-E1", kind="ProductStateChangeEvent", event_time=clock.now(), account_ref="BA33010099",
        body={"event": {"product": {"id": "L-SITE", "status": "asleep"}}}, state="FAILED", why="body",
        faults=[{"field": "status", "code": "code", "value": "asleep"}],
    )  # fmt: skip
    return [
        ("billing-events", reverse("billing:event-list")),
        ("billing-event", reverse("billing:event", args=[refused.pk])),
        ("billing-unmatched", reverse("billing:unmatched-list")),
        ("billing-commands", reverse("billing:command-list")),
        ("billing-account", reverse("billing:account-commands", args=[stranger.pk])),
        ("billing-comparison", reverse("billing:comparison")),
        ("billing-month-end", reverse("billing:monthend")),
        ("hub", reverse("workspace:hub-list")),
    ]


def billing_pages(customer: Customer) -> list[tuple[str, str]]:
    """Names and addresses of the pages, with everything on them that they can show."""
    today = clock.today()
    this = today.replace(day=1)
    account = BillingAccount.objects.create(
        customer=customer, unit_no=customer.unit_no, external_id="BA33010001", balance=Decimal("36.20")
    )
    line = customer.subscriptions.first()
    assert line is not None
    account.products.create(external_id="SITE-L", service_no=line.service_no, subscription=line, status="active")
    for back in range(MONTHS, 0, -1):
        month, paid = add_months(this, -back), back > 2
        lines = [one for n, one in enumerate(LINES) if n == 0 or (back + n) % 3]
        amount = Decimal(sum(fee for _kind, _name, fee in lines))
        due = today - timedelta(days=30 * back - 28)
        bill = Bill.objects.create(
            account=account, external_id=f"SITE-{back}", month=month, bill_date=min(add_months(month, 1), due),
            due_date=due, amount=amount, remaining=0 if paid else amount, open_amount=0 if paid else amount,
            state="SETTLED" if paid else "OPEN", paid_on=due if paid else None,
        )  # fmt: skip
        for at, (kind, name, fee) in enumerate(lines, 1):
            BillLine.objects.create(
                bill=bill, position=at, kind=kind, name=name, service_no=line.service_no, amount=fee
            )
        if paid:
            at_noon = clock.business_midnight(due) + timedelta(hours=12)
            Payment.objects.create(
                account=account, external_id=f"SITE-P{back}", amount=amount, paid_at=at_noon, way="APP", state="DONE"
            )
    advance(account.pk)
    month = month_of(clock.now())
    for back in (5, 4, 3, 2, 1, 0):
        judge_everybody(add_months(month, -back))
    return [
        ("bills", reverse("billing:customer-bills", args=[customer.pk])),
        ("credit", reverse("billing:customer-credit", args=[customer.pk])),
        ("arrears", reverse("billing:arrears-list")),
        ("arrears-case", reverse("billing:arrears", args=[account.dunning_cases.get().pk])),
        ("credit-letter", reverse("billing:customer-credit-letter", args=[customer.pk])),
    ]
