"""The figures of the supervisor's board: a fixed number of statements over what is open and what lately happened.

What is open is counted in one pass by handler and unit, so that totals and loads are sums of the same rows. Every
figure counts rows a list can show: the queue with filters, or the rows behind a figure (`views.behind`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import Avg, BooleanField, Count, ExpressionWrapper, IntegerField, Min, Q, Sum, Value
from django.db.models.functions import ExtractHour, TruncDate

from complaints.kpis import KPIS, Percentile, Span, judged, masters
from complaints.kpis.base import counted, hours, share
from complaints.kpis.handling import TO_ANSWER, missed_at, within
from complaints.lifecycle import RANK, ClockKind
from complaints.models import Complaint
from complaints.queries import Line, lines_of
from complaints.risks import REASONS, SOON, Risk, causes, condition
from complaints.team.load import Worker, people_rows, workers_of
from foundation.common import clock
from staff.models import User

ROWS_SHOWN, PEOPLE_SHOWN, TOPICS_SHOWN = 8, 10, 8
LINE_DAYS, TOPIC_DAYS = 14, 7
HOURLY = ("received", "closed")  # figures whose moment is the column of their name
HANGING = (Risk.OFFERED, Risk.PART_LATE, Risk.APPROVAL, Risk.CALLBACK)


# A case due twice on a day or in the period counts once, and as missed when one of its limits was.
_DUE = """
WITH due (owner, day, inside, missed) AS MATERIALIZED ({rows})
SELECT day, count(*), count(*) FILTER (WHERE missed) FROM (
  SELECT owner, day, bool_or(missed) AS missed FROM due WHERE day >= %s GROUP BY owner, day) one GROUP BY day
UNION ALL SELECT NULL, count(*), count(*) FILTER (WHERE missed) FROM (
  SELECT owner, bool_or(missed) AS missed FROM due WHERE inside GROUP BY owner) one
"""


@dataclass(frozen=True)
class Pressing:
    """A case that needs somebody now, and all its reasons, the gravest first."""

    case: Line
    reasons: tuple[Risk, ...]


@dataclass(frozen=True)
class OpenGroup:
    """What lies with one handler (None: the pool) in one unit."""

    handler_id: int | None
    unit_id: int
    unit: str
    open: int
    late: int
    soon: int
    grave: int
    oldest: datetime
    first: datetime
    next: datetime | None


@dataclass(frozen=True)
class TopicCount:
    """A topic of the first level with its cases of the last days and of as many before; code "" for none yet."""

    code: str
    name_zh: str
    name_en: str
    now: int
    before: int


class Board:
    """All figures for a viewer as they stand at `now`; `span` is the period of what is counted over time."""

    def __init__(self, user: User, now: datetime, span: Span) -> None:
        self.user, self.now, self.span = user, now, span
        self.seen = Complaint.objects.visible_to(user).open()
        self.every = masters(Complaint.objects.visible_to(user))

    @cached_property
    def groups(self) -> list[OpenGroup]:
        """What is open, by handler and unit: one pass."""
        late, soon, grave = (condition(one, self.now) for one in (Risk.BREACHED, Risk.DUE_SOON, Risk.GRAVE))
        rows = (
            self.seen.order_by()
            .values_list("handler_id", "work_unit_id", "work_unit__name")
            .annotate(
                n=Count("pk"),
                late=Count("pk", filter=late),
                soon=Count("pk", filter=soon),
                grave=Count("pk", filter=grave),
                oldest=Min("received_at"),
                first=Min("queue_at"),
                next=Min("queue_at", filter=Q(queue_at__gte=self.now)),
            )
        )
        return [OpenGroup(*row) for row in rows]

    def total(self, name: str) -> int:
        """The sum of a count over all that is open."""
        return sum(getattr(group, name) for group in self.groups)

    @property
    def pooled(self) -> int:
        """Open cases nobody has taken."""
        return sum(group.open for group in self.groups if group.handler_id is None)

    @property
    def longest_over(self) -> timedelta | None:
        """How long the most overdue one is."""
        first = min((group.first for group in self.groups if group.late), default=None)
        return self.now - first if first is not None else None

    @property
    def next_in(self) -> timedelta | None:
        """In how long the next deadline ends, of those that end soon."""
        following = min((group.next for group in self.groups if group.next is not None), default=None)
        return following - self.now if following is not None and following - self.now < SOON else None

    @property
    def oldest(self) -> datetime | None:
        """When the oldest open one was received."""
        return min((group.oldest for group in self.groups), default=None)

    @cached_property
    def _counted(self) -> tuple[int, ...]:
        asked = [self.seen.filter(pk__in=causes(one, self.now)) for one in HANGING]
        return counted([*asked, KPIS["received"].denominator(self.every, self.span, self.now)])

    @property
    def received(self) -> int:
        """How many came in the period."""
        return self._counted[-1]

    @property
    def reasons(self) -> dict[Risk, int]:
        """How many open cases have each reason."""
        found = {Risk.BREACHED: self.total("late"), Risk.DUE_SOON: self.total("soon"), Risk.GRAVE: self.total("grave")}
        found |= dict(zip(HANGING, self._counted, strict=False))
        return {one: found[one] for one in REASONS}

    @cached_property
    def pressing(self) -> list[Pressing]:
        """The cases at the highest risk: by their gravest reason, then by grade, then by the time left. Read are only
        the first of each reason there is."""
        there = [condition(one, self.now) for one, number in self.reasons.items() if number]
        if not there:
            return []
        firsts = [self.seen.filter(one).order_by("queue_at", "pk").values("pk")[:ROWS_SHOWN] for one in there]
        keys = list((firsts[0].union(*firsts[1:]) if there[1:] else firsts[0]).values_list("pk", flat=True))
        flags = {f"has_{one.value}": condition(one, self.now) for one in REASONS}
        rows = Complaint.objects.filter(pk__in=keys).annotate(**flags).values_list("pk", *flags)
        reasons = {key: tuple(one for one, has in zip(REASONS, found, strict=True) if has) for key, *found in rows}
        reasons = {key: found for key, found in reasons.items() if found}  # one may have been seen to meanwhile
        shown = [Pressing(case, reasons[case.pk]) for case in lines_of(list(reasons))]
        shown.sort(key=lambda one: (REASONS.index(one.reasons[0]), -RANK[one.case.grade], one.case.queue_at))
        return shown[:ROWS_SHOWN]

    @cached_property
    def closings(self) -> list[tuple[int | None, int, int, int]]:
        """What was closed in the period by handler: handler, cases, callbacks with a score, sum of the scores."""
        rows = KPIS["closed"].denominator(self.every, self.span, self.now).order_by().values_list("handler_id")
        return list(rows.annotate(n=Count("pk"), scored=Count("satisfaction"), score=Sum("satisfaction", default=0)))

    @property
    def closed(self) -> int:
        return sum(row[1] for row in self.closings)

    @property
    def scored(self) -> int:
        return sum(row[2] for row in self.closings)

    @property
    def score(self) -> float | None:
        """The mean score of the callbacks of what was closed."""
        return sum(row[3] for row in self.closings) / self.scored if self.scored else None

    @cached_property
    def times(self) -> tuple[int, float | None, float | None]:
        """How many were first answered in the period, and in how many hours: on average, and nine of ten."""
        rows = KPIS["mean_time"].denominator(self.every, self.span, self.now)
        found = rows.aggregate(n=Count("pk"), mean=Avg(TO_ANSWER), most=Percentile(TO_ANSWER, 0.9))
        return found["n"], hours(found["mean"]), hours(found["most"])

    @cached_property
    def due(self) -> dict[date | None, tuple[int, int]]:
        """Cases due within the service limit, and of them those that missed it: of each of the last days, and (None)
        of the period."""
        line, kind = Span.last_days(self.now, LINE_DAYS), ClockKind.SERVICE
        whole = Span(min(line.start, self.span.start), max(line.end, self.span.end))
        rows = judged(kind, whole, self.now).filter(owner_id__in=self.every.order_by().values("pk"))
        sql, values = rows.values_list(
            "owner_id",
            TruncDate("due_at", tzinfo=clock.BUSINESS_ZONE),
            ExpressionWrapper(within("due_at", self.span), output_field=BooleanField()),
            ExpressionWrapper(missed_at(self.now), output_field=BooleanField()),
        ).query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(_DUE.format(rows=sql), [*values, clock.today(line.start)])
            return {day: (n, missed) for day, n, missed in cursor.fetchall()}

    def on_time(self, day: date | None = None) -> float | None:
        """The on-time rate of a day of the line, or of the period."""
        of, missed = self.due.get(day, (0, 0))
        return share(of - missed, of)

    @property
    def line_days(self) -> list[date]:
        return Span.last_days(self.now, LINE_DAYS).days()

    @cached_property
    def hourly(self) -> dict[int, tuple[int, int]]:
        """Of each hour of today: cases received, cases closed."""
        today = Span.today(self.now)
        asked = [self._by_hour(code, number, today) for number, code in enumerate(HOURLY)]
        found: dict[int, list[int]] = {}
        for which, hour, number in asked[0].union(asked[1], all=True):
            found.setdefault(hour, [0, 0])[which] = number
        return {hour: (received, closed) for hour, (received, closed) in found.items()}

    def _by_hour(self, code: str, which: int, today: Span) -> Any:
        rows = KPIS[code].denominator(self.every, today, self.now).order_by()
        hour = ExtractHour(f"{code}_at", tzinfo=clock.BUSINESS_ZONE)
        rows = rows.annotate(which=Value(which, output_field=IntegerField()), hour=hour)
        return rows.values_list("which", "hour").annotate(n=Count("pk"))

    @cached_property
    def topics(self) -> list[TopicCount]:
        """Topics of the first level by how often they came in the last days."""
        days, middle = Span.last_days(self.now, 2 * TOPIC_DAYS), Span.last_days(self.now, TOPIC_DAYS).start
        names = [f"topic__{above}{name}" for name in ("code", "name_zh", "name_en") for above in ("", "parent__")]
        rows = KPIS["received"].denominator(self.every, days, self.now).order_by().values_list(*names)
        rows = rows.annotate(
            lately=Count("pk", filter=Q(received_at__gte=middle)), before=Count("pk", filter=Q(received_at__lt=middle))
        )
        found: dict[str, list[Any]] = {}
        for code, top, zh, top_zh, en, top_en, lately, before in rows:
            one = found.setdefault(top or code or "", [top_zh or zh or "", top_en or en or "", 0, 0])
            one[2] += lately
            one[3] += before
        counts = [TopicCount(code, *one) for code, one in found.items()]
        return sorted((one for one in counts if one.now), key=lambda one: (-one.now, one.code))[:TOPICS_SHOWN]

    @cached_property
    def workers(self) -> list[Worker]:
        """Everybody of the area who handles complaints or has some open."""
        open_of, late_of = by_handler(self.groups)
        closed_of = {handler: n for handler, n, _scored, _score in self.closings if handler is not None}
        people = people_rows(self.user, self.now, open_of).select_related("unit")
        return workers_of(people, open_of=open_of, late_of=late_of, closed_of=closed_of)

    @property
    def present(self) -> int:
        return sum(one.state == "present" for one in self.workers)

    @property
    def over(self) -> int:
        """How many carry more than the limit."""
        return sum(one.is_over for one in self.workers)


def by_handler(groups: Iterable[OpenGroup]) -> tuple[Counter[int], Counter[int]]:
    """Open and late cases of each handler."""
    held, late = Counter[int](), Counter[int]()
    for group in groups:
        if group.handler_id is not None:
            held[group.handler_id] += group.open
            late[group.handler_id] += group.late
    return held, late
