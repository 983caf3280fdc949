"""Rehearsing the ladder: one written account in, steps taken and ahead, late fee, state and reasons out (design §4)."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from billing.dunning.days import ActingDays
from billing.dunning.explaining import explain, what_would_change, why_step
from billing.dunning.facts import (
    DAY,
    AccountFacts,
    AccountKind,
    Approval,
    Balance,
    Delivery,
    GradeChange,
    Hold,
    HoldKind,
    Paid,
    Step,
)
from billing.dunning.ladder import Position, position
from billing.dunning.owing import ZERO, BillFact
from billing.dunning.policies import ladder_in_force
from billing.dunning.rules import GRACE, Ladder
from foundation.calendars.definition import Calendar, Day, DayKind
from foundation.calendars.queries import STANDARD, calendar_for
from foundation.calendars.working_time import add_months
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.common.explain import Explanation
from foundation.common.trying import BadCase

KNOWN = frozenset(
    {
        "grade", "kind", "tier", "bills", "payments", "reversals", "holds", "grades", "contacts", "approvals",
        "deliveries", "lead_restores", "balances", "credit_limit", "holidays", "makeup_days", "now", "note",
    }
)  # fmt: skip
TIERS = frozenset({"ORDINARY", "SILVER", "GOLD", "PLATINUM", "DIAMOND"})
SHORTENING = frozenset({"FRAUD", "WRITE_OFF"})
LARGEST = Decimal(10) ** 12
MOST = 600
EARLIEST, LATEST = 1990, 2190
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MONTH = re.compile(r"\d{4}-\d{2}(-\d{2})?", re.ASCII)


def try_dunning(case: Any) -> dict[str, Any]:
    """The answer to one case (format: docs/try.md), by the policies and the calendar in force. Raises BadCase."""
    _known(case, KNOWN, "a case")
    if missing := sorted({"grade", "kind", "now"} - case.keys()):
        raise BadCase(f"missing: {', '.join(missing)}")
    now = _moment(case["now"], "now", end_of_day=True)
    facts = read_facts(case)
    ladder = ladder_in_force(now)
    days = ActingDays(_calendar(case))
    try:
        found = position(facts, ladder, days, now)
    except (ValueError, OverflowError) as error:
        raise BadCase(str(error)) from error
    return answer(found, facts, ladder, days)


def answer(found: Position, facts: AccountFacts, ladder: Ladder, days: ActingDays) -> dict[str, Any]:
    """A position as plain values: amounts as text with two places, moments of the business zone."""
    seen = found.seen
    due = seen.track.due_date.isoformat() if seen.track is not None else ""
    taken = [
        {
            "step": one.step.value,
            "date": clock.today(one.at).isoformat(),
            "at": _text(one.at),
            "state": one.state.value,
            "due": _cny(one.due),
            "late_fee": _cny(one.late_fee),
            **({"to_guardian": True} if one.to_guardian else {}),
            "why": _sentence(
                why_step(one.step, one.at, one.due_date.isoformat() if one.due_date else "", facts, ladder, one.nominal)
            ),
        }
        for one in found.taken
    ]
    ahead = [
        {
            "step": one.step.value,
            "date": clock.today(one.at).isoformat(),
            "at": _text(one.at),
            "needs": one.needs.value or None,
            "why": _sentence(why_step(one.step, one.at, due, facts, ladder, one.nominal)),
        }
        for one in found.ahead
    ]
    return {
        "state": found.state.value,
        "late_fee": _cny(found.late_fee),
        "open_principal": _cny(found.open_principal),
        "disputed": _cny(sum((one.held for one in seen.books.standings), ZERO)),
        "to_pay": _cny(seen.overdue),
        "credit": _cny(seen.books.credit),
        "grace_days": seen.grace_days,
        "suspended": {0: None, 1: "oneWay", 2: "twoWay"}[found.memory.level],
        "held_by": [hold.kind.value for hold in seen.holds],
        "restore_by": _text(found.restore_by) if found.restore_by else None,
        "debt": found.debt,
        "taken": taken,
        "ahead": ahead,
        "bills": [
            {
                "bill": one.bill.key,
                "due_date": one.bill.due_date.isoformat(),
                "open": _cny(one.open),
                "disputed": _cny(one.held),
                "late_fee": _cny(one.fee),
                "late_fee_open": _cny(one.fee_open),
            }
            for one in seen.books.standings
        ],
        "allocations": [
            {"payment": one.payment, "bill": one.bill, "part": one.part, "amount": _cny(one.amount)}
            for one in seen.books.shares
        ],
        "why": _listed(explain(found, facts, ladder, days)),
        "change": what_would_change(found, facts, ladder).in_words(),
    }


def read_facts(case: dict[str, Any]) -> AccountFacts:
    """The facts of a case. Raises BadCase."""
    kind = case["kind"]
    if kind not in list(AccountKind):
        raise BadCase(f"kind must be one of {', '.join(AccountKind)}")
    grade = _grade(case["grade"], "grade")
    tier = str(case.get("tier") or "ORDINARY").upper()
    if tier not in TIERS:
        raise BadCase(f"tier must be one of {', '.join(sorted(TIERS))}")
    bills, dates = _bills(case)
    payments = _payments(case)
    approvals = [_approval(one) for one in _list(case, "approvals")]
    balances = [_balance(one) for one in _list(case, "balances")]
    return AccountFacts(
        kind=AccountKind(kind),
        grade=grade,
        tier=tier,
        bills=tuple(bills),
        bill_dates=tuple(dates),
        payments=tuple(payments),
        holds=tuple(_hold(one, {bill.key for bill in bills}) for one in _list(case, "holds")),
        grades=tuple(_grade_change(one) for one in _list(case, "grades")),
        contacts=tuple(_moment(one, "contacts") for one in _list(case, "contacts")),
        approvals=tuple(approvals),
        deliveries=None
        if case.get("deliveries") is None
        else tuple(Delivery(_moment(one, "deliveries")) for one in _list(case, "deliveries")),
        lead_restores=tuple(_moment(one, "lead_restores") for one in _list(case, "lead_restores")),
        balances=tuple(balances),
        credit_limit=_amount(case.get("credit_limit", 0), "credit_limit"),
    )


def _bills(case: dict[str, Any]) -> tuple[list[BillFact], list[tuple[str, date]]]:
    bills: list[BillFact] = []
    dates: list[tuple[str, date]] = []
    for n, one in enumerate(_list(case, "bills"), 1):
        what = f"bill {n}"
        _known(one, {"id", "month", "amount", "due_date", "bill_date", "late_fee", "currency", "note"}, what)
        _currency(one, what)
        month = _month(one.get("month"), what)
        if "due_date" in one:
            due = _day(one["due_date"], f"{what}: due_date")
        elif month is not None:
            # D§13.1: the last day of the month after usage.
            due = add_months(month, 2) - DAY
        else:
            raise BadCase(f"{what} needs due_date or month")
        amount = _amount(_needed(one, "amount", what), f"{what}: amount")
        fee = _amount(one.get("late_fee", 0), f"{what}: late_fee")
        if fee > amount:
            raise BadCase(f"{what}: late_fee is a part of the amount")
        key = str(one.get("id") or (f"{month:%Y-%m}" if month else due.isoformat()))
        if any(bill.key == key for bill in bills):
            raise BadCase(f"{what}: {key} is listed twice; give the bills an id")
        issued = due.replace(day=1) if month is None else add_months(month, 1)
        if "bill_date" in one:
            issued = _day(one["bill_date"], f"{what}: bill_date")
            if issued > due:
                raise BadCase(f"{what}: bill_date lies after due_date")
        bills.append(BillFact(key, due, amount, fee))
        dates.append((key, min(issued, due)))
    return bills, dates


def _payments(case: dict[str, Any]) -> list[Paid]:
    payments: list[Paid] = []
    for n, one in enumerate(_list(case, "payments"), 1):
        what = f"payment {n}"
        _known(one, {"id", "at", "amount", "currency", "note"}, what)
        _currency(one, what)
        amount = _amount(_needed(one, "amount", what), f"{what}: amount")
        if not amount:
            raise BadCase(f"{what}: amount must be above 0")
        key = str(one.get("id") or f"payment {n}")
        if any(known.key == key for known in payments):
            raise BadCase(f"{what}: {key} is listed twice")
        payments.append(Paid(key, _moment(_needed(one, "at", what), f"{what}: at"), amount))
    reversals = []
    for n, one in enumerate(_list(case, "reversals"), 1):
        what = f"reversal {n}"
        given = one if isinstance(one, dict) else {"at": one}
        _known(given, {"at", "amount", "payment", "note"}, what)
        reversals.append((_moment(_needed(given, "at", what), f"{what}: at"), n, given))
    for at, n, given in sorted(reversals, key=lambda one: one[:2]):
        _reverse(payments, at, given, f"reversal {n}")
    return payments


def _reverse(payments: list[Paid], at: datetime, given: dict[str, Any], what: str) -> None:
    """Mark the payment a reversal takes back: the one it names (its id or its number), else the latest of its amount
    that stands."""
    standing = [n for n, one in enumerate(payments) if one.reversed_at is None and one.at <= at]
    if (name := given.get("payment")) is not None:
        keys = {str(name), f"payment {name}"}
        standing = [n for n in standing if payments[n].key in keys or (type(name) is int and n == name - 1)]
    if "amount" in given:
        amount = _amount(given["amount"], f"{what}: amount")
        standing = [n for n in standing if payments[n].amount == amount]
    if not standing:
        raise BadCase(f"{what} takes back no payment that was made before it")
    n = max(standing, key=lambda one: (payments[one].at, one))
    payments[n] = Paid(payments[n].key, payments[n].at, payments[n].amount, at)


def _hold(one: Any, bills: Collection[str]) -> Hold:
    _known(one, {"type", "from", "to", "amount", "bill", "note"}, "a hold")
    kind = str(one.get("type", "")).upper()
    if kind not in list(HoldKind):
        raise BadCase(f"type of a hold must be one of {', '.join(HoldKind)}")
    start = _moment(_needed(one, "from", "a hold"), "hold from")
    end = None if one.get("to") is None else _moment(one["to"], "hold to", after_day=True)
    if end is not None and end <= start:
        raise BadCase("a hold ends after it begins")
    bill = None if one.get("bill") is None else str(one["bill"])
    if bill is not None and bill not in bills:
        raise BadCase(f"a hold names the bill {bill}, which is not listed")
    amount = None if one.get("amount") is None else _amount(one["amount"], "hold amount")
    return Hold(HoldKind(kind), start, end, amount, bill)


def _grade_change(one: Any) -> GradeChange:
    _known(one, {"at", "grade", "reason", "note"}, "a change of grade")
    at = _moment(_needed(one, "at", "a change of grade"), "grades at")
    reason = str(one.get("reason", "")).upper()
    return GradeChange(at, _grade(one.get("grade"), "grades grade"), reason in SHORTENING)


def _approval(one: Any) -> Approval:
    _known(one, {"at", "step", "note"}, "an approval")
    step = one.get("step")
    if step not in (Step.SUSPEND_ONE_WAY, Step.SUSPEND_TWO_WAY, Step.TERMINATION):
        raise BadCase("an approval is of SUSPEND_ONE_WAY, SUSPEND_TWO_WAY or TERMINATION")
    return Approval(_moment(_needed(one, "at", "an approval"), "approvals at"), Step(step))


def _balance(one: Any) -> Balance:
    _known(one, {"at", "amount", "note"}, "a balance")
    amount = _amount(_needed(one, "amount", "a balance"), "balances amount", signed=True)
    return Balance(_moment(_needed(one, "at", "a balance"), "balances at"), amount)


def _calendar(case: dict[str, Any]) -> Calendar:
    """The standard calendar in force, or one with the case's own holidays and make-up days in place of its table."""
    if "holidays" not in case and "makeup_days" not in case:
        return calendar_for(STANDARD)
    standard = calendar_for(STANDARD)
    own = {_day(one, "holidays"): DayKind.HOLIDAY for one in _list(case, "holidays")}
    own |= {_day(one, "makeup_days"): DayKind.MAKEUP for one in _list(case, "makeup_days")}
    try:
        return Calendar(
            code="GIVEN",
            zone=standard.zone,
            weekly=standard.weekly,
            days=tuple(Day(day, kind) for day, kind in own.items()),
        )
    except RuleBroken as no:
        raise BadCase(no.message) from no


def _known(given: Any, known: Collection[str], what: str) -> None:
    if not isinstance(given, dict):
        raise BadCase(f"{what} must be an object")
    if unknown := sorted(given.keys() - set(known)):
        raise BadCase(f"unknown in {what}: {', '.join(unknown)}; known: {', '.join(sorted(known))}")


def _list(case: dict[str, Any], name: str) -> list[Any]:
    given = case.get(name)
    if given is None:
        return []
    if not isinstance(given, list) or len(given) > MOST:
        raise BadCase(f"{name} must be a list of at most {MOST}")
    return given


def _needed(given: dict[str, Any], name: str, what: str) -> Any:
    if given.get(name) is None:
        raise BadCase(f"{what} needs {name}")
    return given[name]


def _currency(given: dict[str, Any], what: str) -> None:
    if given.get("currency", "CNY") != "CNY":
        raise BadCase(f"{what}: amounts are in CNY")


def _grade(told: Any, name: str) -> str:
    if not isinstance(told, str) or told.upper() not in GRACE:
        raise BadCase(f"{name} must be one of {', '.join(GRACE)}")
    return told.upper()


def _amount(told: Any, name: str, *, signed: bool = False) -> Decimal:
    try:
        if isinstance(told, bool) or not isinstance(told, int | float | str):
            raise InvalidOperation
        amount = Decimal(str(told))
        if not amount.is_finite() or abs(amount) > LARGEST:
            raise InvalidOperation
    except InvalidOperation:
        raise BadCase(f"{name}: {told!r} is no amount") from None
    if amount < 0 and not signed:
        raise BadCase(f"{name}: {told} is negative")
    cents = amount.quantize(Decimal("0.01"))
    if cents != amount:
        raise BadCase(f"{name}: {told} has more than two decimals")
    return cents


def _day(told: Any, name: str) -> date:
    try:
        if not isinstance(told, str) or not _DATE.fullmatch(told):
            raise ValueError
        day = date.fromisoformat(told)
    except ValueError:
        raise BadCase(f"{name} must be a day as 2026-01-31") from None
    if not EARLIEST <= day.year <= LATEST:
        raise BadCase(f"{name} must lie between {EARLIEST} and {LATEST}")
    return day


def _month(told: Any, what: str) -> date | None:
    if told is None:
        return None
    if not isinstance(told, str) or not _MONTH.fullmatch(told):
        raise BadCase(f"{what}: month must be as 2026-01")
    return _day(f"{told[:7]}-01", f"{what}: month")


def _moment(told: Any, name: str, *, end_of_day: bool = False, after_day: bool = False) -> datetime:
    """A moment, of the business zone unless it says another. A day alone is its beginning; `end_of_day`: its last
    second; `after_day`: the beginning of the next, so that the day belongs to what ends then."""
    if isinstance(told, str) and _DATE.fullmatch(told):
        day = _day(told, name)
        midnight = clock.business_midnight(day + DAY if end_of_day or after_day else day)
        return midnight - timedelta(seconds=1) if end_of_day else midnight
    try:
        moment = datetime.fromisoformat(told)
    except (TypeError, ValueError):
        raise BadCase(f"{name} must be a moment as 2026-03-05T09:00 or a day as 2026-03-05") from None
    if not EARLIEST <= moment.year <= LATEST:
        raise BadCase(f"{name} must lie between {EARLIEST} and {LATEST}")
    return moment if moment.tzinfo else moment.replace(tzinfo=clock.BUSINESS_ZONE)


def _text(moment: datetime) -> str:
    return moment.astimezone(clock.BUSINESS_ZONE).isoformat()


def _cny(amount: Decimal) -> str:
    return f"{amount:.2f}"


def _sentence(why: Explanation) -> str:
    return " ".join(why.in_words())


def _listed(why: Explanation) -> list[dict[str, Any]]:
    return [
        {"input": step.input, "value": step.value, "rule": step.rule, "source": step.source, "words": words}
        for step, words in zip(why.steps, why.in_words(), strict=True)
    ]
