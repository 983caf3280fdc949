"""Arrears for whoever works on them: the open cases, and one case with its steps taken and ahead, and why."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from billing.dunning.facts import State
from billing.dunning.reading_case import case_now
from billing.dunning.words import NEEDS, STATES, STEPS
from billing.models import DunningCase
from billing.services import promise_to_pay
from foundation.common.doors import requires
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.paging import capped_count, keyset_page
from staff.masking import mask_name
from staff.requests import StaffRequest

RIGHT = "billing.view"
PAGE, CAP = 50, 500
TONES = {
    State.OVERDUE: "warn",
    State.WARNED: "warn",
    State.GRACE: "info",
    State.SUSPENDED_1WAY: "danger",
    State.SUSPENDED_2WAY: "danger",
    State.TERMINATION_NOTICE: "danger",
    State.TERMINATED: "danger",
}


class ArrearsFilter(forms.Form):
    """Which cases."""

    state = forms.ChoiceField(
        label=gettext_lazy("State"), required=False, choices=[("", gettext_lazy("All")), *STATES.items()]
    )


class PromiseForm(forms.Form):
    """A promise to pay."""

    pays_on = forms.DateField(label=gettext_lazy("Pays by"), widget=forms.DateInput(attrs={"type": "date"}))
    amount = forms.DecimalField(label=gettext_lazy("Amount, CNY"), max_digits=12, decimal_places=2)
    reason = forms.CharField(label=gettext_lazy("What was said"), max_length=400, required=False)


@require_safe
@never_cache
@requires(RIGHT)
def arrears_list(request: StaffRequest) -> HttpResponse:
    """Open cases in the reader's scope, the newest first."""
    form = ArrearsFilter(request.GET)
    rows = DunningCase.objects.visible_to(request.user).open().select_related("account__customer").order_by("-pk")
    if form.is_valid() and form.cleaned_data["state"]:
        rows = rows.filter(state=form.cleaned_data["state"])
    try:
        page = keyset_page(rows, after=request.GET.get("after"), size=PAGE)
    except RuleBroken:
        return redirect("billing:arrears-list")
    many, capped = capped_count(rows, CAP)
    shown = [_shown(row) for row in page.items]
    context = {"rows": shown, "page": page, "filter": form, "many": many, "capped": capped}
    return render(request, "billing/arrears_list.html", context)


def _shown(row: DunningCase) -> dict[str, Any]:
    customer = row.account.customer
    return {
        "case": row,
        "name": mask_name(customer.name) if customer is not None else "",
        "state": STATES.get(row.state, row.state),
        "tone": TONES.get(State(row.state), ""),
        "next": STEPS.get(row.next_step, ""),
        "needs": NEEDS.get(row.next_needs, ""),
    }


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@requires(RIGHT)
def arrears_detail(request: StaffRequest, pk: int) -> HttpResponseBase:
    """A case: what is open, what was done by what knowledge, what follows and why. POST takes a promise to pay."""
    rows = DunningCase.objects.visible_to(request.user).select_related("account__customer__facts")
    rows = rows.prefetch_related("account__holds")  # read twice: for the plan and for the list
    case = get_object_or_404(rows, pk=pk)
    form = PromiseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            promise_to_pay(case.account_id, actor=request.user, **form.cleaned_data)
        except NotAllowed:
            raise
        except RuleBroken as no:
            form.add_error(None, no.message)
        else:
            messages.success(request, _("The promise is noted: no step until then."))
            return redirect("billing:arrears", pk)
    found = case_now(case)
    context = {
        **_shown(case),
        "steps": [(STEPS.get(one.step, one.step), one) for one in case.steps.order_by("at", "pk")],
        "ahead": [
            (STEPS[one["step"]], one["at"], NEEDS.get(one["needs"] or "", ""), one["why"]) for one in found["ahead"]
        ],
        "found": found,
        "holds": sorted(case.account.holds.all(), key=lambda one: -one.pk)[:20],
        "form": form if request.user.has_perm("billing.work") and case.closed_at is None else None,
    }
    return render(request, "billing/arrears.html", context, status=422 if form.errors else 200)
