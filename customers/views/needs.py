"""What customers want of us, across customers: mine by due day, new ones, and all open ones of the scope (ARC-15)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from customers.models import Need
from customers.work_lists import need_category, need_rows, need_tabs, need_view
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.paging import keyset_page
from foundation.ui.parts.lists import Tab
from staff.masking import masked_name


@require_GET
@never_cache
@requires("customers.view")
def need_list(request: HttpRequest) -> HttpResponseBase:
    """One tab of needs, those of one category when asked."""
    user: Any = request.user
    view, category = need_view(request.GET), need_category(request.GET)
    rows = need_rows(user, request.GET).select_related("customer", "owner")
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
                "name": masked_name(need.customer.name, need.customer.customer_type),
                "late": need.due_on is not None and need.due_on < today,
            }
            for need in page.items
        ],
        "tabs": [Tab(words, f"{address}?view={key}{more}", current=key == view) for key, words in need_tabs().items()],
        "categories": [
            Tab(_("All"), f"{address}?view={view}", current=not category),
            *(
                Tab(words, f"{address}?view={view}&category={code}", current=code == category)
                for code, words in Need.Category.choices
            ),
        ],
    }
    return render(request, "customers/need_list.html", context)
