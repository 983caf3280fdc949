"""Figures of solving in the first contact: sums by day, unit, channel, person or kind, and the rows behind each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, F, Q, QuerySet, Sum
from django.urls import reverse

from foundation.common import clock
from foundation.common.ids import first_id_at
from foundation.policies.reading import policy
from foundation.ui.wording import say_choice, say_date
from interactions.judging import SLACK
from interactions.lifecycle import Channel, Kind
from interactions.matter_queries import matters_due
from interactions.models import ContactFigure, ContactVerdict, Matter
from staff.models import OrgUnit, User

GROUPS = {"day": "day", "unit": "unit_no", "channel": "channel", "person": "staff_id", "kind": "kind"}
MOST_GROUPS = 120  # what a page may hold (ui-guide §11)
MOST_DAYS = 366
LATE = Q(closed_at__isnull=True) | Q(closed_at__gt=F("due_at"))
STATES = ("SOLVED", "NOT_SOLVED", "PENDING")


@dataclass(frozen=True)
class Period:
    """Whole days of the business zone, both ends included."""

    first: date
    last: date

    def bounds(self) -> tuple[int, int]:
        """Ids every contact of these days lies between."""
        begin, end = clock.business_midnight(self.first), clock.business_midnight(self.last + timedelta(days=1))
        return first_id_at(begin - SLACK), first_id_at(end + SLACK)


def period_of(first: date | None, last: date | None) -> Period:
    """The days asked for, in order and at most a year; by default the last 30 up to yesterday."""
    yesterday = clock.today() - timedelta(days=1)
    last = last or (max(first, yesterday) if first else yesterday)
    first = first or last - timedelta(days=29)
    first, last = min(first, last), max(first, last)
    return Period(max(first, last - timedelta(days=MOST_DAYS - 1)), last)


@dataclass(frozen=True)
class FigureLine:
    """One line: contacts that count, and how many of them were solved at once, are pending, were complaints solved.

    `settled`, `settled_solved`: those of days whose contacts all can be judged. A contact that failed is known at once,
    one that was solved only after a week: the share of younger days would be too low.
    """

    label: str
    key: Any
    total: int
    solved: int
    pending: int
    complaints: int
    settled: int
    settled_solved: int
    period: Period
    asked: dict[str, Any]

    @property
    def judged(self) -> int:
        return self.total - self.pending

    @property
    def not_solved(self) -> int:
        return self.judged - self.solved

    @property
    def share(self) -> float | None:
        """Percent solved in the first contact, of the days that are over; None when there is none (D§25: "-")."""
        return round(100 * self.settled_solved / self.settled, 1) if self.settled else None

    @property
    def settled_link(self) -> str:
        """The list behind the upper number of the share."""
        last = max(min(self.period.last, settled_until()), self.period.first)
        return rows_url(Period(self.period.first, last), **self.asked, state="SOLVED")

    @property
    def links(self) -> dict[str, str]:
        """The list behind each number."""
        found = {"total": rows_url(self.period, **self.asked)}
        for name, state in (("solved", "SOLVED"), ("not_solved", "NOT_SOLVED"), ("pending", "PENDING")):
            found[name] = rows_url(self.period, **self.asked, state=state)
        # Of a line that is itself one kind, other kinds have no complaints: nothing to open there.
        if self.asked.get("kind", Kind.COMPLAINT) == Kind.COMPLAINT:
            found["complaints"] = rows_url(
                self.period, **self.asked | {"kind": Kind.COMPLAINT.value, "state": "SOLVED"}
            )
        return found


def settled_until() -> date:
    """The last day whose contacts can all be judged: nobody can come again in time any more."""
    return clock.today() - policy("interactions.solved_within") - timedelta(days=1)


def _sums() -> dict[str, Sum]:
    settled = Q(day__lte=settled_until())
    return {
        "solved_sum": Sum("solved"),
        "pending_sum": Sum("pending"),
        "complaints_sum": Sum("solved", filter=Q(kind=Kind.COMPLAINT)),
        "settled_sum": Sum(F("total") - F("pending"), filter=settled),
        "settled_solved_sum": Sum("solved", filter=settled),
    }


def _figures(user: User, period: Period) -> QuerySet[ContactFigure]:
    return ContactFigure.objects.visible_to(user).filter(day__gte=period.first, day__lte=period.last)


def _line(row: Mapping[str, Any], label: str, period: Period, key: Any = None, **asked: Any) -> FigureLine:
    return FigureLine(
        label=label,
        key=key,
        total=row["contacts"] or 0,
        solved=row["solved_sum"] or 0,
        pending=row["pending_sum"] or 0,
        complaints=row["complaints_sum"] or 0,
        settled=row["settled_sum"] or 0,
        settled_solved=row["settled_solved_sum"] or 0,
        period=period,
        asked=asked,
    )


def figure_lines(user: User, period: Period, by: str) -> list[FigureLine]:
    """The lines of a period in the user's scope, at most 120: the last days, or the units, persons… with the most
    contacts. One query, a second one for names."""
    groups = _figures(user, period).values(key=F(GROUPS[by])).annotate(contacts=Sum("total"), **_sums())
    found = list(groups.order_by(*(("-key",) if by == "day" else ("-contacts", "key")))[:MOST_GROUPS])
    names = _names(by, [row["key"] for row in found])
    lines = [_line(row, names[row["key"]], period, row["key"], **{by: row["key"]}) for row in found]
    return lines[::-1] if by == "day" else sorted(lines, key=lambda line: (-line.total, line.label))


def sum_line(user: User, period: Period, label: str) -> FigureLine:
    """The whole period, also what `figure_lines` leaves out: one query."""
    return _line(_figures(user, period).aggregate(contacts=Sum("total"), **_sums()), label, period)


def _names(by: str, keys: list[Any]) -> dict[Any, str]:
    if by == "day":
        return {key: say_date(key) for key in keys}
    if by in ("channel", "kind"):
        choices: Any = Channel if by == "channel" else Kind
        return {key: say_choice(choices, key) for key in keys}
    if by == "person":
        known = {
            pk: f"{no} {name}"
            for pk, no, name in User.objects.filter(pk__in=keys).values_list("pk", "staff_no", "name")
        }
    else:
        known = dict(OrgUnit.objects.filter(no__in=keys).values_list("no", "name"))
    return {key: known.get(key, str(key)) for key in keys}


def late_url(period: Period, *, all_due: bool = False) -> str:
    """The list of the matters behind the number of breaches, or behind the number they are a share of."""
    query = _days(period) | ({"all": 1} if all_due else {})
    return f"{reverse('interactions:figure-late')}?{urlencode(query)}"


def _days(period: Period) -> dict[str, Any]:
    return {"first": period.first.isoformat(), "last": period.last.isoformat()}


def rows_url(period: Period, **asked: Any) -> str:
    """The list of the contacts behind a number."""
    query = _days(period)
    query |= {name: value.isoformat() if isinstance(value, date) else value for name, value in asked.items()}
    return f"{reverse('interactions:figure-rows')}?{urlencode(query)}"


def verdict_rows(user: User, period: Period, asked: dict[str, Any]) -> QuerySet[ContactVerdict]:
    """The verdicts behind a number, newest first. `asked`: day, unit, channel, person, kind, state, where given."""
    lo, hi = period.bounds()
    rows = ContactVerdict.objects.visible_to(user).filter(
        interaction_id__gte=lo, interaction_id__lt=hi, day__gte=period.first, day__lte=period.last
    )
    columns = {
        "day": "day",
        "unit": "unit_no",
        "channel": "channel",
        "person": "staff_id",
        "kind": "kind",
        "state": "state",
    }
    rows = rows.filter(**{columns[name]: value for name, value in asked.items()})
    return rows.select_related("interaction__customer", "interaction__topic", "staff").order_by("-interaction_id")


@dataclass(frozen=True)
class MatterFigures:
    """Matters whose answer was due in the period: all, and those not told in time (D§25 first-ask breaches)."""

    due: int
    late: int

    @property
    def share(self) -> float | None:
        return round(100 * self.late / self.due, 1) if self.due else None


def matter_figures(user: User, period: Period) -> MatterFigures:
    """One query."""
    found = _matters(user, period).aggregate(due=Count("pk"), late=Count("pk", filter=LATE))
    return MatterFigures(found["due"], found["late"])


def late_matters(user: User, period: Period, *, all_due: bool = False) -> QuerySet[Matter]:
    """The matters behind the number of those told late or not at all (or of all that were due), newest due first."""
    rows = _matters(user, period) if all_due else _matters(user, period).filter(LATE)
    rows = rows.select_related("owner", "handler", "customer", "topic", "escalated_to")
    return rows.order_by("-due_at", "-pk")


def _matters(user: User, period: Period) -> QuerySet[Matter]:
    end = min(clock.business_midnight(period.last + timedelta(days=1)), clock.now())
    return matters_due(user, clock.business_midnight(period.first), end)
