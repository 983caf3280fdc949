"""What the pages of a customer read: one statement for everything the archive holds, whatever there is of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from django.db import models

from customers.completeness import Completeness, filled_parts, weighed
from customers.lines import masked_number
from customers.models import (
    Address,
    Consent,
    ContactBlock,
    ContactPoint,
    ContactTime,
    Customer,
    CustomerFacts,
    Need,
    Plan,
    ProfileField,
    Subscription,
    ValueMonth,
)
from customers.models.subscriptions import ProductLine
from customers.optional_facts import shown_facts
from foundation.common import clock
from foundation.common.prepared import prepared
from staff.models import Draft, User
from staff.reveals import seconds_left

MOST_LINES = 40
MONTHS = 6
MOST_NEEDS = 20


@dataclass
class Line:
    """A service line as the page shows it; `number` is masked."""

    subscription: Subscription
    plan: Plan | None
    number: str

    @property
    def is_live(self) -> bool:
        return self.subscription.status in Subscription.LIVE

    @property
    def fee(self) -> Decimal | None:
        """What it costs a month: its own fee, else that of the plan."""
        own = self.subscription.monthly_fee
        return own if own is not None else self.plan.monthly_fee if self.plan else None

    @property
    def tone(self) -> str:
        status = self.subscription.status
        if status == Subscription.Status.ACTIVE:
            return "ok"
        return "warn" if self.is_live else "mute"


@dataclass
class Month:
    """Revenue of all lines in a month (its first day)."""

    month: date
    revenue: Decimal


@dataclass
class Meter:
    """How much of the plan a month used, of how much."""

    used: Decimal | int
    allowed: Decimal | int


@dataclass
class CustomerPage:
    """A customer with everything that hangs on it."""

    customer: Customer
    facts: CustomerFacts | None
    points: list[ContactPoint]
    addresses: list[Address]
    fields: list[ProfileField]
    needs: list[Need]
    blocks: list[ContactBlock]
    consents: list[Consent]
    times: list[ContactTime]
    lines: list[Line]
    months: list[Month]
    completeness: Completeness
    main: Line | None = None
    month: date | None = None
    data: Meter | None = None
    voice: Meter | None = None
    more_lines: bool = False
    judged: ValueMonth | None = None
    withheld: int = 0
    drafts: list[Draft] = field(default_factory=list)
    absorbed: tuple[int, ...] = ()
    revealed: dict[str, int] = field(default_factory=dict)

    @property
    def tier(self) -> str:
        """The code of the customer's tier, or ""."""
        return self.facts.tier if self.facts else ""

    @property
    def phone(self) -> ContactPoint | None:
        """The number to call first."""
        phones = [p for p in self.points if p.kind in {ContactPoint.Kind.MOBILE, ContactPoint.Kind.PHONE}]
        return min(phones, key=lambda p: (bool(p.do_not_use), not p.is_primary), default=None)

    @property
    def address(self) -> Address | None:
        """The address to show: home or office first."""
        order: dict[str, int] = {Address.Kind.HOME: 0, Address.Kind.OFFICE: 0, Address.Kind.INSTALLATION: 1}
        return min(self.addresses, key=lambda a: order.get(a.kind, 2), default=None)

    @property
    def tenure(self) -> tuple[int, int] | None:
        """Years and months since the oldest line that lives was activated (D§2)."""
        live = [
            line.subscription.activated_on for line in self.lines if line.is_live and line.subscription.activated_on
        ]
        if not live:
            return None
        first, today = min(live), clock.today()
        months = (today.year - first.year) * 12 + today.month - first.month - (today.day < first.day)
        return divmod(max(0, months), 12)

    @property
    def mean_revenue(self) -> Decimal | None:
        """The mean of the last three months."""
        last = self.months[-3:]
        return sum((m.revenue for m in last), Decimal(0)) / len(last) if last else None

    @property
    def since(self) -> datetime:
        """Nothing on the timeline is older: the archive was opened then, or the first service began."""
        return since_of(
            self.customer, min((d for d in (x.subscription.activated_on for x in self.lines) if d), default=None)
        )

    @property
    def contract_end(self) -> date | None:
        """The next end of a contract among the lines that live."""
        ends = [
            line.subscription.contract_end for line in self.lines if line.is_live and line.subscription.contract_end
        ]
        return min(ends, default=None)


# By hand, for building it from expressions costs more than running it.
_PAGE = """
SELECT {columns}, u.name AS manager_name, o.number AS parent_number, row_to_json(f) AS facts_json,
  (SELECT json_agg(p ORDER BY p.kind, p.id) FROM customers_contactpoint p
    WHERE p.customer_id = c.id AND p.valid_to IS NULL) AS points_json,
  (SELECT json_agg(a ORDER BY a.id) FROM customers_address a
    WHERE a.customer_id = c.id AND a.valid_to IS NULL) AS addresses_json,
  (SELECT json_agg(k ORDER BY k.key) FROM customers_profilefield k WHERE k.customer_id = c.id) AS fields_json,
  (SELECT json_agg(n) FROM (SELECT * FROM customers_need WHERE customer_id = c.id
    ORDER BY id DESC LIMIT %(needs)s) n) AS needs_json,
  (SELECT json_agg(b) FROM customers_contactblock b WHERE b.customer_id = c.id AND b.starts_at <= %(now)s
    AND (b.ends_at IS NULL OR b.ends_at > %(now)s)) AS blocks_json,
  (SELECT json_agg(t) FROM customers_contact_time t WHERE t.customer_id = c.id) AS times_json,
  (SELECT json_agg(q) FROM customers_consent q WHERE q.customer_id = c.id) AS consents_json,
  (SELECT json_agg(s) FROM (SELECT * FROM customers_subscription WHERE customer_id = c.id
    ORDER BY terminated_on DESC NULLS FIRST, id LIMIT %(lines)s) s) AS lines_json,
  (SELECT json_agg(p) FROM customers_plan p
    WHERE p.id IN (SELECT plan_id FROM customers_subscription WHERE customer_id = c.id)) AS plans_json,
  (SELECT json_agg(json_build_object('line', m.subscription_id, 'month', m.month, 'revenue', m.net_revenue,
     'data', m.data_mb, 'voice', m.voice_minutes) ORDER BY m.month)
    FROM (SELECT c.id UNION ALL SELECT b.id FROM customers_customer b WHERE b.merged_into_id = c.id) own
    JOIN customers_usagemonth m ON m.customer_id = own.id
    WHERE m.month >= %(first)s AND m.month <= %(today)s) AS usage_json,
  (SELECT row_to_json(v) FROM customers_valuemonth v
    WHERE v.customer_id = c.id AND v.month = f.value_month) AS value_json,
  ARRAY(SELECT b.id FROM customers_customer b WHERE b.merged_into_id = c.id ORDER BY b.id) AS absorbed_ids,
  (SELECT json_agg(d) FROM staff_draft d WHERE d.user_id = %(user)s AND d.customer_id = c.id) AS drafts_json,
  (SELECT json_agg(json_build_object('field', r.field, 'until', r.until)) FROM staff_reveal r
    WHERE r.customer_id = c.id AND r.user_id = %(user)s AND r.until > %(now)s) AS reveals_json
FROM customers_customer c
LEFT JOIN customers_facts f ON f.customer_id = c.id
LEFT JOIN staff_user u ON u.id = c.manager_id
LEFT JOIN customers_customer o ON o.id = c.parent_id
WHERE c.id = %(pk)s"""


def customer_page(pk: int, *, user: User, opened: set[int]) -> CustomerPage | None:
    """Everything about a customer the user may see, in one statement; None when they may not."""
    today = clock.today()
    values = {
        "pk": pk,
        "user": user.pk,
        "needs": MOST_NEEDS,
        "lines": MOST_LINES + 1,
        "now": clock.now(),
        "today": today,
        "first": _month_back(today, MONTHS),
    }
    customer = next(iter(Customer.objects.raw(*prepared(_PAGE.format(columns=_columns()), values))), None)
    if customer is None or not customer.is_visible_to(user, opened):
        return None
    return _assemble(customer)


@cache
def _columns() -> str:
    return ",".join(f"c.{field.column}" for field in Customer._meta.concrete_fields)


def _month_back(day: date, months: int) -> date:
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


@cache
def _shape(model: type[models.Model]) -> list[tuple[str, Callable[[Any], Any] | None]]:
    """Column names of a model with what gives a JSON value its type back, where it has lost it."""
    typed = (models.DateField, models.DecimalField, models.TimeField)
    return [(f.attname, f.to_python if isinstance(f, typed) else None) for f in model._meta.concrete_fields]


def _made(model: Any, stored: list[dict[str, Any]] | None) -> list[Any]:
    """Model rows from JSON, none from null."""
    shape = _shape(model)
    names = [name for name, _type in shape]
    return [
        model.from_db(
            "default", names, [row[n] if t is None or row[n] is None else t(_exact(row[n])) for n, t in shape]
        )
        for row in stored or ()
    ]


def _exact(value: Any) -> Any:
    """A JSON number as the text it was written with: amounts never pass through a float's arithmetic."""
    return str(value) if isinstance(value, float | int) else value


def _assemble(customer: Any) -> CustomerPage:
    plans = {plan.pk: plan for plan in _made(Plan, customer.plans_json)}
    stored = customer.lines_json or []
    lines = [Line(row, plans.get(row.plan_id), masked_number(row)) for row in _made(Subscription, stored[:MOST_LINES])]
    facts = next(iter(_made(CustomerFacts, [customer.facts_json] if customer.facts_json else None)), None)
    points, addresses = _made(ContactPoint, customer.points_json), _made(Address, customer.addresses_json)
    consents, needs = _made(Consent, customer.consents_json), _made(Need, customer.needs_json)
    kept = _made(ProfileField, customer.fields_json)
    fields = shown_facts(kept, consents, clock.today())
    filled = filled_parts(customer, points=points, addresses=addresses, fields=fields, needs=needs)
    page = CustomerPage(
        customer=customer,
        facts=facts,
        points=points,
        addresses=addresses,
        fields=fields,
        needs=needs,
        blocks=_made(ContactBlock, customer.blocks_json),
        consents=consents,
        times=_made(ContactTime, customer.times_json),
        withheld=len(kept) - len(fields),
        lines=lines,
        months=_months(customer.usage_json or []),
        completeness=weighed(customer, filled, facts.tier if facts else ""),
        more_lines=len(stored) > MOST_LINES,
        judged=next(iter(_made(ValueMonth, [customer.value_json] if customer.value_json else None)), None),
        drafts=_made(Draft, customer.drafts_json),
        absorbed=tuple(customer.absorbed_ids),
        revealed=seconds_left(
            (one["field"], datetime.fromisoformat(one["until"])) for one in customer.reveals_json or ()
        ),
    )
    live = [line for line in lines if line.is_live]
    page.main = min(live, key=lambda line: line.subscription.product_line != ProductLine.MOBILE, default=None)
    if page.main is not None:
        _meters(page, page.main, customer.usage_json or [])
    return page


def _months(usage: list[dict[str, Any]]) -> list[Month]:
    sums: dict[date, Decimal] = {}
    for row in usage:
        if row["revenue"] is not None:
            month = date.fromisoformat(row["month"])
            sums[month] = sums.get(month, Decimal(0)) + Decimal(str(row["revenue"]))
    return [Month(month, amount) for month, amount in sorted(sums.items())]


def _meters(page: CustomerPage, line: Line, usage: list[dict[str, Any]]) -> None:
    """The newest month of the main line against what its plan holds."""
    own = [row for row in usage if row["line"] == line.subscription.pk]
    if not own or line.plan is None:
        return
    last = own[-1]
    page.month = date.fromisoformat(last["month"])
    if line.plan.data_mb and last["data"] is not None:
        page.data = Meter(_gb(last["data"]), _gb(line.plan.data_mb))
    if line.plan.voice_minutes and last["voice"] is not None:
        page.voice = Meter(last["voice"], line.plan.voice_minutes)


def _gb(megabytes: int) -> Decimal:
    return (Decimal(megabytes) / 1024).quantize(Decimal("0.1")).normalize() + 0


def contract_ends_soon(page: CustomerPage, within: timedelta = timedelta(days=60)) -> bool:
    """Whether a contract ends within two months."""
    return page.contract_end is not None and page.contract_end <= clock.today() + within


def since_of(customer: Customer, first_service: date | None) -> datetime:
    """The moment before which a customer has no timeline lines."""
    opened = customer.created_at
    return min(opened, clock.business_midnight(first_service)) if first_service else opened
