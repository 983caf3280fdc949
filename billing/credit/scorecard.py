"""The credit score of one customer (of one account for an enterprise): pure, exact, 0 to 100 (D§6.5-6.7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from billing.credit.rules import CreditRules, better, points_from
from foundation.calendars.working_time import add_months

Basis = Literal["BILLS", "FIRST_MONTHS", "NO_BILLS"]


@dataclass(frozen=True)
class CreditFacts:
    """What is known on the day of the score.

    Of the bills that fell due in the months that count, without those disputed or not delivered by our fault: `due`,
    `on_time` of them paid by their due date, `late` paid too many days late or still open as many days after. `value`:
    mean monthly value, `fee`: monthly fee of the lines (CNY). `since`: first day of the oldest line that lives.
    """

    day: date
    since: date | None = None
    due: int = 0
    on_time: int = 0
    late: int = 0
    suspensions: int = 0
    value: Decimal | None = None
    fee: Decimal | None = None
    auto_debit: bool = False
    identity: bool = False
    contract_end: date | None = None
    written_off: bool = False
    black_listed: bool = False
    two_way: bool = False
    fraud: bool = False

    @property
    def monthly(self) -> Decimal:
        """What a month is worth: the value where there is one, else the fee (D§6.6)."""
        return self.value if self.value is not None else self.fee or Decimal(0)


@dataclass(frozen=True)
class Score:
    """`points` by term as they add up; `cap` names the term of D§6.7 that holds the total down, "" for none."""

    basis: Basis
    points: dict[str, Decimal]
    total: int
    cap: str
    grade: str


def months_since(since: date | None, day: date) -> int | None:
    """Whole months gone by; the day of the month decides. None where the beginning is unknown."""
    if since is None:
        return None
    months = (day.year - since.year) * 12 + day.month - since.month
    return max(0, months if add_months(since, months) <= day else months - 1)


def score(facts: CreditFacts, rules: CreditRules) -> Score:
    """The score and the grade it reaches by itself; what holds for the customer now is `grading.standing`."""
    basis = _basis(facts, rules)
    points = _of_bills(facts, rules) if basis == "BILLS" else _of_first_months(facts, rules)
    reached = int(sum(points.values(), Decimal(0)).quantize(Decimal(1), ROUND_HALF_UP))
    cap, most = _cap(facts, rules)
    total = min(reached, most, 100)
    grade = rules.grade_of(total)
    if basis != "BILLS" and better(grade, rules.first_best):
        grade = rules.first_best
    return Score(basis, points, total, cap if reached > most else "", grade)


def _basis(facts: CreditFacts, rules: CreditRules) -> Basis:
    months = months_since(facts.since, facts.day)
    if months is not None and months < rules.first["months"]:
        return "FIRST_MONTHS"
    return "BILLS" if facts.due else "NO_BILLS"


def _of_bills(facts: CreditFacts, rules: CreditRules) -> dict[str, Decimal]:
    lost = rules.arrears["suspension"] * facts.suspensions + rules.arrears["late_bill"] * facts.late
    return {
        "punctuality": Decimal(rules.points["punctuality"] * facts.on_time) / facts.due,
        "arrears": Decimal(max(0, rules.points["arrears"] - lost)),
        "tenure": Decimal(points_from(rules.tenure, months_since(facts.since, facts.day) or 0)),
        "spend": Decimal(points_from(rules.spend, facts.monthly)),
    } | _held(facts, rules)


def _of_first_months(facts: CreditFacts, rules: CreditRules) -> dict[str, Decimal]:
    spend = Decimal(points_from(rules.spend, facts.fee or Decimal(0)))
    return {"base": Decimal(rules.first["base"]), "spend": spend} | _held(facts, rules)


def _held(facts: CreditFacts, rules: CreditRules) -> dict[str, Decimal]:
    long_contract = has_long_contract(facts, rules)
    there = {"auto_debit": facts.auto_debit, "identity": facts.identity, "contract": long_contract}
    return {term: Decimal(rules.points[term] if held else 0) for term, held in there.items()}


def has_long_contract(facts: CreditFacts, rules: CreditRules) -> bool:
    return facts.contract_end is not None and facts.contract_end > add_months(facts.day, rules.contract_months)


def _cap(facts: CreditFacts, rules: CreditRules) -> tuple[str, int]:
    if facts.written_off:
        return "written_off", 0
    if facts.black_listed:
        return "black_listed", 0
    return ("two_way", rules.two_way_most) if facts.two_way else ("", 100)
