"""What other systems are told: what waits, what they did not take, and sending it again."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.paging import keyset_page
from foundation.rest.hub import replay
from foundation.rest.models import Delivery
from foundation.ui.htmx import wants_fragment
from staff.requests import StaffRequest

WHY = {
    "hub.callback": gettext_lazy("The host is not on the list"),
    "hub.no_address": gettext_lazy("The host has no address"),
    "hub.internal": gettext_lazy("It leads to an internal address"),
    "ConnectError": gettext_lazy("No connection"),
    "ConnectTimeout": gettext_lazy("No connection"),
    "ReadTimeout": gettext_lazy("No answer in time"),
}
TONES = {"WAITING": ("info", "clock"), "SENT": ("ok", "circle-check"), "DEAD": ("danger", "circle-alert")}


@require_GET
@requires("hub.view")
def hub_list(request: StaffRequest) -> HttpResponse:
    """Deliveries of events, newest first; of one state where the address names it."""
    state = request.GET.get("state", "")
    rows = Delivery.objects.select_related("event", "listener__client").order_by("-pk")
    if state in Delivery.State.values:
        rows = rows.filter(state=state)
    try:
        page = keyset_page(rows, after=request.GET.get("after"), size=50)
    except RuleBroken:
        return redirect("workspace:hub-list")
    context = {
        "page": page,
        "rows": [(row, *TONES.get(row.state, ("mute", "ban")), _why(row)) for row in page.items],
        "states": Delivery.State.choices,
        "state": state,
        "may_control": request.user.has_perm("hub.control"),
    }
    return render(request, "workspace/hub_list.html" + ("#results" if wants_fragment(request) else ""), context)


def _why(row: Delivery) -> Any:
    """Why it was not taken, in words."""
    if row.status is not None and row.why:
        return _("Answered %(status)s") % {"status": row.status}
    return WHY.get(row.why, row.why)


@require_POST
@requires("hub.control")
def hub_replay(request: StaffRequest, pk: int) -> HttpResponse:
    """Let an event that was given up, or waits, go out now."""
    row = get_object_or_404(Delivery, pk=pk)
    try:
        replay(row.pk, actor=request.user)
    except RuleBroken as no:
        messages.error(request, no.message)
    else:
        messages.success(request, _("It goes out within seconds."))
    return redirect("workspace:hub-list")
