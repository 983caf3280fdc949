"""Keeps who used the time of ended cases, and sums it up over many (CMP-12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, F, QuerySet, Sum

from complaints.figures.report_rows import TIMES
from complaints.kpis.lines import names_of
from complaints.models import CaseTime, Complaint, ComplaintMove
from complaints.sharing.times import by_both, stretches
from foundation.calendars.queries import calendar_for
from staff.models import User

BY = ("person", "unit")
MOST_LINES = 100


def keep_times(cases: Sequence[Complaint]) -> None:
    """Write the time of these ended cases anew, in the caller's transaction: their units are loaded. Three queries."""
    if not cases:
        return
    keys = [case.pk for case in cases]
    moves: dict[int, list[ComplaintMove]] = {key: [] for key in keys}
    rows = ComplaintMove.objects.filter(complaint__in=keys).order_by("pk")
    for row in rows.only("at", "new", "handler_id", "unit_id", "complaint_id"):
        moves[row.complaint_id].append(row)
    kept = []
    for case in cases:
        assert case.closed_at is not None
        found = by_both(stretches(moves[case.pk], case.closed_at), calendar_for(case.work_unit.calendar_code))
        kept += [
            CaseTime(
                complaint_id=case.pk,
                person_id=person,
                unit_id=unit,
                minutes=held.minutes,
                working=held.working,
                paused=held.paused,
                times=held.times,
            )
            for (person, unit), held in found.items()
        ]
    CaseTime.objects.filter(complaint__in=keys).delete()
    CaseTime.objects.bulk_create(kept, batch_size=2_000)


@dataclass(frozen=True)
class Used:
    """One line: the cases somebody had, and the minutes."""

    key: str
    label: str
    cases: int
    minutes: int
    working: int
    paused: int

    @property
    def held_hours(self) -> float:
        return self.minutes / 60

    @property
    def working_hours(self) -> float:
        return self.working / 60

    @property
    def paused_hours(self) -> float:
        return self.paused / 60

    @property
    def mean_hours(self) -> float:
        """Working hours a case."""
        return self.working / 60 / self.cases if self.cases else 0.0


def used_by(user: User, month: date, by: str) -> list[Used]:
    """Who used the time, the most working minutes first, at most 100 lines. Three queries."""
    groups: Any = TIMES.of(user, month).order_by().values(split_by=F(f"row_{by}")).annotate(**_SUMS)
    found = list(groups.order_by("-worked", "split_by")[:MOST_LINES])
    names = names_of(by, [row["split_by"] for row in found])
    return [
        Used(
            "" if row["split_by"] is None else str(row["split_by"]),
            names[row["split_by"]],
            row["cases"],
            row["held"],
            row["worked"],
            row["stood"],
        )
        for row in found
    ]


_SUMS: dict[str, Any] = {
    "cases": Count("row_case", distinct=True),
    "held": Sum("row_minutes"),
    "worked": Sum("row_working"),
    "stood": Sum("row_paused"),
}


def cases_used(user: User, month: date, by: str, key: str) -> QuerySet[Complaint]:
    """The cases behind a line."""
    whose = {f"row_{by}": int(key)} if key else {f"row_{by}__isnull": True}
    rows = TIMES.of(user, month).filter(**whose).order_by()
    return Complaint.objects.filter(pk__in=rows.values("row_case"))
