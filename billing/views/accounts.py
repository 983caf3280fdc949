"""For the billing engineer: accounts nobody knows the customer of, and what was asked of billing for an account."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.db.models import Count, Sum
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from billing.models import Bill, BillingAccount, Command, RestoreWatch
from billing.services.matching import match_by_hand
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.paging import capped_count, keyset_page
from staff.masking import mask_account
from staff.requests import StaffRequest

RIGHT = "billing.engineer"
PAGE, CAP = 50, 500


class MatchForm(forms.Form):
    """Whose account it is."""

    number = forms.CharField(label=gettext_lazy("Number of the customer"), max_length=24)


class CommandFilter(forms.Form):
    """Which commands."""

    state = forms.ChoiceField(
        label=gettext_lazy("State"), required=False, choices=[("", gettext_lazy("All")), *Command.State.choices]
    )


@require_safe
@never_cache
@requires(RIGHT)
def unmatched_list(request: StaffRequest) -> HttpResponse:
    """Accounts without a customer, the newest first."""
    rows = BillingAccount.objects.filter(customer=None).order_by("-pk")
    try:
        page = keyset_page(rows, after=request.GET.get("after"), size=PAGE)
    except RuleBroken:
        return redirect("billing:unmatched-list")
    owed = _owed([row.pk for row in page.items])
    shown = [(row, mask_account(row.party) if row.party else "", *owed.get(row.pk, (0, None))) for row in page.items]
    many, capped = capped_count(rows, CAP)
    return render(request, "billing/unmatched_list.html", {"rows": shown, "page": page, "many": many, "capped": capped})


def _owed(keys: list[int]) -> dict[int, tuple[int, object]]:
    rows = Bill.objects.filter(account__in=keys).values("account").annotate(many=Count("pk"), owed=Sum("open_amount"))
    return {row["account"]: (row["many"], row["owed"]) for row in rows}


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@requires(RIGHT)
def account_detail(request: StaffRequest, pk: int) -> HttpResponseBase:
    """What billing says of an account and what it was asked, in order. POST says whose an unmatched one is."""
    account = get_object_or_404(BillingAccount.objects.select_related("customer"), pk=pk)
    form = MatchForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            match_by_hand(account.pk, actor=request.user, number=form.cleaned_data["number"])
        except RuleBroken as no:
            form.add_error("number", no.message)
        else:
            messages.success(request, _("The account has its customer now."))
            return redirect("billing:account-commands", pk)
    commands = Command.objects.filter(account=account).select_related("product").order_by("-pk")
    try:
        page = keyset_page(commands, after=request.GET.get("after"), size=PAGE)
    except RuleBroken:
        return redirect("billing:account-commands", pk)
    products = list(account.products.order_by("pk")[:PAGE])
    context = {
        "account": account,
        "page": page,
        "commands": [(one, mask_account(one.product.service_no) if one.product else "") for one in page.items],
        "products": [(one, mask_account(one.service_no)) for one in products],
        "bills": list(account.bills.order_by("-month", "-pk")[:6]),
        "watches": list(RestoreWatch.objects.filter(account=account, done_at=None).order_by("pk")[:10]),
        "form": form if account.customer_id is None and request.user.has_perm("customers.find") else None,
        "party": mask_account(account.party) if account.party else "",
    }
    return render(request, "billing/account_detail.html", context, status=422 if form.errors else 200)


@require_safe
@never_cache
@requires(RIGHT)
def command_list(request: StaffRequest) -> HttpResponse:
    """Commands to billing, the newest first."""
    form = CommandFilter(request.GET)
    state = form.cleaned_data["state"] if form.is_valid() else ""
    rows = Command.objects.select_related("account").order_by("-pk")
    if state:
        rows = rows.filter(state=state)
    try:
        page = keyset_page(rows, after=request.GET.get("after"), size=PAGE)
    except RuleBroken:
        return redirect("billing:command-list")
    return render(request, "billing/command_list.html", {"rows": page.items, "page": page, "form": form})
