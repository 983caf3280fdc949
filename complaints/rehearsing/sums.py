"""The sums of a rehearsal: counted over its lines when all of them are there, so that every figure opens its rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, F, Min, Q, QuerySet

from complaints.models import Rehearsal, RehearsalHour, RehearsalLine
from foundation.common import clock

SOONER, LATER = Q(due_right__lt=F("due_left")), Q(due_right__gt=F("due_left"))
NEWLY, RESCUED = Q(late_right=True, late_left=False), Q(late_left=True, late_right=False)
ONE_SIDE = Q(due_left=None, due_right__isnull=False) | Q(due_left__isnull=False, due_right=None)
# What can be counted, and which lines that is; the list of lines filters by the same.
COUNTED: dict[str, Q] = {
    "all": Q(),
    "changed": SOONER | LATER | NEWLY | RESCUED | ONE_SIDE,
    "late_left": Q(late_left=True),
    "late_right": Q(late_right=True),
    "newly": NEWLY,
    "rescued": RESCUED,
    "sooner": SOONER,
    "later": LATER,
    "unknown": Q(late_left=None),
}
# Lines of cases from before the period count in its load alone.
CARRIED = "carried"
# Kinds of hours beside those of clocks: cases received and come through; by how many more or fewer wait.
CASES, WAITING = "", "+"
_HOURS = 'INSERT INTO complaints_rehearsal_hour (rehearsal_id, kind, unit_id, hour, received, "left", "right")'
_LINES = "FROM complaints_rehearsal_line WHERE rehearsal_id = %(id)s"
_DUE = f"""{_HOURS}
  SELECT %(id)s, kind, unit_id, hour, 0, sum(on_left), sum(on_right) FROM (
    SELECT kind, unit_id, date_trunc('hour', due_left) AS hour, count(*) AS on_left, 0 AS on_right
    {_LINES} AND due_left IS NOT NULL AND (NOT carried OR due_left >= %(since)s) GROUP BY 1, 2, 3
    UNION ALL
    SELECT kind, unit_id, date_trunc('hour', due_right), 0, count(*)
    {_LINES} AND due_right IS NOT NULL AND (NOT carried OR due_right >= %(since)s) GROUP BY 1, 2, 3) due
  GROUP BY kind, unit_id, hour"""
_CASES = f"""{_HOURS}
  SELECT %(id)s, '{CASES}', unit_id, hour, sum(came), sum(through_left), sum(through_right) FROM (
    SELECT unit_id, date_trunc('hour', received_at) AS hour, count(*) AS came, 0 AS through_left, 0 AS through_right
    {_LINES} AND first AND NOT carried GROUP BY 1, 2
    UNION ALL
    SELECT unit_id, date_trunc('hour', done_left), 0, count(*), 0 {_LINES} AND done_left IS NOT NULL GROUP BY 1, 2
    UNION ALL
    SELECT unit_id, date_trunc('hour', done_right), 0, 0, count(*) {_LINES} AND done_right IS NOT NULL GROUP BY 1, 2)
  hours GROUP BY unit_id, hour"""
_WAITING = f"""{_HOURS}
  SELECT %(id)s, '{WAITING}', unit_id, hour, 0, sum(more_left), sum(more_right) FROM (
    SELECT unit_id, date_trunc('hour', greatest(received_at, %(since)s)) AS hour, count(done_left) AS more_left,
      count(done_right) AS more_right {_LINES} AND first GROUP BY 1, 2
    UNION ALL
    SELECT unit_id, date_trunc('hour', done_left), -count(*), 0 {_LINES} AND done_left IS NOT NULL GROUP BY 1, 2
    UNION ALL
    SELECT unit_id, date_trunc('hour', done_right), 0, -count(*) {_LINES} AND done_right IS NOT NULL GROUP BY 1, 2)
  hours GROUP BY unit_id, hour HAVING sum(more_left) <> 0 OR sum(more_right) <> 0"""


@transaction.atomic
def sum_up(rehearsal: Rehearsal, since: datetime) -> None:
    """Count the lines by kind of clock, by unit and by hour, and finish the rehearsal. `since`: when its period begins.
    Done again, the same comes out."""
    RehearsalHour.objects.filter(rehearsal=rehearsal).delete()
    with connection.cursor() as cursor:
        for statement in (_DUE, _CASES, _WAITING):
            cursor.execute(statement, {"id": rehearsal.pk, "since": since})
    units: dict[str, dict[str, dict[str, int]]] = {}
    for (kind, unit), counts in _counted(rehearsal, ("kind", "unit_id")):
        units.setdefault(kind, {})[str(unit)] = counts
    rehearsal.figures = {
        "kinds": {key[0]: counts for key, counts in _counted(rehearsal, ("kind",))},
        "units": units,
        CARRIED: carried_cases(rehearsal).count(),
    }
    rehearsal.finished_at = clock.now()
    rehearsal.save(update_fields=["figures", "finished_at"])


def carried_cases(rehearsal: Rehearsal) -> QuerySet[RehearsalLine]:
    """The cases from before the period that count in its load: the first line of each."""
    first = rehearsal.lines.filter(carried=True).order_by().values("complaint_id").annotate(one=Min("pk"))
    return rehearsal.lines.filter(pk__in=first.values("one")).order_by("pk")


def _counted(rehearsal: Rehearsal, by: tuple[str, ...]) -> Iterable[tuple[tuple[Any, ...], dict[str, int]]]:
    counts = {f"n_{name}": Count("pk", filter=lines) if lines else Count("pk") for name, lines in COUNTED.items()}
    for row in rehearsal.lines.filter(carried=False).order_by(*by).values(*by).annotate(**counts):
        yield tuple(row[name] for name in by), {name: row[f"n_{name}"] for name in COUNTED}
