"""All figures of a month in few statements, and the month before beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Avg, Count, Q

from complaints.kpis.base import KPIS, Kpi, Unit
from complaints.kpis.lines import Ninetieth
from complaints.kpis.rates import RATES, Rate, mean_lines, rate
from complaints.kpis.slicing import MEASURES, MONTHLY, NINETIETH, found_live, in_scope
from complaints.models import MonthCase
from staff.models import User


@dataclass(frozen=True)
class Counted:
    """A figure of a month: how many rows it looks at, how many count, what is measured."""

    of: int
    yes: int
    measure: float | None


@dataclass(frozen=True)
class Shown:
    """A figure beside that of the month before, in its unit; None: a dash."""

    code: str
    label: Any
    unit: str
    better: str
    counted: Counted
    value: float | None
    before: float | None
    of_code: str  # whose rows it opens

    @property
    def is_share(self) -> bool:
        return self.unit == Unit.PERCENT

    @property
    def change(self) -> float | None:
        """How much more than the month before, in its unit."""
        return None if self.value is None or self.before is None else self.value - self.before


def counted_live(user: User, month: date) -> dict[str, Counted]:
    """The figures of a month as it stands: one statement."""
    rows, parts, params = in_scope(user), list[str](), list[Any]()
    for code in MONTHLY:
        found = found_live(code, month, rows)
        asked = found.denominator.order_by()
        parts.append(_part(asked.values("pk"), "count(*)", params))
        parts.append(
            "0" if found.numerator is None else _part(found.numerator.order_by().values("pk"), "count(*)", params)
        )
        if code not in MEASURES:
            parts.append("NULL")
            continue
        measured = asked.annotate(row_measure=MEASURES[code]).values_list("row_measure")
        how = "percentile_cont(0.9) WITHIN GROUP (ORDER BY v)" if code == NINETIETH else "avg(v)"
        parts.append(_part(measured, how, params, named="t(v)"))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", params)
        values: Sequence[Any] = cursor.fetchone()
    return {code: Counted(*values[at * 3 : at * 3 + 3]) for at, code in enumerate(MONTHLY)}


def _part(rows: Any, how: str, params: list[Any], named: str = "t") -> str:
    try:
        sql, given = rows.query.sql_with_params()
    except EmptyResultSet:  # Django knows already that there are none
        return "0" if how == "count(*)" else "NULL"
    params += given
    return f"(SELECT {how} FROM ({sql}) AS {named})"


def counted_frozen(user: User, month: date, codes: Sequence[str] = MONTHLY) -> dict[str, Counted]:
    """The figures of a month as it was frozen, all or some: one statement."""
    rows = MonthCase.objects.visible_to(user).filter(month=month, code__in=codes).order_by().values("code")
    found = rows.annotate(
        n=Count("pk"), met=Count("pk", filter=Q(yes=True)), mean=Avg("measure"), most=Ninetieth("measure")
    )
    known = {
        row["code"]: Counted(row["n"], row["met"], row["most"] if row["code"] == NINETIETH else row["mean"])
        for row in found
    }
    return {code: known.get(code, Counted(0, 0, None)) for code in codes}


def counted(user: User, month: date, *, frozen: bool) -> dict[str, Counted]:
    """The figures of a month."""
    return counted_frozen(user, month) if frozen else counted_live(user, month)


def value_of(one: Kpi, found: Counted) -> float | None:
    """A figure in its unit; None where a share has nothing to be a share of."""
    if one.worked_out is not None:
        return found.measure
    if one.numerator is None:
        return found.of
    return 100 * found.yes / found.of if found.of else None


def figures_of(user: User, month: date, *, frozen: bool, before: date, before_frozen: bool) -> list[Shown]:
    """Every figure of the month, and of the month before; rates first. Three statements."""
    now, then = counted(user, month, frozen=frozen), counted(user, before, frozen=before_frozen)
    lines = mean_lines(user, [before, month])
    shown = [_rate(one, now, then, lines[month], lines[before]) for one in RATES]
    for code in MONTHLY:
        one = KPIS[code]
        shown.append(
            Shown(
                code,
                one.label,
                one.unit,
                one.better,
                now[code],
                value_of(one, now[code]),
                value_of(one, then[code]),
                code,
            )
        )
    return shown


def _rate(
    one: Rate, now: dict[str, Counted], then: dict[str, Counted], lines: float | None, old: float | None
) -> Shown:
    found, past = now[one.of], then[one.of]
    return Shown(
        one.code, one.label, "", "down", found, rate(found.of, lines, one.lines), rate(past.of, old, one.lines), one.of
    )
