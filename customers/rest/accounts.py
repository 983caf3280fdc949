"""Accounts of a customer as billing, which stands above the archive, tells of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Accounts = Callable[[Sequence[int]], dict[int, list[dict[str, Any]]]]
_sources: list[Accounts] = []


def register_accounts(source: Accounts) -> None:
    """Who knows accounts: customer ids → TMF AccountRefs by customer id, in one query."""
    if source not in _sources:
        _sources.append(source)


def accounts_of(customer_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """The accounts of these customers, one query a source."""
    found: dict[int, list[dict[str, Any]]] = {}
    for source in _sources:
        for key, refs in source(customer_ids).items():
            found.setdefault(key, []).extend(refs)
    return found
