"""What the operator may tune about credit (D§6.5-6.9): the scorecard's points, grades, limits and grace days."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from foundation.common.errors import RuleBroken
from foundation.policies.registry import define
from foundation.ui.wording import join_words

POINTS = {"punctuality": 40, "arrears": 20, "auto_debit": 5, "identity": 5, "contract": 5}
ARREARS = {"suspension": 5, "late_bill": 2, "late_days": 15, "months": 12}
TENURE = {"0": 0, "6": 5, "12": 8, "36": 12, "120": 15}
SPEND = {"0": 2, "30": 4, "60": 6, "120": 8, "240": 10}
FIRST = {"base": 45, "months": 6}
GRADES = {
    "A": {"from": 85, "factor": "2.0", "cap": 1_000, "grace_days": 15},
    "B": {"from": 70, "factor": "1.5", "cap": 500, "grace_days": 10},
    "C": {"from": 55, "factor": "1.0", "cap": 200, "grace_days": 5},
    "D": {"from": 40, "factor": "0.5", "cap": 50, "grace_days": 2},
    "E": {"from": 0, "factor": "0", "cap": 0, "grace_days": 0},
}


def _parts(shipped: dict[str, int], *, high: int = 100) -> Callable[[Any], None]:
    def check(table: Any) -> None:
        if not isinstance(table, dict) or set(table) != set(shipped):
            raise RuleBroken("policies.value", _("The parts must be: %(parts)s.") % {"parts": join_words(shipped)})
        if any(type(value) is not int or not 0 <= value <= high for value in table.values()):
            raise RuleBroken(
                "policies.value", _("Each part is a whole number from %(low)s to %(high)s.") % {"low": 0, "high": high}
            )

    return check


def _check_bands(table: Any) -> None:
    """From a bound (a whole number, as text) on, so many points; the first bound is 0."""
    try:
        bounds = {int(bound): points for bound, points in table.items()}
    except (AttributeError, TypeError, ValueError):
        bounds = {}
    if 0 not in bounds or min(bounds) < 0 or any(type(p) is not int or not 0 <= p <= 100 for p in bounds.values()):
        raise RuleBroken("policies.value", _("Bounds are whole numbers beginning with 0, points from 0 to 100."))
    points = [bounds[bound] for bound in sorted(bounds)]
    if points != sorted(points):
        raise RuleBroken("policies.value", _("More must not give fewer points."))


def _check_grades(table: Any) -> None:
    if not isinstance(table, dict) or set(table) != set(GRADES):
        raise RuleBroken("policies.value", _("The parts must be: %(parts)s.") % {"parts": join_words(GRADES)})
    rows = [table[grade] for grade in sorted(GRADES)]
    if any(not isinstance(row, dict) or set(row) != set(GRADES["A"]) for row in rows):
        raise RuleBroken("policies.value", _("The parts must be: %(parts)s.") % {"parts": join_words(GRADES["A"])})
    try:
        factors = [Decimal(str(row["factor"])) for row in rows]
    except InvalidOperation:
        factors = [Decimal("NaN")]
    whole = [row[part] for row in rows for part in ("from", "cap", "grace_days")]
    if any(type(value) is not int or value < 0 for value in whole) or not all(f.is_finite() for f in factors):
        raise RuleBroken("policies.value", _("from, cap and grace_days are whole numbers, factor is a number."))
    columns = [factors, *([row[part] for row in rows] for part in ("from", "cap", "grace_days"))]
    if rows[-1]["from"] != 0 or any(column != sorted(column, reverse=True) for column in columns):
        raise RuleBroken("policies.value", _("A better grade must not give less, and E begins at 0 points."))


define(
    "billing.credit_points",
    type="table",
    default=POINTS,
    source="D",
    check=_parts(POINTS),
    title=gettext_lazy("Points of the credit score"),
    help=gettext_lazy("Most points for bills paid in time and for no arrears; points for what is there or not."),
)
define(
    "billing.credit_arrears",
    type="table",
    default=ARREARS,
    source="D",
    check=_parts(ARREARS),
    title=gettext_lazy("What arrears cost in the credit score"),
    help=gettext_lazy("Points lost for a suspension and for a bill paid over so many days late, in so many months."),
)
define(
    "billing.credit_tenure",
    type="table",
    default=TENURE,
    unit="months",
    source="D",
    check=_check_bands,
    title=gettext_lazy("Credit points for tenure"),
    help=gettext_lazy("From how many months on there are how many points."),
)
define(
    "billing.credit_spend",
    type="table",
    default=SPEND,
    unit="CNY",
    source="D",
    check=_check_bands,
    title=gettext_lazy("Credit points for spending"),
    help=gettext_lazy("From which mean monthly bill, or monthly fee in the first months, there are how many points."),
)
define(
    "billing.credit_first_months",
    type="table",
    default=FIRST,
    source="P4",
    check=_parts(FIRST),
    title=gettext_lazy("Credit score of the first months"),
    help=gettext_lazy("The points it begins with, and for how many months there is no other score."),
)
define(
    "billing.credit_first_best",
    type="text",
    default="B",
    choices=tuple(GRADES),
    source="P4",
    title=gettext_lazy("Best credit grade of the first months"),
    help=gettext_lazy("Nobody gets a better one while the score of the first months holds."),
)
define(
    "billing.credit_two_way_most",
    type="int",
    default=39,
    low=0,
    high=100,
    unit="points",
    source="D",
    title=gettext_lazy("Credit score while barred both ways"),
    help=gettext_lazy("The score is at most this while a line is barred both ways for arrears."),
)
define(
    "billing.credit_contract_months",
    type="int",
    default=6,
    low=0,
    high=60,
    unit="months",
    source="D",
    title=gettext_lazy("Contract that counts for credit"),
    help=gettext_lazy("A contract with more months left than this gives its points."),
)
define(
    "billing.credit_grades",
    type="table",
    default=GRADES,
    source="D, S0, S1, P4",
    check=_check_grades,
    title=gettext_lazy("Credit grades, limits and grace"),
    help=gettext_lazy(
        "From which score on a grade is given; the limit in monthly values, at most the cap in CNY; days of grace "
        "before a suspension."
    ),
)
define(
    "billing.credit_manual_months",
    type="int",
    default=3,
    low=1,
    high=12,
    unit="months",
    source="D",
    title=gettext_lazy("How long a grade set by hand holds"),
    help=gettext_lazy("After that the grade of the score counts again."),
)
