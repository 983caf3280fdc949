"""Somebody is to look at an account's arrears: what changes them says so in its own transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from django.db.models import Sum

from billing.models import Bill, BillingAccount, DunningCase
from foundation.common import clock
from foundation.policies.reading import policy


def poke(account_ids: Iterable[int], *, now: datetime | None = None) -> None:
    """Something became known of these accounts: they are looked at next (a minute at most), in the transaction that
    learned it. Who owes something overdue and has no case, because money was taken back, gets one at once."""
    ids, now = sorted(set(account_ids)), now or clock.now()
    if not ids:
        return
    DunningCase.objects.filter(account_id__in=ids, closed_at=None).update(next_at=now)
    overdue = Bill.objects.filter(
        account_id__in=ids, open_amount__gt=0, due_date__lt=clock.today(now), written_off_on=None
    ).exclude(state__in=Bill.VOID)
    owing = BillingAccount.objects.filter(
        pk__in=overdue.values("account_id"), customer__isnull=False, pay_type=BillingAccount.PayType.POSTPAID
    ).exclude(pk__in=DunningCase.objects.filter(closed_at=None, account_id__in=ids).values("account_id"))
    grade = str(policy("billing.grade_unknown"))
    DunningCase.objects.bulk_create(
        [DunningCase(account=account, grade=grade, begun_at=now, next_at=now) for account in owing],
        ignore_conflicts=True,
    )


def open_amount_of(account: BillingAccount, *, overdue: bool = False) -> Decimal:
    """What is open on the bills of an account, of overdue ones alone if asked."""
    bills = account.bills.filter(open_amount__gt=0, written_off_on=None)
    if overdue:
        bills = bills.filter(due_date__lt=clock.today())
    return bills.aggregate(total=Sum("open_amount"))["total"] or Decimal(0)
