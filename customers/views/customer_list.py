"""The list of customers of one's own scope."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from customers.birthdays import coming_page
from customers.filters import CustomerFilter
from customers.models import Customer
from customers.presence import open_elsewhere
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.paging import Page, keyset_page
from foundation.ui.htmx import wants_fragment


@require_GET
@never_cache
@requires("customers.view")
def customer_list(request: HttpRequest) -> HttpResponse:
    """Newest first, coming birthdays the soonest first; nobody of another scope, however they were opened (D§3.1)."""
    user: Any = request.user
    found = CustomerFilter(
        request.GET,
        Customer.objects.in_scope_of(user).select_related("manager", "facts").order_by("-pk"),
        request=request,
    )
    refusal = ""
    try:
        page = _page(found, request.GET.get("after"))
    except RuleBroken as no:
        refusal, page = no.message, _page(found, None)
    context = {
        "page": page,
        "filter": found,
        "refusal": refusal,
        "filtered": found.is_used,
        "opened": open_elsewhere(user, [row.pk for row in page.items]),
        "may_merge": user.has_perm("customers.merge"),
        "may_create": user.has_perm("customers.create"),
    }
    template = "customers/customer_list.html" + ("#results" if wants_fragment(request) else "")
    return render(request, template, context)


def _page(found: CustomerFilter, after: str | None) -> Page[Customer]:
    days = found.coming_days
    if days is None:
        return keyset_page(found.qs, after=after, size=50)
    return coming_page(found.qs, days, after=after, size=50)
