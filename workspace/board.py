"""The team board: who carries what, who is away, and the way to give an absent person's work to others (STF-13)."""

from __future__ import annotations

from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.paging import keyset_page
from foundation.ui.htmx import wants_fragment
from staff.requests import StaffRequest
from workspace.figures import board_figures
from workspace.team import members, people_of, with_counts

PAGE = 50


@require_GET
@requires("workspace.board")
def team_board(request: StaffRequest) -> HttpResponseBase:
    """Per person: open, overdue, done today, absence and who stands in; every number opens the list behind it."""
    people = with_counts(people_of(request.user), request.user).order_by("unit__no", "pk")
    try:
        page = keyset_page(people, after=request.GET.get("after"), size=PAGE)
    except RuleBroken:
        return redirect("workspace:board")
    now = clock.now()
    context = {
        "figures": board_figures(request.user),
        "page": page,
        "members": members(page.items, now),
        "may_reassign": request.user.has_perm("staff.reassign"),
        "now": now,
    }
    part = "#results" if wants_fragment(request) else ""
    return render(request, f"workspace/board.html{part}", context)
