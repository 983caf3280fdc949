"""Causes that come again: the same cause three times in thirty days in one responsible unit (D§10.16, CMP-17)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import QuerySet

from complaints.kpis.lines import names_of
from complaints.kpis.slicing import in_scope
from complaints.kpis.spans import span_of
from complaints.lifecycle import State
from complaints.models import Complaint
from foundation.policies.reading import policy
from staff.models import User

MOST = 100

# Each closing with the one so many before it of the same cause and unit: near enough, the cause repeats.
_REPEATED = """
SELECT cause_id, unit_id, count(*), max(within), max(closed_at) FILTER (WHERE near)
FROM (
  SELECT s.*, s.earlier >= s.closed_at - %(days)s AS near,
    count(*) OVER (PARTITION BY cause_id, unit_id ORDER BY closed_at RANGE BETWEEN %(days)s PRECEDING AND CURRENT ROW)
      AS within
  FROM (
    SELECT c.cause_id, c.responsible_unit_id AS unit_id, c.closed_at,
      lag(c.closed_at, %(before)s) OVER (PARTITION BY c.cause_id, c.responsible_unit_id ORDER BY c.closed_at) AS earlier
    FROM ({cases}) k (id) JOIN complaints_complaint c ON c.id = k.id) s) t
WHERE closed_at >= %(start)s
GROUP BY cause_id, unit_id HAVING bool_or(near) ORDER BY max(within) DESC, cause_id, unit_id LIMIT %(most)s
"""


@dataclass(frozen=True)
class Repeated:
    """A cause that came again in a unit: how often in the month, at most how often in thirty days, and when last."""

    cause_id: int
    unit_id: int
    cause: str
    unit: str
    in_month: int
    most: int
    last_at: datetime


def repeated_causes(user: User, month: date) -> list[Repeated]:
    """Those that reached the number within the days, by a closing of the month; the most frequent first. Three queries.

    Whatever was closed with a cause and a unit counts, each case once; groups count as their members do."""
    span, days = span_of(month), timedelta(days=policy("complaints.repeat.days"))
    times = policy("complaints.repeat.cases")
    sql, given = closed_with_cause(user, span.start - days, span.end).values("pk").query.sql_with_params()
    values = {"start": span.start, "days": days, "before": times - 1, "most": MOST}
    named = {f"p{at}": value for at, value in enumerate(given)}
    with connection.cursor() as cursor:
        cursor.execute(_REPEATED.replace("{cases}", sql % tuple(f"%({name})s" for name in named)), values | named)
        rows = cursor.fetchall()
    causes = names_of("cause", {row[0] for row in rows})
    units = names_of("unit", {row[1] for row in rows})
    return [
        Repeated(cause, unit, causes[cause], units[unit], in_month, most, last)
        for cause, unit, in_month, most, last in rows
    ]


def closed_with_cause(user: User, start: datetime, end: datetime) -> QuerySet[Complaint]:
    """The cases closed with a cause and a responsible unit, in the person's scope."""
    rows = in_scope(user).filter(closed_at__gte=start, closed_at__lt=end, state=State.CLOSED, is_parent=False)
    return rows.filter(cause__isnull=False, responsible_unit__isnull=False)


def behind_repeated(user: User, month: date, cause_id: int, unit_id: int) -> QuerySet[Complaint]:
    """The cases of the month behind one of them."""
    span = span_of(month)
    return closed_with_cause(user, span.start, span.end).filter(cause=cause_id, responsible_unit=unit_id)
