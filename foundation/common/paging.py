"""Keyset pages: never COUNT(*), never OFFSET; the cost of page 1,000 is the cost of page 1."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar, overload

from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import ValidationError
from django.db.models import BooleanField, F, Func, Q, QuerySet

from foundation.common.errors import RuleBroken

R = TypeVar("R")


@dataclass(frozen=True)
class Page(Generic[R]):
    """One page: its rows, the cursors around it, and whether it is the first."""

    items: list[R]
    next_cursor: str | None
    is_first: bool


def _pack(values: list[Any]) -> str:
    plain = [
        {"t": value.isoformat()}
        if isinstance(value, datetime)
        else {"d": value.isoformat()}
        if isinstance(value, date)
        else value
        for value in values
    ]
    return base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).decode().rstrip("=")


def values_of(cursor: str, length: int) -> list[Any]:
    """The values a cursor of `length` columns holds. Raises RuleBroken("page.bad_cursor")."""
    try:
        raw = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        values = [
            datetime.fromisoformat(v["t"])
            if isinstance(v, dict) and "t" in v
            else date.fromisoformat(v["d"])
            if isinstance(v, dict)
            else v
            for v in raw
        ]
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise RuleBroken("page.bad_cursor", "this page address is damaged; start from the first page") from error
    if len(values) != length:
        raise RuleBroken("page.bad_cursor", "this page address belongs to another order; start from the first page")
    return values


@overload
def keyset_page(
    rows: QuerySet[Any, R], *, after: str | None, size: int = 50, streams: Sequence[Q] = (), show: None = None
) -> Page[R]: ...


@overload
def keyset_page(
    rows: QuerySet[Any, Any],
    *,
    after: str | None,
    size: int = 50,
    streams: Sequence[Q] = (),
    show: Callable[[QuerySet[Any, Any]], QuerySet[Any, R]],
) -> Page[R]: ...


@overload
def keyset_page(
    rows: QuerySet[Any, Any],
    *,
    after: str | None,
    size: int = 50,
    streams: Sequence[Q] = (),
    fetch: Callable[[QuerySet[Any, Any], int], list[R]],
) -> Page[R]: ...


def keyset_page(
    rows: QuerySet[Any, Any],
    *,
    after: str | None,
    size: int = 50,
    streams: Sequence[Q] = (),
    show: Callable[[QuerySet[Any, Any]], QuerySet[Any, Any]] | None = None,
    fetch: Callable[[QuerySet[Any, Any], int], list[Any]] | None = None,
) -> Page[Any]:
    """The page of `rows` after the cursor `after` (None or empty: the first).

    `rows` must be ordered by plain, non-null columns ending in a unique one (a total order), each "name" or
    "-name". `streams`: only rows that meet one of these conditions. Each is read in the order of the page by an index
    of its own, which one condition with OR would not be. `show`: what the page shows of the rows, the columns of the
    order among it; joined to those found, never to those looked through. `fetch` instead of both: gives so many
    of the first of the rows as the page shows them. Raises RuleBroken("page.bad_cursor") for a cursor that is damaged
    or of another order.
    """
    order = [str(name) for name in rows.query.order_by]
    if not order:
        raise ValueError("a keyset page needs an ordered queryset")
    names = [name.lstrip("-") for name in order]
    if after:
        values = values_of(after, len(names))
        condition = Q()
        for index, name in enumerate(order):
            ties = {names[i]: values[i] for i in range(index)}
            step = f"{names[index]}__{'lt' if name.startswith('-') else 'gt'}"
            condition |= Q(**ties, **{step: values[index]})
        # The first column's bound alone lets the index start in the right place.
        edge = f"{names[0]}__{'lte' if order[0].startswith('-') else 'gte'}"
        try:
            rows = rows.filter(Q(**{edge: values[0]}) & condition)
        except (ValueError, TypeError, ValidationError) as error:  # values of another kind than the columns
            raise RuleBroken("page.bad_cursor", "this page address is damaged; start from the first page") from error
    found = fetch(rows, size + 1) if fetch else list(first_of(rows, streams, size + 1, show))
    items = found[:size]
    cursor = _pack([_value(items[-1], name) for name in names]) if len(found) > size else None
    return Page(items=items, next_cursor=cursor, is_first=not after)


def cursor_of(rows: QuerySet[Any, Any], row: Any) -> str:
    """The cursor after which a page of `rows`, in their order, goes on behind `row`."""
    return _pack([_value(row, str(name).lstrip("-")) for name in rows.query.order_by])


def first_of(
    rows: QuerySet[Any, Any],
    streams: Sequence[Q],
    count: int,
    show: Callable[[QuerySet[Any, Any]], QuerySet[Any, R]] | None = None,
) -> QuerySet[Any, R]:
    """The first `count` of `rows` that lie in any of the streams (none: of all), as `show` makes them."""
    parts = [rows.filter(condition)[:count] for condition in streams or [Q()]]
    keys = [part.values("pk") for part in parts]
    found = keys[0] if len(keys) == 1 else keys[0].union(*keys[1:])
    if show is not None:
        there = rows.model._default_manager.filter(among(found)).order_by(*rows.query.order_by)
        return show(there)[:count]
    return parts[0] if len(parts) == 1 else rows.filter(among(found))[:count]


def count_of(rows: QuerySet[Any, Any], streams: Sequence[Q], most: int) -> int:
    """How many of `rows` lie in any of the streams (none: of all), counted to `most`."""
    parts = [rows.filter(condition).order_by().values("pk")[:most] for condition in streams or [Q()]]
    found = parts[0] if len(parts) == 1 else parts[0].union(*parts[1:])[:most]
    return found.count()


class _Among(Func):
    """`a = ANY(b)`."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = BooleanField()


def among(keys: QuerySet[Any, Any]) -> Q:
    """The condition that a row's key is one of `keys`, a query of few. They are found first and the rows fetched by
    them: of `pk__in` the planner, who cannot tell how few there are, at times makes a walk through the whole table."""
    return Q(_Among(F("pk"), ArraySubquery(keys)))


def _value(row: Any, path: str) -> Any:
    for part in path.split("__"):
        row = getattr(row, part)
    return row


def capped_count(rows: QuerySet[Any], cap: int = 500) -> tuple[int, bool]:
    """How many rows there are, counting at most `cap`; the second part says whether there are more ("500+")."""
    found = rows.order_by()[: cap + 1].values("pk").count()
    return min(found, cap), found > cap
