"""The bell: the slot of the top bar, the page of all, and opening one."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from foundation.common import ids
from foundation.common.doors import signed_in
from foundation.common.errors import RuleBroken
from foundation.common.paging import keyset_page
from outreach import services
from outreach.bellkinds import shown, target_of
from outreach.models import Notification
from outreach.queries import newest_notifications, unread_count
from staff.requests import StaffRequest

IN_MENU = 8
PAGE = 50


def bell_slot(request: Any) -> str:
    """The inner HTML of the bell in the top bar: one query."""
    newest, unread = newest_notifications(request.user, IN_MENU)
    context = {
        "notices": [shown(notice) for notice in newest],
        "unread": unread,
        "all_url": reverse("outreach:bell"),
        "seen": _seen(newest[0].pk if newest else None, unread),
    }
    return render_to_string("outreach/_bell.html", context)


def _seen(newest: int | None, unread: int) -> str:
    """What a browser shows: by it the next poll sees whether anything changed."""
    return f"{ids.to_text(newest or 0)}-{unread}"


@require_GET
@signed_in
def bell_menu(request: StaffRequest) -> HttpResponse:
    """The slot again; 204 while the newest notification and the number of unread ones are those the browser has."""
    newest = Notification.objects.visible_to(request.user).order_by("-pk").values_list("pk", flat=True).first()
    if request.GET.get("seen") == _seen(newest, unread_count(request.user)):
        return HttpResponse(status=204)
    return HttpResponse(bell_slot(request), headers={"Cache-Control": "no-store"})


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
