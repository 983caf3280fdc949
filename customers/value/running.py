"""The monthly run over everybody: collect, look at the whole, judge. Killed at any moment and run again, it ends equal.

A run belongs to one `JobRun`: repeated it goes on with the rules it has kept. A new run for a month that was judged
before (somebody starts it by hand after figures came late) takes the month over and judges it anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, TypeVar

from django.db import connection, transaction
from django.utils.translation import gettext as _

from customers.models.value import EvaluationRun, PassState, ValueDraft, ValueRun
from customers.value.judging import ROOM, judge_piece, look_at_whole, measure_piece
from customers.value.rules import Rules, rules_at
from foundation.calendars.working_time import add_months
from foundation.common import clock
from foundation.common.ids import new_id
from foundation.jobs import chunks
from foundation.jobs.models import JobRun
from foundation.jobs.running import BadInput, RunningJob

PIECE = 20_000
TABLE = "customers_customer"
R = TypeVar("R", bound=EvaluationRun)

# A month that was collected before its rows named the unit has it from the archive.
_TALLY = """INSERT INTO customers_valuetally (unit_id, kind, cell, value_class, customers)
SELECT coalesce(v.unit_id, (SELECT c.unit_id FROM customers_customer c WHERE c.id = v.customer_id)), v.kind, v.cell,
  v.value_class, count(*)
FROM customers_valuemonth v WHERE v.month = %s GROUP BY 1, 2, 3, 4"""


def month_before(at: datetime) -> date:
    """The first day of the latest month that was over at a moment, in the business zone."""
    return add_months(clock.today(at).replace(day=1), -1)


def wanted_month(job: RunningJob, default: date, *, months: int = 1) -> date:
    """The first of the `months` a run is for: of its parameters ("2026-10"), else `default`.

    Raises BadInput when they are not over yet.
    """
    text = job.params.get("month")
    if not text:
        return default
    try:
        month = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise BadInput("customers.bad_month", _("A month is written as 2026-10.")) from None
    if add_months(month, months) > clock.today():
        raise BadInput("customers.month_not_over", _("This month is not over yet."))
    return month


def taken(model: type[R], month: date, job_run_id: int, begin: Callable[[], dict[str, Any]]) -> R:
    """The run of a month for a job: its own or a newer job's as it stands, a new one, or an older job's taken over.

    `begin`: makes room for one that begins, and gives its rules.
    """
    with transaction.atomic():
        run = model.objects.select_for_update().filter(pk=month).first()  # type: ignore[attr-defined]
        if run is not None and run.job_run_id >= job_run_id:
            return run
        made, _new = model.objects.update_or_create(  # type: ignore[attr-defined]
            pk=month,
            defaults={
                "job_run_id": job_run_id,
                "state": PassState.MEASURE,
                "rules": begin(),
                "begun_at": clock.now(),
                "done_at": None,
            },
        )
        return made


def held(cursor: Any, table: str, job_run_id: int) -> tuple[date, str, dict[str, Any]] | None:
    """Month, state and rules of the run a piece belongs to, None when a newer job took the month over.

    Held for the piece: who takes the month over waits for it. Several pieces hold it at once. A piece need not wait for
    the disk: what is lost with the server takes the mark of the piece along, and the end of the run waits for all.
    """
    cursor.execute("SET LOCAL synchronous_commit = off")
    cursor.execute(f"SELECT month, state, rules::text FROM {table} WHERE job_run_id = %s FOR SHARE", [job_run_id])
    found = cursor.fetchone()
    return (found[0], found[1], json.loads(found[2])) if found else None


def _begin(month: date) -> dict[str, Any]:
    _clear_drafts(month)
    return value_rules(month).as_json()


def _clear_drafts(month: date) -> None:
    """Nothing is left that was collected for a month; the table is emptied at once where it holds no other."""
    if not ValueDraft.objects.exists():
        return
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE customers_valuedraft IN ACCESS EXCLUSIVE MODE")
        if ValueDraft.objects.exclude(month=month).exists():
            ValueDraft.objects.filter(month=month).delete()
        else:
            cursor.execute("TRUNCATE customers_valuedraft")


def run_value(job: RunningJob) -> None:
    """Judge a month for everybody. Raises BadInput for a month that is not over."""
    month = wanted_month(job, month_before(job.scheduled_for or clock.now()))
    run = taken(ValueRun, month, job.run_id, lambda: _begin(month))
    if run.job_run_id != job.run_id:
        return
    if run.state == PassState.MEASURE:
        job.run_chunks_of(TABLE, size=PIECE)
        _begin_to_judge(run)
    if run.state == PassState.JUDGE:
        job.run_chunks_of(TABLE, size=PIECE)
        _end(run)


def value_piece(cursor: Any, job_run: JobRun, lo: int, hi: int) -> int:
    """One piece of the pass that is under way; returns the rows written."""
    run = held(cursor, ValueRun._meta.db_table, job_run.pk)
    if run is None:
        return 0
    month, state, rules = run
    if state == PassState.MEASURE:
        return measure_piece(cursor, month, lo, hi)
    return judge_piece(cursor, month, Rules.from_json(rules), lo, hi)


def judge_everybody(month: date) -> ValueRun:
    """The whole run in the caller's transaction, for archives of some thousands: the sample operator, rehearsals."""
    run = taken(ValueRun, month, new_id(), lambda: _begin(month))
    with connection.cursor() as cursor:
        measure_piece(cursor, month, 0, chunks.LAST_ID)
        run.rules = look_at_whole(month, Rules.from_json(run.rules)).as_json()
        judge_piece(cursor, month, Rules.from_json(run.rules), 0, chunks.LAST_ID)
    run.save(update_fields=["rules"])
    _end(run)
    return run


def value_rules(month: date) -> Rules:
    """The policies by which a month is judged: those in force when it ended."""
    return rules_at(clock.business_midnight(add_months(month, 1)))


@transaction.atomic
def _begin_to_judge(run: ValueRun) -> None:
    run.rules = look_at_whole(run.month, Rules.from_json(run.rules)).as_json()
    run.state = PassState.JUDGE
    if _mine(run).update(rules=run.rules, state=run.state):
        chunks.reopen(run.job_run_id)


@transaction.atomic
def _end(run: ValueRun) -> None:
    run.state, run.done_at = PassState.DONE, clock.now()
    if _mine(run).update(state=run.state, done_at=run.done_at):
        _clear_drafts(run.month)
        if not ValueRun.objects.filter(month__gt=run.month).exists():
            count_cells(run.month)


def _mine(run: ValueRun) -> Any:
    """The row of a run, while no newer job has the month."""
    return ValueRun.objects.filter(pk=run.pk, job_run_id=run.job_run_id)


def count_cells(month: date) -> None:
    """Count anew how many customers of each unit stood in which cell and class in a month: what the board adds up."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(ROOM)
        cursor.execute("LOCK TABLE customers_valuetally IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("DELETE FROM customers_valuetally")
        cursor.execute(_TALLY, [month])


def latest_value_run(month: date | None = None) -> ValueRun | None:
    """The newest month that was judged to its end, or `month`'s run if it was."""
    runs = ValueRun.objects.filter(state=PassState.DONE)
    return (runs.filter(pk=month) if month else runs.order_by("-month")).first()
