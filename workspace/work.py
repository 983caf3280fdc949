"""My work: every open duty of a person in one list, and the next one from the pool."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.paging import keyset_page
from foundation.ui.htmx import redirect_page, toast, wants_fragment
from outreach import services
from outreach.queries import followups_in_view, grouped, listed, pool_count
from staff.requests import StaffRequest
from workspace.duties import next_cases

PAGE = 50
CASES_SHOWN = 20


@require_GET
@requires("outreach.work")
def my_work(request: StaffRequest) -> HttpResponseBase:
    """Own duties, those acted for and those handed over, grouped overdue, today, later."""
    rows = listed(followups_in_view(request.user, "mine"))
    try:
        page = keyset_page(rows, after=request.GET.get("after"), size=PAGE)
    except RuleBroken:
        return redirect("workspace:work")
    now = clock.now()
    waiting, more = pool_count(request.user)
    context = {
        "cases": next_cases(request.user, CASES_SHOWN) if page.is_first else [],
        "page": page,
        "groups": grouped(page.items, now),
        "waiting": f"{waiting}+" if more else waiting,
        "now": now,
    }
    part = "#results" if wants_fragment(request) else ""
    return render(request, f"workspace/work.html{part}", context)


@require_POST
@requires("outreach.work")
def work_next(request: StaffRequest) -> HttpResponseBase:
    """Take the next duty of the pool (most urgent, then earliest; only what the person has the skill for) and open it.

    Two people at once get different ones.
    """
    try:
        taken = services.claim_next(actor=request.user)
        said = "" if taken else _("Nothing waits to be taken.")
    except RuleBroken as no:
        taken, said = None, str(no.message)
    if taken is not None:
        url = reverse("outreach:followup-detail", args=[taken.pk])
        return redirect_page(url) if wants_fragment(request) else redirect(url)
    if wants_fragment(request):
        return toast(HttpResponse(status=204), said)
    messages.info(request, said)
    return redirect("workspace:work")
