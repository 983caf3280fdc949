"""Reports of a month beside the analysis: results of callbacks, support units, who used the time, and what customers
said by complaint, suggestion and callback together (CMP-12, CMP-22, CMP-36, SUR-12)."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from complaints.figures.callbacks import CALLS, SUPPORT, Report, Summed, summed
from complaints.figures.experience import suggestions_of, voices
from complaints.figures.report_files import Number, number_of
from complaints.figures.report_rows import stands
from complaints.figures.time_keeping import BY as TIMES_BY
from complaints.figures.time_keeping import cases_used, used_by
from complaints.kpis.lines import names_of
from complaints.kpis.slicing import is_number
from complaints.kpis.spans import month_before, month_of, next_month
from complaints.queries import listed
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.paging import keyset_page
from foundation.ui.htmx import wants_fragment
from foundation.ui.parts.lists import Tab
from staff.requests import StaffRequest

PAGE = 50


def report_tabs(current: str, month: date) -> list[Tab]:
    """The ways between the reports of a month."""
    words = {
        "analysis": _("Figures"),
        "callbacks": _("Callbacks"),
        "support": _("Support units"),
        "times": _("Time used"),
        "voices": _("Customers' experience"),
    }
    return [Tab(label, _address(name, month), current=name == current) for name, label in words.items()]


def _address(name: str, month: date, **more: str) -> str:
    query = {"month": f"{month:%Y-%m}", **{key: value for key, value in more.items() if value}}
    return f"{reverse(f'complaints:{name}')}?{urlencode(query)}"


def _frame(request: StaffRequest, name: str, by: str = "") -> tuple[date, dict[str, Any]]:
    """The month asked for, and what every report says of it."""
    month = month_of(request.GET.get("month", ""), clock.today())
    following = next_month(month)
    context = {
        "month": f"{month:%Y-%m}",
        "running": following > clock.today(),
        "frozen": stands(month),
        "earlier": _address(name, month_before(month), by=by),
        "later": _address(name, following, by=by) if following <= clock.today() else "",
        "tabs": report_tabs(name, month),
        "by": by,
    }
    return month, context


def _by(request: StaffRequest, choices: Any) -> str:
    asked = request.GET.get("by", "")
    return asked if asked in choices else next(iter(choices))


def _summed_up(request: StaffRequest, report: Report, name: str, behind: str) -> HttpResponse:
    """The page of a report: a line for each value of what it is split by, and one of all; `behind`: the list of the
    rows a number counts."""
    by = _by(request, report.splits)
    month, context = _frame(request, name, by)
    rows = report.rows.of(request.user, month)
    (whole,) = summed(report, rows, None)
    context |= {
        "lines": [_linked(report, line, behind, month, by) for line in summed(report, rows, report.splits[by])],
        "sum": _linked(report, whole, behind, month, ""),
        "heads": [words for words, _condition in report.parts.values()],
        "heading": report.splits[by][0],
        "splits": [
            Tab(words, _address(name, month, by=key), current=key == by)
            for key, (words, _column, _names) in report.splits.items()
        ],
    }
    return render(request, f"complaints/{name}.html", context)


@require_GET
@requires("complaints.figures")
def callbacks(request: StaffRequest) -> HttpResponse:
    """What customers said when they were called back, summed up."""
    return _summed_up(request, CALLS, "callbacks", "callback-rows")


@require_GET
@requires("complaints.figures")
def callback_rows(request: StaffRequest) -> HttpResponseBase:
    """The callbacks behind a number."""
    asked = _asked(request, CALLS)
    rows = asked.rows(request.user).select_related("complaint", "by").order_by(*CALLS.order)
    return _rows(request, rows, "complaints/callback_rows.html", "callbacks", asked.month, asked.said())


@require_GET
@requires("complaints.figures")
def support(request: StaffRequest) -> HttpResponse:
    """Parts of cases other units do: on time or not, and of their budget (D§25 Support unit SLA)."""
    return _summed_up(request, SUPPORT, "support", "support-rows")


@require_GET
@requires("complaints.figures")
def support_rows(request: StaffRequest) -> HttpResponseBase:
    """The parts behind a number."""
    asked = _asked(request, SUPPORT)
    rows = asked.rows(request.user).select_related("complaint", "unit", "handler").order_by(*SUPPORT.order)
    return _rows(request, rows, "complaints/support_rows.html", "support", asked.month, asked.said())


@require_GET
@requires("complaints.figures")
def times(request: StaffRequest) -> HttpResponse:
    """Who used the time of the cases that ended in the month, pauses apart."""
    by = _by(request, TIMES_BY)
    month, context = _frame(request, "times", by)
    words = {"person": _("Person"), "unit": _("Unit")}
    lines = used_by(request.user, month, by)
    context |= {
        "lines": [(line, _address("time-rows", month, by=by, key=line.key or "none")) for line in lines],
        "heading": words[by],
        "splits": [Tab(words[key], _address("times", month, by=key), current=key == by) for key in TIMES_BY],
    }
    return render(request, "complaints/times.html", context)


@require_GET
@requires("complaints.figures")
def time_rows(request: StaffRequest) -> HttpResponseBase:
    """The cases behind a line."""
    by, key = _by(request, TIMES_BY), request.GET.get("key", "none")
    if key != "none" and not is_number(key):
        raise Http404
    month = month_of(request.GET.get("month", ""), clock.today())
    rows = cases_used(request.user, month, by, "" if key == "none" else key)
    return _rows(
        request, listed(rows.order_by("-received_at", "-pk")), "complaints/time_rows.html", "times", month, [], by
    )


@require_GET
@requires("complaints.figures")
def voices_report(request: StaffRequest) -> HttpResponse:
    """What customers experience, by topic: complaints, suggestions and callbacks side by side."""
    month, context = _frame(request, "voices")
    context["lines"] = voices(request.user, month)
    return render(request, "complaints/voices.html", context)


@require_GET
@requires("complaints.figures")
def voice_suggestions(request: StaffRequest) -> HttpResponseBase:
    """The suggestions behind a number."""
    month = month_of(request.GET.get("month", ""), clock.today())
    key = request.GET.get("key", "none")
    if key != "none" and not is_number(key):
        raise Http404
    topic = None if key == "none" else int(key)
    rows = suggestions_of(request.user, month).filter(topic=topic).select_related("owner", "topic")
    said = [(_("Topic"), names_of("topic", [topic])[topic]), (_("Month"), f"{month:%Y-%m}")]
    return _rows(request, rows.order_by("-pk"), "complaints/voice_suggestions.html", "voices", month, said)


def _linked(report: Report, line: Summed, name: str, month: date, by: str) -> dict[str, Any]:
    """A line with the list behind each of its numbers, and what share it is where it is one."""
    key = (line.key or "none") if by else ""
    of = {part: line.counts[whole] for part, whole in report.shares.items()}
    shares = {part: 100 * line.counts[part] / number if number else None for part, number in of.items()}
    links = [
        (line.counts[part], _address(name, month, by=by, key=key, part=part), words, shares.get(part))
        for part, (words, _condition) in report.parts.items()
    ]
    return {"line": line, "links": links, "shares": shares}


def _asked(request: StaffRequest, report: Report) -> Number:
    asked = number_of(report, request.GET)
    if asked is None:
        raise Http404
    return asked


def _rows(
    request: StaffRequest,
    rows: QuerySet[Any],
    template: str,
    back: str,
    month: date,
    said: list[tuple[str, str]],
    by: str = "",
) -> HttpResponseBase:
    home = _address(back, month, by=by)
    try:
        page: Any = keyset_page(rows, after=request.GET.get("after"), size=PAGE)
    except RuleBroken:
        return redirect(home)
    part = "#results" if wants_fragment(request) else ""
    return render(request, f"{template}{part}", {"page": page, "said": said, "back": home, "month": f"{month:%Y-%m}"})
