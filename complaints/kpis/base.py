"""What a key figure is: which cases it counts, of which, and how its value follows from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from complaints.kpis.spans import Span
from complaints.lifecycle import State
from complaints.models.cases import ComplaintQuerySet
from foundation.common import clock
from foundation.common.errors import RuleBroken

Chosen = Callable[[ComplaintQuerySet, Span, datetime], ComplaintQuerySet]


class Unit(models.TextChoices):
    """What a value is measured in."""

    CASES = "cases", pgettext_lazy("unit", "cases")
    PERCENT = "%", "%"
    HOURS = "h", gettext_lazy("hours")
    SCORE = "score", gettext_lazy("of 5")


class Part(models.TextChoices):
    """Which rows of a figure: all it looks at, those that count, the rest."""

    ALL = "all", gettext_lazy("all")
    YES = "yes", gettext_lazy("met")
    NO = "no", gettext_lazy("not met")


class Percentile(models.Aggregate):
    """The value below which a share of the rows lies, between two rows in proportion."""

    name = "Percentile"
    template = "PERCENTILE_CONT(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = models.DurationField()

    def __init__(self, expression: Any, share: float) -> None:
        super().__init__(expression, share=float(share))


@dataclass(frozen=True)
class Kpi:
    """One figure. `denominator`: the cases it looks at; `numerator`: those of them that count, where it is a share;
    `worked_out`: its value from the cases it looks at, where it is neither a share nor how many there are. `better`:
    which way is good. `source`: where its formula stands."""

    code: str
    label: Any
    unit: Unit
    denominator: Chosen
    numerator: Chosen | None = None
    worked_out: Callable[[ComplaintQuerySet], float | None] | None = None
    better: Literal["up", "down", ""] = ""
    source: str = "D§25"


@dataclass(frozen=True)
class Found:
    """A figure over some cases in a period: the rows, and what follows from them."""

    kpi: Kpi
    denominator: ComplaintQuerySet
    numerator: ComplaintQuerySet | None

    def rows(self, part: str = Part.ALL) -> ComplaintQuerySet:
        """The rows of a part. Raises RuleBroken "complaint.unknown_code" for one the figure has not."""
        if part == Part.ALL:
            return self.denominator
        if self.numerator is None or part not in Part.values:
            raise RuleBroken("complaint.unknown_code", _("This figure has no such part."))
        if part == Part.YES:
            return self.numerator
        return self.denominator.exclude(pk__in=self.numerator.order_by().values("pk"))

    def counts(self) -> tuple[int, int]:
        """How many count, of how many: one statement. Of a figure that is no share both are the same."""
        if self.numerator is None:
            (of,) = counted([self.denominator])
            return of, of
        yes, of = counted([self.numerator, self.denominator])
        return yes, of

    def value(self) -> float | None:
        """The figure in its unit; None (shown as a dash) where a share has nothing to be a share of."""
        if self.kpi.worked_out is not None:
            return self.kpi.worked_out(self.denominator)
        yes, of = self.counts()
        if self.numerator is None:
            return yes
        return share(yes, of)


KPIS: dict[str, Kpi] = {}


def register_kpi(one: Kpi) -> Kpi:
    """Make a figure known. Raises ValueError when another has its code."""
    if KPIS.setdefault(one.code, one) is not one:
        raise ValueError(f"two figures are called {one.code!r}")
    return one


def kpi(code: str, rows: ComplaintQuerySet, span: Span, now: datetime | None = None) -> Found:
    """The figure over `rows` (what the viewer sees, filtered as they like; in no order) in the period, as it stands at
    `now`. Raises RuleBroken "complaint.unknown_code"."""
    one = KPIS.get(code)
    if one is None:
        raise RuleBroken("complaint.unknown_code", _("There is no such figure."))
    at = now or clock.now()
    seen = masters(rows)
    return Found(
        one, one.denominator(seen, span, at), one.numerator(seen, span, at) if one.numerator is not None else None
    )


def masters(rows: ComplaintQuerySet) -> ComplaintQuerySet:
    """Without those merged into another case: a matter counts once (D§10.9)."""
    return rows.exclude(state=State.MERGED)


def share(part: int, of: int) -> float | None:
    """Per cent; None of nothing."""
    return None if not of else part * 100 / of


def hours(span: timedelta | None) -> float | None:
    """A length of time in hours."""
    return None if span is None else span.total_seconds() / 3600


def counted(asked: Sequence[models.QuerySet[Any]]) -> tuple[int, ...]:
    """How many rows each has: one statement."""
    parts, values = [], list[Any]()
    for rows in asked:
        try:
            sql, given = rows.order_by().values("pk").query.sql_with_params()
        except EmptyResultSet:  # Django knows already that there are none
            parts.append("0")
            continue
        parts.append(f"(SELECT count(*) FROM ({sql}) t)")
        values += given
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", values)
        return tuple(cursor.fetchone())
