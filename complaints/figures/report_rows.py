"""The rows that reports of a month count: as they are while the month may change, as they stood once it is frozen
(D§25). Both have one shape, columns `row_…`, so that a number and the list behind it are always the same rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import F, Func, IntegerField, Q, QuerySet
from django.db.models.functions import Coalesce

from complaints.kpis.handling import within
from complaints.kpis.spans import span_of
from complaints.lifecycle import PartState
from complaints.models import Callback, CaseTime, MonthCall, MonthClosing, MonthPart, MonthTime, Part
from complaints.models.figures import FIGURES_RIGHT
from foundation.common import clock
from staff.models import User
from staff.rights import sight_of

_OWN = ("unit_no", "work_unit_no", "owner_id", "handler_id", "about_staff_id")


class Tries(Func):
    """How often somebody tried to reach the customer."""

    function = "jsonb_array_length"
    output_field = IntegerField()


@dataclass(frozen=True)
class Rows:
    """The rows of one report. `live`: those of a month, of everybody; `seen`: which of them a person may count;
    `stored`: where they are kept; `columns`: by name, of a live row and of a kept one."""

    live: Callable[[date], QuerySet[Any]]
    seen: Callable[[User], Q]
    stored: Any
    columns: Mapping[str, tuple[Any, str]]

    def of(self, user: User, month: date) -> QuerySet[Any]:
        """Those of a month in the person's scope of figures, with `row_<name>` for each column. One query tells whether
        the month is frozen."""
        if stands(month):
            kept = self.stored.objects.visible_to(user).filter(month=month)
            return kept.annotate(**{f"row_{name}": F(column) for name, (_live, column) in self.columns.items()})
        rows = self.live(month).filter(self.seen(user))
        return rows.annotate(**{f"row_{name}": live for name, (live, _column) in self.columns.items()})

    def count(self, month: date) -> int:
        """Keep those of a month anew, in the caller's transaction; how many."""
        named = {f"row_{name}": live for name, (live, _column) in self.columns.items()}
        named |= {f"of_{name}": F(f"complaint__{name}") for name in _OWN}
        sql, params = self.live(month).order_by().annotate(**named).values_list(*named).query.sql_with_params()
        columns = ", ".join([*(column for _live, column in self.columns.values()), *_OWN])
        self.stored.objects.filter(month=month).delete()
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {self.stored._meta.db_table} (month, {columns})"
                f" SELECT %s::date, f.* FROM ({sql}) AS f ({columns})",
                [month, *params],
            )
            return int(cursor.rowcount)


def stands(month: date) -> bool:
    """Whether the rows of its reports no longer change."""
    return MonthClosing.objects.filter(month=month, frozen_at__isnull=False, with_reports=True).exists()


def _of_cases(user: User) -> Q:
    """Of rows that hang on a case: whose case is in the person's scope of figures, never about them."""
    sight = sight_of(user, FIGURES_RIGHT)
    seen = sight.rows(unit_no="complaint__unit_no", owner="complaint__owner_id")
    seen |= sight.rows(unit_no="complaint__work_unit_no", owner="complaint__handler_id")
    return seen & _not_about(user)


def _of_units_too(user: User) -> Q:
    """Besides those the parts of units in the scope."""
    own = sight_of(user, FIGURES_RIGHT).rows(unit_no="unit_no", owner="handler_id")
    return _of_cases(user) | own & _not_about(user)


def _not_about(user: User) -> Q:
    return Q(complaint__about_staff=None) | ~Q(complaint__about_staff=user)


def _calls(month: date) -> QuerySet[Callback]:
    """The callbacks that ended in a month, reached or not."""
    return Callback.objects.filter(within("done_at", span_of(month)))


def _parts(month: date) -> QuerySet[Part]:
    """The parts that fell due in a month. What was taken back or returned as poorly prepared is nobody's delay."""
    rows = Part.objects.filter(within("due_at", span_of(month)))
    rows = rows.exclude(state__in=[PartState.CANCELLED, PartState.RETURNED])
    return rows.filter(Q(due_at__lte=clock.now()) | Q(done_at__isnull=False))


def _times(month: date) -> QuerySet[CaseTime]:
    """Who used the time of the cases that ended in a month."""
    return CaseTime.objects.filter(within("complaint__closed_at", span_of(month)), complaint__source="")


CALLS = Rows(
    _calls,
    _of_cases,
    MonthCall,
    {
        "pk": (F("pk"), "callback_id"),
        "reached_at": (F("reached_at"), "reached_at"),
        "way": (F("way"), "way"),
        "solved": (F("solved"), "solved"),
        "satisfaction": (F("satisfaction"), "satisfaction"),
        "attitude": (F("attitude"), "attitude"),
        "tries": (Tries("tries"), "tries"),
        "final": (F("solution__final"), "final"),
        "topic": (F("complaint__topic_id"), "topic_id"),
        "brand": (F("complaint__brand"), "brand"),
        "unit": (F("complaint__work_unit_id"), "unit_id"),
        "responsible": (F("complaint__responsible_unit_id"), "responsible_id"),
        "person": (Coalesce("complaint__handler_id", "complaint__last_handler_id"), "person_id"),
        "caller": (F("by_id"), "caller_id"),
        "channel": (F("complaint__channel"), "channel"),
    },
)
PARTS = Rows(
    _parts,
    _of_units_too,
    MonthPart,
    {
        "pk": (F("pk"), "part_id"),
        "unit": (F("unit_id"), "unit_id"),
        "unit_no": (F("unit_no"), "by_unit_no"),
        "person": (F("handler_id"), "person_id"),
        "due_at": (F("due_at"), "due_at"),
        "done_at": (F("done_at"), "done_at"),
        "used": (F("minutes_used"), "minutes_used"),
        "budget": (F("budget_minutes"), "budget_minutes"),
    },
)
TIMES = Rows(
    _times,
    _of_cases,
    MonthTime,
    {
        "case": (F("complaint_id"), "complaint_id"),
        "person": (F("person_id"), "person_id"),
        "unit": (F("unit_id"), "unit_id"),
        "minutes": (F("minutes"), "minutes"),
        "working": (F("working"), "working"),
        "paused": (F("paused"), "paused"),
    },
)
KEPT: Mapping[str, Rows] = {"callbacks": CALLS, "support": PARTS, "times": TIMES}
