"""By what credit is judged: the policies of a day, kept with a run so that a score explains itself (D§6.5-6.9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from foundation.policies.reading import policy

BEST_FIRST = ("A", "B", "C", "D", "E")


@dataclass(frozen=True)
class CreditRules:
    """`grades`: grade -> from (score), factor (of the monthly value), cap (CNY), grace_days.

    `tenure` (months), `spend` (CNY a month): bound -> points.
    """

    points: Mapping[str, int]
    arrears: Mapping[str, int]
    tenure: Mapping[str, int]
    spend: Mapping[str, int]
    first: Mapping[str, int]
    first_best: str
    two_way_most: int
    contract_months: int
    grades: Mapping[str, Mapping[str, Any]]
    manual_months: int

    def as_json(self) -> dict[str, Any]:
        """As it is kept with a run."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> CreditRules:
        """The same again."""
        return cls(**kept)

    def grade_of(self, score: int) -> str:
        """The best grade a score reaches."""
        return next(grade for grade in BEST_FIRST if score >= self.grades[grade]["from"])

    def grace_days(self, grade: str) -> int:
        return int(self.grades[grade]["grace_days"])

    def limit_of(self, grade: str, monthly: Decimal) -> int:
        """CNY, whole tens: the monthly value times the factor of the grade, rounded down, at most its cap."""
        factor = Decimal(str(self.grades[grade]["factor"]))
        return min(int(self.grades[grade]["cap"]), int(max(monthly, Decimal(0)) * factor // 10) * 10)


def points_from(bands: Mapping[str, int], amount: Decimal | int) -> int:
    """The points of the highest bound not above `amount`."""
    return bands[max((bound for bound in bands if int(bound) <= amount), key=int, default="0")]


def rules_at(at: datetime) -> CreditRules:
    """The policies in force at a moment."""
    return CreditRules(
        points=policy("billing.credit_points", at=at),
        arrears=policy("billing.credit_arrears", at=at),
        tenure=policy("billing.credit_tenure", at=at),
        spend=policy("billing.credit_spend", at=at),
        first=policy("billing.credit_first_months", at=at),
        first_best=policy("billing.credit_first_best", at=at),
        two_way_most=policy("billing.credit_two_way_most", at=at),
        contract_months=policy("billing.credit_contract_months", at=at),
        grades=policy("billing.credit_grades", at=at),
        manual_months=policy("billing.credit_manual_months", at=at),
    )


def better(one: str, other: str) -> bool:
    """Whether `one` is a better grade than `other`."""
    return BEST_FIRST.index(one) < BEST_FIRST.index(other)
