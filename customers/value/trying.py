"""Rehearsing the judgement of value: one written customer in, class, potential, cell and reasons out (design §4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from customers.models.subscriptions import ProductLine
from customers.value import explaining
from customers.value.engine import Inputs, judge
from customers.value.measuring import BILLS
from customers.value.rules import KINDS, LINE_BITS, Rules, Whole, rounded
from customers.value.running import latest_value_run, month_before, value_rules
from customers.value.service import as_row
from foundation.common import clock
from foundation.common.trying import BadCase

COUNTS = (
    "voice_now", "voice_before", "data_now", "data_before", "full_months", "roaming_days", "roaming_last", "age",
    "contacts",
)  # fmt: skip
NEEDED = frozenset({"full_months", "roaming_days", "roaming_last", "contacts"})
LARGEST = 10**12
KNOWN = frozenset(
    {*COUNTS, "month", "kind", "category", "bills", "lines", "since", "contract_end", "no_profile", "whole", "note"}
)


def try_value(case: Any) -> dict[str, Any]:
    """The answer to one case (format: docs/try.md), by the policies in force. Raises BadCase.

    Medians and bounds of the classes are those of the newest run unless the case names its own.
    """
    if not isinstance(case, dict):
        raise BadCase("a case is an object")
    if unknown := sorted(set(case) - KNOWN):
        raise BadCase(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(KNOWN))}")
    given = _inputs(case)
    rules = _rules(case, given)
    found = judge(given, rules)
    row = as_row(0, given, found)
    why = explaining.why(row, rules)
    return {
        "value": None if given.value is None else f"{given.value:.2f}",
        "class": found.value_class,
        "potential": found.potential,
        "points": {term: f"{points:.2f}" for term, points in found.points.items()},
        "cell": found.cell,
        "clv": None if found.clv is None else f"{found.clv:.2f}",
        "personas": found.personas,
        "why": [
            {"input": step.input, "value": step.value, "rule": step.rule, "source": step.source, "words": words}
            for step, words in zip(why.steps, why.in_words(), strict=True)
        ],
        "change": explaining.what_would_change(row, rules).in_words(),
    }


def _inputs(case: dict[str, Any]) -> Inputs:
    kind = case.get("kind", "PERSON")
    if kind not in KINDS:
        raise BadCase(f"kind must be one of {', '.join(KINDS)}")
    lines = case.get("lines", [])
    if not isinstance(lines, list) or not all(isinstance(line, str) and line in LINE_BITS for line in lines):
        raise BadCase(f"lines must be a list of {', '.join(ProductLine.values)}")
    bills = _bills(case.get("bills", []))
    counts = {name: _count(case, name) for name in COUNTS}
    month = _day(case, "month") or month_before(clock.now())
    if month.day != 1:
        raise BadCase("month must be the first day of a month")
    return Inputs(
        month=month,
        kind=kind,
        category=str(case.get("category", kind)),
        bills=len(bills),
        value=rounded(sum(bills, Decimal(0)) / len(bills), 2) if bills else None,
        lines_held=sum(LINE_BITS[line] for line in set(lines)),
        since=_day(case, "since"),
        contract_end=_day(case, "contract_end"),
        no_profile=_flag(case, "no_profile"),
        **counts,  # type: ignore[arg-type]  # those of NEEDED are never None
    )


def _rules(case: dict[str, Any], given: Inputs) -> Rules:
    run = latest_value_run()
    rules = replace(value_rules(given.month), wholes=Rules.from_json(run.rules).wholes if run else {})
    wholes = {kind: rules.wholes.get(kind, Whole()) for kind in KINDS}
    if "whole" in case:
        wholes[given.kind] = _whole(case["whole"])
    return replace(rules, wholes=wholes)


def _whole(told: Any) -> Whole:
    """Medians and bounds a case names: `{"bounds": {"5": 300, "4": 150}, "voice": 200, "data": 9000}`."""
    if not isinstance(told, dict) or set(told) - {"bounds", "voice", "data"}:
        raise BadCase("whole is an object with bounds, voice and data")
    bounds = told.get("bounds", {})
    if not isinstance(bounds, dict) or set(bounds) - {"5", "4", "3", "2"}:
        raise BadCase("bounds is an object from class 5, 4, 3, 2 to CNY")
    amounts = {code: _amount(bound, "bounds") for code, bound in bounds.items()}
    return Whole(amounts, _count(told, "voice"), _count(told, "data"))


def _bills(told: Any) -> list[Decimal]:
    """The latest bills, newest first as they are written."""
    if not isinstance(told, list) or len(told) > 120:
        raise BadCase("bills must be a list of amounts, newest first")
    return [_amount(bill, "bills") for bill in told][:BILLS]


def _amount(told: Any, name: str) -> Decimal:
    try:
        if isinstance(told, bool) or not isinstance(told, int | float | str):
            raise InvalidOperation
        amount = Decimal(str(told))
        if not amount.is_finite() or abs(amount) > LARGEST:
            raise InvalidOperation
    except InvalidOperation:
        raise BadCase(f"{name}: {told!r} is no amount") from None
    return rounded(amount, 2)


def _count(case: dict[str, Any], name: str) -> int | None:
    told = case.get(name, 0 if name in NEEDED else None)
    if told is None and name not in NEEDED:
        return None
    if type(told) is not int or not 0 <= told <= LARGEST:
        raise BadCase(f"{name} must be a whole number, not negative")
    return told


def _day(case: dict[str, Any], name: str) -> date | None:
    told = case.get(name)
    if told is None:
        return None
    try:
        day = date.fromisoformat(told)
    except (TypeError, ValueError):
        raise BadCase(f"{name} must be a day as 2026-10-01") from None
    if not 1900 <= day.year <= 2200:
        raise BadCase(f"{name} must lie between 1900 and 2200")
    return day


def _flag(case: dict[str, Any], name: str) -> bool:
    told = case.get(name, False)
    if not isinstance(told, bool):
        raise BadCase(f"{name} must be true or false")
    return told
