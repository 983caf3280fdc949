"""Figures by what cases were about and whose they were: running months as they stand, frozen ones as they stood.

Both give rows of one shape (`row_…`), so that a number and the list behind it are always the same rows (D§25).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    DateField,
    F,
    FloatField,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, TruncDate
from django.utils.translation import gettext_lazy as _

from complaints.kpis.base import Found, Part, kpi
from complaints.kpis.handling import TO_ANSWER, judged, within
from complaints.kpis.outcome import TO_CONTACT
from complaints.kpis.spans import span_of
from complaints.lifecycle import ClockKind
from complaints.models import Callback, Complaint, MonthCase, MonthClosing
from complaints.models.cases import ComplaintQuerySet
from complaints.models.figures import FIGURES_RIGHT
from foundation.common import clock
from staff.models import TeamMember, User
from staff.rights import sight_of

# The figures of a month, in the order of the page. How many are open now is no figure of a month.
MONTHLY: tuple[str, ...] = (
    "complaints",
    "escalation",
    "repeat",
    "on_time",
    "statutory",
    "mean_time",
    "p90_time",
    "first_contact",
    "progress",
    "closed",
    "reopening",
    "late_reopened",
    "callback",
    "reach",
    "callback_return",
    "satisfaction",
    "score",
    "appeals",
)
NINETIETH = "p90_time"


class Hours(Func):
    """A length of time in hours."""

    template = "(EXTRACT(EPOCH FROM %(expressions)s) / 3600.0)::float8"
    output_field = FloatField()


MEASURES: dict[str, Any] = {
    "mean_time": Hours(TO_ANSWER),
    NINETIETH: Hours(TO_ANSWER),
    "first_contact": Hours(TO_CONTACT),
    "score": Cast("satisfaction", FloatField()),
}


def _team() -> Subquery:
    today = clock.today()
    rows = TeamMember.objects.filter(
        Q(to_day=None) | Q(to_day__gte=today), user=OuterRef("row_person"), from_day__lte=today
    )
    return Subquery(rows.values("team")[:1])


@dataclass(frozen=True)
class Dimension:
    """What a figure is split by. `live`: of a case as it is; `stored`: of a row of a frozen month."""

    key: str
    label: Any
    live: Any
    stored: str


DIMENSIONS: dict[str, Dimension] = {
    one.key: one
    for one in (
        Dimension("day", _("Day"), None, "day"),
        Dimension("topic", _("Topic"), F("topic_id"), "topic_id"),
        Dimension("cause", _("Cause"), F("cause_id"), "cause_id"),
        Dimension("unit", _("Unit"), F("work_unit_id"), "unit_id"),
        Dimension("responsible", _("Responsible unit"), F("responsible_unit_id"), "responsible_id"),
        Dimension("person", _("Person"), Coalesce("handler_id", "last_handler_id", "owner_id"), "person_id"),
        Dimension("team", _("Team"), None, "team_id"),
        Dimension("channel", _("Channel"), F("channel"), "channel"),
        Dimension("brand", _("Brand"), F("brand"), "brand"),
        Dimension("area", _("Area"), F("area"), "area"),
        Dimension("product", _("Product line"), F("product_line"), "product_line"),
        Dimension("grade", _("Grade"), F("grade"), "grade"),
    )
}
# The day a row belongs to: a column of the case, or of what the figure looks at. Figures not named here are about a
# whole month.
_DAYS: dict[str, str] = {
    "complaints": "received_at",
    "escalation": "received_at",
    "repeat": "received_at",
    "first_contact": "received_at",
    "mean_time": "answered_at",
    NINETIETH: "answered_at",
    "closed": "closed_at",
    "score": "closed_at",
}
_CALL_DAYS = {
    "callback": "due_at",
    "reach": "due_at",
    "callback_return": "reached_at",
    "satisfaction": "reached_at",
}
_CLOCK_DAYS = {"on_time": ClockKind.SERVICE, "statutory": ClockKind.STATUTORY}
BY_DAY: tuple[str, ...] = (*_DAYS, *_CALL_DAYS, *_CLOCK_DAYS)
NUMBERED = ("topic", "cause", "unit", "responsible", "person", "team")


def is_number(text: str) -> bool:
    """Whether it may be a key of the database."""
    return text.isascii() and text.isdecimal() and len(text) < 10


def is_day(text: str) -> bool:
    """Whether it is a day as addresses write it."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def frozen_among(months: Iterable[date]) -> set[date]:
    """Those that stand. One query."""
    rows = MonthClosing.objects.filter(month__in=list(months), frozen_at__isnull=False)
    return set(rows.values_list("month", flat=True))


def in_scope(user: User) -> ComplaintQuerySet:
    """The cases figures are about for this person: the scope of `complaints.figures`, never those about them."""
    sight = sight_of(user, FIGURES_RIGHT)
    seen = sight.rows(unit_no="unit_no", owner="owner_id") | sight.rows(unit_no="work_unit_no", owner="handler_id")
    return Complaint.objects.filter(seen).not_about(user)


def found_live(code: str, month: date, rows: ComplaintQuerySet) -> Found:
    """The figure of a month over cases as they are."""
    return kpi(code, rows, span_of(month))


def _day_of(code: str, month: date) -> Any:
    """The day of the business zone a row of the figure belongs to; of several the last one."""
    span = span_of(month)
    moment: Any = None
    if code in _DAYS:
        moment = F(_DAYS[code])
    elif code in _CALL_DAYS:
        column = _CALL_DAYS[code]
        calls = Callback.objects.filter(within(column, span), complaint=OuterRef("pk")).order_by(f"-{column}")
        moment = Subquery(calls.values(column)[:1])
    elif code in _CLOCK_DAYS:
        clocks = judged(_CLOCK_DAYS[code], span, clock.now()).filter(owner_id=OuterRef("pk")).order_by("-due_at")
        moment = Subquery(clocks.values("due_at")[:1])
    if moment is None:
        return Cast(Value(None), DateField(null=True))
    return TruncDate(moment, tzinfo=clock.BUSINESS_ZONE)


def live_rows(code: str, month: date, rows: ComplaintQuerySet) -> QuerySet[Any]:
    """What a figure looks at, as rows with `row_case`, `row_yes`, `row_measure` and `row_<dimension>`."""
    found = found_live(code, month, rows)
    yes: Any = Cast(Value(None), BooleanField(null=True))
    if found.numerator is not None:
        counts = Q(pk__in=found.numerator.order_by().values("pk"))
        yes = Case(When(counts, then=Value(True)), default=Value(False), output_field=BooleanField())
    measure = MEASURES.get(code, Cast(Value(None), FloatField(null=True)))
    named = {f"row_{one.key}": one.live for one in DIMENSIONS.values() if one.live is not None}
    asked = found.denominator.order_by().annotate(row_case=F("pk"), row_measure=measure, row_yes=yes, **named)
    return asked.annotate(row_team=_team(), row_day=_day_of(code, month))


def month_rows(user: User, code: str, month: date, *, frozen: bool) -> QuerySet[Any]:
    """The same in the person's scope, out of the frozen month where it is one."""
    if not frozen:
        return live_rows(code, month, in_scope(user))
    named = {f"row_{one.key}": F(one.stored) for one in DIMENSIONS.values()}
    rows = MonthCase.objects.visible_to(user).filter(month=month, code=code)
    return rows.annotate(row_case=F("complaint_id"), row_measure=F("measure"), row_yes=F("yes"), **named)


def narrowed(rows: QuerySet[Any], part: str, by: str = "", key: str = "") -> QuerySet[Any]:
    """Those of a part and of one line of a split. `key`: digits where the split is `NUMBERED`, a day as ISO
    writes it, "" for what has none."""
    if part in (Part.YES, Part.NO):
        rows = rows.filter(row_yes=part == Part.YES)
    if not by:
        return rows
    if not key and by in (*NUMBERED, "day"):
        return rows.filter(**{f"row_{by}__isnull": True})
    return rows.filter(**{f"row_{by}": key_of(by, key)})


def key_of(by: str, key: str) -> Any:
    """A key of an address as the database compares it."""
    if not key:
        return key
    return date.fromisoformat(key) if by == "day" else int(key) if by in NUMBERED else key
