"""Results of callbacks and of support units summed up, and the rows behind each number (CMP-22, CMP-36; D§18.7, 25)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count, F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from complaints.figures import report_rows
from complaints.kpis.lines import names_of
from complaints.kpis.outcome import GOOD_SCORE
from complaints.lifecycle import Solved
from complaints.models import Callback, Part

MOST_LINES = 100
# Words, the column, and how its keys are named.
Split = tuple[Any, Any, str]
# What callbacks are split by.
CALLS_BY: dict[str, Split] = {
    "topic": (_("Topic"), F("row_topic"), "topic"),
    "brand": (_("Brand"), F("row_brand"), "brand"),
    "unit": (_("Unit"), F("row_unit"), "unit"),
    "responsible": (_("Responsible unit"), F("row_responsible"), "responsible"),
    "person": (_("Handler"), F("row_person"), "person"),
    "caller": (_("Called by"), F("row_caller"), "person"),
    "channel": (_("Channel"), F("row_channel"), "channel"),
}
# The numbers of a line and the rows each of them counts.
CALL_PARTS: dict[str, tuple[Any, Q]] = {
    "all": (_("Callbacks"), Q()),
    "reached": (_("Reached"), Q(row_reached_at__isnull=False)),
    "visited": (_("At the customer's"), Q(row_way=Callback.Way.VISIT, row_reached_at__isnull=False)),
    "solved": (_("Solved"), Q(row_solved=Solved.YES)),
    "not_solved": (_("Not solved"), Q(row_solved=Solved.NO)),
    "returned": (_("Back to work"), Q(row_solved=Solved.NO, row_final=False)),
    "unreachable": (_("Not reached"), Q(row_solved=Solved.UNREACHABLE)),
    "satisfied": (_("Satisfied"), Q(row_satisfaction__gte=GOOD_SCORE)),
    "kind": (_("Good attitude"), Q(row_attitude__gte=GOOD_SCORE)),
}
PARTS_BY: dict[str, Split] = {
    "unit": (_("Unit"), F("row_unit"), "unit"),
    "person": (_("Person"), F("row_person"), "person"),
}
PART_PARTS: dict[str, tuple[Any, Q]] = {
    "all": (_("Due"), Q()),
    "on_time": (_("On time"), Q(row_done_at__isnull=False, row_done_at__lte=F("row_due_at"))),
    "late": (_("Late"), Q(row_done_at=None) | Q(row_done_at__gt=F("row_due_at"))),
}


@dataclass(frozen=True)
class Summed:
    """One line: the numbers by their part, and means."""

    key: str
    label: str
    counts: dict[str, int]
    means: dict[str, float | None]


@dataclass(frozen=True)
class Report:
    """The sums of one kind of rows: what they are split by, the numbers of a line with the rows each counts, the means,
    which number is shown as a share of which, the rows of a month, what they are rows of and its order in lists."""

    splits: Mapping[str, Split]
    parts: Mapping[str, tuple[Any, Q]]
    means: Mapping[str, Any]
    shares: Mapping[str, str]
    rows: report_rows.Rows
    model: Any
    order: tuple[str, str]


CALLS = Report(
    splits=CALLS_BY,
    parts=CALL_PARTS,
    means={"satisfaction": Avg("row_satisfaction"), "attitude": Avg("row_attitude"), "tries": Avg("row_tries")},
    shares={"satisfied": "reached", "returned": "reached"},
    rows=report_rows.CALLS,
    model=Callback,
    order=("-done_at", "-pk"),
)
SUPPORT = Report(
    splits=PARTS_BY,
    parts=PART_PARTS,
    means={"used": Avg("row_used"), "budget": Avg("row_budget")},
    shares={"on_time": "all"},
    rows=report_rows.PARTS,
    model=Part,
    order=("-due_at", "-pk"),
)


def summed(report: Report, rows: QuerySet[Any], by: Split | None) -> list[Summed]:
    """The lines of a split, the largest first, at most 100; without `by` one line of all. One query, one for names."""
    counts = {f"n_{part}": Count("row_pk", filter=condition) for part, (_words, condition) in report.parts.items()}
    asked: dict[str, Any] = {**counts, **{f"m_{name}": mean for name, mean in report.means.items()}}
    if by is None:
        return [_line(report, rows.aggregate(**asked), "", str(_("All together")))]
    groups = rows.order_by().values(split_by=by[1]).annotate(**asked).order_by("-n_all", "split_by")
    found = list(groups[:MOST_LINES])
    names = names_of(by[2], [row["split_by"] for row in found])
    return [
        _line(report, row, "" if row["split_by"] is None else str(row["split_by"]), names[row["split_by"]])
        for row in found
    ]


def _line(report: Report, row: dict[str, Any], key: str, label: str) -> Summed:
    return Summed(
        key,
        label,
        {part: row[f"n_{part}"] for part in report.parts},
        {name: None if row[f"m_{name}"] is None else float(row[f"m_{name}"]) for name in report.means},
    )


def behind(report: Report, rows: QuerySet[Any], by: Split | None, key: str, condition: Q) -> QuerySet[Any]:
    """What one number counts."""
    rows = rows.filter(condition)
    if by is not None:
        rows = rows.annotate(split_by=by[1])
        if key == "" and by[2] not in ("brand", "channel"):
            rows = rows.filter(split_by__isnull=True)
        else:
            rows = rows.filter(split_by=key if by[2] in ("brand", "channel") else int(key))
    found: QuerySet[Any] = report.model.objects.filter(pk__in=rows.order_by().values("row_pk"))
    return found
