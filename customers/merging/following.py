"""Who asks for an archive that was merged into another is led to that one, on every page of a customer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from customers.models import Customer

Next = Callable[[HttpRequest], HttpResponseBase]


class SamePage(HttpResponseRedirect):
    """The same request again at another address, with what was typed."""

    status_code = 307


class FollowMerged:
    """An absorbed archive is in nobody's sight (404); instead the same page of its survivor answers, if that is seen.

    What was typed for the absorbed one is sent on: it is added there, or compared there with what stands there now.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        match = request.resolver_match
        if not isinstance(error, Http404) or match is None:
            return None
        if match.namespace != "customers" or "pk" not in match.kwargs:
            return None
        user: Any = request.user
        into = Customer.objects.filter(pk=match.kwargs["pk"]).values_list("merged_into_id", flat=True).first()
        if into is None or not Customer.objects.visible_to(user).filter(pk=into).exists():
            return None
        address = reverse(match.view_name, kwargs={**match.kwargs, "pk": into})
        query = request.META.get("QUERY_STRING", "")
        where = f"{address}?{query}" if query else address
        return HttpResponseRedirect(where) if request.method in {"GET", "HEAD"} else SamePage(where)
