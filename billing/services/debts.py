"""What a customer owes, and what is refused meanwhile (D§13.11)."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import Sum

from billing.models import Bill, BilledProduct
from customers.models import Customer


def open_debt_of(customer: Customer) -> Decimal:
    """What is open on all bills of the customer's accounts, in CNY; debts written off left out."""
    bills = Bill.objects.filter(account__customer=customer, open_amount__gt=0, written_off_on=None)
    return bills.aggregate(total=Sum("open_amount"))["total"] or Decimal("0.00")


def is_blocked_for_orders(customer: Customer) -> bool:
    """Whether a line of any account of the customer is suspended: then nothing new is ordered but payment, faults,
    complaints and questions about porting."""
    suspended = BilledProduct.objects.filter(account__customer=customer, status=BilledProduct.Status.SUSPENDED)
    return suspended.exclude(suspension_type="").exists()
