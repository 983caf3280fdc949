"""What the pages of a customer read: one statement for everything the archive holds, whatever there is of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, Q, QuerySet
from django.db.models.functions import JSONObject

from customers.completeness import Completeness, completeness_of, with_completeness
from customers.lines import masked_number
from customers.models import (
    Address,
    ContactBlock,
    ContactPoint,
    Customer,
    CustomerFacts,
    Need,
    Plan,
    ProfileField,
    Subscription,
    UsageMonth,
)
from customers.models.subscriptions import ProductLine
from foundation.common import clock
from staff.models import User

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
    lines: list[Line]
    months: list[Month]
    completeness: Completeness
    main: Line | None = None
    month: date | None = None
    data: Meter | None = None
    voice: Meter | None = None
    more_lines: bool = False

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


def _rows(model: type[Any], rows: QuerySet[Any]) -> ArraySubquery:
    names = [f.attname for f in model._meta.concrete_fields]
    return ArraySubquery(rows.values(found=JSONObject(**{name: F(name) for name in names})))


def customer_page(pk: int, *, user: User, opened: set[int]) -> CustomerPage | None:
    """Everything about a customer the user may see, in one statement; None when they may not."""
    mine = {"customer": OuterRef("pk")}
    today, now = clock.today(), clock.now()
    first_month = _month_back(today, MONTHS)
    holding = Q(ends_at__isnull=True) | Q(ends_at__gt=now)
    living_first = F("terminated_on").desc(nulls_first=True)
    rows = with_completeness(Customer.objects.visible_to(user, opened)).annotate(
        j_points=_rows(ContactPoint, ContactPoint.objects.filter(**mine, valid_to__isnull=True).order_by("kind", "pk")),
        j_addresses=_rows(Address, Address.objects.filter(**mine, valid_to__isnull=True).order_by("pk")),
        j_fields=_rows(ProfileField, ProfileField.objects.filter(**mine).order_by("key")),
        j_needs=_rows(Need, Need.objects.filter(**mine).order_by("-pk")[:MOST_NEEDS]),
        j_blocks=_rows(ContactBlock, ContactBlock.objects.filter(holding, **mine, starts_at__lte=now)),
        j_lines=_rows(Subscription, Subscription.objects.filter(**mine).order_by(living_first, "pk")[: MOST_LINES + 1]),
        j_plans=_rows(Plan, Plan.objects.filter(subscriptions__customer=OuterRef("pk")).distinct()),
        j_usage=ArraySubquery(
            UsageMonth.objects.filter(customer_id=OuterRef("pk"), month__gte=first_month, month__lte=today)
            .order_by("month")
            .values(
                found=JSONObject(
                    line=F("subscription_id"),
                    month=F("month"),
                    revenue=F("net_revenue"),
                    data=F("data_mb"),
                    voice=F("voice_minutes"),
                )
            )
        ),
    )
    customer = rows.select_related("manager", "facts", "parent").filter(pk=pk).first()
    return _assemble(customer) if customer is not None else None


def _month_back(day: date, months: int) -> date:
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


def _made(model: type[Any], stored: list[dict[str, Any]]) -> list[Any]:
    """Model rows from JSON; dates and amounts get their types back."""
    return [
        model.from_db(
            "default",
            [f.attname for f in model._meta.concrete_fields],
            [f.to_python(row[f.attname]) if row[f.attname] is not None else None for f in model._meta.concrete_fields],
        )
        for row in stored
    ]


def _assemble(customer: Any) -> CustomerPage:
    plans = {plan.pk: plan for plan in _made(Plan, customer.j_plans)}
    lines = [
        Line(row, plans.get(row.plan_id), masked_number(row))
        for row in _made(Subscription, customer.j_lines[:MOST_LINES])
    ]
    facts = getattr(customer, "facts", None)
    page = CustomerPage(
        customer=customer,
        facts=facts,
        points=_made(ContactPoint, customer.j_points),
        addresses=_made(Address, customer.j_addresses),
        fields=_made(ProfileField, customer.j_fields),
        needs=_made(Need, customer.j_needs),
        blocks=_made(ContactBlock, customer.j_blocks),
        lines=lines,
        months=_months(customer.j_usage),
        completeness=completeness_of(customer, facts.tier if facts else ""),
        more_lines=len(customer.j_lines) > MOST_LINES,
    )
    live = [line for line in lines if line.is_live]
    live = [line for line in lines if line.is_live]
    page.main = min(live, key=lambda line: line.subscription.product_line != ProductLine.MOBILE, default=None)
    if page.main is not None:
        _meters(page, page.main, customer.j_usage)
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
