"""Data to mend: the work list with its counts, and saying that an archive was gone through (D§5.4)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from customers import services
from customers.models import QualityItem, QualityKind
from customers.views.showing import seen
from customers.work_lists import gap_rows, gaps_asked
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.paging import keyset_page
from foundation.ui.parts.lists import Tab
from staff.masking import masked_name

K = QualityKind
# Where a thing is mended.
MENDED_AT: dict[str, str] = {
    K.NAME_MISSING: "customers:customer-edit",
    K.ID_MISSING: "customers:identity",
    K.IDENTITY_OPEN: "customers:identity",
    K.BIRTHDAY_MISSING: "customers:customer-edit",
    K.BIRTHDAY_PLACEHOLDER: "customers:customer-edit",
}


@require_GET
@never_cache
@requires("customers.view")
def quality_list(request: HttpRequest) -> HttpResponseBase:
    """What is wrong in one's own scope by kind, and the customers behind one kind."""
    user: Any = request.user
    gaps = gaps_asked(user, request.GET)
    kind, mine = gaps.kind, gaps.mine
    rows, refusal = gap_rows(user, gaps).select_related("customer__manager", "customer__facts"), ""
    try:
        page = keyset_page(rows, after=request.GET.get("after"), size=50)
    except RuleBroken as no:
        refusal, page = no.message, keyset_page(rows, after=None, size=50)
    address, whose = reverse("customers:quality-list"), "&whose=mine" if mine else ""
    context = {
        "page": page,
        "refusal": refusal,
        "kind": kind,
        "title": K(kind).label,
        "rows": [_row(item, kind) for item in page.items],
        "kinds": [
            {
                "label": K(key).label,
                "count": f"{number}+" if more else str(number),
                "url": f"{address}?kind={key}{whose}",
                "current": key == kind,
                "empty": not number,
            }
            for key, (number, more) in gaps.numbers.items()
        ],
        "whose": [
            Tab(_("In my scope"), f"{address}?kind={kind}", current=not mine),
            Tab(_("My customers"), f"{address}?kind={kind}&whose=mine", current=mine),
        ],
        "may_edit": user.has_perm("customers.edit"),
    }
    return render(request, "customers/quality_list.html", context)


def _row(item: QualityItem, kind: str) -> dict[str, Any]:
    customer = item.customer
    return {
        "item": item,
        "customer": customer,
        "name": masked_name(customer.name, customer.customer_type),
        "mend": reverse(MENDED_AT.get(kind, "customers:customer-profile"), args=[customer.pk]),
        "stale": kind == K.STALE,
    }


@require_POST
@never_cache
@requires("customers.edit")
def archive_confirm(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Somebody went through the data with the customer."""
    customer = seen(request, pk)
    user: Any = request.user
    services.confirm_archive(pk, actor=user)
    messages.success(request, _("%(number)s: the data are confirmed.") % {"number": customer.number})
    return redirect(f"{reverse('customers:quality-list')}?kind={K.STALE}")
