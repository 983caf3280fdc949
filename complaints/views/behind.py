"""The rows behind a number: every figure of a board or a report leads here with what it counts."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from complaints.filters import CaseFilter
from complaints.kpis import KPIS, Part, Span, kpi
from complaints.models import Complaint
from complaints.queries import listed
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.paging import keyset_page
from foundation.ui.htmx import wants_fragment
from staff.exports.registry import Asking, filtered, said_filters
from staff.requests import StaffRequest

PAGE = 50


def behind_url(code: str, span: Span, part: str = Part.ALL, **filters: Any) -> str:
    """The address of the rows a figure counts: its part, the period, and filters of the queue (handler=, topic=…)."""
    start, end = span.text()
    query = {"kpi": code, "part": part, "from": start, "to": end, **filters}
    return f"{reverse('complaints:behind')}?{urlencode(query)}"


@require_GET
@requires("complaints.view")
def behind(request: StaffRequest) -> HttpResponseBase:
    """The cases a figure counts, the latest received first; without one the open cases, without a period today's."""
    asked, now = request.GET, clock.now()
    one = KPIS.get(asked.get("kpi", "open"))
    part = asked.get("part") or Part.ALL
    today = Span.today(now).text()
    try:
        span = Span.read(asked.get("from", today[0]), asked.get("to", today[1]))
        if one is None or part not in Part.values:
            raise Http404
        filters = QueryDict(mutable=True)
        filters.update({name: asked[name] for name in CaseFilter.base_filters if asked.get(name)})
        chosen = CaseFilter(filters, Complaint.objects.visible_to(request.user), request=Asking(request.user, filters))
        rows = kpi(one.code, filtered(chosen), span, now).rows(part)  # type: ignore[arg-type]  # of the same model
    except RuleBroken as no:
        raise Http404 from no
    try:
        page = keyset_page(listed(rows.order_by("-received_at", "-pk")), after=asked.get("after"), size=PAGE)
    except RuleBroken:
        return redirect(behind_url(one.code, span, part, **filters.dict()))
    context = {
        "page": page,
        "kpi": one,
        "part": "" if part == Part.ALL else Part(part).label,
        "period": span.in_words(),
        "filters": said_filters(chosen),
        "board": request.user.has_perm("complaints.figures"),
        "now": now,
    }
    return _shown(request, context)


def _shown(request: StaffRequest, context: dict[str, Any]) -> HttpResponse:
    part = "#results" if wants_fragment(request) else ""
    return render(request, f"complaints/behind.html{part}", context)
