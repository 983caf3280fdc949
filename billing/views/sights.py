"""Whose bills a page shows: the customer as the archive lets the person see them, within `billing.view`."""

from __future__ import annotations

from django.http import Http404, HttpRequest

from billing.glance import VIEW
from customers.views.showing import View
from staff.rights import sight_of


def customer_view(request: HttpRequest, pk: int) -> View:
    """The customer's page for one person. Raises Http404 when the customer or their bills are not theirs to see."""
    view = View(request, pk)
    covered = sight_of(view.user, VIEW).covers(unit_no=view.customer.unit_no, owner_id=view.customer.manager_id)
    if not covered and pk not in view.opened:
        raise Http404
    return view
