"""What staff looked for and at: words typed into the search, and lists of customers seen last."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from customers.models import RecentlyViewed, SearchLink
from foundation.common.personal import Step, register_step


def find(ids: list[int]) -> dict[str, QuerySet[Any]]:
    """The search links and lists that would change."""
    return {
        "customer_search_link": SearchLink.objects.all(),
        "customers_recentlyviewed": RecentlyViewed.objects.filter(customer_ids__overlap=ids),
    }


def erase(ids: list[int], at: datetime) -> dict[str, int]:
    """Forget every search link, for the words typed may be any part of a name or number and live an hour at most; and
    take the customers off the lists of those seen last."""
    links = SearchLink.objects.all().delete()[0]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE customers_recentlyviewed SET customer_ids ="
            " ARRAY(SELECT v.id FROM unnest(customer_ids) WITH ORDINALITY AS v (id, place)"
            " WHERE v.id <> ALL(%(ids)s) ORDER BY v.place) WHERE customer_ids && %(ids)s",
            {"ids": ids},
        )
        return {"customer_search_link": links, "customers_recentlyviewed": cursor.rowcount}


def register() -> None:
    """Make the step known."""
    register_step(Step("customers.looking", find, erase))
