"""The complaints of one customer: what they were about, how they ended, which needs stand behind them (ARC-08)."""

from __future__ import annotations

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from customers.models import Customer
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.paging import keyset_page
from foundation.ui.htmx import wants_fragment
from interactions.complaint_queries import complaint_contacts, complaint_topics, needs_of
from staff.requests import StaffRequest

PAGE = 30


@require_GET
@never_cache
@requires("interactions.view")
def customer_complaints(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Every complaint contact of the customer, newest first, with topics counted and the open needs; `topic` and `spot`
    leave those behind one number."""
    customer = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    topic, on_the_spot = request.GET.get("topic"), "spot" in request.GET
    rows = complaint_contacts(customer.pk, request.user, topic=topic, on_the_spot=on_the_spot)
    try:
        page = keyset_page(rows, after=request.GET.get("after"), size=PAGE)
    except RuleBroken:
        return redirect("interactions:customer-complaints", pk)
    context = {"customer": customer, "page": page, "topic": topic, "narrowed": topic is not None or on_the_spot}
    if not wants_fragment(request):
        context |= {"archive": complaint_topics(customer.pk, request.user), "needs": needs_of(customer.pk)}
    part = "#results" if wants_fragment(request) else ""
    return render(request, f"interactions/customer_complaints.html{part}", context)
