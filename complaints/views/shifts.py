"""The change of shift: what one leaves open, what to sign for, and the list to print."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from complaints.models import ShiftSheet
from complaints.services.shifting import here_again, left_by, make_sheet, sign_sheet
from complaints.team.shifts import cases_left, items_of, leaving_soon, sheets
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import NotAllowed, RuleBroken
from staff.models import User
from staff.requests import StaffRequest


@require_GET
@requires("complaints.work")
def shift(request: StaffRequest) -> HttpResponse:
    """What the person would leave open, lists to sign for, and whose shift ends soon."""
    user, now = request.user, clock.now()
    left = left_by(user, now)
    context = {
        "left": cases_left(left),
        "number": len(left),
        "until": here_again(user, now),
        "mine": ShiftSheet.objects.filter(person=user, ended_at=None).first(),
        "waiting": sheets(user, signed=False),
        "signed": sheets(user, signed=True),
        "leaving": leaving_soon(user, now),
        "now": now,
    }
    return render(request, "complaints/shift.html", context)


@require_GET
@requires("complaints.work")
def shift_sheet(request: StaffRequest, pk: int) -> HttpResponse:
    """One list: the cases with why they cannot wait; made to be printed."""
    sheet = _seen(request, pk)
    context = {
        "sheet": sheet,
        "items": list(items_of(sheet, request.user)[:500]),
        "number": sheet.items.count(),
        "may_sign": sheet.signed_at is None and sheet.ended_at is None and sheet.person_id != request.user.pk,
        "now": clock.now(),
    }
    return render(request, "complaints/shift_sheet.html", context)


@require_POST
@requires("complaints.work")
def shift_make(request: StaffRequest) -> HttpResponseBase:
    """List what somebody leaves: oneself, or who one leads."""
    key = request.POST.get("person", "")
    person = User.objects.filter(pk=key).first() if key.isdecimal() and len(key) < 10 else None
    if person is None:
        raise Http404
    return _done(request, lambda: make_sheet(person.pk, actor=request.user), _("Listed. Now a colleague signs for it."))


@require_POST
@requires("complaints.work")
def shift_sign(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Sign for what a colleague leaves."""
    _seen(request, pk)
    return _done(request, lambda: sign_sheet(pk, actor=request.user), _("Signed: you look after these cases now."))


def _seen(request: StaffRequest, pk: int) -> ShiftSheet:
    return get_object_or_404(
        ShiftSheet.objects.visible_to(request.user).select_related("person", "unit", "signed_by", "made_by"), pk=pk
    )


def _done(request: StaffRequest, act: Callable[[], Any], words: str) -> HttpResponseBase:
    try:
        sheet = act()
    except NotAllowed as no:
        raise PermissionDenied(str(no.message)) from no
    except RuleBroken as no:
        messages.error(request, str(no.message))
        return redirect("complaints:shift")
    messages.success(request, words)
    return redirect("complaints:shift-sheet", sheet.pk)
