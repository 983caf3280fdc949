"""What the pages of a rehearsal show: its load by day and by hour, and the lines behind any figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Max, Min, Q, QuerySet, Sum
from django.db.models.functions import ExtractHour, TruncDay, TruncHour

from complaints.lifecycle import ClockKind
from complaints.models import Rehearsal, RehearsalHour, RehearsalLine
from complaints.rehearsing.replay import units_with_paths
from complaints.rehearsing.running import bounds
from complaints.rehearsing.sides import Side
from complaints.rehearsing.staff import Staff, staff_of
from complaints.rehearsing.sums import CARRIED, CASES, COUNTED, WAITING, carried_cases
from foundation.common import clock

SIDES = ("left", "right")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Asked:
    """What of a rehearsal somebody looks at, read from an address; nonsense counts as not asked.

    `kind` of clock; `unit`; `what` lines (a name of `COUNTED`); and lines that on a side are due, received, come
    through or wait in a stretch of time: `moment` names which, `start` and `end` the stretch, `hour` an hour of every
    day.
    """

    kind: str = ClockKind.SERVICE.value
    unit: int | None = None
    what: str = "all"
    side: str = "right"
    moment: str = ""
    start: datetime | None = None
    end: datetime | None = None
    hour: int | None = None

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Asked:
        """From the parameters of an address."""
        kind, what, side, moment = (given.get(name, "") for name in ("kind", "what", "side", "moment"))
        unit, hour = given.get("unit", ""), given.get("hour", "")
        start, end = _moment(given.get("from")), _moment(given.get("until"))
        return cls(
            kind=kind if kind in ClockKind.values else cls.kind,
            unit=int(unit) if unit.isdecimal() and len(unit) < 10 else None,
            what=what if what in (*COUNTED, CARRIED) else cls.what,
            side=side if side in SIDES else cls.side,
            moment=moment if moment in ("due", "received", "through", "waiting") else "",
            start=start,
            end=end,
            hour=int(hour) if hour.isdecimal() and int(hour[:3]) < 24 else None,
        )

    def lines(self, rehearsal: Rehearsal) -> QuerySet[RehearsalLine]:
        """The lines asked for, in the order of receipt."""
        rows = rehearsal.lines.order_by("pk")
        if self.what == CARRIED:
            return carried_cases(rehearsal)
        if self.moment in ("received", "through", "waiting"):
            rows = rows.filter(first=True)
            if self.moment == "received":
                rows = rows.filter(carried=False)
        else:
            rows = rows.filter(COUNTED[self.what], kind=self.kind)
            rows = self._due_of_carried(rehearsal, rows) if self.moment == "due" else rows.filter(carried=False)
        if self.unit is not None:
            rows = rows.filter(unit=self.unit)
        if self.moment == "waiting":
            if self.end is None:
                return rows.none()
            return rows.filter(**{"received_at__lt": self.end, f"done_{self.side}__gte": self.end})
        column = {"received": "received_at", "through": f"done_{self.side}"}.get(self.moment, f"due_{self.side}")
        if self.start is not None:
            rows = rows.filter(**{f"{column}__gte": self.start})
        if self.end is not None:
            rows = rows.filter(**{f"{column}__lt": self.end})
        if self.hour is not None:
            rows = rows.annotate(of_day=ExtractHour(column, tzinfo=clock.BUSINESS_ZONE)).filter(of_day=self.hour)
        return rows

    def _due_of_carried(self, rehearsal: Rehearsal, rows: QuerySet[RehearsalLine]) -> QuerySet[RehearsalLine]:
        """Without what was due before the period and no longer burdens it."""
        since, _until = bounds(rehearsal)
        return rows.filter(Q(carried=False) | Q(**{f"due_{self.side}__gte": since}))


def _moment(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


@dataclass(frozen=True)
class Cell:
    """A number and the address of its lines."""

    number: int
    query: str


@dataclass(frozen=True)
class LoadRow:
    """A day or an hour: cases received, clocks due on either side; with a staffing rule on a side, how many cases its
    people can come through with, come through with, and how many wait at the end."""

    label: Any
    start: datetime | None
    received: Cell
    due: dict[str, Cell]
    room: dict[str, float]
    through: dict[str, Cell]
    waiting: dict[str, Cell]

    @property
    def day(self) -> str:
        """The day as it stands in an address."""
        return clock.today(self.start).isoformat() if self.start else ""

    @property
    def over(self) -> bool:
        """Whether more came than somebody's staff can do, so that cases wait."""
        return any(self.received.number > self.room[side] and self.waiting[side].number for side in self.waiting)


class Load:
    """The load of a finished rehearsal, of all units or of one."""

    def __init__(self, rehearsal: Rehearsal, kind: str, unit: int | None = None) -> None:
        self.rehearsal, self.kind, self.unit = rehearsal, kind, unit
        rows = RehearsalHour.objects.filter(rehearsal=rehearsal)
        self._hours = rows if unit is None else rows.filter(unit=unit)
        self._staff = self._staffs()

    def _staffs(self) -> dict[str, list[Staff]]:
        drafts = {side: getattr(self.rehearsal, side) for side in SIDES}
        staffed = {side: rows for side, rows in drafts.items() if any(row["kind"] == "STAFFING" for row in rows)}
        if not staffed:
            return {}
        units, (first, _last) = units_with_paths(), bounds(self.rehearsal)
        found = {}
        for side, rows in staffed.items():
            by_unit = staff_of(Side(rows, self.rehearsal.as_of), units, first)
            mine = list(by_unit.values())
            if self.unit is not None:
                near = next((one for one in units[self.unit].path_ids if one in by_unit), None)
                mine = [by_unit[near]] if near is not None else []
            found[side] = mine
        return found

    @property
    def staffed(self) -> list[str]:
        """The sides with a staffing rule."""
        return list(self._staff)

    def months(self) -> list[date]:
        """The first days of the months in which something was due or received, the earliest first."""
        span = self._hours.filter(kind__in=[CASES, self.kind]).aggregate(first=Min("hour"), last=Max("hour"))
        if span["first"] is None:
            return []
        month, last = clock.today(span["first"]).replace(day=1), clock.today(span["last"])
        found = []
        while month <= last:
            found.append(month)
            month = (month + timedelta(days=32)).replace(day=1)
        return found

    def days(self, month: date) -> list[LoadRow]:
        """Every day of a month."""
        after = (month + timedelta(days=32)).replace(day=1)
        days = [month + timedelta(days=number) for number in range((after - month).days)]
        return self._rows(TruncDay("hour", tzinfo=clock.BUSINESS_ZONE), [clock.business_midnight(day) for day in days])

    def hours(self, day: date) -> list[LoadRow]:
        """Every hour of a day."""
        first = clock.business_midnight(day)
        return self._rows(TruncHour("hour"), [first + HOUR * number for number in range(24)])

    def hours_of_day(self) -> list[LoadRow]:
        """The hours of the day over the whole period: when cases come, when clocks fall due."""
        sums = self._sums(ExtractHour("hour", tzinfo=clock.BUSINESS_ZONE), self._hours)
        rows = []
        for hour in range(24):
            received = Cell(sums.get((CASES, hour), (0, 0, 0))[0], self._query(moment="received", hour=hour))
            due = {
                side: Cell(sums.get((self.kind, hour), (0, 0, 0))[at], self._query(moment="due", side=side, hour=hour))
                for at, side in enumerate(SIDES, 1)
            }
            rows.append(LoadRow(f"{hour:02d}:00", None, received, due, {}, {}, {}))
        return rows

    def _rows(self, by: Any, starts: list[datetime]) -> list[LoadRow]:
        step = starts[1] - starts[0]
        within = self._hours.filter(hour__gte=starts[0], hour__lt=starts[-1] + step)
        sums = self._sums(by, within)
        before = self._hours.filter(kind=WAITING, hour__lt=starts[0]).aggregate(left=Sum("left"), right=Sum("right"))
        wait = {side: before[side] or 0 for side in SIDES}
        rows = []
        for start in starts:
            end = start + step
            part = {"start": start, "end": end}
            come, due, more = (sums.get((kind, start), (0, 0, 0)) for kind in (CASES, self.kind, WAITING))
            wait = {side: wait[side] + more[at] for at, side in enumerate(SIDES, 1)}
            rows.append(
                LoadRow(
                    start,
                    start,
                    Cell(come[0], self._query(moment="received", **part)),
                    {
                        side: Cell(due[at], self._query(moment="due", side=side, **part))
                        for at, side in enumerate(SIDES, 1)
                    },
                    {side: sum(one.room(start, end) for one in staff) for side, staff in self._staff.items()},
                    {
                        side: Cell(come[at], self._query(moment="through", side=side, **part))
                        for at, side in enumerate(SIDES, 1)
                        if side in self._staff
                    },
                    {
                        side: Cell(wait[side], self._query(moment="waiting", side=side, end=end))
                        for side in SIDES
                        if side in self._staff
                    },
                )
            )
        return rows

    def _sums(self, by: Any, rows: QuerySet[RehearsalHour]) -> dict[tuple[str, Any], tuple[int, int, int]]:
        wanted = rows.filter(Q(kind=self.kind) | Q(kind__in=[CASES, WAITING])).annotate(at=by)
        sums = wanted.order_by().values("kind", "at").annotate(a=Sum("received"), b=Sum("left"), c=Sum("right"))
        return {(row["kind"], row["at"]): (row["a"], row["b"], row["c"]) for row in sums}

    def _query(self, **asked: Any) -> str:
        return query_of(kind=self.kind, unit=self.unit, **asked)


def query_of(
    *,
    kind: str,
    unit: int | None = None,
    what: str = "",
    moment: str = "",
    side: str = "",
    start: datetime | None = None,
    end: datetime | None = None,
    hour: int | None = None,
) -> str:
    """The parameters `Asked.read` takes."""
    given = {"kind": kind, "unit": unit, "what": what, "moment": moment, "side": side, "hour": hour}
    given |= {"from": start.isoformat() if start else None, "until": end.isoformat() if end else None}
    return urlencode({name: value for name, value in given.items() if value not in (None, "")})
