"""Lines of a split: rows of a figure summed up by what they are split by, and what its keys are called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Aggregate, Avg, Count, F, FloatField, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from complaints.kpis.slicing import NINETIETH
from complaints.lifecycle import Grade
from complaints.models import Cause
from customers.models.subscriptions import ProductLine
from foundation.ui.wording import say_choice, say_date
from interactions.lifecycle import Channel
from interactions.models import Topic
from staff.models import OrgUnit, Team, User


class Ninetieth(Aggregate):
    """The number below which nine tenths of the rows lie, between two rows in proportion."""

    name = "Ninetieth"
    template = "PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


@dataclass(frozen=True)
class Line:
    """One line of a split: how many rows, how many of them count, and the mean or the like of what is measured."""

    key: str
    label: str
    of: int
    yes: int
    measure: float | None

    @property
    def no(self) -> int:
        return self.of - self.yes

    @property
    def share(self) -> float | None:
        """Per cent; None of nothing (D§25: a dash)."""
        return 100 * self.yes / self.of if self.of else None


def sums(code: str) -> dict[str, Any]:
    """The aggregates over rows of a figure."""
    measured = Ninetieth("row_measure") if code == NINETIETH else Avg("row_measure")
    return {"n": Count("row_case"), "met": Count("row_case", filter=Q(row_yes=True)), "value": measured}


def split(rows: QuerySet[Any], code: str, by: str, most: int) -> list[Line]:
    """The lines of a split, the largest first, at most `most`: one query and one for names."""
    groups = rows.order_by().values(split_by=F(f"row_{by}")).annotate(**sums(code)).order_by("-n", "split_by")[:most]
    found = sorted(groups, key=lambda row: str(row["split_by"])) if by == "day" else list(groups)
    names = names_of(by, [row["split_by"] for row in found])
    return [
        Line(
            "" if row["split_by"] is None else str(row["split_by"]),
            names[row["split_by"]],
            row["n"],
            row["met"],
            row["value"],
        )
        for row in found
    ]


def whole(rows: QuerySet[Any], code: str, label: str) -> Line:
    """All rows as one line: one query."""
    found = rows.aggregate(**sums(code))
    return Line("", label, found["n"], found["met"], found["value"])


def names_of(by: str, keys: Iterable[Any]) -> dict[Any, str]:
    """What the keys of a split are called: at most one query."""
    asked = list(keys)
    real = [key for key in asked if key not in (None, "")]
    known: dict[Any, str] = {}
    if by in ("topic", "cause"):
        rows: Any = (Topic if by == "topic" else Cause).objects.filter(pk__in=real).select_related("parent")
        known = {row.pk: f"{row.parent} · {row}" if row.parent else str(row) for row in rows}
    elif by in ("unit", "responsible"):
        known = dict(OrgUnit.objects.filter(pk__in=real).values_list("pk", "name"))
    elif by == "person":
        people = User.objects.filter(pk__in=real).values_list("pk", "staff_no", "name")
        known = {pk: f"{no} {name}" for pk, no, name in people}
    elif by == "team":
        known = dict(Team.objects.filter(pk__in=real).values_list("pk", "name"))
    elif by == "day":
        known = {key: say_date(key) for key in real}
    elif by in ("channel", "product", "grade"):
        choices: Any = {"channel": Channel, "product": ProductLine, "grade": Grade}[by]
        known = {key: say_choice(choices, key) for key in real}
    nothing = str(_("not given"))
    return {key: nothing if key in (None, "") else known.get(key, str(key)) for key in asked}
