"""The bell: the slot of the top bar, the page of all, and opening one."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.views.decorators.http import require_GET, require_POST

from foundation.common import ids
from foundation.common.doors import signed_in
from foundation.common.errors import RuleBroken
from foundation.common.paging import keyset_page
from foundation.ui.addresses import place
from foundation.ui.moulds import hole, pour
from foundation.ui.navigation import FrameQuery
from outreach import services
from outreach.bellkinds import shown, target_of
from outreach.models import Notification
from outreach.queries import BELL_STATE, bell_params, bell_state
from staff.requests import StaffRequest

IN_MENU = 8
PAGE = 50


def _slot(state: Sequence[int]) -> str:
    """The inner HTML of the bell in the top bar, from `bell_state`; its list is asked for when it is opened."""
    newest, unread = state
    context = {"all_url": place("outreach:bell"), "list_url": f"{place('outreach:bell-menu')}?list=1"}
    context |= {"unread": hole("unread") if unread else "", "seen": hole("seen")}
    values = {"unread": unread, "seen": _seen(newest, unread)}
    return pour("outreach/_bell.html", (get_language(), unread > 0), lambda: context, values)


BELL = FrameQuery(BELL_STATE, bell_params, _slot)


def _seen(newest: int, unread: int) -> str:
    """What a browser shows: by it the next poll sees whether anything changed."""
    return f"{ids.to_text(newest)}-{unread}"


@require_GET
@signed_in
def bell_menu(request: StaffRequest) -> HttpResponse:
    """The slot again; 204 while the newest notification and the number of unread ones are those the browser has.
    `?list=1`: the list inside, for one who opens it."""
    if request.GET.get("list"):
        newest = Notification.objects.visible_to(request.user).order_by("-pk")[:IN_MENU]
        context = {"notices": [shown(notice) for notice in newest], "all_url": place("outreach:bell")}
        return render(request, "ui/bell.html#list", context)
    state = bell_state(request.user)
    if request.GET.get("seen") == _seen(*state):
        return HttpResponse(status=204)
    return HttpResponse(_slot(state), headers={"Cache-Control": "no-store"})


@require_GET
@signed_in
def bell_page(request: StaffRequest) -> HttpResponseBase:
    """All notifications, newest first."""
    rows = Notification.objects.visible_to(request.user).order_by("-pk")
    try:
        page = keyset_page(rows, after=request.GET.get("after"), size=PAGE)
    except RuleBroken:
        return redirect("outreach:bell")
    return render(request, "outreach/bell.html", {"page": page, "notices": [shown(notice) for notice in page.items]})


@require_GET
@signed_in
def bell_open(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Go to what it is about; it counts as read from here."""
    notice = get_object_or_404(Notification.objects.visible_to(request.user), pk=pk)
    services.mark_read(notice.pk, actor=request.user)
    return redirect(target_of(notice))


@require_POST
@signed_in
def bell_read_all(request: StaffRequest) -> HttpResponseBase:
    """Everything read."""
    services.mark_all_read(actor=request.user)
    return redirect("outreach:bell")
