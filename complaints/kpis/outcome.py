"""What came of complaints: how many there were and how grave, whether customers were kept told, came back, were called
and satisfied, and complain again (D§25)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Avg, DateField, DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet
from django.db.models.functions import TruncMonth
from django.utils.translation import gettext_lazy as _

from complaints.kpis.base import Kpi, Unit, hours, register_kpi
from complaints.kpis.handling import missed_at, within
from complaints.kpis.spans import Span
from complaints.lifecycle import OWNER_KIND, Act, ClockKind, Grade, Solved, State
from complaints.models import AppealCase, Callback, Complaint, ComplaintMove, MonthCase, MonthClosing
from complaints.models.cases import ComplaintQuerySet
from foundation.calendars.models import Clock
from foundation.common import clock
from foundation.policies.reading import policy

REPEAT_WITHIN = timedelta(days=90)  # D§25
GOOD_SCORE = 4
REOPENING = "reopening"
TO_CONTACT = ExpressionWrapper(F("first_contact_at") - F("received_at"), output_field=DurationField())


def registered(rows: ComplaintQuerySet, span: Span, _now: datetime) -> ComplaintQuerySet:
    """Complaints of the period as D§25 counts them: neither merged nor not ours; the parent of a group is no
    complaint of anybody."""
    return rows.filter(within("received_at", span), is_parent=False).exclude(
        state__in=[State.MERGED, State.OUT_OF_SCOPE]
    )


def _escalated(rows: ComplaintQuerySet, span: Span, now: datetime) -> ComplaintQuerySet:
    return registered(rows, span, now).filter(grade__in=[Grade.UPGRADED, Grade.SKIP_LEVEL])


def _open_long(rows: ComplaintQuerySet, span: Span, now: datetime) -> ComplaintQuerySet:
    """Open in the period, and longer than the customer may go without news; records of the past say nothing of it."""
    gap = policy("complaints.progress")
    long = Q(closed_at=None) | Q(closed_at__gt=F("received_at") + gap)
    inside = Q(closed_at=None) | Q(closed_at__gte=span.start)
    return rows.filter(long, inside, received_at__lt=min(span.end, now) - gap, source="", is_parent=False)


def _kept_told(rows: ComplaintQuerySet, span: Span, now: datetime) -> ComplaintQuerySet:
    """Without a gap between two notices that was longer."""
    gaps = Clock.objects.filter(
        missed_at(now), within("due_at", span), owner_kind=OWNER_KIND, kind=ClockKind.PROGRESS.value
    )
    return _open_long(rows, span, now).exclude(pk__in=gaps.values("owner_id"))


def _closings(span: Span) -> QuerySet[ComplaintMove]:
    """Of the case of the query around it: when it was closed in the period."""
    return ComplaintMove.objects.filter(within("at", span), complaint=OuterRef("pk"), new=State.CLOSED)


def _closed(rows: ComplaintQuerySet, span: Span, _now: datetime) -> ComplaintQuerySet:
    """Closed in the period, those too that were reopened since; no records of the past, for none of them comes back."""
    rows = rows.filter(is_parent=False, source="").order_by()
    still = rows.filter(within("closed_at", span), state=State.CLOSED)
    again = rows.filter(Exists(_closings(span)), reopened__gt=0)
    # Joined, not by OR: each part has an index of its own.
    both = still.values("pk").union(again.values("pk"), all=True)
    return Complaint.objects.filter(pk__in=both)


def _reopened(rows: ComplaintQuerySet, span: Span, now: datetime) -> ComplaintQuerySet:
    back = ComplaintMove.objects.filter(
        complaint=OuterRef("complaint"),
        act=Act.REOPEN,
        at__gt=OuterRef("at"),
        at__lte=OuterRef("at") + policy("complaints.reopen.window"),
    )
    return _closed(rows, span, now).filter(Exists(_closings(span).filter(Exists(back))), reopened__gt=0)


def _reopened_late(rows: ComplaintQuerySet, span: Span, _now: datetime) -> ComplaintQuerySet:
    """Reopened in the period, in time, when the figures of the month they were closed in stood already without them."""
    month = TruncMonth("at", output_field=DateField(), tzinfo=clock.BUSINESS_ZONE)
    frozen = MonthClosing.objects.filter(month=OuterRef("month"), frozen_at__isnull=False)
    counted = MonthCase.objects.filter(
        month=OuterRef("month"), code=REOPENING, complaint=OuterRef("complaint"), yes=True
    )
    closed = ComplaintMove.objects.filter(
        at__lt=OuterRef("at"),
        at__gte=OuterRef("at") - policy("complaints.reopen.window"),
        complaint=OuterRef("complaint"),
        new=State.CLOSED,
    )
    stood = closed.filter(at__lt=span.start).annotate(month=month).filter(Exists(frozen), ~Exists(counted))
    back = ComplaintMove.objects.filter(within("at", span), Exists(stood), complaint=OuterRef("pk"), act=Act.REOPEN)
    return rows.filter(Exists(back), is_parent=False, reopened__gt=0)


def reached(span: Span) -> Q:
    """Of callbacks: the customer was reached in the period."""
    return within("reached_at", span)


def _reached(rows: ComplaintQuerySet, span: Span, _now: datetime) -> ComplaintQuerySet:
    return rows.filter(pk__in=Callback.objects.filter(reached(span)).values("complaint"))


def _returned(rows: ComplaintQuerySet, span: Span, _now: datetime) -> ComplaintQuerySet:
    """Not solved, and not our last word: back to work (D§10.3)."""
    back = Callback.objects.filter(reached(span), solved=Solved.NO, solution__final=False)
    return rows.filter(pk__in=back.values("complaint"))


def _satisfied(rows: ComplaintQuerySet, span: Span, _now: datetime) -> ComplaintQuerySet:
    """By the last callback of the period."""
    later = Callback.objects.filter(reached(span), complaint=OuterRef("complaint"), pk__gt=OuterRef("pk"))
    last = Callback.objects.filter(reached(span), ~Exists(later), satisfaction__gte=GOOD_SCORE)
    return rows.filter(pk__in=last.values("complaint"))


# As often as the rule asks: reached, closed as unreachable, or asked by message after the tries (D§18.6).
TRIED = Q(done_at__isnull=False) | Q(asked_at__isnull=False)


def to_call(span: Span, now: datetime) -> Q:
    """Of callbacks: due in the period, and the moment has come or somebody called before."""
    return Q(within("due_at", span)) & (Q(due_at__lte=now) | TRIED)


def _to_call(rows: ComplaintQuerySet, span: Span, now: datetime) -> ComplaintQuerySet:
    return rows.filter(pk__in=Callback.objects.filter(to_call(span, now)).values("complaint"))


def _called(rows: ComplaintQuerySet, span: Span, now: datetime) -> ComplaintQuerySet:
    missing = Callback.objects.filter(to_call(span, now)).exclude(TRIED)
    return _to_call(rows, span, now).exclude(pk__in=missing.values("complaint"))


def _called_any(rows: ComplaintQuerySet, span: Span, now: datetime) -> ComplaintQuerySet:
    return rows.filter(pk__in=Callback.objects.filter(TRIED, to_call(span, now)).values("complaint"))


def _got_through(rows: ComplaintQuerySet, span: Span, now: datetime) -> ComplaintQuerySet:
    through = Callback.objects.filter(to_call(span, now), reached_at__isnull=False)
    return rows.filter(pk__in=through.values("complaint"))


def _complaining(rows: ComplaintQuerySet, span: Span, now: datetime) -> ComplaintQuerySet:
    """One row for each customer who complained in the period: their latest case of it."""
    everybody = registered(Complaint.objects.all(), span, now)
    later = everybody.filter(
        Q(received_at__gt=OuterRef("received_at")) | Q(received_at=OuterRef("received_at"), pk__gt=OuterRef("pk")),
        customer=OuterRef("customer"),
    )
    return registered(rows, span, now).filter(~Exists(later), customer__isnull=False)


def _repeating(rows: ComplaintQuerySet, span: Span, now: datetime) -> ComplaintQuerySet:
    """Customers with a case of the period and another one of the same category in the 90 days before it."""
    everybody = Complaint.objects.filter(is_parent=False).exclude(state__in=[State.MERGED, State.OUT_OF_SCOPE])
    before = everybody.filter(
        Q(received_at__lt=OuterRef("received_at")) | Q(received_at=OuterRef("received_at"), pk__lt=OuterRef("pk")),
        customer=OuterRef("customer"),
        topic=OuterRef("topic"),
        received_at__gte=OuterRef("received_at") - REPEAT_WITHIN,
    )
    again = registered(Complaint.objects.all(), span, now).filter(Exists(before), customer=OuterRef("customer"))
    return _complaining(rows, span, now).filter(Exists(again))


def _contacted(rows: ComplaintQuerySet, span: Span, now: datetime) -> ComplaintQuerySet:
    return registered(rows, span, now).filter(first_contact_at__isnull=False)


def _contact_time(rows: ComplaintQuerySet) -> float | None:
    return hours(rows.aggregate(value=Avg(TO_CONTACT))["value"])


def _appealed(rows: ComplaintQuerySet, span: Span, _now: datetime) -> ComplaintQuerySet:
    return rows.filter(pk__in=AppealCase.objects.filter(within("received_at", span)).values("complaint"))


register_kpi(Kpi("complaints", _("Complaints"), Unit.CASES, registered, better="down"))
register_kpi(Kpi("escalation", _("Escalation rate"), Unit.PERCENT, registered, _escalated, better="down"))
register_kpi(Kpi("progress", _("Progress compliance"), Unit.PERCENT, _open_long, _kept_told, better="up"))
register_kpi(Kpi(REOPENING, _("Reopening rate"), Unit.PERCENT, _closed, _reopened, better="down"))
register_kpi(Kpi("late_reopened", _("Reopened after their month stood"), Unit.CASES, _reopened_late, better="down"))
register_kpi(Kpi("callback_return", _("Callback return rate"), Unit.PERCENT, _reached, _returned, better="down"))
register_kpi(Kpi("satisfaction", _("Complaint satisfaction"), Unit.PERCENT, _reached, _satisfied, better="up"))
register_kpi(Kpi("callback", _("Callback rate"), Unit.PERCENT, _to_call, _called, better="up", source="D§18.6, 25"))
register_kpi(Kpi("reach", _("Reach rate"), Unit.PERCENT, _called_any, _got_through, better="up"))
register_kpi(Kpi("repeat", _("Repeat rate"), Unit.PERCENT, _complaining, _repeating, better="down"))
register_kpi(
    Kpi("first_contact", _("Mean time to the first contact"), Unit.HOURS, _contacted, worked_out=_contact_time)
)
register_kpi(Kpi("appeals", _("Appeals"), Unit.CASES, _appealed, better="down"))
