"""What a month knows of a customer's credit: collected in one statement for a piece of everybody, and for one by hand.

`day` is the second of the month: the bills of the month before are there. A person is judged over all accounts and
lines, an enterprise by each account (D§6.7). A bill counts when it fell due in the months before, asked for something
and was delivered, and was not in dispute on its due day or after; one that is settled without a payment we know of
counts as paid in time. The first of two bars (one way, then both) is the suspension; a line that has no one-way bar is
suspended once by its only one.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q

from billing.credit.rules import CreditRules
from billing.credit.scorecard import CreditFacts
from billing.models import Bill, BilledProduct, BillingAccount, Command, Hold
from billing.models.credit import WHOLE
from customers.models import Customer, CustomerFacts, ProtectiveHold, Subscription
from customers.value.rules import rounded
from foundation.calendars.working_time import add_months
from foundation.common import clock

VALUE_MONTHS = 6  # D§6.1
OLDEST_BILL_MONTHS = 3  # a bill falls due at most so many months after its own
BY_ITSELF = (BillingAccount.PayWay.AUTO_DEBIT, BillingAccount.PayWay.BANK_COLLECTION)
NOT_LIVE = Subscription.Status.PENDING
TWO_WAY = (Subscription.Status.SUSPENDED_ARREARS_2WAY, Subscription.Status.PRE_TERMINATION)


def day_of(month: date) -> date:
    """The day a month's credit is judged on."""
    return month + timedelta(days=1)


def values_of(month: date, rules: CreditRules) -> dict[str, Any]:
    """The parameters of `MEASURED`, without the bounds of a piece."""
    day = day_of(month)
    begins = add_months(day, -rules.arrears["months"])
    return {
        "month": month,
        "day": day,
        "begins": begins,
        "begins_at": clock.business_midnight(begins),
        "ends_at": clock.business_midnight(day + timedelta(days=1)),
        "oldest": add_months(begins.replace(day=1), -OLDEST_BILL_MONTHS),
        "value_from": add_months(month, -VALUE_MONTHS),
        "late_days": rules.arrears["late_days"],
        "by_itself": list(BY_ITSELF),
        "void": list(Bill.VOID),
        "not_live": NOT_LIVE,
        "zone": clock.BUSINESS_ZONE.key,
        "two_way": list(TWO_WAY),
    }


_COUNTS = """b.due_date >= %(begins)s AND b.due_date < %(day)s AND b.delivered AND b.amount > 0
      AND d.bill_id IS NULL"""
# Both sides of every join carry the bounds of the piece: a subquery has no statistics (recipes §7).
MEASURED = f"""
WITH acct AS MATERIALIZED (
  SELECT a.id, a.customer_id, CASE c.customer_type WHEN 'ENTERPRISE' THEN a.id ELSE {WHOLE} END AS account_id,
    a.pay_way = ANY(%(by_itself)s) AS auto_debit, c.identity_status = 'VERIFIED' AS identity
  FROM billing_billingaccount a JOIN customers_customer c ON c.id = a.customer_id
  WHERE a.customer_id >= %(lo)s AND a.customer_id < %(hi)s AND c.id >= %(lo)s AND c.id < %(hi)s
    AND a.status = 'ACTIVE' AND c.status <> 'ANONYMISED'),
who AS (
  SELECT customer_id, account_id, bool_and(auto_debit) AS auto_debit, bool_and(identity) AS identity
  FROM acct GROUP BY 1, 2),
disputed AS MATERIALIZED (
  SELECT DISTINCT h.bill_id FROM acct t
  JOIN billing_hold h ON h.account_id = t.id AND h.kind = 'DISPUTE' AND h.bill_id IS NOT NULL
  JOIN billing_bill b ON b.id = h.bill_id
  WHERE h.ended_at IS NULL OR h.ended_at >= b.due_date::timestamp AT TIME ZONE %(zone)s),
billed AS (
  SELECT t.customer_id, t.account_id,
    count(*) FILTER (WHERE {_COUNTS}) AS due,
    count(*) FILTER (WHERE {_COUNTS} AND b.open_amount = 0 AND coalesce(b.paid_on <= b.due_date, true)) AS on_time,
    count(*) FILTER (WHERE {_COUNTS} AND CASE WHEN b.open_amount = 0 THEN coalesce(b.paid_on, b.due_date)
      ELSE %(day)s END - b.due_date > %(late_days)s) AS late,
    sum(b.amount) FILTER (WHERE b.month >= %(value_from)s AND b.month < %(month)s) AS billed,
    count(DISTINCT b.month) FILTER (WHERE b.month >= %(value_from)s AND b.month < %(month)s) AS months
  FROM acct t JOIN billing_bill b ON b.account_id = t.id AND b.month >= %(oldest)s AND b.state <> ALL(%(void)s)
  LEFT JOIN disputed d ON d.bill_id = b.id
  GROUP BY 1, 2),
lost AS (
  SELECT DISTINCT t.customer_id, t.account_id FROM acct t
  JOIN billing_bill b ON b.account_id = t.id AND b.written_off_on IS NOT NULL AND b.open_amount > 0),
held AS (
  SELECT t.customer_id, {WHOLE} AS account_id, s.activated_on, s.contract_end, s.status, s.monthly_fee, s.plan_id
  FROM who t JOIN customers_subscription s ON s.customer_id = t.customer_id
  WHERE t.account_id = {WHOLE} AND s.customer_id >= %(lo)s AND s.customer_id < %(hi)s
    AND s.terminated_on IS NULL AND s.status <> %(not_live)s
  UNION ALL
  SELECT t.customer_id, t.account_id, s.activated_on, s.contract_end, s.status, s.monthly_fee, s.plan_id
  FROM acct t JOIN billing_billedproduct p ON p.account_id = t.id
  JOIN customers_subscription s ON s.id = p.subscription_id
  WHERE t.account_id <> {WHOLE} AND s.terminated_on IS NULL AND s.status <> %(not_live)s),
lines AS (
  SELECT h.customer_id, h.account_id, min(h.activated_on) AS since, max(h.contract_end) AS contract_end,
    sum(coalesce(h.monthly_fee, p.monthly_fee)) AS fee, bool_or(h.status = ANY(%(two_way)s)) AS two_way
  FROM held h LEFT JOIN customers_plan p ON p.id = h.plan_id GROUP BY 1, 2),
barred AS (
  SELECT t.customer_id, t.account_id,
    greatest(count(DISTINCT m.batch) FILTER (WHERE m.kind = 'SUSPEND_ONE_WAY'),
      count(DISTINCT m.batch) FILTER (WHERE m.kind = 'SUSPEND_TWO_WAY')) AS suspensions
  FROM acct t JOIN billing_command m ON m.account_id = t.id AND m.state = 'ACKNOWLEDGED'
    AND m.kind IN ('SUSPEND_ONE_WAY', 'SUSPEND_TWO_WAY')
    AND m.acknowledged_at >= %(begins_at)s AND m.acknowledged_at < %(ends_at)s
  GROUP BY 1, 2)
SELECT w.customer_id, w.account_id, %(month)s::date AS month, %(day)s::date AS day, l.since,
  coalesce(b.due, 0) AS due, coalesce(b.on_time, 0) AS on_time, coalesce(b.late, 0) AS late,
  coalesce(r.suspensions, 0) AS suspensions,
  CASE w.account_id WHEN {WHOLE} THEN f.value_amount ELSE round(b.billed / nullif(b.months, 0), 2) END AS value,
  l.fee, w.auto_debit, w.identity, l.contract_end, x.customer_id IS NOT NULL AS written_off,
  coalesce(l.two_way, false) AS two_way, h.customer_id IS NOT NULL AS fraud
FROM who w
JOIN customers_facts f ON f.customer_id = w.customer_id AND f.customer_id >= %(lo)s AND f.customer_id < %(hi)s
LEFT JOIN billed b ON b.customer_id = w.customer_id AND b.account_id = w.account_id
LEFT JOIN lost x ON x.customer_id = w.customer_id AND x.account_id = w.account_id
LEFT JOIN lines l ON l.customer_id = w.customer_id AND l.account_id = w.account_id
LEFT JOIN barred r ON r.customer_id = w.customer_id AND r.account_id = w.account_id
LEFT JOIN customers_protective_hold h ON h.customer_id = w.customer_id AND h.lifted_at IS NULL"""


def facts_of(customer: Customer, account: BillingAccount | None, month: date, rules: CreditRules) -> CreditFacts:
    """The same for one person (`account` None) or one account of an enterprise, row by row. `month`: its first day."""
    given = values_of(month, rules)
    day: date = given["day"]
    accounts = [account] if account else list(customer.billing_accounts.filter(status=BillingAccount.Status.ACTIVE))
    bills = list(Bill.objects.filter(account__in=accounts, month__gte=given["oldest"]).exclude(state__in=Bill.VOID))
    disputed = _disputed(bills)
    due = [
        bill
        for bill in bills
        if given["begins"] <= bill.due_date < day and bill.delivered and bill.amount > 0 and bill.pk not in disputed
    ]
    lines = _lines(customer, account)
    fees = [fee for line in lines if (fee := _fee(line)) is not None]
    begun = [line.activated_on for line in lines if line.activated_on]
    ends = [line.contract_end for line in lines if line.contract_end]
    return CreditFacts(
        day=day,
        since=min(begun, default=None),
        due=len(due),
        on_time=sum(not b.open_amount and (b.paid_on or b.due_date) <= b.due_date for b in due),
        late=sum(_days_late(b, day) > given["late_days"] for b in due),
        suspensions=_suspensions(accounts, given["begins_at"], given["ends_at"]),
        value=_account_value(bills, given["value_from"], month) if account else _value(customer),
        fee=sum(fees, Decimal(0)) if fees else None,
        auto_debit=bool(accounts) and all(one.pay_way in BY_ITSELF for one in accounts),
        identity=customer.identity_status == Customer.IdentityStatus.VERIFIED,
        contract_end=max(ends, default=None),
        written_off=Bill.objects.filter(account__in=accounts, written_off_on__isnull=False, open_amount__gt=0).exists(),
        two_way=any(line.status in TWO_WAY for line in lines),
        fraud=ProtectiveHold.objects.filter(customer=customer, lifted_at=None).exists(),
    )


def _disputed(bills: list[Bill]) -> set[int]:
    """Those of the bills that were in dispute on their due day or after."""
    holds = Hold.objects.filter(bill__in=bills, kind=Hold.Kind.DISPUTE).select_related("bill")
    return {
        hold.bill.pk
        for hold in holds
        if hold.bill and (hold.ended_at is None or hold.ended_at >= clock.business_midnight(hold.bill.due_date))
    }


def _days_late(bill: Bill, day: date) -> int:
    paid = day if bill.open_amount else bill.paid_on or bill.due_date
    return (paid - bill.due_date).days


def _lines(customer: Customer, account: BillingAccount | None) -> list[Subscription]:
    lines = Subscription.objects.filter(terminated_on=None).exclude(status=NOT_LIVE).select_related("plan")
    if account is None:
        return list(lines.filter(customer=customer))
    billed = BilledProduct.objects.filter(account=account, subscription__isnull=False)
    return list(lines.filter(pk__in=billed.values("subscription_id")))


def _fee(line: Subscription) -> Decimal | None:
    if line.monthly_fee is not None:
        return line.monthly_fee
    return line.plan.monthly_fee if line.plan else None


def _suspensions(accounts: list[BillingAccount], begins: datetime, ends: datetime) -> int:
    done = Command.objects.filter(
        Q(acknowledged_at__gte=begins, acknowledged_at__lt=ends),
        account__in=accounts,
        state=Command.State.ACKNOWLEDGED,
    )
    return max(done.filter(kind=kind).values("batch").distinct().count() for kind in Command.SUSPENSIONS)


def _account_value(bills: list[Bill], since: date, month: date) -> Decimal | None:
    closed = [bill for bill in bills if since <= bill.month < month]
    months = {bill.month for bill in closed}
    if not months:
        return None
    return rounded(sum((bill.amount for bill in closed), Decimal(0)) / len(months), 2)


def _value(customer: Customer) -> Decimal | None:
    return CustomerFacts.objects.values_list("value_amount", flat=True).filter(pk=customer.pk).first()
