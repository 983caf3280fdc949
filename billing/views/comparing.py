"""For the billing engineer: what billing and we do not agree on, each comparison, and how far the pollers read."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from billing.jobs import COMPARE
from billing.models import Difference, PollCursor, Reconciliation
from billing.peer import is_connected
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.paging import keyset_page
from foundation.jobs.services import start_job
from staff.requests import StaffRequest

RIGHT = "billing.engineer"
PAGE, RUNS = 50, 7


class DifferenceFilter(forms.Form):
    """Which differences."""

    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"), required=False, choices=[("", gettext_lazy("All")), *Difference.Kind.choices]
    )
    still = forms.ChoiceField(
        label=gettext_lazy("Repaired"),
        required=False,
        choices=[("", gettext_lazy("All")), ("yes", gettext_lazy("Not repaired yet"))],
    )
    run = forms.IntegerField(required=False, widget=forms.HiddenInput)


@require_safe
@never_cache
@requires(RIGHT)
def comparison(request: StaffRequest) -> HttpResponse:
    """Differences, the newest first; the last comparisons with their counts, each opening its differences."""
    form = DifferenceFilter(request.GET)
    asked: dict[str, Any] = form.cleaned_data if form.is_valid() else {}
    rows = Difference.objects.select_related("account").order_by("-pk")
    if asked.get("kind"):
        rows = rows.filter(kind=asked["kind"])
    if asked.get("still"):
        rows = rows.filter(repaired_at=None)
    if asked.get("run"):
        rows = rows.filter(reconciliation=asked["run"])
    try:
        page = keyset_page(rows, after=request.GET.get("after"), size=PAGE)
    except RuleBroken:
        return redirect("billing:comparison")
    runs = list(Reconciliation.objects.order_by("-pk")[:RUNS])
    context = {
        "form": form,
        "page": page,
        "rows": [(one, _pairs(one)) for one in page.items],
        "runs": [(one, *_sums(one.counts)) for one in runs],
        "cursors": list(PollCursor.objects.order_by("resource")),
        "connected": is_connected(),
    }
    return render(request, "billing/comparison.html", context)


def _pairs(one: Difference) -> list[tuple[str, str, str]]:
    """Column, ours, theirs."""
    names = sorted({*one.ours, *one.theirs})
    return [(name, one.ours.get(name, "–"), one.theirs.get(name, "–")) for name in names]


def _sums(counts: dict[str, int]) -> tuple[int, int, int]:
    """Compared, differing, repaired."""
    compared = sum(many for name, many in counts.items() if name.startswith("compared_"))
    differs = sum(many for name, many in counts.items() if name.startswith("differs_"))
    return compared, differs, counts.get("repaired", 0)


@require_POST
@requires(RIGHT)
def compare_now(request: StaffRequest) -> HttpResponseBase:
    """Start a comparison by hand."""
    start_job(COMPARE, actor=request.user)
    messages.success(request, _("The comparison has started."))
    return redirect("billing:comparison")
