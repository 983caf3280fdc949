"""What customers want of us, across customers: mine by due day, new ones, and all open ones of the scope (ARC-15)."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from customers.models import Customer, Need
from customers.views.showing import name_mask
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.paging import keyset_page
from foundation.ui.parts.lists import Tab
from staff.masking import masked

S = Need.State


@require_GET
@never_cache
@requires("customers.view")
def need_list(request: HttpRequest) -> HttpResponseBase:
    """One tab of needs, those of one category when asked."""
    user: Any = request.user
    view = request.GET.get("view", "") if request.GET.get("view") in {"new", "all"} else "mine"
    category = request.GET.get("category", "") if request.GET.get("category") in Need.Category.values else ""
    rows = Need.objects.select_related("customer", "owner")
    if view == "mine":
        rows = rows.filter(state=S.PLANNED, owner=user).order_by("due_on", "pk")
    else:
        states = [S.NEW] if view == "new" else [S.NEW, S.PLANNED]
        scope = Customer.objects.in_scope_of(user)
        rows = rows.filter(Q(state__in=states), customer__in=scope.values("pk")).order_by("-pk")
    if category:
        rows = rows.filter(category=category)
    refusal = ""
    try:
        page = keyset_page(rows, after=request.GET.get("after"), size=50)
    except RuleBroken as no:
        refusal, page = no.message, keyset_page(rows, after=None, size=50)
    address, today = reverse("customers:need-list"), clock.today()
    more = f"&category={category}" if category else ""
    context = {
        "page": page,
        "refusal": refusal,
        "rows": [
            {
                "need": need,
                "name": masked(name_mask(need.customer), need.customer.name),
                "late": need.due_on is not None and need.due_on < today,
            }
            for need in page.items
        ],
        "tabs": [
            Tab(_("My needs"), f"{address}?view=mine{more}", current=view == "mine"),
            Tab(_("Not planned yet"), f"{address}?view=new{more}", current=view == "new"),
            Tab(_("All open"), f"{address}?view=all{more}", current=view == "all"),
        ],
        "categories": [
            Tab(_("All"), f"{address}?view={view}", current=not category),
            *(
                Tab(words, f"{address}?view={view}&category={code}", current=code == category)
                for code, words in Need.Category.choices
            ),
        ],
    }
    return render(request, "customers/need_list.html", context)
