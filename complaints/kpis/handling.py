"""How much comes in and goes out, what lies, what is late, and how long an answer takes."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Avg, DurationField, ExpressionWrapper, F, Q
from django.utils.translation import gettext_lazy as _

from complaints.kpis.base import Chosen, Kpi, Percentile, Unit, hours, register_kpi
from complaints.kpis.spans import Span
from complaints.lifecycle import OWNER_KIND, ClockKind
from complaints.models.cases import ComplaintQuerySet
from foundation.calendars.models import Clock
from foundation.calendars.models.clocks import ClockQuerySet

TO_ANSWER = ExpressionWrapper(F("answered_at") - F("received_at"), output_field=DurationField())


def within(column: str, span: Span) -> Q:
    """The moment of the column lies in the period."""
    return Q(**{f"{column}__gte": span.start, f"{column}__lt": span.end})


def missed_at(now: datetime) -> Q:
    """Of clocks: the due moment passed while they ran; a miss stays one."""
    return Q(missed_at__isnull=False) | Q(state=Clock.State.RUNNING, due_at__lt=now)


def judged(kind: str, span: Span, now: datetime) -> ClockQuerySet:
    """The clocks of cases due in the period of which it is known whether they were met: ended ones that were judged,
    and those that ran past their due moment. What ended otherwise (withdrawn, merged away) and was not late is none of
    them; pauses are taken out of the due moment itself."""
    rows = Clock.objects.filter(within("due_at", span), owner_kind=OWNER_KIND, kind=kind)
    return rows.filter(Q(state__in=[Clock.State.MET, Clock.State.MISSED]) | missed_at(now))


def _due(kind: ClockKind) -> tuple[Chosen, Chosen]:
    def due(rows: ComplaintQuerySet, span: Span, now: datetime) -> ComplaintQuerySet:
        return rows.filter(pk__in=judged(kind, span, now).values("owner_id"))

    def met(rows: ComplaintQuerySet, span: Span, now: datetime) -> ComplaintQuerySet:
        missed = judged(kind, span, now).filter(missed_at(now))
        return due(rows, span, now).exclude(pk__in=missed.values("owner_id"))

    return due, met


_SERVICE_DUE, _SERVICE_MET = _due(ClockKind.SERVICE)
_LAW_DUE, _LAW_MET = _due(ClockKind.STATUTORY)


def _received(rows: ComplaintQuerySet, span: Span, _now: datetime) -> ComplaintQuerySet:
    return rows.filter(within("received_at", span))


def _closed(rows: ComplaintQuerySet, span: Span, _now: datetime) -> ComplaintQuerySet:
    # When a record of the past ended is seldom known: it stands at the day of its file.
    return rows.filter(within("closed_at", span), source="")


def _answered(rows: ComplaintQuerySet, span: Span, _now: datetime) -> ComplaintQuerySet:
    return rows.filter(within("answered_at", span))


def _scored(rows: ComplaintQuerySet, span: Span, now: datetime) -> ComplaintQuerySet:
    return _closed(rows, span, now).filter(satisfaction__isnull=False)


def _open(rows: ComplaintQuerySet, _span: Span, _now: datetime) -> ComplaintQuerySet:
    return rows.open().filter(source="")


def _overdue(rows: ComplaintQuerySet, _span: Span, now: datetime) -> ComplaintQuerySet:
    return rows.overdue(now)


def _backlog(rows: ComplaintQuerySet, span: Span, _now: datetime) -> ComplaintQuerySet:
    return rows.filter(Q(closed_at__isnull=True) | Q(closed_at__gte=span.end), received_at__lt=span.end, source="")


def _mean(rows: ComplaintQuerySet) -> float | None:
    return hours(rows.aggregate(value=Avg(TO_ANSWER))["value"])


def _ninetieth(rows: ComplaintQuerySet) -> float | None:
    return hours(rows.aggregate(value=Percentile(TO_ANSWER, 0.9))["value"])


def _score(rows: ComplaintQuerySet) -> float | None:
    found = rows.aggregate(value=Avg("satisfaction"))["value"]
    return None if found is None else float(found)


register_kpi(Kpi("on_time", _("On-time rate"), Unit.PERCENT, _SERVICE_DUE, _SERVICE_MET, better="up"))
register_kpi(Kpi("statutory", _("Statutory rate"), Unit.PERCENT, _LAW_DUE, _LAW_MET, better="up"))
register_kpi(Kpi("received", _("Received"), Unit.CASES, _received))
register_kpi(Kpi("closed", _("Closed"), Unit.CASES, _closed, better="up"))
register_kpi(Kpi("open", _("Open"), Unit.CASES, _open, better="down"))
register_kpi(Kpi("overdue", _("Overdue"), Unit.CASES, _overdue, better="down"))
register_kpi(Kpi("backlog", _("Backlog at the end"), Unit.CASES, _backlog, better="down"))
register_kpi(Kpi("mean_time", _("Mean time to the answer"), Unit.HOURS, _answered, worked_out=_mean, better="down"))
register_kpi(
    Kpi("p90_time", _("Nine of ten answered within"), Unit.HOURS, _answered, worked_out=_ninetieth, better="down")
)
register_kpi(Kpi("score", _("Satisfaction in callbacks"), Unit.SCORE, _scored, worked_out=_score, better="up"))
