"""The moments of a clock at which somebody must be told: so many percent of the limit, or the beginning of day N
(D§10.7). Stored when the clock starts, goes on or gets another limit, so that the sweep is a look into an index.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import NamedTuple

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from foundation.calendars.clock_engine import UNREACHABLE, Course
from foundation.calendars.instants import first_instant
from foundation.calendars.models import Clock, ClockMark
from foundation.common.errors import RuleBroken

PERCENT, DAY = ClockMark.Unit.PERCENT, ClockMark.Unit.DAY
MOST = 32_767


@dataclass(frozen=True, slots=True)
class Marks:
    """At what share of the limit (whole percent) and at the beginning of which days after the start.

    Refuses (RuleBroken `clocks.marks`) what is no whole number above 0.
    """

    percents: tuple[int, ...] = (50, 75, 100, 150)
    days: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if any(type(amount) is not int or not 0 < amount <= MOST for amount in (*self.percents, *self.days)):
            raise RuleBroken("clocks.marks", _("A mark is a whole number of percent or of days above 0."))

    def each(self) -> Iterable[tuple[str, int]]:
        """(unit, amount) of all marks, each once."""
        yield from ((PERCENT.value, percent) for percent in sorted(set(self.percents)))
        yield from ((DAY.value, day) for day in sorted(set(self.days)))


STANDARD_MARKS = Marks()


class DueMark(NamedTuple):
    """A mark just taken by `claim_marks`."""

    id: int
    clock_id: int
    owner_id: int
    kind: str
    round: int
    unit: str
    amount: int
    due_at: datetime


CLAIM_MARKS = """UPDATE clock_mark AS mark SET passed_at = %(now)s FROM clock
 WHERE mark.id = ANY(ARRAY(
   SELECT id FROM clock_mark WHERE owner_kind = %(owner_kind)s AND passed_at IS NULL AND due_at < %(now)s
   ORDER BY due_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
 AND clock.id = mark.clock_id
 RETURNING mark.id, mark.clock_id, clock.owner_id, clock.kind, mark.round, mark.unit, mark.amount, mark.due_at"""


def claim_marks(now: datetime, *, owner_kind: str, limit: int = 500) -> list[DueMark]:
    """Take marks that are due, earliest first, in the caller's transaction: each is given to one caller only, and given
    again if that one rolls back. What another is taking right now is passed over.

    The caller asks the clock how it stands: one stopped meanwhile keeps the marks that were due before. It must not
    wait for locks of what the clocks belong to: who holds those may be waiting for these marks.
    """
    with connection.cursor() as cursor:
        cursor.execute(CLAIM_MARKS, {"now": now, "owner_kind": owner_kind, "limit": limit})
        return sorted((DueMark(*row) for row in cursor.fetchall()), key=lambda mark: (mark.due_at, mark.id))


def mark_moment(course: Course, unit: str, amount: int) -> datetime | None:
    """When the clock comes to a mark as things stand; None while it is paused before it, or when it never comes there.

    After a change of the limit that came too late (D§26) everything up to the full limit is reached at the change, and
    what lies above not before the 24 hours are over.
    """
    if unit == DAY:
        zone = course.limit.zone
        day = course.started_at.astimezone(zone).date() + timedelta(days=amount)
        return first_instant(datetime.combine(day, time()), zone)
    if course.limit.never_pauses:
        return None if course.due is None else course.started_at + (course.due - course.started_at) * amount / 100
    since = course.running_since
    if since is None:
        return None
    left = course.limit.amount() * amount / 100 - course.ran
    try:
        own = course.limit.after(since, left) if left > timedelta() else since
    except RuleBroken as no:
        if no.code not in UNREACHABLE:
            raise
        return None
    if course.grace and course.due is not None and amount > 100:
        return max(own, course.due)
    return own


def first_marks(clock: Clock, course: Course, marks: Marks) -> list[ClockMark]:
    """The marks of a clock just started, unsaved."""
    return [_mark(clock, unit, amount, mark_moment(course, unit, amount)) for unit, amount in marks.each()]


def hold_marks(clock: Clock, at: datetime) -> None:
    """The clock pauses: what it had not come to by `at` waits. One statement."""
    _waiting(clock).filter(unit=PERCENT, due_at__gte=at).update(due_at=None)


def renew_marks(clock: Clock, course: Course) -> None:
    """The clock runs again: name the moments of what waited."""
    waiting = list(_waiting(clock).filter(round=clock.round, due_at=None))
    for mark in waiting:
        mark.due_at = mark_moment(course, mark.unit, mark.amount)
    ClockMark.objects.bulk_update(waiting, ["due_at"])


def next_round(changed: Sequence[tuple[Clock, Course, Marks]], at: datetime) -> None:
    """Clocks got another limit: their marks of the new round take the place of those nobody came to. Three statements
    for any number.

    A mark that was passed before and lies behind the new limit's course too stays passed: nobody is told twice. One
    that the change itself put behind is due at once.
    """
    keys = [clock.pk for clock, _course, _marks in changed]
    # First: a sweep under way is waited for, and what it took is then seen as told.
    ClockMark.objects.filter(clock_id__in=keys, passed_at=None).delete()
    passed = ClockMark.objects.filter(clock_id__in=keys).order_by("passed_at")
    told = {(mark.clock_id, mark.unit, mark.amount): mark.passed_at for mark in passed}
    new = []
    for clock, course, marks in changed:
        for unit, amount in marks.each():
            moment = mark_moment(course, unit, amount)
            behind = moment <= at if moment is not None else _is_behind(course, unit, amount)
            if behind and (before := told.get((clock.pk, unit, amount))) is not None:
                new.append(_mark(clock, unit, amount, moment, before))
            else:
                new.append(_mark(clock, unit, amount, max(moment, at) if moment is not None else None))
    ClockMark.objects.bulk_create(new, batch_size=5_000)


def end_marks(clocks: Sequence[Clock], at: datetime) -> None:
    """The clocks stopped: what they had not come to by `at` never comes. One statement."""
    waiting = ClockMark.objects.filter(clock_id__in=[clock.pk for clock in clocks], passed_at=None)
    waiting.filter(Q(due_at__gte=at) | Q(due_at=None)).delete()


def _waiting(clock: Clock) -> QuerySet[ClockMark]:
    return ClockMark.objects.filter(clock_id=clock.pk, passed_at=None)


def _is_behind(course: Course, unit: str, amount: int) -> bool:
    return unit == PERCENT and course.ran >= course.limit.amount() * amount / 100


def _mark(clock: Clock, unit: str, amount: int, due: datetime | None, passed: datetime | None = None) -> ClockMark:
    return ClockMark(
        clock=clock,
        owner_kind=clock.owner_kind,
        round=clock.round,
        unit=unit,
        amount=amount,
        due_at=due,
        passed_at=passed,
    )
