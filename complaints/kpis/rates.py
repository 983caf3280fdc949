"""Rates over active lines: complaints per ten thousand, appeals per million (D§25).

The mean of a month's lines is that of its beginning and its end; of the running month, of its beginning and the latest
count. Lines belong to the unit of their customer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from complaints.kpis.spans import next_month
from complaints.models import LineCount
from complaints.models.figures import FIGURES_RIGHT
from staff.models import User
from staff.rights import sight_of


@dataclass(frozen=True)
class Rate:
    """How many cases of the figure `of` there are for so many lines."""

    code: str
    label: Any
    of: str
    lines: int


RATES: tuple[Rate, ...] = (
    Rate("rate_10k", _("Complaints per 10,000 lines"), "complaints", 10_000),
    Rate("appeal_rate", _("Appeals per million lines"), "appeals", 1_000_000),
)


def mean_lines(user: User, months: Sequence[date]) -> dict[date, float | None]:
    """The mean active lines of months in the person's scope; None of one nothing was counted in. One query."""
    sight = sight_of(user, FIGURES_RIGHT)
    rows = LineCount.objects.filter(sight.rows(unit_no="unit_no", owner=None))
    rows = rows.filter(day__gte=min(months), day__lte=next_month(max(months)))
    by_day = dict(rows.order_by().values_list("day").annotate(lines=Sum("lines")))
    found: dict[date, float | None] = {}
    for month in months:
        inside = sorted(day for day in by_day if month <= day <= next_month(month))
        edges = {inside[0], inside[-1]} if inside else set()
        found[month] = sum(by_day[day] for day in edges) / len(edges) if edges else None
    return found


def rate(cases: int, lines: float | None, per: int) -> float | None:
    """Cases for `per` lines; None without lines."""
    return cases * per / lines if lines else None
