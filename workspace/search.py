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

from customers.finding.looks import Kind
from customers.finding.search import Hit, only_owner, search
from customers.models import Customer, SearchLink
from customers.normal import without_marks
from customers.visibility import opened_ids
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.policies.reading import policy
from foundation.ui.addresses import row_address
from staff.masking import masked_name
from staff.models import User
from staff.requests import StaffRequest
from staff.rights import sight_of
from workspace.found_cases import FoundCase, found_case

PAGE = "workspace/search.html"
LONGEST = 80
SHOWN = 25


@dataclass(frozen=True)
class Found:
    """One line of the result: the customer, how it was found, and whether only one masked line may be shown."""

    customer: Customer
    how: Any
    outside: bool
    hit: Hit

    @property
    def name(self) -> str:
        """The masked name."""
        return masked_name(self.customer.name, self.customer.customer_type)


@require_POST
@requires("customers.find")
def search_start(request: StaffRequest) -> HttpResponseBase:
    """The customer a full identifier belongs to; else keep the words and leave for their page. What was typed never
    stands in an address or a log."""
    text = " ".join(without_marks(request.POST.get("q", "")).split())
    if not text:
        return _page(request, "", refusal=_("Type a number, a name or letters of it."), status=422)
    if len(text) > LONGEST:
        words = _("At most %(longest)s characters can be searched for.") % {"longest": LONGEST}
        return _page(request, text[:LONGEST], refusal=words, status=422)
    case = found_case(request.user, text)
    if case is not None and case.url:
        return redirect(case.url)
    owner = only_owner(request.user, text)
    if owner is not None:
        return redirect(row_address("customers:customer-detail", owner))
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
        case = found_case(request.user, link.query)
        if case is not None and case.url:
            return redirect(case.url)
        hits = search(request.user, link.query, limit=SHOWN + 1)
    except RuleBroken as no:
        return _page(request, link.query, refusal=no.message, status=422)
    if len(hits) == 1 and not hits[0].outside:
        return redirect("customers:customer-detail", pk=hits[0].customer_id)
    found = found_customers(request.user, hits[:SHOWN])
    return _page(request, link.query, found=found, has_more=len(hits) > SHOWN, case=case)


def found_customers(user: User, hits: Iterable[Hit]) -> list[Found]:
    """The customers of `hits` in their order: one query, one more where an own contact opened one.

    A hit that says "inside" is believed only when the customer's own row says so too.
    """
    hits, sight = list(hits), sight_of(user, "customers.view")
    columns = ("pk", "number", "name", "customer_type", "status", "home_city", "unit_no", "manager_id")
    rows = Customer.objects.only(*columns).in_bulk([hit.customer_id for hit in hits]) if hits else {}
    seen = {pk for pk, row in rows.items() if sight.covers(unit_no=row.unit_no, owner_id=row.manager_id)}
    if any(not hit.outside and hit.customer_id not in seen for hit in hits):
        seen |= opened_ids(user)
    return [
        Found(row, Kind(hit.kind).label, hit.outside, hit)
        for hit in hits
        if (row := rows.get(hit.customer_id)) is not None and (hit.outside or row.pk in seen)
    ]


def _page(
    request: StaffRequest,
    text: str,
    *,
    found: list[Found] | None = None,
    has_more: bool = False,
    refusal: str = "",
    status: int = 200,
    case: FoundCase | None = None,
) -> HttpResponse:
    context = {
        "case": case,
        "text": text,
        "found": found,
        "has_more": has_more,
        "refusal": refusal,
        "may_start": request.user.has_perm("interactions.take"),
    }
    return render(request, PAGE, context, status=status)
