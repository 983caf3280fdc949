"""What the customer's page shows of billing and credit: one statement, whatever there is; kept on the customer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from billing.credit.grading import Manual
from billing.credit.showing import Counting, begins_of, counting_of
from billing.dunning.explaining import why_step
from billing.dunning.facts import AccountFacts, AccountKind, Balance, Hold, HoldKind, Paid, Step
from billing.dunning.owing import BillFact
from billing.dunning.policies import ladder_in_force
from billing.dunning.rules import Ladder
from billing.dunning.situation import Situation, see
from billing.models import BilledProduct, BillingAccount, CreditScore
from billing.models.credit import WHOLE
from customers.models import Customer
from customers.visibility import opened_ids
from foundation.calendars.working_time import add_months
from foundation.common import clock
from foundation.common.prepared import prepared
from staff.models import User
from staff.rights import sight_of

VIEW = "billing.view"
MOST_ACCOUNTS, MOST_BILLS, MONTHS = 20, 400, 12
_GLANCE = """
WITH a AS MATERIALIZED (
  SELECT t.id, t.external_id, t.kind, t.pay_type, t.pay_way, t.balance, t.credit_limit, row_to_json(d) AS arrears
  FROM billing_billingaccount t
  LEFT JOIN billing_dunningcase d ON d.account_id = t.id AND d.closed_at IS NULL
  WHERE t.customer_id = %(pk)s AND t.status = %(active)s
  ORDER BY d.id IS NULL, t.id LIMIT %(accounts)s),
b AS MATERIALIZED (
  SELECT i.id, i.account_id, i.month, i.bill_date, i.due_date, i.amount, i.late_fee, i.open_amount
  FROM billing_bill i WHERE i.account_id IN (SELECT id FROM a) AND i.open_amount > 0 AND i.written_off_on IS NULL
    AND i.state NOT IN ('CANCELLED', 'REPLACED')
  ORDER BY i.due_date, i.id LIMIT %(bills)s)
SELECT f.credit_month, f.credit_grade, f.credit_limit,
  (SELECT sum(i.open_amount) FROM billing_billingaccount n JOIN billing_bill i ON i.account_id = n.id
    WHERE n.customer_id = f.customer_id AND i.open_amount > 0 AND i.written_off_on IS NULL),
  (SELECT count(*) FROM billing_billingaccount n WHERE n.customer_id = f.customer_id AND n.status = %(active)s),
  (SELECT json_agg(a ORDER BY a.id) FROM a),
  (SELECT json_agg(b ORDER BY b.due_date, b.id) FROM b),
  (SELECT json_agg(json_build_object('key', s.payment_id || ':' || s.bill_id || ':' || s.part, 'bill', s.bill_id,
      'amount', s.amount, 'at', p.paid_at))
    FROM billing_allocation s JOIN billing_payment p ON p.id = s.payment_id WHERE s.bill_id IN (SELECT id FROM b)),
  (SELECT json_agg(json_build_object('account', h.account_id, 'kind', h.kind, 'start', h.from_at,
      'end', coalesce(h.ended_at, h.to_at), 'amount', h.amount, 'bill', h.bill_id))
    FROM billing_hold h WHERE h.account_id IN (SELECT id FROM a)),
  (SELECT json_agg(json_build_object('account', r.account_id, 'left', r.remaining, 'at', r.stated_at))
    FROM (SELECT k.account_id, sum(k.remaining) AS remaining, max(k.stated_at) AS stated_at FROM billing_bucket k
      WHERE k.account_id IN (SELECT id FROM a) GROUP BY 1) r),
  (SELECT json_agg(json_build_object('how', q.suspension_type, 'at', q.stated_at)) FROM billing_billedproduct q
    WHERE q.account_id IN (SELECT id FROM a) AND q.status = %(suspended)s AND q.suspension_type <> ''),
  (SELECT json_agg(m ORDER BY m.month DESC) FROM (
    SELECT i.month, sum(i.amount) AS amount FROM billing_bill i
    WHERE i.account_id IN (SELECT id FROM a) AND i.month >= %(first)s AND i.state NOT IN ('CANCELLED', 'REPLACED')
    GROUP BY 1) m),
  (SELECT row_to_json(c) FROM billing_creditscore c
    WHERE c.customer_id = f.customer_id AND c.account_id = %(whole)s AND c.month = f.credit_month),
  (SELECT json_agg(json_build_object('month', c.month, 'grade', c.grade)) FROM billing_creditscore c
    WHERE c.customer_id = f.customer_id AND c.account_id = %(whole)s AND c.month >= %(first)s),
  (SELECT row_to_json(g) FROM billing_creditchange g WHERE g.customer_id = f.customer_id AND g.account_id IS NULL
    AND g.begins <= %(today)s AND g.until >= %(today)s AND (g.ended_on IS NULL OR g.ended_on > %(today)s)
    ORDER BY g.id DESC LIMIT 1),
  (SELECT r.rules FROM billing_creditrun r WHERE r.month = f.credit_month)
FROM customers_facts f WHERE f.customer_id = %(pk)s"""


@dataclass(frozen=True)
class Next:
    """The step of arrears that comes next: `at` None while it waits for somebody's word (`needs`: a code)."""

    step: str
    at: datetime | None
    needs: str
    why: list[str]


@dataclass(frozen=True)
class Arrears:
    """An account that owes. `overdue`: what pays everything overdue off today, late fee included. `level`: 0 in
    service, 1 one way, 2 both ways; `since`: the due date of the oldest bill overdue; `held`: kinds of holds."""

    account_id: int
    account: str
    case_id: int | None
    prepaid: bool
    overdue: Decimal
    late_fee: Decimal
    disputed: Decimal
    since: date | None
    level: int
    level_at: datetime | None
    ended: bool
    state: str
    next: Next | None
    held: list[tuple[str, datetime | None]]


@dataclass(frozen=True)
class CreditGlance:
    """Credit in short. `accounts`: of an enterprise, judged one by one; then grade and limit are the facts' sums and
    `counting` is None. `since`: the month from which the grade has held."""

    month: date
    grade: str
    limit: int
    counting: Counting | None
    since: date | None
    manual_until: date | None


@dataclass(frozen=True)
class Glance:
    """What the panels show. `months`: (month, billed), the newest first. `more`: accounts that were not looked at."""

    owed: Decimal = Decimal(0)
    arrears: list[Arrears] = field(default_factory=list)
    prepaid: list[tuple[str, Decimal]] = field(default_factory=list)
    months: list[tuple[date, Decimal]] = field(default_factory=list)
    pay_ways: list[str] = field(default_factory=list)
    accounts: int = 0
    more: int = 0
    suspended: int = 0
    suspended_at: datetime | None = None
    credit: CreditGlance | None = None

    @property
    def overdue(self) -> Decimal:
        return sum((one.overdue for one in self.arrears), Decimal(0))


def may_see(customer: Customer, user: User) -> bool:
    """Whether the bills of a customer are the user's to see: in the scope of `billing.view`, or by an open contact."""
    sight = sight_of(user, VIEW)
    if sight.covers(unit_no=customer.unit_no, owner_id=customer.manager_id):
        return True
    return user.has_perm(VIEW) and customer.pk in opened_ids(user)


def glance(customer: Customer, user: User) -> Glance:
    """What the user sees of the customer's bills and credit: one query for all panels; empty outside their sight."""
    kept = getattr(customer, "_billing_glance", None)
    if kept is None:
        kept = _read(customer.pk) if may_see(customer, user) else Glance()
        customer._billing_glance = kept  # type: ignore[attr-defined]  # kept for the other panels of the page
    return kept


def _read(customer_id: int) -> Glance:
    today, now = clock.today(), clock.now()
    values = {
        "pk": customer_id,
        "active": BillingAccount.Status.ACTIVE.value,
        "suspended": BilledProduct.Status.SUSPENDED.value,
        "accounts": MOST_ACCOUNTS,
        "bills": MOST_BILLS,
        "whole": WHOLE,
        "first": add_months(today.replace(day=1), -MONTHS),
        "today": today,
    }
    with connection.cursor() as cursor:
        cursor.execute(*prepared(_GLANCE, values))
        row = cursor.fetchone()
    if row is None:
        return Glance()
    month, grade, limit, debt, count, *told = row
    accounts, bills, shares, holds, buckets, lines, months, score, course, manual, rules = map(_loaded, told)
    parts = {"bills": bills, "shares": shares, "holds": holds, "buckets": buckets}
    ladder = ladder_in_force() if accounts else None
    arrears = [one for a in accounts or () if ladder and (one := _arrears(a, parts, ladder, now)) is not None]
    left = {one["account"]: Decimal(str(one["left"])) for one in buckets or ()}
    credit = None
    if month is not None:
        counting = None
        if score is not None and rules is not None:
            hand = Manual(manual["to_grade"], date.fromisoformat(manual["until"])) if manual else None
            counting = counting_of(_score(score), hand, today, rules)
        known = [(date.fromisoformat(one["month"]), str(one["grade"])) for one in course or ()]
        credit = CreditGlance(
            month=month,
            grade=counting.held.grade if counting else grade,
            limit=counting.held.limit if counting else limit or 0,
            counting=counting,
            since=begins_of(known),
            manual_until=date.fromisoformat(manual["until"]) if manual and counting and counting.by_hand else None,
        )
    return Glance(
        owed=debt or Decimal(0),
        arrears=arrears,
        prepaid=[
            (a["external_id"], left.get(a["id"], Decimal(str(a["balance"] or 0))))
            for a in accounts or ()
            if a["pay_type"] == BillingAccount.PayType.PREPAID and (a["id"] in left or a["balance"] is not None)
        ],
        months=[(date.fromisoformat(one["month"]), Decimal(str(one["amount"]))) for one in months or ()],
        pay_ways=sorted({str(BillingAccount.PayWay(a["pay_way"]).label) for a in accounts or ()}),
        accounts=count,
        more=max(0, count - MOST_ACCOUNTS),
        suspended=len(lines or ()),
        suspended_at=min((_moment(one["at"]) for one in lines or () if one["at"]), default=None),
        credit=credit,
    )


def _loaded(told: Any) -> Any:
    """JSON as the driver gives it: read already or as text; amounts never pass through a float."""
    return json.loads(told, parse_float=Decimal) if isinstance(told, str) else told


def _score(told: dict[str, Any]) -> CreditScore:
    fields = {one.attname: one for one in CreditScore._meta.concrete_fields if one.attname in told}
    return CreditScore(
        **{name: None if told[name] is None else _typed(one, told[name]) for name, one in fields.items()}
    )


def _typed(column: Any, value: Any) -> Any:
    if value is None:
        return None
    return column.to_python(str(value) if isinstance(value, float | int) and not isinstance(value, bool) else value)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _arrears(account: dict[str, Any], parts: dict[str, Any], ladder: Ladder, now: datetime) -> Arrears | None:
    """What an account owes today, by the ladder's own books; None when nothing is overdue nor barred."""
    case = account["arrears"]
    prepaid = account["pay_type"] == BillingAccount.PayType.PREPAID
    facts = _facts(account, parts, case, now)
    opened = _moment(case["overdue_since"]) if case and case["overdue_since"] else None
    seen = see(facts, ladder, now, opened)
    level = case["level"] if case else 0
    if not seen.overdue and not level and seen.nothing_late and case is None:
        return None
    today = clock.today(now)
    late = [one.bill.due_date for one in seen.books.standings if one.bill.due_date < today]
    since = min(late, default=None)
    if prepaid and seen.track is not None:
        since = seen.track.due_date
    return Arrears(
        account_id=account["id"],
        account=account["external_id"],
        case_id=case["id"] if case else None,
        prepaid=prepaid,
        overdue=seen.overdue,
        late_fee=seen.late_fee,
        disputed=sum((one.held for one in seen.books.standings), Decimal(0)),
        since=since,
        level=level,
        level_at=_moment(case["level_at"]) if case and case["level_at"] else None,
        ended=bool(case and case["terminated_at"]),
        state=case["state"] if case else "",
        next=next_of(case, seen, facts, ladder) if case else None,
        held=[(hold.kind.value, hold.end) for hold in seen.holds],
    )


def next_of(case: dict[str, Any], seen: Situation, facts: AccountFacts, ladder: Ladder) -> Next | None:
    """The next step as the case keeps it, with the rule behind it; None when a hold or nothing more is ahead."""
    if not case["next_step"] or case["next_planned_at"] is None:
        return None
    step, at = Step(case["next_step"]), _moment(case["next_planned_at"])
    due = seen.track.due_date.isoformat() if seen.track is not None else ""
    why = why_step(step, at, due, facts, ladder, None).in_words()
    return Next(step.value, None if case["next_needs"] else at, case["next_needs"], why)


def _facts(account: dict[str, Any], parts: dict[str, Any], case: dict[str, Any] | None, now: datetime) -> AccountFacts:
    own = [one for one in parts["bills"] or () if one["account_id"] == account["id"]]
    keys = {one["id"] for one in own}
    shares = [one for one in parts["shares"] or () if one["bill"] in keys]
    paid: dict[int, Decimal] = {}
    for one in shares:
        paid[one["bill"]] = paid.get(one["bill"], Decimal(0)) + Decimal(str(one["amount"]))
    bills, dates = [], []
    for one in own:
        due, made = date.fromisoformat(one["due_date"]), date.fromisoformat(one["bill_date"])
        amount = paid.get(one["id"], Decimal(0)) + Decimal(str(one["open_amount"]))
        bills.append(BillFact(str(one["id"]), due, amount, min(Decimal(str(one["late_fee"])), amount)))
        dates.append((str(one["id"]), min(made, due)))
    kind = AccountKind.MOBILE
    if account["kind"] == BillingAccount.Kind.ENTERPRISE:
        kind = AccountKind.ENTERPRISE
    elif account["pay_type"] == BillingAccount.PayType.PREPAID:
        kind = AccountKind.PREPAID
    return AccountFacts(
        kind=kind,
        grade=case["grade"] if case else "C",
        bills=tuple(bills),
        bill_dates=tuple(dates),
        payments=tuple(Paid(one["key"], _moment(one["at"]), Decimal(str(one["amount"]))) for one in shares),
        holds=tuple(_holds(one for one in parts["holds"] or () if one["account"] == account["id"])),
        balances=tuple(
            Balance(min(_moment(one["at"]) if one["at"] else now, now), Decimal(str(one["left"])))
            for one in parts["buckets"] or ()
            if one["account"] == account["id"]
        ),
        credit_limit=Decimal(str(account["credit_limit"] or 0)),
    )


def _holds(rows: Any) -> Any:
    for one in rows:
        start, end = _moment(one["start"]), _moment(one["end"]) if one["end"] else None
        if end is not None and end <= start:
            continue  # taken back in the moment it was made
        amount = Decimal(str(one["amount"])) if one["amount"] is not None else None
        yield Hold(HoldKind(one["kind"]), start, end, amount, str(one["bill"]) if one["bill"] else None)
