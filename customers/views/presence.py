"""The sign of life of a page that shows a customer, and who else has it open."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from customers.presence import EDIT, VIEW, mark
from customers.views.showing import seen
from foundation.common.doors import requires


@require_POST
@never_cache
@requires("customers.view")
def customer_presence(request: HttpRequest, pk: int) -> HttpResponse:
    """Every 30 s: `doing` (view, edit) goes on. Answers who else is there; 204 when the page says so already."""
    customer = seen(request, pk)
    user: Any = request.user
    doing = EDIT if request.POST.get("doing") == EDIT and user.has_perm("customers.edit") else VIEW
    present = mark(user, pk, doing)
    if request.POST.get("said") == present.digest:
        return HttpResponse(status=204)
    return render(request, "customers/_presence.html", {"customer": customer, "present": present, "doing": doing})
