"""Monthly analysis of complaints: all figures, each split as one likes, the rows behind every number (D§10.16)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from complaints.figures.asking import Asked, asked_of, rows_behind, rows_url, said_of, split_url
from complaints.kpis.base import KPIS, Part, Unit
from complaints.kpis.causes import Repeated, repeated_causes
from complaints.kpis.lines import Line, split, whole
from complaints.kpis.month import Shown, figures_of
from complaints.kpis.slicing import BY_DAY, DIMENSIONS, MONTHLY, frozen_among, month_rows
from complaints.kpis.spans import month_before, month_of, next_month
from complaints.queries import listed
from complaints.views.reports import report_tabs
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.paging import keyset_page
from foundation.ui.htmx import wants_fragment
from foundation.ui.parts.charts import Chart, HBar, Series
from foundation.ui.parts.lists import Tab, trend
from staff.requests import StaffRequest

PAGE = 50
MOST_LINES = 100
TOP = 10
MOST_BARS = 12


@dataclass(frozen=True)
class Card:
    """A figure as its card shows it."""

    label: Any
    value: str | None
    unit: str
    note: str
    change: SafeString | str
    href: str


@require_GET
@requires("complaints.figures")
def analysis(request: StaffRequest) -> HttpResponse:
    """The month: every figure beside the month before, the top causes and those that repeat, what it was about."""
    user, month = request.user, month_of(request.GET.get("month", ""), clock.today())
    before = month_before(month)
    frozen = frozen_among([month, before])
    now = month in frozen
    shown = figures_of(user, month, frozen=now, before=before, before_frozen=before in frozen)
    closed = month_rows(user, "closed", month, frozen=now).filter(row_cause__isnull=False)
    came = month_rows(user, "complaints", month, frozen=now)
    context: dict[str, Any] = {
        **_month(month, frozen=now),
        "tabs": report_tabs("analysis", month),
        "cards": [_card(one, month) for one in shown],
        "causes": _bars(split(closed, "closed", "cause", TOP), "closed", "cause", month),
        "topics": _bars(split(came, "complaints", "topic", TOP), "complaints", "topic", month),
        "repeated": [_repeated(one, month) for one in repeated_causes(user, month)],
        "splits": [
            (one.label, split_url("complaints", month, key)) for key, one in DIMENSIONS.items() if key != "topic"
        ],
    }
    context["first_contacts"] = reverse("interactions:figure-list") if user.has_perm("interactions.figures") else ""
    return render(request, "complaints/analysis.html", context)


@require_GET
@requires("complaints.figures")
def figure(request: StaffRequest, code: str) -> HttpResponse:
    """One figure of a month, split by what the cases were about or whose they were."""
    asked = _asked(request, code)
    if code not in KPIS:
        raise Http404
    asked = replace(asked, by=asked.by or "topic")
    frozen = asked.month in frozen_among([asked.month])
    rows = month_rows(request.user, code, asked.month, frozen=frozen)
    lines = split(rows, code, asked.by, MOST_LINES)
    one = KPIS[code]
    context: dict[str, Any] = {
        **_month(asked.month, frozen=frozen, code=code, by=asked.by),
        "figure": one,
        "is_share": one.numerator is not None,
        "is_measured": one.worked_out is not None,
        "heading": DIMENSIONS[asked.by].label,
        "lines": [_links(line, asked) for line in lines],
        "sum": _links(whole(rows, code, _("All together")), Asked(code, asked.month, "", "", Part.ALL)),
        "cut": len(lines) == MOST_LINES,
        "tabs": [
            Tab(each.label, split_url(code, asked.month, key), key == asked.by) for key, each in DIMENSIONS.items()
        ],
        "figures": [(key, KPIS[key].label, split_url(key, asked.month, _kept(key, asked.by))) for key in MONTHLY],
        "chart": _chart(one, asked.by, lines) if len(lines) > 1 else None,
    }
    return render(request, "complaints/figure.html", context)


@require_GET
@requires("complaints.figures")
def figure_rows(request: StaffRequest) -> HttpResponseBase:
    """The cases a number counts, the latest received first."""
    asked = _asked(request, request.GET.get("figure", "complaints"))
    rows = rows_behind(request.user, asked).order_by("-received_at", "-pk")
    try:
        page = keyset_page(listed(rows), after=request.GET.get("after"), size=PAGE)
    except RuleBroken:
        return redirect(rows_url(asked))
    context = {"page": page, "asked": asked, "said": said_of(asked), "back": analysis_url(asked.month)}
    context["title"] = KPIS[asked.code].label if asked.code in KPIS else _("Repeated cause")
    part = "#results" if wants_fragment(request) else ""
    return render(request, f"complaints/figure_rows.html{part}", context)


def _asked(request: StaffRequest, code: str) -> Asked:
    asked = asked_of(code, request.GET)
    if asked is None:
        raise Http404
    return asked


def _month(month: date, *, frozen: bool, code: str = "", by: str = "") -> dict[str, Any]:
    """What every page of a month says of it, and the ways to those beside it."""
    following = next_month(month)
    address = (lambda one: split_url(code, one, by)) if code else (lambda one: analysis_url(one))
    return {
        "month": f"{month:%Y-%m}",
        "frozen": frozen,
        "running": following > clock.today(),
        "earlier": address(month_before(month)),
        "later": address(following) if following <= clock.today() else "",
        "back": analysis_url(month),
    }


def analysis_url(month: date) -> str:
    """The analysis of a month."""
    return f"{reverse('complaints:analysis')}?{urlencode({'month': f'{month:%Y-%m}'})}"


def said_value(value: float | None, unit: str) -> str | None:
    """A figure in digits; None for a dash."""
    if value is None:
        return None
    if unit == Unit.CASES:
        return f"{value:,.0f}"
    return f"{value:.2f}" if unit == Unit.SCORE or not unit else f"{value:.1f}"


def _card(one: Shown, month: date) -> Card:
    found = one.counted
    change = one.change
    unit = {Unit.PERCENT: "%", Unit.HOURS: _("h")}.get(one.unit, "")  # type: ignore[call-overload]  # a plain text too
    note = _("%(yes)s of %(of)s") % {"yes": f"{found.yes:,}", "of": f"{found.of:,}"} if one.is_share else ""
    moved: SafeString | str = ""
    if change is not None and said_value(change, one.unit) not in (
        said_value(0.0, one.unit),
        said_value(-0.0, one.unit),
    ):
        moved = trend(change, said_value(abs(change), one.unit), one.better)
    href = split_url(one.of_code, month, "topic")
    value = said_value(one.value, one.unit)
    return Card(one.label, value, unit if value else "", note, moved, href)


def _bars(lines: list[Line], code: str, by: str, month: date) -> list[HBar]:
    return [
        HBar(line.label, line.of, rows_url(Asked(code, month, by, line.key, Part.ALL)), shown=f"{line.of:,}")
        for line in lines
    ]


def _repeated(one: Repeated, month: date) -> dict[str, Any]:
    key = f"{one.cause_id}-{one.unit_id}"
    return {"row": one, "href": rows_url(Asked("repeated", month, "", key, Part.ALL))}


def _links(line: Line, asked: Asked) -> dict[str, Any]:
    """A line with the lists behind its numbers."""
    one = KPIS[asked.code]
    key = line.key if asked.by else ""
    links = {part: rows_url(Asked(asked.code, asked.month, asked.by, key, part)) for part in Part.values}
    value = line.measure if one.worked_out is not None else line.share
    return {"line": line, "value": said_value(value, one.unit), "links": links}


def _kept(code: str, by: str) -> str:
    """The split, where the figure has it too."""
    return "topic" if by == "day" and code not in BY_DAY else by


def _chart(one: Any, by: str, lines: list[Line]) -> Chart:
    lines = lines if by == "day" else lines[:MOST_BARS]
    values: list[float | None] = [
        line.measure if one.worked_out is not None else line.share if one.numerator is not None else float(line.of)
        for line in lines
    ]
    unit = "%" if one.numerator is not None else ""
    labels = [line.key[8:] if by == "day" else line.label.rpartition(" · ")[2] for line in lines]
    return Chart(title=one.label, labels=labels, series=[Series(one.label, values)], unit=unit)
