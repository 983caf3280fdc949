"""Rehearsing credit: one written customer in; score, grade, limit, grace and reasons out (design §4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from billing.credit.explaining import what_would_raise, why
from billing.credit.grading import Manual, Standing, standing
from billing.credit.rules import BEST_FIRST, CreditRules, rules_at
from billing.credit.scorecard import CreditFacts, score
from foundation.calendars.working_time import add_months
from foundation.common import clock
from foundation.common.explain import Explanation
from foundation.common.trying import BadCase

FLAGS = ("auto_debit", "identity", "written_off", "black_listed", "two_way", "fraud")
KNOWN = frozenset({*FLAGS, "bills", "suspensions", "since", "fee", "contract_end", "before", "manual", "now", "note"})
BILL = frozenset({"due_date", "amount", "paid_at", "disputed", "delivered"})
MOST_BILLS = 1_200
VALUE_BILLS = 6
LARGEST = Decimal(10) ** 12


@dataclass(frozen=True)
class _Bill:
    due_date: date
    amount: Decimal
    paid_at: date | None
    counts: bool


def try_credit(case: Any) -> dict[str, Any]:
    """The answer to one case (format: docs/try.md), by the policies in force on its day. Raises BadCase."""
    told = _object(case, KNOWN, "a case")
    day = _day(told, "now") or clock.today()
    rules = rules_at(datetime.combine(day, time(12), tzinfo=clock.BUSINESS_ZONE))
    facts = _facts(told, day, rules)
    found = score(facts, rules)
    held = standing(facts, found, _before(told), _manual(told), rules)
    return {
        "score": found.total,
        "basis": found.basis,
        "points": {term: f"{points:.2f}" for term, points in found.points.items()},
        "grade": held.grade,
        "falls_to": held.falls_to or None,
        "falls_on": held.falls_on.isoformat() if held.falls_on else None,
        "limit": held.limit,
        "grace_days": held.grace_days,
        "why": _words(why(facts, found, held, rules)),
        "raise": what_would_raise(facts, rules).in_words(),
    }


def _words(told: Explanation) -> list[dict[str, Any]]:
    return [
        {"input": step.input, "value": step.value, "rule": step.rule, "source": step.source, "words": words}
        for step, words in zip(told.steps, told.in_words(), strict=True)
    ]


def _facts(told: dict[str, Any], day: date, rules: CreditRules) -> CreditFacts:
    bills = _bills(told.get("bills", []))
    begins = add_months(day, -rules.arrears["months"])
    due = [bill for bill in bills if bill.counts and begins <= bill.due_date < day]
    newest = sorted((bill for bill in bills if bill.due_date <= day), key=lambda b: b.due_date)[-VALUE_BILLS:]
    mean = (
        (sum((bill.amount for bill in newest), Decimal(0)) / len(newest)).quantize(Decimal("0.01")) if newest else None
    )
    return CreditFacts(
        day=day,
        since=_day(told, "since"),
        due=len(due),
        on_time=sum(bill.paid_at is not None and bill.paid_at <= bill.due_date for bill in due),
        late=sum(((bill.paid_at or day) - bill.due_date).days > rules.arrears["late_days"] for bill in due),
        suspensions=sum(begins <= suspended <= day for suspended in _days(told.get("suspensions", []))),
        value=mean,
        fee=_amount(told["fee"], "fee") if told.get("fee") is not None else None,
        contract_end=_day(told, "contract_end"),
        **{name: _flag(told, name) for name in FLAGS},
    )


def _bills(told: Any) -> list[_Bill]:
    if not isinstance(told, list) or len(told) > MOST_BILLS:
        raise BadCase(f"bills must be a list of at most {MOST_BILLS}")
    bills = []
    for bill in told:
        row = _object(bill, BILL, "a bill")
        due = _day(row, "due_date")
        if due is None or "amount" not in row:
            raise BadCase("a bill needs due_date and amount")
        counts = _flag(row, "delivered", default=True) and not _flag(row, "disputed")
        bills.append(_Bill(due, _amount(row["amount"], "amount"), _day(row, "paid_at"), counts))
    return bills


def _before(told: dict[str, Any]) -> Standing | None:
    """{"grade", "falls_to", "falls_on"} of the last score."""
    if told.get("before") is None:
        return None
    row = _object(told["before"], frozenset({"grade", "falls_to", "falls_on"}), "before")
    grade, falls_on = _grade(row, "grade"), _day(row, "falls_on")
    falls_to = _grade(row, "falls_to") if falls_on else ""
    return Standing(grade, grade, falls_to, falls_on, limit=0, grace_days=0)


def _manual(told: dict[str, Any]) -> Manual | None:
    """{"grade", "until"} set by hand."""
    if told.get("manual") is None:
        return None
    row = _object(told["manual"], frozenset({"grade", "until"}), "manual")
    until = _day(row, "until")
    if until is None:
        raise BadCase("manual needs until")
    return Manual(_grade(row, "grade"), until)


def _object(told: Any, known: frozenset[str], name: str) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise BadCase(f"{name} is an object")
    if unknown := sorted(set(told) - known):
        raise BadCase(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    return told


def _grade(row: dict[str, Any], name: str) -> str:
    grade = row.get(name)
    if grade not in BEST_FIRST:
        raise BadCase(f"{name} must be one of {', '.join(BEST_FIRST)}")
    return str(grade)


def _amount(told: Any, name: str) -> Decimal:
    try:
        amount = Decimal(str(told)) if isinstance(told, int | float | str) and not isinstance(told, bool) else None
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite() or not 0 <= amount <= LARGEST or amount != round(amount, 2):
        raise BadCase(f"{name} must be an amount in CNY, not negative, in whole fen")
    return amount


def _days(told: Any) -> list[date]:
    if not isinstance(told, list):
        raise BadCase("suspensions must be a list of days")
    return [found for one in told if (found := _day({"suspensions": one}, "suspensions")) is not None]


def _day(row: dict[str, Any], name: str) -> date | None:
    told = row.get(name)
    if told is None:
        return None
    try:
        day = date.fromisoformat(told)
    except (TypeError, ValueError):
        raise BadCase(f"{name} must be a day as 2026-10-01") from None
    if not 1900 <= day.year <= 2200:
        raise BadCase(f"{name} must lie between 1900 and 2200")
    return day


def _flag(row: dict[str, Any], name: str, default: bool = False) -> bool:
    told = row.get(name, default)
    if not isinstance(told, bool):
        raise BadCase(f"{name} must be true or false")
    return told
