"""Figures of first-contact resolution and of first-ask breaches; every number opens its rows."""

from __future__ import annotations

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
from interactions.exporting import period_asked, verdicts_asked
from interactions.figure_queries import (
    figure_lines,
    late_matters,
    late_url,
    matter_figures,
    period_of,
    rows_url,
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
        "sum": sum_line(lines, period, _("All together")),
        "matters": matter_figures(request.user, period),
        "chart": _chart(lines) if by in ("day", "channel") and len(lines) > 1 else None,
        "solved_url": rows_url(period, state="SOLVED"),
        "not_solved_url": rows_url(period, state="NOT_SOLVED"),
        "pending_url": rows_url(period, state="PENDING"),
        "heading": dict(PeriodForm.BY)[by],
        "late_url": late_url(period),
        "complaints_url": rows_url(period, state="SOLVED", kind="COMPLAINT"),
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
    context = {"page": page, "period": period}
    return render(request, f"interactions/figure_rows.html{part}", context)


@require_GET
@requires("interactions.figures")
def figure_late(request: StaffRequest) -> HttpResponseBase:
    """The matters whose customer was told too late, or not yet."""
    period = period_asked(request.GET)
    try:
        page = keyset_page(late_matters(request.user, period), after=request.GET.get("after"), size=PAGE)
    except RuleBroken:
        return redirect("interactions:figure-list")
    part = "#results" if wants_fragment(request) else ""
    context = {"page": page, "period": period, "now": clock.now()}
    return render(request, f"interactions/figure_late.html{part}", context)


def _chart(lines: list[Any]) -> Chart:
    return Chart(
        title=_("Solved in the first contact"),
        labels=[line.label for line in lines],
        series=[Series(_("Share"), [line.share for line in lines])],
        unit="%",
    )
