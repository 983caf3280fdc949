"""What belongs together after a merge, and what a merge would move."""

from __future__ import annotations

from typing import Any

from django.db import connection

from customers.models import Customer
from foundation.common.merging import OnMerge, keys_of


def merged_set(customer_id: int) -> list[int]:
    """The customer and those it has taken up: whom reads of append-only rows ask for (OnMerge.READ_THROUGH)."""
    taken = Customer.objects.filter(merged_into=customer_id).order_by("pk").values_list("pk", flat=True)
    return [customer_id, *taken]


def survivor_of(customer_id: int) -> int:
    """The customer that stands for this one now: itself, or the one that took it up."""
    into = Customer.objects.filter(pk=customer_id).values_list("merged_into_id", flat=True).first()
    return into or customer_id


def standing(customer: Customer) -> Customer:
    """The customer that stands for this one now, for writers who may hold an old copy: no query when it is itself."""
    if customer.merged_into_id is None:
        return customer
    return Customer.objects.get(pk=customer.merged_into_id)


def rows_to_move(customer_id: int) -> dict[str, int]:
    """How many rows of each table a merge would give to the survivor, in one query; empty tables are left out."""
    return _counted(customer_id, OnMerge.MOVE, OnMerge.COMBINE)


def rows_that_stay(customer_id: int) -> dict[str, int]:
    """How many rows of each table stay where they are and are read with the survivor's, in one query."""
    return _counted(customer_id, OnMerge.READ_THROUGH)


def _counted(customer_id: int, *rules: OnMerge) -> dict[str, int]:
    keys = [key for rule in rules for key in keys_of(rule)]
    parts = [f'SELECT %s, count(*) FROM "{key.table}" WHERE "{key.column}" = %s' for key in keys]
    values: list[Any] = [value for key in keys for value in (key.table, customer_id)]
    found: dict[str, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), values)
        for table, many in cursor.fetchall():
            if many:
                found[table] = found.get(table, 0) + many
    return found
