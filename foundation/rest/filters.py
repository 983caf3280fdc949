"""Filters of lists (rest.md): each attribute is declared, and what is not declared is refused, never ignored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any

from django.db.models import Q
from django.http import QueryDict
from rest_framework.exceptions import ValidationError

from foundation.common.ids import from_text
from foundation.rest.bodies import bad_text
from foundation.rest.shapes import read_moment

OPERATORS = ("gt", "gte", "lt", "lte")
RESERVED = frozenset({"fields", "offset", "limit", "after"})
MOST_VALUES, LONGEST = 100, 200
BIGGEST_ID = 2**63


class Of(Enum):
    """What kind of value a filter compares."""

    TEXT = "text"
    MOMENT = "moment"
    NUMBER = "number"
    ID = "id"
    CODE = "code"
    FLAG = "flag"


ORDERED = (Of.MOMENT, Of.NUMBER)


@dataclass(frozen=True)
class Indexed:
    """An attribute an index finds. `lookup`: the column path, or what makes the condition of the wanted values.
    `codes`: of `Of.CODE`, the word callers use -> the values of the column (also several). `pins_customer`: with it the
    list is one customer's."""

    lookup: str | Callable[[list[Any]], Q]
    of: Of = Of.TEXT
    codes: Mapping[str, tuple[Any, ...]] | None = None
    pins_customer: bool = False


@dataclass(frozen=True)
class WithinCustomer(Indexed):
    """An attribute without an index: only where another filter pins one customer."""


@dataclass(frozen=True)
class Refused:
    """An attribute nobody may ask by, with the reason the caller is told."""

    reason: str = "no index serves it; ask by another attribute and read it from the answer"


Filter = Indexed | Refused


def condition_of(filters: Mapping[str, Filter], asked: QueryDict) -> Q:
    """What the query of a list asks for. Raises ValidationError that names each faulty parameter."""
    found, faults = Q(), {}
    pinned = any(isinstance(one, Indexed) and one.pins_customer and asked.get(name) for name, one in filters.items())
    for said, lists in asked.lists():
        if said in RESERVED:
            continue
        name, operator = _split(said, filters)
        one = filters.get(name)
        try:
            if one is None:
                raise ValueError("there is no such attribute")
            if isinstance(one, Refused):
                raise ValueError(one.reason)
            if isinstance(one, WithinCustomer) and not pinned:
                raise ValueError("asked only within one customer: name the customer too")
            found &= _condition(one, operator, [part for text in lists for part in text.split(",")])
        except ValueError as no:
            faults[said[:80]] = [str(no)]
    if faults:
        raise ValidationError(faults)
    return found


def _split(said: str, filters: Mapping[str, Filter]) -> tuple[str, str]:
    name, _dot, operator = said.rpartition(".")
    return (name, operator) if operator in OPERATORS and name in filters else (said, "")


def _condition(one: Indexed, operator: str, said: list[str]) -> Q:
    if len(said) > MOST_VALUES:
        raise ValueError(f"at most {MOST_VALUES} values")
    values = [value for text in said for value in _values(one, text)]
    if not operator:
        return one.lookup(values) if callable(one.lookup) else Q(**{f"{one.lookup}__in": values})
    if one.of not in ORDERED or callable(one.lookup):
        raise ValueError("is neither a moment nor a number: it can only be equal")
    if len(values) != 1:
        raise ValueError("takes one value")
    return Q(**{f"{one.lookup}__{operator}": values[0]})


def _values(one: Indexed, text: str) -> list[Any]:
    """What a word of the caller means; several where one word stands for several states of ours. Raises ValueError."""
    if not text or len(text) > LONGEST or bad_text(text):
        raise ValueError("a value is missing or damaged")
    if one.of is Of.CODE:
        codes = {word.lower(): values for word, values in (one.codes or {}).items()}
        if text.lower() not in codes:
            raise ValueError("must be one of " + ", ".join(one.codes or {}))
        return list(codes[text.lower()])
    if one.of is Of.ID:
        value = from_text(text) if text.isascii() and text.isalnum() and text == text.lower() else BIGGEST_ID
        if value >= BIGGEST_ID:
            raise ValueError("is not an id of ours")
        return [value]
    if one.of is Of.MOMENT:
        try:
            return [read_moment(text)]
        except OverflowError as error:
            raise ValueError("must be a moment in ISO 8601") from error
        except ValueError as error:
            raise ValueError("must be a moment in ISO 8601") from error
    if one.of is Of.NUMBER:
        return [_number(text)]
    if one.of is Of.FLAG:
        if text.lower() not in ("true", "false"):
            raise ValueError("must be true or false")
        return [text.lower() == "true"]
    return [text]


def _number(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ValueError("must be a number") from error
    if not value.is_finite() or value.adjusted() > 12 or int(value.as_tuple().exponent) < -6:
        raise ValueError("must be a number of at most 12 digits")
    return value
