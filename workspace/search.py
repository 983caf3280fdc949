"""The search box of every page: what was typed is kept for an hour behind an opaque address, then shown."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from customers.finding.search import Hit, Kind, search
from customers.models import Customer, SearchLink
from customers.normal import without_marks
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.policies.reading import policy
from interactions.lifecycle import Caller, Channel
from staff.models import OrgUnit, User
from staff.requests import StaffRequest

PAGE = "workspace/search.html"
LONGEST = 80
SHOWN = 25
STATUS_TONES = {"ACTIVE": "ok", "PROSPECT": "info", "DECEASED": "mute", "ANONYMISED": "mute"}


@dataclass(frozen=True)
class Found:
    """One line of the result: the customer, how it was found, and whether only one masked line may be shown."""

    customer: Customer
    how: Any
    outside: bool

    @property
    def mask(self) -> str:
        return "company" if self.customer.customer_type == Customer.Type.ENTERPRISE else "name"

    @property
    def tone(self) -> str:
        return STATUS_TONES.get(self.customer.status, "")


@require_POST
@requires("customers.find")
def search_start(request: StaffRequest) -> HttpResponseBase:
    """Keep the words and leave for their page: what was typed never stands in an address or a log."""
    text = " ".join(without_marks(request.POST.get("q", "")).split())
    if not text:
        return _page(request, "", refusal=_("Type a number, a name or letters of it."), status=422)
    if len(text) > LONGEST:
        words = _("At most %(longest)s characters can be searched for.") % {"longest": LONGEST}
        return _page(request, text[:LONGEST], refusal=words, status=422)
    link = SearchLink.objects.create(token=secrets.token_urlsafe(24), user_id=request.user.pk, query=text)
    return redirect("workspace:search-results", token=link.token)


@require_GET
@never_cache
@requires("customers.find")
def search_results(request: StaffRequest, token: str) -> HttpResponseBase:
    """What was found; a single customer the user may see opens at once."""
    oldest = clock.now() - policy("customers.search_link_life")
    link = SearchLink.objects.filter(token=token, user_id=request.user.pk, created_at__gt=oldest).first()
    if link is None:
        return _page(request, "", refusal=_("This search is no longer kept. Search again."), status=404)
    try:
        hits = search(request.user, link.query, limit=SHOWN + 1)
    except RuleBroken as no:
        return _page(request, link.query, refusal=no.message, status=422)
    if len(hits) == 1 and not hits[0].outside:
        return redirect("customers:customer-detail", pk=hits[0].customer_id)
    found = found_customers(request.user, hits[:SHOWN])
    return _page(request, link.query, found=found, has_more=len(hits) > SHOWN)


def found_customers(user: User, hits: Iterable[Hit]) -> list[Found]:
    """The customers of `hits` in their order, with one query for those the user sees and one for the others."""
    hits = list(hits)
    columns = ("pk", "number", "name", "customer_type", "status", "home_city")
    inside = [hit.customer_id for hit in hits if not hit.outside]
    outside = [hit.customer_id for hit in hits if hit.outside]
    rows = Customer.objects.visible_to(user).only(*columns).in_bulk(inside) if inside else {}
    if outside:
        rows |= Customer.objects.only(*columns).in_bulk(outside)
    return [Found(rows[hit.customer_id], Kind(hit.kind).label, hit.outside) for hit in hits if hit.customer_id in rows]


def _page(
    request: StaffRequest,
    text: str,
    *,
    found: list[Found] | None = None,
    has_more: bool = False,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    # The words go back to their owner in a hidden field: "Start contact" needs the full identifier (D§3.1).
    at_the_hall = request.user.unit.function == OrgUnit.Function.HALL
    context = {
        "text": text,
        "found": found,
        "has_more": has_more,
        "refusal": refusal,
        "may_start": request.user.has_perm("interactions.take"),
        "channel": Channel.HALL_OWN if at_the_hall else Channel.HOTLINE,
        "caller": Caller.CUSTOMER,
    }
    return render(request, PAGE, context, status=status)
