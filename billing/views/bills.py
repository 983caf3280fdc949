"""Bills of one customer: months as bars, lines of a bill, two months side by side, payments, arrears (ui-guide §12)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from billing.disputing import DisputePlace, dispute_place
from billing.dunning.words import STATES, STEPS
from billing.glance import MONTHS, Arrears, glance
from billing.models import Bill, BillingAccount, BillLine, DunningStep, Payment
from billing.saying import said_arrears
from billing.views.sights import customer_view
from customers.models import Customer
from foundation.calendars.working_time import add_months
from foundation.common import clock, ids
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.paging import keyset_page
from foundation.ui.parts.charts import Chart, Series
from foundation.ui.parts.lists import Tab
from foundation.ui.wording import say_money
from staff.masking import mask_account

PAYMENTS, MOST_STEPS, MOST_ACCOUNTS = 12, 20, 50
ZERO = Decimal(0)


class CompareForm(forms.Form):
    """Which two months."""

    month = forms.ChoiceField(label=gettext_lazy("Month"))
    against = forms.ChoiceField(label=gettext_lazy("against"))

    def __init__(self, months: list[date], shown: date | None, against: date | None) -> None:
        super().__init__(initial={"month": f"{shown:%Y-%m}", "against": f"{against:%Y-%m}"} if against else {})
        for name in ("month", "against"):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [(f"{month:%Y-%m}", f"{month:%Y-%m}") for month in months]


@dataclass(frozen=True)
class LineRow:
    """A line of a bill as the page shows it; `dispute`: where it may be disputed, or ""."""

    line: BillLine
    number: str
    dispute: str


@dataclass(frozen=True)
class Compared:
    """A kind of lines in two months. `change` is the first less the second."""

    kind: str
    here: Decimal
    there: Decimal

    @property
    def change(self) -> Decimal:
        return self.here - self.there

    @property
    def said(self) -> str:
        return ("+" if self.change > 0 else "") + say_money(self.change)


@require_GET
@never_cache
@requires("billing.view")
def customer_bills(request: HttpRequest, pk: int) -> HttpResponse:
    """The bills of an account (`account`) by month, those of `month` with their lines, against another (`against`)."""
    view = customer_view(request, pk)
    looked = glance(view.customer, view.user)
    accounts = list(BillingAccount.objects.filter(customer=view.customer).order_by("status", "pk")[:MOST_ACCOUNTS])
    account = _chosen(request.GET.get("account", ""), accounts, looked.arrears)
    context: dict[str, Any] = {
        "view": view,
        "customer": view.customer,
        "account": account,
        "looked": looked,
    }
    if account is not None:
        context |= _of_account(request, view.customer, account, dispute_place(view.user))
        context["accounts"] = [
            Tab(one.external_id, f"?account={one.ref}", current=one == account)
            for one in (accounts if len(accounts) > 1 else [])
        ]
        owes = next((one for one in looked.arrears if one.account_id == account.pk), None)
        context["owes"] = said_arrears(owes) if owes else None
        if owes and owes.case_id and view.customer.is_visible_to(view.user, ()):
            context["case"] = reverse("billing:arrears", args=[owes.case_id])
        context["steps"] = _steps(account)
    return render(request, "billing/customer_bills.html", context)


def _chosen(wanted: str, accounts: list[BillingAccount], arrears: list[Arrears]) -> BillingAccount | None:
    """The account asked for; else the one that owes most, else the first."""
    if not wanted:
        owing = max(arrears, key=lambda one: one.overdue, default=None)
        first = next(iter(accounts), None)
        return next((one for one in accounts if owing and one.pk == owing.account_id), first)
    try:
        key = ids.from_text(wanted[:13])
    except ValueError:
        raise Http404 from None
    found = next((one for one in accounts if one.pk == key), None)
    if found is None:
        raise Http404
    return found


def _of_account(
    request: HttpRequest, customer: Customer, account: BillingAccount, place: DisputePlace | None
) -> dict[str, Any]:
    since = add_months(clock.today().replace(day=1), -MONTHS)
    bills = list(
        Bill.objects.filter(account=account, month__gte=since).exclude(state__in=Bill.VOID).order_by("-month", "-pk")
    )
    months = sorted({bill.month for bill in bills}, reverse=True)
    shown = _month(request.GET.get("month"), months) or next(iter(months), None)
    against = _month(request.GET.get("against"), months)
    if against is None and shown is not None:
        against = next((month for month in months if month < shown), None)
    of_both = {bill.pk: bill for bill in bills if bill.month in (shown, against)}
    lines = list(BillLine.objects.filter(bill__in=of_both).order_by("bill_id", "position"))
    for line in lines:
        line.bill = of_both[line.bill_id]
    here = [line for line in lines if line.bill.month == shown]
    there = [line for line in lines if line.bill.month == against]
    payments = Payment.objects.filter(account=account).order_by("-paid_at", "-pk")
    try:
        page = keyset_page(payments, after=request.GET.get("after"), size=PAYMENTS)
    except RuleBroken:
        page = keyset_page(payments, after=None, size=PAYMENTS)
    return {
        "bills": [(bill, _address(account, bill.month), bill.month == shown) for bill in bills],
        "chart": _chart(account, months, bills, shown),
        "compare": CompareForm(months, shown, against) if len(months) > 1 else None,
        "shown": shown,
        "against": against,
        "lines": [LineRow(line, mask_account(line.service_no), _dispute(place, customer, line)) for line in here],
        "compared": _compared(here, there) if against is not None else [],
        "sums": [sum((line.amount for line in some), ZERO) for some in (here, there)],
        "page": page,
    }


def _dispute(place: DisputePlace | None, customer: Customer, line: BillLine) -> str:
    """Where a line is disputed; what lowers a bill is not."""
    return place.address(customer, line) if place is not None and line.amount > 0 else ""


def _month(text: str | None, months: list[date]) -> date | None:
    return next((month for month in months if f"{month:%Y-%m}" == text), None)


def _address(account: BillingAccount, month: date) -> str:
    return f"?{urlencode({'account': account.ref, 'month': f'{month:%Y-%m}'})}#bill"


def _compared(here: list[BillLine], there: list[BillLine]) -> list[Compared]:
    """Both months by kind of line, the kinds in the order of a bill."""
    rows = [
        Compared(str(kind.label), _sum(here, kind.value), _sum(there, kind.value))
        for kind in BillLine.Kind
        if any(line.kind == kind for line in (*here, *there))
    ]
    total = Compared(_("Together"), sum((one.here for one in rows), ZERO), sum((one.there for one in rows), ZERO))
    return [*rows, total] if rows else []


def _sum(lines: Iterable[BillLine], kind: str) -> Decimal:
    return sum((line.amount for line in lines if line.kind == kind), ZERO)


def _chart(account: BillingAccount, months: list[date], bills: list[Bill], shown: date | None) -> Chart | None:
    """A bar for each month, the oldest first, the one shown marked; None without a bill."""
    course = months[::-1]
    if not course or shown is None:
        return None
    sums = {month: sum((bill.amount for bill in bills if bill.month == month), ZERO) for month in course}
    return Chart(
        title=_("Bills by month"),
        labels=[f"{month:%y-%m}" for month in course],
        series=[
            Series(_("Billed"), [float(sums[one]) for one in course], hrefs=[_address(account, one) for one in course])
        ],
        sentence=_("%(n)s months: %(first)s in %(from)s, %(last)s in %(to)s")
        % {
            "n": len(course),
            "first": say_money(sums[course[0]]),
            "from": f"{course[0]:%Y-%m}",
            "last": say_money(sums[course[-1]]),
            "to": f"{course[-1]:%Y-%m}",
        },
        highlight=course.index(shown),
        axis=False,
    )


def _steps(account: BillingAccount) -> list[dict[str, Any]]:
    """Steps about arrears that were taken, the newest first, with what was due then."""
    rows = DunningStep.objects.filter(case__account=account).order_by("-pk")[:MOST_STEPS]
    return [{"row": one, "step": STEPS.get(one.step, one.step), "state": STATES.get(one.state, "")} for one in rows]
