"""What billing tells of a customer: an account, a line, a bill and the event that told of it, each with a mark."""

from __future__ import annotations

from datetime import date

from billing.models import (
    Bill,
    BilledProduct,
    BillingAccount,
    BillingEvent,
    BillLine,
    CreditChange,
    DunningCase,
    DunningStep,
    Hold,
)
from customers.models import Customer
from foundation.common import clock

WORDS = (
    "number billing knows",
    "number on a bill",
    "number billing bills",
    "event of billing",
    "why fees rest",
    "why a grade",
)


def billing_doors(customer: Customer, marks: dict[str, str]) -> None:
    """An account with a paid bill."""
    account = BillingAccount.objects.create(
        external_id="ACC-ERASE", customer=customer, party=marks["number billing knows"]
    )
    BilledProduct.objects.create(
        external_id="PROD-ERASE", account=account, service_no=marks["number billing bills"], status="terminated"
    )
    bill = Bill.objects.create(
        external_id="BILL-ERASE",
        account=account,
        month=date(2026, 9, 1),
        bill_date=date(2026, 10, 1),
        due_date=date(2026, 10, 31),
        amount=59,
        remaining=0,
        open_amount=0,
        state=Bill.State.SETTLED,
    )
    BillLine.objects.create(
        bill=bill, position=0, kind="PLAN", name="Plan 59", service_no=marks["number on a bill"], amount=59
    )
    BillingEvent.objects.create(
        event_id="EVENT-ERASE",
        kind="CustomerBillCreateEvent",
        event_time=clock.now(),
        account_ref="ACC-ERASE",
        body={"event": {"customerBill": {"note": marks["event of billing"]}}},
        state="APPLIED",
    )
    hold_fees(account, marks)
    set_grade_by_hand(customer, marks)


def hold_fees(account: BillingAccount, marks: dict[str, str]) -> None:
    """Arrears that were settled, with a hold that says why."""
    now = clock.now()
    case = DunningCase.objects.create(account=account, grade="C", state="CLOSED", closed_at=now)
    DunningStep.objects.create(case=case, step="OVERDUE_1", at=now, due=59, late_fee=0, state="OVERDUE")
    Hold.objects.create(
        account=account, kind=Hold.Kind.HARDSHIP, from_at=now, ended_at=now, reason=marks["why fees rest"]
    )


def set_grade_by_hand(customer: Customer, marks: dict[str, str]) -> None:
    """A credit grade a lead set for a time."""
    day = clock.today()
    CreditChange.objects.create(
        customer=customer, from_grade="C", to_grade="B", begins=day, until=day, reason=marks["why a grade"], actor_id=1
    )
