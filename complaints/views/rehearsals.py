"""Rehearsals: asked for, watched while they run, read as figures, each of which opens its lines."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from complaints.lifecycle import ClockKind, label_of
from complaints.models import Complaint, Rehearsal, RehearsalLine
from complaints.rehearsing.forms import RehearsalForm, StaffingForm
from complaints.rehearsing.reading import Asked, Load, query_of
from complaints.rehearsing.running import RIGHT, start_rehearsal
from complaints.rehearsing.staff import draft_staffing
from complaints.rehearsing.sums import CARRIED, COUNTED
from complaints.rehearsing.words import say_drafts
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.paging import keyset_page
from foundation.jobs.models import JobRun
from foundation.policies.drafting import drop_draft, frozen
from foundation.policies.models import Draft
from foundation.ui.htmx import wants_fragment
from foundation.ui.parts.charts import Chart, Series
from foundation.ui.parts.lists import Tab
from foundation.ui.wording import say_date
from staff.models import OrgUnit
from staff.requests import StaffRequest

SHOWN = 50
KINDS = [kind for kind in ClockKind if kind != ClockKind.SILENCE]


@require_GET
@requires(RIGHT)
def rehearsal_list(request: StaffRequest) -> HttpResponse:
    """All rehearsals, the newest first."""
    try:
        rows = Rehearsal.objects.select_related("made_by").order_by("-pk")
        page = keyset_page(rows, after=request.GET.get("after"), size=SHOWN)
    except RuleBroken:
        return redirect("complaints:rehearsal-list")
    runs = JobRun.objects.in_bulk([row.run_id for row in page.items if row.run_id and not row.finished_at])
    service = ClockKind.SERVICE.value
    found = [(row, runs.get(row.run_id or 0), row.figures.get("kinds", {}).get(service)) for row in page.items]
    template = "complaints/rehearsal_list.html" + ("#results" if wants_fragment(request) else "")
    return render(request, template, {"page": page, "rows": found})


@require_http_methods(["GET", "POST"])
@requires(RIGHT)
def rehearsal_new(request: StaffRequest) -> HttpResponseBase:
    """Which period, and which drafts."""
    form = RehearsalForm(request.POST or None, initial=RehearsalForm.beginning(request.GET.get("right", "")))
    if request.method == "POST" and form.is_valid():
        try:
            made = start_rehearsal(actor=request.user, **form.cleaned_data)
        except NotAllowed as no:
            raise PermissionDenied(str(no.message)) from no
        except RuleBroken as no:
            form.add_error(None, no.message)
        else:
            return redirect("complaints:rehearsal", made.pk)
    return render(request, "complaints/rehearsal_new.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@requires(RIGHT)
def staffing_new(request: StaffRequest) -> HttpResponseBase:
    """Who would work when, kept as a draft."""
    form = StaffingForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            draft = draft_staffing(actor=request.user, **form.rule())
        except RuleBroken as no:
            form.add_error(None, no.message)
        else:
            messages.success(request, _("The staffing rule is kept as a draft."))
            return redirect(f"{reverse('complaints:rehearsal-new')}?right={draft.ref}")
    kept = Draft.objects.filter(kind=Draft.Kind.STAFFING, state=Draft.State.OPEN).order_by("-pk")[:SHOWN]
    context = {"form": form, "kept": say_drafts(frozen(draft) for draft in kept)}
    return render(request, "complaints/staffing_new.html", context, status=422 if form.errors else 200)


@require_POST
@requires(RIGHT)
def staffing_drop(request: StaffRequest, pk: int) -> HttpResponseBase:
    """A staffing rule nobody needs any more."""
    get_object_or_404(Draft, pk=pk, kind=Draft.Kind.STAFFING)
    try:
        drop_draft(pk, actor=request.user)
        messages.success(request, _("The draft was dropped."))
    except RuleBroken as no:
        messages.error(request, str(no.message))
    return redirect("complaints:staffing-new")


@require_GET
@requires(RIGHT)
def rehearsal_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """What it was made of, how far it is, and what came out."""
    rehearsal = get_object_or_404(Rehearsal.objects.select_related("made_by"), pk=pk)
    context: dict[str, Any] = {
        "rehearsal": rehearsal,
        "left": say_drafts(rehearsal.left),
        "right": say_drafts(rehearsal.right),
        "run": JobRun.objects.filter(pk=rehearsal.run_id).first() if rehearsal.run_id else None,
    }
    if rehearsal.finished_at is not None:
        context |= _figures(request, rehearsal)
    elif wants_fragment(request):
        return render(request, "complaints/rehearsal_detail.html#state", context)
    response = render(request, "complaints/rehearsal_detail.html", context)
    if wants_fragment(request):  # it asked how far it is: read the whole page now
        response.headers["HX-Refresh"] = "true"
    return response


def _figures(request: StaffRequest, rehearsal: Rehearsal) -> dict[str, Any]:
    asked = Asked.read(request.GET.dict())
    counted = rehearsal.figures["kinds"]
    units = OrgUnit.objects.in_bulk({int(unit) for by in rehearsal.figures["units"].values() for unit in by})
    unit = asked.unit if asked.unit in units else None
    load = Load(rehearsal, asked.kind, unit)
    months = load.months()
    month = _month(request.GET.get("month", ""), months)
    day = _day(request.GET.get("day", ""))
    by_hour = request.GET.get("by") == "hour"
    rows = load.hours(day) if day else load.hours_of_day() if by_hour else load.days(month) if month else []
    page = _address(rehearsal)
    kept = {"kind": asked.kind, "unit": unit or ""}
    return {
        "asked": asked,
        "counts": _linked(rehearsal, asked.kind, None, counted.get(asked.kind, dict.fromkeys(COUNTED, 0))),
        "unknown": counted.get(asked.kind, {}).get("unknown", 0),
        "carried": _linked(rehearsal, asked.kind, None, {CARRIED: rehearsal.figures.get(CARRIED, 0)}),
        "kinds": [
            Tab(kind.label, f"{page}?kind={kind.value}", kind.value == asked.kind, counted[kind.value]["changed"])
            for kind in KINDS
            if kind.value in counted
        ],
        "departments": [
            (units[int(key)], _linked(rehearsal, asked.kind, int(key), found))
            for key, found in sorted(
                rehearsal.figures["units"].get(asked.kind, {}).items(), key=lambda pair: -pair[1]["all"]
            )
            if int(key) in units
        ],
        "unit": units.get(unit or 0),
        "rows": rows,
        "staffed": load.staffed if not by_hour or day else [],
        "chart": _chart(rows, load, label_of(ClockKind, asked.kind)) if rows else None,
        "month": month,
        "day": day,
        "by_hour": by_hour and not day,
        "earlier": _before(months, month),
        "later": _after(months, month),
        "kept": "&".join(f"{name}={value}" for name, value in kept.items() if value),
        "cases_url": reverse("complaints:rehearsal-cases", args=[rehearsal.pk]),
    }


def _address(rehearsal: Rehearsal) -> str:
    return reverse("complaints:rehearsal", args=[rehearsal.pk])


def _linked(rehearsal: Rehearsal, kind: str, unit: int | None, counts: dict[str, int]) -> dict[str, tuple[int, str]]:
    """Counts with the address of their lines."""
    cases = reverse("complaints:rehearsal-cases", args=[rehearsal.pk])
    return {name: (number, f"{cases}?{query_of(kind=kind, unit=unit, what=name)}") for name, number in counts.items()}


def _month(text: str, months: list[date]) -> date | None:
    try:
        asked = date.fromisoformat(f"{text}-01")
    except ValueError:
        asked = None
    if asked in months:
        return asked
    return months[0] if months else None


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1990 <= found.year <= 2199 else None


def _before(months: list[date], month: date | None) -> date | None:
    return months[months.index(month) - 1] if month in months[1:] else None


def _after(months: list[date], month: date | None) -> date | None:
    return months[months.index(month) + 1] if month in months[:-1] else None


def _chart(rows: list[Any], load: Load, title: str) -> Chart:
    """What falls due before and after, as columns."""
    starts = [row.start for row in rows]
    hourly = len(rows) > 1 and starts[0] is not None and starts[1] - starts[0] < timedelta(days=1)
    labels = [str(row.label)[:2] if row.start is None else _label(row.start, hourly=hourly) for row in rows]
    return Chart(
        title=_("%(clock)s: due") % {"clock": title},
        labels=labels,
        series=[
            Series(_("before"), [row.due["left"].number for row in rows]),
            Series(_("after"), [row.due["right"].number for row in rows]),
        ],
    )


def _label(moment: Any, *, hourly: bool) -> str:
    local = moment.astimezone(clock.BUSINESS_ZONE)
    return f"{local:%H}" if hourly else str(local.day)


@require_GET
@requires(RIGHT)
def rehearsal_cases(request: StaffRequest, pk: int) -> HttpResponse:
    """The lines behind a figure: cases before and after, each opening its case for who may see it."""
    rehearsal = get_object_or_404(Rehearsal, pk=pk)
    asked = Asked.read(request.GET.dict())
    try:
        page = keyset_page(asked.lines(rehearsal).select_related("unit"), after=request.GET.get("after"), size=SHOWN)
    except RuleBroken:
        return redirect("complaints:rehearsal-cases", pk)
    seen: dict[int, Complaint] = {}
    if request.user.has_perm("complaints.view"):
        ids = [line.complaint_id for line in page.items]
        seen = Complaint.objects.visible_to(request.user).only("number", "subject").in_bulk(ids)
    context = {
        "rehearsal": rehearsal,
        "asked": asked,
        "said": _said(asked),
        "page": page,
        "rows": [(line, seen.get(line.complaint_id), label_of(ClockKind, line.kind)) for line in page.items],
        "unit": OrgUnit.objects.filter(pk=asked.unit).first() if asked.unit else None,
        "staffed": any(_has_staff(line) for line in page.items),
    }
    template = "complaints/rehearsal_cases.html" + ("#results" if wants_fragment(request) else "")
    return render(request, template, context)


def _has_staff(line: RehearsalLine) -> bool:
    return line.done_left is not None or line.done_right is not None


WHAT: dict[str, Any] = {
    "all": lambda: _("all"),
    "changed": lambda: _("changed"),
    "late_left": lambda: _("missed before"),
    "late_right": lambda: _("missed after"),
    "newly": lambda: _("newly missed"),
    "rescued": lambda: _("no longer missed"),
    "sooner": lambda: _("due sooner"),
    "later": lambda: _("due later"),
    "unknown": lambda: _("moment of the answer unknown"),
    CARRIED: lambda: _("open when the period began"),
}
MOMENT: dict[str, Any] = {
    "due": lambda: _("due"),
    "received": lambda: pgettext("load", "Received"),
    "through": lambda: _("come through"),
    "waiting": lambda: _("waiting"),
}


def _said(asked: Asked) -> str:
    """What the list shows, in words."""
    of_cases = asked.moment in ("received", "through", "waiting") or asked.what == CARRIED
    parts = [] if of_cases else [label_of(ClockKind, asked.kind)]
    if asked.moment:
        side = _("before") if asked.side == "left" else _("after")
        parts.append(MOMENT[asked.moment]() if asked.moment == "received" else f"{MOMENT[asked.moment]()} ({side})")
    elif asked.what in WHAT:
        parts.append(WHAT[asked.what]())
    if asked.start is not None:
        local = asked.start.astimezone(clock.BUSINESS_ZONE)
        whole = asked.end is not None and asked.end - asked.start >= timedelta(days=1)
        parts.append(say_date(local) if whole else f"{say_date(local)} {local:%H:%M}")
    elif asked.end is not None:
        local = asked.end.astimezone(clock.BUSINESS_ZONE)
        parts.append(f"{say_date(local)} {local:%H:%M}")
    if asked.hour is not None:
        parts.append(f"{asked.hour:02d}:00")
    return " · ".join(parts)
