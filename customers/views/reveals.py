"""Showing one masked field for a minute: a POST with a reason, counted and recorded (D§3.1)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from customers.views.showing import View
from foundation.common.doors import requires
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.ui.htmx import wants_fragment
from staff.reveals import reveal

FIELDS = {"name", "phone", "address", "birthday", "id_number", "income", "stratum", "family"}


@require_POST
@never_cache
@requires("customers.reveal")
def customer_reveal(request: HttpRequest, pk: int, field: str) -> HttpResponseBase:
    """The field in clear; the browser puts the mask back after its time. A refusal is said beside the field."""
    view = View(request, pk)
    error, status = "", 200
    try:
        reveal(view.user, pk, field if field in FIELDS else "", request.POST.get("reason", ""))
        view = View(request, pk)
    except NotAllowed as no:
        error, status = no.message, 403
    except RuleBroken as no:
        error, status = no.message, 422
    if not error and not wants_fragment(request):
        return redirect("customers:customer-detail", pk=pk)
    shown = getattr(view, field, None) if field in FIELDS else None
    context = {"shown": shown, "customer": view.customer, "error": error}
    template = "customers/_shown.html" if wants_fragment(request) else "customers/customer_reveal.html"
    return render(request, template, context, status=status)
