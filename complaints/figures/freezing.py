"""Months of figures are counted anew until the 5th of the next month, then they stand (D§25): every night the month
before, figure by figure, each in a transaction of its own.

Killed half-way, run twice or days late, it ends the same: a figure is whole or as it was before; a month counted by the
5th is frozen as it was counted, one never counted is counted once, late.
"""

from __future__ import annotations

from datetime import date, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from complaints.figures.report_rows import KEPT
from complaints.figures.telling_months import tell_of_month
from complaints.kpis.slicing import DIMENSIONS, MONTHLY, live_rows
from complaints.kpis.spans import month_before, next_month
from complaints.models import Complaint, LineCount, MonthCase, MonthClosing
from foundation.common import clock
from foundation.jobs.kinds import NO_CUSTOMERS, JobKind, register_job
from foundation.jobs.running import RunningJob
from foundation.policies.reading import begin_work

CLOSE = "complaints.close_months"
FROZEN_AFTER = 5  # day of the month after; whatever comes in on it still counts
MONTHS_BACK = 12
NO_UNIT = -1

_OWN = ("unit_no", "work_unit_no", "owner_id", "handler_id", "about_staff_id")
_STORED = [one.stored for one in DIMENSIONS.values()]
_COLUMNS = ["complaint_id", "yes", "measure", *_STORED, *_OWN]
_PICKED = ["row_case", "row_yes", "row_measure", *(f"row_{key}" for key in DIMENSIONS), *_OWN]


class FrozenMonth(Exception):
    """Its figures stand."""


def months_to_do(today: date) -> list[date]:
    """The last twelve months that are not frozen yet, the oldest first."""
    month = today.replace(day=1)
    found = []
    for _number in range(MONTHS_BACK):
        month = month_before(month)
        found.append(month)
    frozen = MonthClosing.objects.filter(month__in=found, frozen_at__isnull=False)
    done = set(frozen.values_list("month", flat=True))
    return [one for one in reversed(found) if one not in done]


def may_change(month: date, today: date) -> bool:
    """Whether late data still count: until the end of the 5th; the night after counts them for the last time."""
    return today <= next_month(month) + timedelta(days=FROZEN_AFTER)


@transaction.atomic
def count_report(month: date, name: str) -> int:
    """Keep the rows of one report of a month anew (`report_rows.KEPT`); how many. Otherwise as `count_figure`."""
    _unfrozen(month)
    return KEPT[name].count(month)


@transaction.atomic
def count_figure(month: date, code: str) -> int:
    """Count one figure of a month anew; how many rows. Two at once: one after the other. Refuses a frozen month
    (FrozenMonth)."""
    _unfrozen(month)
    sql, params = live_rows(code, month, Complaint.objects.all()).values_list(*_PICKED).query.sql_with_params()
    columns = ", ".join(_COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM complaints_monthcase WHERE month = %s AND code = %s", [month, code])
        cursor.execute(
            f"INSERT INTO complaints_monthcase (month, code, {columns})"
            f" SELECT %s::date, %s, f.* FROM ({sql}) AS f ({columns})",
            [month, code, *params],
        )
        return int(cursor.rowcount)


def _unfrozen(month: date) -> None:
    if _locked(month).frozen_at is not None:
        raise FrozenMonth(f"{month} is frozen")


def _locked(month: date) -> MonthClosing:
    MonthClosing.objects.bulk_create([MonthClosing(month=month)], ignore_conflicts=True)
    return MonthClosing.objects.select_for_update().get(month=month)


@transaction.atomic
def freeze(month: date) -> bool:
    """The figures of a month stand from now on; who leads people is told of the newest month, if anything was in it.
    False when they stood before or were never counted whole."""
    closing = _locked(month)
    if closing.frozen_at is not None or closing.counted_at is None:
        return False
    closing.frozen_at = clock.now()
    closing.save(update_fields=["frozen_at"])
    newest = month == month_before(clock.today().replace(day=1))
    if newest and MonthCase.objects.filter(month=month).exists():
        tell_of_month(closing)
    return True


def close_month(month: date, job: RunningJob | None = None) -> int:
    """Count what may still change, freeze what may not; how many rows were written. Nothing where it stands already, or
    another worker makes it stand meanwhile."""
    today = clock.today()
    counted = MonthClosing.objects.filter(month=month, counted_at__isnull=False).exists()
    rows = 0
    if may_change(month, today) or not counted:
        steps = [(count_figure, code) for code in MONTHLY] + [(count_report, name) for name in KEPT]
        for number, (count, what) in enumerate(steps):
            begin_work()
            try:
                rows += count(month, what)
            except FrozenMonth:
                return rows
            if job is not None:
                job.progress(number + 1, len(steps), rows=rows)
        MonthClosing.objects.filter(month=month, frozen_at=None).update(counted_at=clock.now(), with_reports=True)
    if today >= next_month(month) + timedelta(days=FROZEN_AFTER):
        freeze(month)
    return rows


_COUNT_LINES = """
INSERT INTO complaints_linecount (day, unit_no, lines, counted_at)
SELECT %(day)s::date, c.unit_no, count(*), %(now)s
FROM customers_subscription s JOIN customers_customer c ON c.id = s.customer_id
WHERE s.status <> 'PENDING' AND (s.activated_on IS NULL OR s.activated_on < %(day)s)
  AND (s.terminated_on IS NULL OR s.terminated_on >= %(day)s)
GROUP BY c.unit_no
"""


@transaction.atomic
def count_lines(day: date) -> int:
    """Count the lines active when the day began, by unit; how many units. Repeatable."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('complaint_lines'))")
        LineCount.objects.filter(day=day).delete()
        cursor.execute(_COUNT_LINES, {"day": day, "now": clock.now()})
        units = int(cursor.rowcount)
    if not units:
        LineCount.objects.create(day=day, unit_no=NO_UNIT, lines=0)  # counted: there were none
    return units


def lines_to_count(today: date) -> list[date]:
    """Today, and the first days of months that lack their count."""
    first = today.replace(day=1)
    wanted = [first]
    for _number in range(MONTHS_BACK):
        wanted.append(month_before(wanted[-1]))
    known = set(LineCount.objects.filter(day__in=wanted).values_list("day", flat=True))
    return sorted({today, *(day for day in wanted if day not in known)})


def count_missing_lines(today: date) -> None:
    """Count the lines of today and of the first days of months nobody counted: one statement a day."""
    for day in lines_to_count(today):
        count_lines(day)
    # The latest count and the first days are enough for a mean.
    LineCount.objects.exclude(day__day=1).exclude(day=today).delete()


def close_months(job: RunningJob) -> None:
    """The nightly job."""
    today = clock.today()
    count_missing_lines(today)
    for month in months_to_do(today):
        close_month(month, job)


def register() -> None:
    """Make the job known."""
    register_job(
        JobKind(
            CLOSE,
            _("Count and freeze figures of complaints"),
            close_months,
            "jobs.control",
            counts={"rows": _("rows counted")},
            files_of=NO_CUSTOMERS,
        )
    )
