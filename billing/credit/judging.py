"""The credit of a piece of everybody in one statement: the SQL twin of `scorecard.score` and `grading.standing`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from billing.credit.measuring import MEASURED, values_of
from billing.credit.rules import BEST_FIRST, CreditRules
from billing.models.credit import WHOLE
from foundation.calendars.working_time import add_months

# A piece is sorted and hashed in memory; compiling it or starting processes for it costs more than running it.
ROOM = "SET LOCAL work_mem = '32MB'; SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0"
INPUTS = (
    "customer_id", "account_id", "month", "day", "since", "due", "on_time", "late", "suspensions", "value", "fee",
    "auto_debit", "identity", "contract_end", "written_off", "two_way", "fraud",
)  # fmt: skip
RESULTS = (
    "basis", "score", "cap", "score_grade", "by_score", "falls_to", "falls_on", "grade", "credit_limit", "grace_days",
)  # fmt: skip
_KEPT = ", ".join((*INPUTS, *RESULTS))
_GONE = """DELETE FROM billing_creditscore
WHERE month = %(month)s AND customer_id >= %(lo)s AND customer_id < %(hi)s"""


def _bands(amount: str, bands: Mapping[str, int]) -> str:
    """The points of the highest bound not above an amount."""
    falling = sorted(map(int, bands), reverse=True)
    cases = " ".join(f"WHEN {amount} >= {bound} THEN {int(bands[str(bound)])}" for bound in falling)
    return f"CASE {cases} ELSE {int(bands['0'])} END"


def _by_grade(column: str, values: Mapping[str, Any]) -> str:
    return f"CASE {column} {' '.join(f'''WHEN '{grade}' THEN {values[grade]}''' for grade in BEST_FIRST)} END"


def statement(rules: CreditRules) -> str:
    """The whole statement for these rules; returns one row: how many were judged.

    Each step stands by itself (MATERIALIZED), or its expressions would be worked out again wherever the next ones use
    them.
    """
    points, first, grades = rules.points, rules.first, rules.grades
    part = {name: {grade: row[name] for grade, row in grades.items()} for name in ("from", "cap", "grace_days")}
    factors = {grade: f"{row['factor']}::numeric" for grade, row in grades.items()}
    reached = " ".join(f"WHEN total >= {part['from'][grade]} THEN '{grade}'" for grade in BEST_FIRST)
    lost = f"{rules.arrears['suspension']} * suspensions + {rules.arrears['late_bill']} * late"
    limit = f"floor(greatest(coalesce(value, fee, 0), 0) * {_by_grade('grade', factors)} / 10)::int * 10"
    return f"""
WITH measured AS MATERIALIZED ({MEASURED}),
apart AS MATERIALIZED (
  SELECT *, ((extract(year FROM day) - extract(year FROM since)) * 12
    + extract(month FROM day) - extract(month FROM since))::int AS calendar_months FROM measured),
aged AS MATERIALIZED (
  SELECT *, CASE WHEN since IS NOT NULL  -- the greatest of 0 and nothing would be 0
    THEN greatest(0, calendar_months - ((since + make_interval(months => calendar_months))::date > day)::int) END
    AS months FROM apart),
based AS MATERIALIZED (
  SELECT *, CASE WHEN months < {first["months"]} THEN 'FIRST_MONTHS' WHEN due > 0 THEN 'BILLS' ELSE 'NO_BILLS' END
      AS basis,
    CASE WHEN auto_debit THEN {points["auto_debit"]} ELSE 0 END
      + CASE WHEN identity THEN {points["identity"]} ELSE 0 END
      + CASE WHEN contract_end > %(contract_after)s THEN {points["contract"]} ELSE 0 END AS held,
    CASE WHEN written_off THEN 0 WHEN two_way THEN {rules.two_way_most} ELSE 100 END AS most
  FROM aged),
pointed AS MATERIALIZED (
  SELECT *, CASE WHEN basis = 'BILLS' THEN round({points["punctuality"]}::numeric * on_time / nullif(due, 0)
      + greatest(0, {points["arrears"]} - ({lost})) + {_bands("coalesce(months, 0)", rules.tenure)}
      + {_bands("coalesce(value, fee, 0)", rules.spend)} + held)
    ELSE {first["base"]} + {_bands("coalesce(fee, 0)", rules.spend)} + held END::int AS reached
  FROM based),
scored AS MATERIALIZED (SELECT *, least(reached, most, 100) AS total FROM pointed),
graded AS MATERIALIZED (
  SELECT s.*, CASE basis WHEN 'BILLS' THEN own ELSE greatest(own, %(first_best)s) END AS score_grade
  FROM (SELECT *, CASE {reached} END AS own FROM scored) s),
standing AS MATERIALIZED (
  SELECT g.*, b.grade AS before, coalesce(b.grade < g.score_grade AND NOT g.written_off, false) AS falls
  FROM graded g LEFT JOIN (
    SELECT customer_id, account_id, CASE WHEN falls_on <= %(day)s THEN falls_to ELSE by_score END AS grade
    FROM billing_creditscore
    WHERE month = %(before)s AND customer_id >= %(lo)s AND customer_id < %(hi)s) b USING (customer_id, account_id)),
handed AS MATERIALIZED (
  SELECT s.*, CASE WHEN falls THEN before ELSE score_grade END AS by_score,
    CASE WHEN falls THEN score_grade ELSE '' END AS falls_to,
    CASE WHEN h.to_grade IS NOT NULL AND NOT written_off THEN h.to_grade WHEN falls THEN before ELSE score_grade END
      AS grade
  FROM standing s LEFT JOIN LATERAL (
    SELECT c.to_grade FROM billing_creditchange c
    WHERE c.customer_id = s.customer_id AND coalesce(c.account_id, {WHOLE}) = s.account_id
      AND c.begins <= %(day)s AND c.until >= %(day)s AND (c.ended_on IS NULL OR c.ended_on > %(day)s)
    ORDER BY c.id DESC LIMIT 1) h ON true),
kept AS (
  INSERT INTO billing_creditscore ({_KEPT})
  SELECT {", ".join(INPUTS)}, basis, total,
    CASE WHEN reached <= most THEN '' WHEN written_off THEN 'written_off' ELSE 'two_way' END, score_grade, by_score,
    falls_to, CASE WHEN falls THEN %(next_month)s::date END, grade,
    CASE WHEN fraud THEN 0 ELSE least({_by_grade("grade", part["cap"])}, {limit}) END,
    {_by_grade("grade", part["grace_days"])}
  FROM handed
  RETURNING customer_id, grade, credit_limit),
told AS (
  UPDATE customers_facts f
  SET credit_month = %(month)s, credit_grade = k.grade, credit_limit = k.credit_limit
  FROM (SELECT customer_id, max(grade) AS grade, sum(credit_limit)::int AS credit_limit FROM kept GROUP BY 1) k
  WHERE f.customer_id = k.customer_id AND f.customer_id >= %(lo)s AND f.customer_id < %(hi)s
    AND (f.credit_month IS NULL OR f.credit_month <= %(month)s))
SELECT count(*) FROM kept"""


def judge_piece(cursor: Any, month: date, before: date | None, rules: CreditRules, lo: int, hi: int) -> int:
    """Judge the customers lo <= id < hi, keep the scores, tell the facts; returns how many scores.

    `before`: the month of the last run, whose grades they come from. What an earlier run said of the month is replaced;
    facts that tell of a later month stay as they are.
    """
    piece = values_of(month, rules) | {
        "lo": lo,
        "hi": hi,
        "before": before,
        "contract_after": add_months(values_of(month, rules)["day"], rules.contract_months),
        "first_best": rules.first_best,
        "next_month": add_months(month, 1),
    }
    cursor.execute(ROOM)
    cursor.execute(_GONE, piece)
    cursor.execute(statement(rules), piece)
    return int(cursor.fetchone()[0])
