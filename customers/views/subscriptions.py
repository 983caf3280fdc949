"""The lines of a customer, by hand: open one, look at it, change its terms, end it (HND-23)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from customers import copies, services
from customers.labels import label
from customers.line_forms import LineChangeForm, LineEndForm, LineNewForm
from customers.lines import masked_number
from customers.models import Customer, Plan, Subscription
from customers.queries import Line
from customers.services import StaleCopy
from customers.services.line_checks import needs_guardian
from customers.views.conflicts import Difference, differences, without_theirs
from customers.views.customer_edit import refuse
from customers.views.showing import View, seen
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.ui.wording import say_money

# Which field a refusal belongs to; the others stand on top of the form.
OPENING = {
    "customers.bad_service_no": "service_no",
    "customers.line_lives": "service_no",
    "customers.number_frozen": "service_no",
    "customers.impossible_date": "activated_on",
    "customers.impossible_contract": "contract_end",
    "customers.plan_of_other_product": "plan",
    "customers.plan_not_sold": "plan",
    "customers.bad_fee": "monthly_fee",
    "customers.no_guardian": "guardian",
}
TERMS = ("plan_id", "monthly_fee", "contract_end")
ENDING = {"customers.impossible_date": "on"}


@require_http_methods(["GET", "POST"])
@never_cache
@requires("customers.edit")
def line_new(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A new line; what the rulebook refuses stands beside the field it is about."""
    view = View(request, pk)
    customer = view.customer
    form = LineNewForm(
        request.POST if request.method == "POST" else None,
        plans=Plan.objects.on_sale(clock.today()),
        minor=needs_guardian(customer),
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.open_subscription(pk, actor=view.user, **form.cleaned_data)
            messages.success(request, _("The line was opened."))
            return redirect("customers:customer-detail", pk=pk)
        except RuleBroken as no:
            refuse(form, no, OPENING)
    context = {
        "view": view,
        "customer": customer,
        "form": form,
        "unverified": customer.identity_status != Customer.IdentityStatus.VERIFIED,
    }
    return render(request, "customers/line_new.html", context, status=422 if form.errors else 200)


@require_GET
@never_cache
@requires("customers.view")
def line_detail(request: HttpRequest, pk: int, line: int) -> HttpResponseBase:
    """One line with its terms; for those who may change archives also what can be done with it."""
    return _page(request, pk, line)


@require_POST
@never_cache
@requires("customers.edit")
def line_change(request: HttpRequest, pk: int, line: int) -> HttpResponseBase:
    """Other terms; another's change meanwhile is shown term by term and nothing typed is lost."""
    row = _line(request, pk, line)
    form = _change_form(row, request.POST)
    conflict: list[Difference] = []
    if form.is_valid():
        changes = without_theirs(request.POST, form.changes())
        try:
            services.change_subscription(
                line, actor=_user(request), version=form.cleaned_data["version"], changes=changes
            )
            messages.success(request, _("The line was changed."))
            return redirect("customers:customer-detail", pk=pk)
        except StaleCopy as stale:
            conflict = _differences(row, form, stale, changes)
            refuse(form, stale)
            # The next save is made on what the person has now compared with.
            row.refresh_from_db()
            form.data = {**request.POST.dict(), "version": str(stale.version), "copy": _copy(row)}
        except RuleBroken as no:
            refuse(form, no, OPENING)
    return _page(request, pk, line, change=form, conflict=conflict)


@require_POST
@never_cache
@requires("customers.edit")
def line_end(request: HttpRequest, pk: int, line: int) -> HttpResponseBase:
    """The line ends, today or on a day before."""
    _line(request, pk, line)
    form = LineEndForm(request.POST)
    if form.is_valid():
        try:
            services.end_subscription(
                line, actor=_user(request), on=form.cleaned_data["on"], ported=form.cleaned_data["how"] == "ported"
            )
            messages.success(request, _("The line has ended."))
            return redirect("customers:customer-detail", pk=pk)
        except RuleBroken as no:
            refuse(form, no, ENDING)
    return _page(request, pk, line, end=form)


def _line(request: HttpRequest, pk: int, line: int) -> Subscription:
    """The line of a customer the person may see; Http404 when it is not theirs."""
    seen(request, pk)
    row = Subscription.objects.select_related("plan").filter(pk=line, customer_id=pk).first()
    if row is None:
        raise Http404
    return row


def _page(
    request: HttpRequest,
    pk: int,
    line: int,
    change: LineChangeForm | None = None,
    end: LineEndForm | None = None,
    conflict: list[Difference] | None = None,
) -> HttpResponseBase:
    view = View(request, pk)
    row = Subscription.objects.select_related("plan").filter(pk=line, customer_id=pk).first()
    if row is None:
        raise Http404
    open_to_change = view.may_edit and row.terminated_on is None
    refused: list[forms.Form] = [form for form in (change, end) if form is not None]
    context = {
        "view": view,
        "customer": view.customer,
        "line": Line(row, row.plan, masked_number(row)),
        "row": row,
        "number": view.shown("", "", row.service_no, masked_as=masked_number(row)),
        "user": view.shown("", "name", row.user_name),
        "change": (change or _change_form(row)) if open_to_change else None,
        "end": (end or LineEndForm(initial={"on": clock.today()})) if open_to_change else None,
        "bound": row.contract_end is not None and row.contract_end > clock.today(),
        "conflict": conflict or [],
        # A colleague ended it meanwhile: the form that would say so is gone.
        "refusals": [words for form in refused for words in form.non_field_errors()] if not open_to_change else [],
    }
    return render(request, "customers/line_detail.html", context, status=422 if refused else 200)


def _change_form(row: Subscription, data: Any = None) -> LineChangeForm:
    """The terms of a line, with the plans of its product on sale and the one it has."""
    plans = list(Plan.objects.on_sale(clock.today()).filter(product_line=row.product_line))
    if row.plan is not None and row.plan not in plans:
        plans.insert(0, row.plan)
    initial = {
        "version": row.version,
        "copy": _copy(row),
        "plan": row.plan_id or "",
        "monthly_fee": row.monthly_fee,
        "contract_end": row.contract_end,
    }
    return LineChangeForm(data, plans=plans, initial=initial)


def _copy(row: Subscription) -> str:
    """The terms on file now, for the form to carry; a fee as text, for JSON has no exact numbers."""
    return copies.sealed(row.pk, {field: _kept(field, getattr(row, field)) for field in TERMS})


def _kept(field: str, value: Any) -> Any:
    return f"{value:.2f}" if field == "monthly_fee" and value is not None else copies.plain(value)


def _differences(
    row: Subscription, form: LineChangeForm, stale: StaleCopy, changes: dict[str, Any]
) -> list[Difference]:
    names = {plan.pk: plan.name for plan in form.plans.values()}

    def words(field: str, value: Any) -> str:
        if value is None:
            return ""
        if field == "plan_id":
            return names.get(value) or Plan.objects.values_list("name", flat=True).get(pk=value)
        return say_money(Decimal(value)) if field == "monthly_fee" else str(value)

    return differences(
        {field: _kept(field, value) for field, value in changes.items()},
        {field: _kept(field, value) for field, value in stale.current.items()},
        copies.opened(row.pk, form.cleaned_data["copy"]),
        label=label,
        own_words=words,
        words=words,
    )


def _user(request: HttpRequest) -> Any:
    return request.user
