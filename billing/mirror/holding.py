"""One worker at a time works on what is stated of an account."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

_KEY = "hashtextextended('billing-' || ref, 0)"


def hold_free(refs: Iterable[str]) -> set[str]:
    """Take those of these accounts (billing's ids) nobody holds, until the transaction ends; returns them."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT ref FROM unnest(%s::text[]) AS r (ref) WHERE pg_try_advisory_xact_lock({_KEY})",
            [sorted(set(refs))],
        )
        return {ref for (ref,) in cursor.fetchall()}


def hold(refs: Iterable[str]) -> None:
    """Take these accounts, waiting for whoever holds one, until the transaction ends; in one order, so that two never
    wait for each other."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(pg_advisory_xact_lock({_KEY})) FROM (SELECT ref FROM unnest(%s::text[]) AS r (ref)"
            " ORDER BY ref OFFSET 0) r",
            [sorted(set(refs))],
        )
