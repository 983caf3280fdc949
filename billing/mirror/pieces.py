"""The pieces bodies of billing are made of, read strictly: money, moments, days, codes, references."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from foundation.common import clock

MOST_MONEY = Decimal("999999999999.99")
LONGEST = 64


class Unusable(Exception):
    """A body that cannot be used; `fault`: the field and a code of `FAULTS`, and what stands there when it is not
    personal."""

    def __init__(self, field: str, code: str, value: str = "") -> None:
        super().__init__(f"{field}: {code}")
        self.fault = {"field": field, "code": code, "value": value[:60]}


class Partial(Exception):
    """A body that lacks a required attribute: the resource has to be read."""


def money(told: Any, name: str, *, negative: bool = False) -> Decimal:
    """An amount {unit, value} in CNY, exact. Raises Unusable."""
    if not isinstance(told, dict):
        raise Unusable(name, "object")
    unit = told.get("unit", told.get("units"))
    if unit != "CNY":
        raise Unusable(f"{name}.unit", "currency", str(unit))
    return exact(told.get("value", told.get("amount")), f"{name}.value", negative=negative)


def exact(told: Any, name: str, *, negative: bool = False) -> Decimal:
    """A number with at most two decimals. Floats come from JSON as they were written (Decimal); text is read too."""
    if isinstance(told, float):
        told = repr(told)
    if isinstance(told, bool) or not isinstance(told, int | str | Decimal):
        raise Unusable(name, "number")
    try:
        amount = Decimal(told)
        if not amount.is_finite():
            raise Unusable(name, "number")
        rounded = amount.quantize(Decimal("0.01"))
    except InvalidOperation:
        raise Unusable(name, "number", str(told)) from None
    if rounded != amount:
        raise Unusable(name, "decimals", str(told))
    if abs(amount) > MOST_MONEY:
        raise Unusable(name, "too_large", str(told))
    if amount < 0 and not negative:
        raise Unusable(name, "negative", str(told))
    return rounded


def need(body: Mapping[str, Any], *names: str) -> None:
    if any(body.get(name) is None for name in names):
        raise Partial


def text(told: Mapping[str, Any], name: str, *, longest: int = LONGEST) -> str:
    value = told.get(name)
    if value is None or value == "":
        raise Unusable(name, "missing")
    if not isinstance(value, str):
        raise Unusable(name, "text")
    if len(value) > longest or "\0" in value:
        raise Unusable(name, "too_long")
    return value


def short(value: Any, name: str, longest: int = LONGEST) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise Unusable(name, "text")
    if len(value) > longest or "\0" in value:
        raise Unusable(name, "too_long")
    return value


def ref(body: Mapping[str, Any], name: str) -> str:
    told = body.get(name)
    if not isinstance(told, dict):
        raise Unusable(name, "object")
    key = short(told.get("id"), f"{name}.id")
    if not key:
        raise Unusable(f"{name}.id", "missing")
    return key


def moment_in(told: Any, name: str) -> datetime:
    if not isinstance(told, str):
        raise Unusable(name, "missing" if told is None else "moment")
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        raise Unusable(name, "moment", told) from None
    if moment.tzinfo is None:
        raise Unusable(name, "zone", told)
    if not 2000 <= moment.year <= 2200:
        raise Unusable(name, "moment", told)
    return moment


def maybe_moment(body: Mapping[str, Any], *names: str) -> datetime | None:
    for name in names:
        if body.get(name) is not None:
            return moment_in(body[name], name)
    return None


def day_in(told: Any, name: str) -> date:
    """The day of a moment in the business zone, or a plain date."""
    if isinstance(told, str) and len(told) == 10:
        try:
            day = date.fromisoformat(told)
        except ValueError:
            raise Unusable(name, "moment", told) from None
        if not 2000 <= day.year <= 2200:
            raise Unusable(name, "moment", told)
        return day
    return clock.today(moment_in(told, name))


def code_in(told: Any, name: str, codes: Mapping[str, str]) -> str:
    if not isinstance(told, str) or told.strip().lower() not in codes:
        raise Unusable(name, "code", told if isinstance(told, str) else "")
    return codes[told.strip().lower()]


def yes_in(body: Mapping[str, Any], name: str, default: bool) -> bool:
    told = body.get(name, default)
    if not isinstance(told, bool):
        raise Unusable(name, "yes_or_no")
    return told
