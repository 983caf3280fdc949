"""One customer on one page (ui-guide §5, §12.4), and the earlier parts of the timeline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from customers.labels import TIERS
from customers.merging.reading import merged_set
from customers.models import Customer, Subscription
from customers.panels import actions_for, rendered_panels
from customers.presence import VIEW, mark
from customers.queries import CustomerPage, contract_ends_soon, since_of
from customers.recent import note_viewed
from customers.timeline import GROUPS, timeline_page
from customers.value.card import value_card
from customers.views.consent import agreed_by_purpose
from customers.views.showing import STATUS_TONES, View, seen
from foundation.common.doors import requires
from foundation.common.ids import from_text, to_text
from foundation.ui.htmx import wants_fragment
from foundation.ui.parts.charts import Chart, Series
from foundation.ui.parts.lists import Tab
from foundation.ui.wording import month_word, say_money

IDENTITY = {
    Customer.IdentityStatus.VERIFIED: ("ok", "shield-check"),
    Customer.IdentityStatus.UNVERIFIED: ("warn", "shield-alert"),
    Customer.IdentityStatus.REJECTED: ("danger", "shield-x"),
    Customer.IdentityStatus.RECHECK: ("warn", "shield-question-mark"),
}


@require_GET
@never_cache
@requires("customers.view")
def customer_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The page; a customer outside one's sight is not there (404) until a contact is started."""
    if wants_fragment(request):  # a pill of the timeline: its address is this page's, so that it can be kept
        return customer_timeline(request, pk)
    view = View(request, pk)
    note_viewed(view.user, pk)
    group = _group(request)
    context = {
        "view": view,
        "page": view.page,
        "customer": view.customer,
        "panels": rendered_panels(view.customer, view.user, request),
        "actions": _actions(view),
        "identity": IDENTITY[Customer.IdentityStatus(view.customer.identity_status)],
        "tone": STATUS_TONES[Customer.Status(view.customer.status)],
        "tier": TIERS.get(view.page.tier, view.page.tier),
        "chart": revenue_chart(view.page),
        "ends_soon": contract_ends_soon(view.page),
        "agreed": agreed_by_purpose(view.page.consents),
        "value": value_card(view.page),
        "timeline": _timeline(pk, view.page.since, group, absorbed=view.page.absorbed),
        "present": mark(view.user, pk, VIEW),
        "doing": VIEW,
    }
    return render(request, "customers/customer_detail.html", context)


@require_GET
@never_cache
@requires("customers.view")
def customer_timeline(request: HttpRequest, pk: int) -> HttpResponse:
    """Some lines of the timeline: another group, or the earlier ones. As a page of its own without script."""
    customer = seen(request, pk)
    before = request.GET.get("before", "")
    try:
        start = from_text(before) if before else None
    except ValueError:
        start = None
    first = Subscription.objects.filter(customer=customer).aggregate(first=Min("activated_on"))["first"]
    _own, *absorbed = merged_set(pk)
    timeline = _timeline(pk, since_of(customer, first), _group(request), start, absorbed)
    context = {"customer": customer, "timeline": timeline}
    if not wants_fragment(request):
        return render(request, "customers/customer_timeline.html", context)
    return render(request, "customers/_earlier.html" if start else "customers/_timeline.html", context)


def _group(request: HttpRequest) -> str:
    group = request.GET.get("group", "")
    return group if group in GROUPS else ""


def _timeline(
    pk: int, since: datetime, group: str, before: int | None = None, absorbed: Sequence[int] = ()
) -> dict[str, Any]:
    address, own = reverse("customers:customer-timeline", args=[pk]), reverse("customers:customer-detail", args=[pk])
    page = timeline_page(pk, since=since, group=group, before=before, absorbed=absorbed)
    query = f"group={group}&" if group else ""
    return {
        "entries": page.entries,
        "group": group,
        "id": f"timeline-{before or 0}",
        "earlier": f"{address}?{query}before={to_text(page.before)}" if page.before else "",
        "pills": [
            Tab(_("All"), own, current=not group),
            *(Tab(words, f"{own}?group={key}", current=key == group) for key, words in GROUPS.items()),
        ],
    }


def _actions(view: View) -> list[dict[str, Any]]:
    return [
        {"label": a.label, "icon": a.icon, "url": a.url(view.customer), "key": a.shortcut.upper()}
        for a in actions_for(view.user)
    ]


def revenue_chart(page: CustomerPage) -> Chart | None:
    """The last months' revenue as bars, the newest marked; None below two months."""
    if len(page.months) < 2:
        return None
    first, last = page.months[0], page.months[-1]
    return Chart(
        title=_("Revenue by month"),
        labels=[month_word(m.month.month) for m in page.months],
        series=[Series(_("Revenue"), [float(m.revenue) for m in page.months])],
        sentence=_("%(n)s months: %(first)s in %(from)s, %(last)s in %(to)s")
        % {
            "n": len(page.months),
            "first": say_money(first.revenue),
            "from": month_word(first.month.month),
            "last": say_money(last.revenue),
            "to": month_word(last.month.month),
        },
        highlight=len(page.months) - 1,
        axis=False,
    )
