"""Cases for everybody of whom something falls due soon: set-based, in pieces, once each (recipes §7)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.dunning.policies import ladder_in_force
from foundation.common import clock
from foundation.jobs.kinds import NO_CUSTOMERS, JobKind, register_job
from foundation.jobs.models import JobRun
from foundation.jobs.running import RunningJob
from foundation.policies.reading import policy

JOB = "billing.begin_arrears"
PIECE = 20_000
# The account's oldest open bill decides when somebody looks first: on the day of the first reminder, before its hour.
BEGIN = """
INSERT INTO billing_dunningcase (id, account_id, state, grade, grace_days, oldest_due, due, late_fee, track, since,
  round, done, overdue_since, final_at, level, level_at, target, reversal_at, resumed, restored_at, terminated_at,
  reversals, approvals, contacts, reached, grades, next_step, next_needs, next_planned_at, next_at, begun_at, closed_at)
SELECT make_id(%(now)s), found.account_id, 'NONE', %(grade)s, 0, found.due_date, 0, 0, '', NULL, 1,
  '{}', NULL, NULL, 0, NULL, 0, NULL, false, NULL, NULL, '[]',
  '[]', '[]', '[]', '[]', '', '', NULL,
  greatest(%(now)s, coalesce((found.due_date - %(before)s)::timestamp AT TIME ZONE 'Asia/Shanghai', %(now)s)),
  %(now)s, NULL
FROM (
  SELECT b.account_id, min(b.due_date) AS due_date
  FROM billing_bill b JOIN billing_billingaccount a ON a.id = b.account_id
  WHERE b.account_id >= %(lo)s AND b.account_id < %(hi)s AND b.open_amount > 0 AND b.written_off_on IS NULL
    AND b.state IN ('OPEN', 'PARTIAL') AND b.due_date <= %(until)s
    AND a.id >= %(lo)s AND a.id < %(hi)s AND a.customer_id IS NOT NULL AND a.pay_type = 'POSTPAID'
  GROUP BY b.account_id
  UNION ALL
  SELECT k.account_id, NULL FROM billing_bucket k JOIN billing_billingaccount a ON a.id = k.account_id
  WHERE k.account_id >= %(lo)s AND k.account_id < %(hi)s AND k.remaining <= 0
    AND a.id >= %(lo)s AND a.id < %(hi)s AND a.customer_id IS NOT NULL AND a.pay_type = 'PREPAID'
  GROUP BY k.account_id) AS found
ON CONFLICT (account_id) WHERE closed_at IS NULL DO NOTHING
"""


def begin_piece(cursor: Any, _run: JobRun, lo: int, hi: int) -> int:
    """Begin the cases of the accounts lo <= id < hi; returns how many are new."""
    now = clock.now()
    ladder = ladder_in_force(now)
    before = max(ladder.reminders)
    cursor.execute(
        BEGIN,
        {
            "now": now,
            "lo": lo,
            "hi": hi,
            "grade": policy("billing.grade_unknown"),
            "before": before,
            "until": clock.today(now) + timedelta(days=before + 1),
        },
    )
    return int(cursor.rowcount)


def begin_cases(job: RunningJob) -> None:
    """The nightly run."""
    job.run_chunks_of("billing_billingaccount", size=PIECE)


def register() -> None:
    """Make the job known."""
    register_job(
        JobKind(
            JOB,
            _("Begin cases of arrears"),
            begin_cases,
            right="billing.finance",
            chunk=begin_piece,
            files_of=NO_CUSTOMERS,
        )
    )
