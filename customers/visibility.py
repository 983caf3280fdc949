"""Which customers a person's own open contacts make visible and clear (D§3.1); interactions tells, we ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection

from foundation.common.prepared import prepared

if TYPE_CHECKING:
    from customers.models import Customer
    from staff.models import User


@dataclass(frozen=True)
class Opener:
    """A source of customers open to a user now.

    `sql`: a SELECT of their ids, `%s` for parameters, bounded and served by an index. `params(user)`: their values.
    """

    sql: str
    params: Callable[[User], Sequence[Any]]


_openers: list[Opener] = []


def register_opener(opener: Opener) -> None:
    """Add a source. Registering twice counts once."""
    if opener not in _openers:
        _openers.append(opener)


def opened_ids(user: User) -> set[int]:
    """Ids of the customers the user's contacts and promises open at this moment: one query."""
    if not _openers:
        return set()
    params = [value for opener in _openers for value in opener.params(user)]
    with connection.cursor() as cursor:
        cursor.execute(*prepared(" UNION ALL ".join(f"({opener.sql})" for opener in _openers), params))
        return {customer_id for (customer_id,) in cursor.fetchall()}


def opens(column: str, user: User) -> tuple[str, list[Any]]:
    """A condition in SQL that the customer whose id stands in `column` is open to the user, and its parameters."""
    if not _openers:
        return "false", []
    sources = " UNION ALL ".join(f"({opener.sql})" for opener in _openers)
    return f"{column} IN ({sources})", [value for opener in _openers for value in opener.params(user)]


def contact_opens(user: User, customer: Customer) -> bool:
    """Whether an own open contact makes this customer visible, with name, phone and address clear."""
    return customer.pk in opened_ids(user)
