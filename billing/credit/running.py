"""The monthly run of credit over everybody. Killed at any moment and run again, it ends equal (D§6.6: on the 2nd)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from billing.credit.judging import judge_piece
from billing.credit.measuring import day_of
from billing.credit.rules import CreditRules, rules_at
from billing.models import CreditRun
from customers.models.value import PassState
from customers.value.running import held, taken
from foundation.common import clock
from foundation.common.ids import new_id
from foundation.jobs import chunks
from foundation.jobs.models import JobRun
from foundation.jobs.running import BadInput, RunningJob

PIECE = 10_000
TABLE = "customers_customer"


def month_of(at: datetime) -> date:
    """The first day of the latest month whose credit may be judged at a moment."""
    today = clock.today(at)
    month = today.replace(day=1)
    return month if today >= day_of(month) else (month - timedelta(days=1)).replace(day=1)


def credit_rules(month: date) -> CreditRules:
    """The policies by which a month is judged: those in force when its day began."""
    return rules_at(clock.business_midnight(day_of(month)))


def run_credit(job: RunningJob) -> None:
    """Judge a month for everybody. Raises BadInput for a month that has not come to its second day."""
    month = _wanted(job)
    run = taken(CreditRun, month, job.run_id, lambda: credit_rules(month).as_json())
    if run.job_run_id != job.run_id or run.state == PassState.DONE:
        return
    job.run_chunks_of(TABLE, size=PIECE)
    _end(run)


def _wanted(job: RunningJob) -> date:
    newest = month_of(job.scheduled_for or clock.now())
    text = job.params.get("month")
    if not text:
        return newest
    try:
        month = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise BadInput("billing.bad_month", _("A month is written as 2026-10.")) from None
    if month > newest:
        raise BadInput("billing.month_ahead", _("The credit of this month is judged on its second day."))
    return month


def credit_piece(cursor: Any, job_run: JobRun, lo: int, hi: int) -> int:
    """One piece of a run; returns the rows written."""
    found = held(cursor, CreditRun._meta.db_table, job_run.pk)
    if found is None:
        return 0
    month, _state, rules = found
    return judge_piece(cursor, month, before(month), CreditRules.from_json(rules), lo, hi)


def judge_everybody(month: date) -> CreditRun:
    """The whole run in the caller's transaction, for archives of some thousands: the sample operator, rehearsals."""
    run = taken(CreditRun, month, new_id(), lambda: credit_rules(month).as_json())
    with connection.cursor() as cursor:
        judge_piece(cursor, month, before(month), CreditRules.from_json(run.rules), 0, chunks.LAST_ID)
    _end(run)
    return run


def before(month: date) -> date | None:
    """The latest month before that was judged to its end."""
    runs = CreditRun.objects.filter(month__lt=month, state=PassState.DONE)
    return runs.order_by("-month").values_list("month", flat=True).first()


@transaction.atomic
def _end(run: CreditRun) -> None:
    mine = CreditRun.objects.filter(pk=run.pk, job_run_id=run.job_run_id)
    mine.update(state=PassState.DONE, done_at=clock.now())
