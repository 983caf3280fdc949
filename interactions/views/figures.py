"""Figures of first-contact resolution and of first-ask breaches; every number opens its rows."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.paging import keyset_page
from foundation.ui.htmx import wants_fragment
from foundation.ui.parts.charts import Chart, Series
from interactions.exporting import period_asked, verdict_words, verdicts_asked
from interactions.figure_queries import (
    MOST_GROUPS,
    figure_lines,
    late_matters,
    late_url,
    matter_figures,
    period_of,
    settled_until,
    sum_line,
    verdict_rows,
)
from interactions.matter_forms import PeriodForm
from staff.requests import StaffRequest

PAGE = 50


@require_GET
@requires("interactions.figures")
def figure_list(request: StaffRequest) -> HttpResponse:
    """First-contact resolution by day, unit, channel, person or kind."""
    form = PeriodForm(request.GET)
    data = form.cleaned_data if form.is_valid() else {}
    by = data.get("by") or "day"
    period = period_of(data.get("first"), data.get("last"))
    form = PeriodForm({"by": by, "first": period.first, "last": period.last})
    lines = figure_lines(request.user, period, by)
    context: dict[str, Any] = {
        "form": form,
        "period": period,
        "by": by,
        "lines": lines,
        "sum": sum_line(request.user, period, _("All together")),
        "cut": len(lines) == MOST_GROUPS,
        "matters": matter_figures(request.user, period),
        "chart": _chart(lines) if by in ("day", "channel") and len(lines) > 1 else None,
        "settled_until": settled_until(),
        "heading": dict(PeriodForm.BY)[by],
        "late_url": late_url(period),
        "due_url": late_url(period, all_due=True),
    }
    part = "#results" if wants_fragment(request) else ""
    return render(request, f"interactions/figure_list.html{part}", context)


@require_GET
@requires("interactions.figures")
def figure_rows(request: StaffRequest) -> HttpResponseBase:
    """The contacts behind a number."""
    period, asked = period_asked(request.GET), verdicts_asked(request.GET)
    try:
        page = keyset_page(verdict_rows(request.user, period, asked), after=request.GET.get("after"), size=PAGE)
    except RuleBroken:
        return redirect("interactions:figure-list")
    part = "#results" if wants_fragment(request) else ""
    context = {"page": page, "said": verdict_words(request.user, request.GET)}
    return render(request, f"interactions/figure_rows.html{part}", context)


@require_GET
@requires("interactions.figures")
def figure_late(request: StaffRequest) -> HttpResponseBase:
    """The matters whose customer was told too late, or not yet; with `all` every one that was due."""
    period, all_due = period_asked(request.GET), "all" in request.GET
    rows = late_matters(request.user, period, all_due=all_due)
    try:
        page = keyset_page(rows, after=request.GET.get("after"), size=PAGE)
    except RuleBroken:
        return redirect("interactions:figure-list")
    part = "#results" if wants_fragment(request) else ""
    context = {"page": page, "period": period, "all_due": all_due, "now": clock.now()}
    return render(request, f"interactions/figure_late.html{part}", context)


def _chart(lines: list[Any]) -> Chart:
    return Chart(
        title=_("Solved in the first contact"),
        labels=[f"{line.key:%m-%d}" if isinstance(line.key, date) else line.label for line in lines],
        series=[Series(_("Share"), [line.share for line in lines])],
        unit="%",
    )
