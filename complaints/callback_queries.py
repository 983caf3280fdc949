"""Results of callbacks and of support units summed up, and the rows behind each number (CMP-22, CMP-36; D§18.7, 25)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Avg, Count, F, Func, IntegerField, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from complaints.kpis.handling import within
from complaints.kpis.outcome import GOOD_SCORE
from complaints.kpis.slicing import names_of, span_of
from complaints.lifecycle import PartState, Solved
from complaints.models import Callback, Part
from complaints.models.figures import FIGURES_RIGHT
from foundation.common import clock
from staff.models import User
from staff.rights import sight_of

MOST_LINES = 100
# Words, the column, and how its keys are named.
Split = tuple[Any, Any, str]
# What callbacks are split by.
CALLS_BY: dict[str, Split] = {
    "topic": (_("Topic"), F("complaint__topic_id"), "topic"),
    "brand": (_("Brand"), F("complaint__brand"), "brand"),
    "unit": (_("Unit"), F("complaint__work_unit_id"), "unit"),
    "responsible": (_("Responsible unit"), F("complaint__responsible_unit_id"), "responsible"),
    "person": (_("Handler"), Coalesce("complaint__handler_id", "complaint__last_handler_id"), "person"),
    "caller": (_("Called by"), F("by_id"), "person"),
    "channel": (_("Channel"), F("complaint__channel"), "channel"),
}
# The numbers of a line and the rows each of them counts.
CALL_PARTS: dict[str, tuple[Any, Q]] = {
    "all": (_("Callbacks"), Q()),
    "reached": (_("Reached"), Q(reached_at__isnull=False)),
    "visited": (_("At the customer's"), Q(way=Callback.Way.VISIT, reached_at__isnull=False)),
    "solved": (_("Solved"), Q(solved=Solved.YES)),
    "not_solved": (_("Not solved"), Q(solved=Solved.NO)),
    "unreachable": (_("Not reached"), Q(solved=Solved.UNREACHABLE)),
    "satisfied": (_("Satisfied"), Q(satisfaction__gte=GOOD_SCORE)),
    "kind": (_("Good attitude"), Q(attitude__gte=GOOD_SCORE)),
}
PARTS_BY: dict[str, Split] = {
    "unit": (_("Unit"), F("unit_id"), "unit"),
    "person": (_("Person"), F("handler_id"), "person"),
}
PART_PARTS: dict[str, tuple[Any, Q]] = {
    "all": (_("Due"), Q()),
    "on_time": (_("On time"), Q(done_at__isnull=False, done_at__lte=F("due_at"))),
    "late": (_("Late"), Q(done_at=None) | Q(done_at__gt=F("due_at"))),
}


class Tries(Func):
    """How often somebody tried to reach the customer."""

    function = "jsonb_array_length"
    output_field = IntegerField()


@dataclass(frozen=True)
class Summed:
    """One line: the numbers by their part, and means."""

    key: str
    label: str
    counts: dict[str, int]
    means: dict[str, float | None]


def _seen(user: User) -> Q:
    """Of rows that hang on a case: whose case is in the person's scope of figures."""
    sight = sight_of(user, FIGURES_RIGHT)
    seen = sight.rows(unit_no="complaint__unit_no", owner="complaint__owner_id")
    seen |= sight.rows(unit_no="complaint__work_unit_no", owner="complaint__handler_id")
    return seen & (Q(complaint__about_staff=None) | ~Q(complaint__about_staff=user))


def calls_of(user: User, month: date) -> QuerySet[Callback]:
    """The callbacks that ended in a month, reached or not, in the person's scope."""
    return Callback.objects.filter(_seen(user), within("done_at", span_of(month)))


def parts_of(user: User, month: date) -> QuerySet[Part]:
    """The parts that fell due in a month: of cases in the person's scope, and of units in it. What was taken back or
    returned as poorly prepared is nobody's delay."""
    sight = sight_of(user, FIGURES_RIGHT)
    own = sight.rows(unit_no="unit_no", owner="handler_id")
    not_about = Q(complaint__about_staff=None) | ~Q(complaint__about_staff=user)
    rows = Part.objects.filter(_seen(user) | own, not_about, within("due_at", span_of(month)))
    rows = rows.exclude(state__in=[PartState.CANCELLED, PartState.RETURNED])
    return rows.filter(Q(due_at__lte=clock.now()) | Q(done_at__isnull=False))


@dataclass(frozen=True)
class Report:
    """The sums of one kind of rows: what they are split by, the numbers of a line with the rows each counts, the means,
    which number is good of which, the rows of a month and their order."""

    splits: Mapping[str, Split]
    parts: Mapping[str, tuple[Any, Q]]
    means: Mapping[str, Any]
    share: tuple[str, str]
    of: Callable[[User, date], QuerySet[Any]]
    order: tuple[str, str]


CALLS = Report(
    splits=CALLS_BY,
    parts=CALL_PARTS,
    means={"satisfaction": Avg("satisfaction"), "attitude": Avg("attitude"), "tries": Avg(Tries("tries"))},
    share=("satisfied", "reached"),
    of=calls_of,
    order=("-done_at", "-pk"),
)
SUPPORT = Report(
    splits=PARTS_BY,
    parts=PART_PARTS,
    means={"used": Avg("minutes_used"), "budget": Avg("budget_minutes")},
    share=("on_time", "all"),
    of=parts_of,
    order=("-due_at", "-pk"),
)


def summed(report: Report, rows: QuerySet[Any], by: Split | None) -> list[Summed]:
    """The lines of a split, the largest first, at most 100; without `by` one line of all. One query, one for names."""
    counts = {f"n_{part}": Count("pk", filter=condition) for part, (_words, condition) in report.parts.items()}
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


def behind(rows: QuerySet[Any], by: Split | None, key: str, condition: Q) -> QuerySet[Any]:
    """The rows of one number."""
    rows = rows.filter(condition)
    if by is None:
        return rows
    rows = rows.annotate(split_by=by[1])
    if key == "" and by[2] not in ("brand", "channel"):
        return rows.filter(split_by__isnull=True)
    return rows.filter(split_by=key if by[2] in ("brand", "channel") else int(key))
