"""The sums of a rehearsal: counted over its lines when all of them are there, so that every figure opens its rows."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction

from complaints.models import Rehearsal, RehearsalHour
from foundation.common import clock

CHANGED = "(due_left IS DISTINCT FROM due_right OR late_left IS DISTINCT FROM late_right)"
# What can be counted, and which lines that is; the list of lines filters by the same words.
COUNTED = {
    "all": "TRUE",
    "changed": CHANGED,
    "late_left": "late_left",
    "late_right": "late_right",
    "newly": "late_right AND NOT late_left",
    "rescued": "late_left AND NOT late_right",
    "sooner": "due_right < due_left",
    "later": "due_right > due_left",
    "unknown": "late_left IS NULL",
}


@transaction.atomic
def sum_up(rehearsal: Rehearsal) -> None:
    """Count the lines by kind of clock, by unit and by hour, and finish the rehearsal. Done again, the same comes
    out."""
    RehearsalHour.objects.filter(rehearsal=rehearsal).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO complaints_rehearsal_hour (rehearsal_id, kind, unit_id, hour, received, "left", "right")
               SELECT %(id)s, kind, unit_id, hour, 0, sum(on_left), sum(on_right) FROM (
                 SELECT kind, unit_id, date_trunc('hour', due_left) AS hour, count(*) AS on_left, 0 AS on_right
                 FROM complaints_rehearsal_line WHERE rehearsal_id = %(id)s AND due_left IS NOT NULL GROUP BY 1, 2, 3
                 UNION ALL
                 SELECT kind, unit_id, date_trunc('hour', due_right), 0, count(*)
                 FROM complaints_rehearsal_line WHERE rehearsal_id = %(id)s AND due_right IS NOT NULL GROUP BY 1, 2, 3
               ) due GROUP BY kind, unit_id, hour""",
            {"id": rehearsal.pk},
        )
        cursor.execute(
            """INSERT INTO complaints_rehearsal_hour (rehearsal_id, kind, unit_id, hour, received, "left", "right")
               SELECT %(id)s, '', unit_id, hour, sum(came), sum(done_l), sum(done_r) FROM (
                 SELECT unit_id, date_trunc('hour', received_at) AS hour, count(*) AS came, 0 AS done_l, 0 AS done_r
                 FROM complaints_rehearsal_line WHERE rehearsal_id = %(id)s AND first GROUP BY 1, 2
                 UNION ALL
                 SELECT unit_id, date_trunc('hour', done_left), 0, count(*), 0
                 FROM complaints_rehearsal_line WHERE rehearsal_id = %(id)s AND done_left IS NOT NULL GROUP BY 1, 2
                 UNION ALL
                 SELECT unit_id, date_trunc('hour', done_right), 0, 0, count(*)
                 FROM complaints_rehearsal_line WHERE rehearsal_id = %(id)s AND done_right IS NOT NULL GROUP BY 1, 2
               ) hours GROUP BY unit_id, hour""",
            {"id": rehearsal.pk},
        )
        rehearsal.figures = {"kinds": _counted(cursor, rehearsal, "kind"), "units": _by_unit(cursor, rehearsal)}
    rehearsal.finished_at = clock.now()
    rehearsal.save(update_fields=["figures", "finished_at"])


def _counted(cursor: Any, rehearsal: Rehearsal, by: str) -> dict[str, dict[str, int]]:
    counts = ", ".join(f"count(*) FILTER (WHERE {lines})" for lines in COUNTED.values())
    cursor.execute(
        f"SELECT {by}, {counts} FROM complaints_rehearsal_line WHERE rehearsal_id = %s GROUP BY 1 ORDER BY 1",
        [rehearsal.pk],
    )
    return {str(row[0]): dict(zip(COUNTED, row[1:], strict=True)) for row in cursor.fetchall()}


def _by_unit(cursor: Any, rehearsal: Rehearsal) -> dict[str, dict[str, dict[str, int]]]:
    """Kind of clock -> unit -> counts."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for both, counts in _counted(cursor, rehearsal, "kind || ' ' || unit_id").items():
        kind, unit = both.rsplit(" ", 1)
        found.setdefault(kind, {})[unit] = counts
    return found
