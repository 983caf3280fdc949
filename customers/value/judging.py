"""The judgement of a piece of everybody in one statement: the SQL twin of `engine.judge`.

Between collecting and judging the whole is looked at once (`look_at_whole`): medians of use and the bounds of the
classes, kept with the run.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from django.db import connection, transaction

from customers.value import engine
from customers.value.measuring import COLUMNS, MEASURED, values_of
from customers.value.rules import KINDS, LINE_BITS, Rules, Whole
from foundation.calendars.working_time import add_months

# A piece is sorted and hashed in memory, which is bounded by its size; compiling it or starting processes for it costs
# more than running it.
ROOM = "SET LOCAL work_mem = '32MB'; SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0"
# What a statement has just worked out has no statistics: a loop over the facts would be taken for cheap.
LOOPS = "SET LOCAL enable_nestloop = {}"
MILLION = 1_000_000
TREND_UNIT = int(engine.MOST_GROWTH * MILLION * 2) // 100  # growth in millionths, twice, to hundredths of a point
ALL_LINES = sum(LINE_BITS.values())
_NAMES = ", ".join(COLUMNS)
MEASURE = f"""INSERT INTO customers_valuedraft (month, customer_id, {_NAMES})
SELECT %(month)s, customer_id, {_NAMES} FROM ({MEASURED}) measured"""

# How often each figure stands, in one pass; then the bounds and the middles among those counts. A class holds those
# whose value is high enough that they and all above them are within its share (D§6.1).
_WHOLES = """
SELECT kind, max(everybody) FILTER (WHERE of = 3), {bounds},
  min(figure) FILTER (WHERE of = 5 AND (everybody - above + n) * 2 >= everybody),
  min(figure) FILTER (WHERE of = 6 AND (everybody - above + n) * 2 >= everybody)
FROM (
  SELECT kind, of, figure, n, sum(n) OVER (PARTITION BY kind, of ORDER BY figure DESC) AS above,
    sum(n) OVER (PARTITION BY kind, of) AS everybody
  FROM (
    SELECT kind, grouping(value, voice_now, data_now) AS of, coalesce(value, voice_now, data_now) AS figure,
      count(*) AS n
    FROM customers_valuedraft WHERE month = %(month)s
    GROUP BY GROUPING SETS ((kind, value), (kind, voice_now), (kind, data_now))) counted
  WHERE figure IS NOT NULL AND (of = 3 OR figure > 0)) ranked
GROUP BY kind"""


def look_at_whole(month: date, rules: Rules) -> Rules:
    """The rules with what was found of all who were collected for the month."""
    bounds = ", ".join(
        f"min(figure) FILTER (WHERE of = 3 AND above * 100 <= everybody * {int(share)})"
        for share in rules.shares.values()
    )
    wholes = {kind: Whole() for kind in KINDS}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(ROOM)
        # Filled a moment ago: the planner knows nothing of it yet.
        cursor.execute("ANALYZE customers_valuedraft (month, customer_id, kind, value, voice_now, data_now)")
        cursor.execute(_WHOLES.format(bounds=bounds), {"month": month})
        for kind, customers, *found, voice, data in cursor.fetchall():
            whole = Whole(voice=_whole_number(voice), data=_whole_number(data))
            if customers is not None:
                whole = replace(whole, bounds=dict(zip(rules.shares, found, strict=True)), customers=int(customers))
            wholes[kind] = whole
    return replace(rules, wholes=wholes)


def _whole_number(figure: Any) -> int | None:
    return None if figure is None else int(figure)


_RESULTS = ("value_class", "usage_now", "usage_before", "potential", "cell", "clv", "personas")
_KEPT = ", ".join((*COLUMNS, *_RESULTS))
_GONE = """DELETE FROM customers_valuemonth
WHERE month = %(month)s AND customer_id >= %(lo)s AND customer_id < %(hi)s"""
# Whole numbers wherever they are exact: the index of use in millionths, points in hundredths. 2a + b over 2b is a / b
# rounded half up, as nothing here is below zero.
_PART = "(d.{used} * 2000000 + w.{median}) / (2 * w.{median})::bigint"


def _index_sql(when: str) -> str:
    """The index of use, of both parts where there are both: `engine.usage_index`."""
    voice, data = _PART.format(used=f"voice_{when}", median="voice"), _PART.format(used=f"data_{when}", median="data")
    return f"coalesce((3 * ({voice}) + 7 * ({data}) + 5) / 10, {data}, {voice})"


_GROWTH = f"""CASE WHEN index_now <= index_before OR index_before = 0 THEN 0
      WHEN (index_now - index_before) * 2 >= index_before THEN {int(engine.MOST_GROWTH * MILLION)}
      WHEN index_before < {MILLION * MILLION}
      THEN ((index_now - index_before) * {2 * MILLION} + index_before) / (2 * index_before)
      ELSE round((index_now - index_before) * {MILLION}.0 / index_before)::bigint END"""
_WHOLE = """('{kind}', %(b5_{kind})s::numeric, %(b4_{kind})s::numeric, %(b3_{kind})s::numeric, %(b2_{kind})s::numeric,
          %(voice_{kind})s::bigint, %(data_{kind})s::bigint, %(gap_{kind})s::int[])"""
# Each step is fenced by OFFSET 0, or its expressions would be worked out again wherever the next ones use them.
JUDGE = f"""
WITH kept AS (
  INSERT INTO customers_valuemonth (month, customer_id, {_KEPT})
  SELECT month, customer_id, {", ".join(COLUMNS)}, value_class, index_now * 0.000001 AS usage_now,
    index_before * 0.000001 AS usage_before, potential,
    CASE WHEN CASE value_class WHEN 'NEW' THEN {engine.COUNTS_AS["NEW"]} ELSE value_class::int END >= %(valuable)s
      THEN CASE WHEN potential >= %(promising)s THEN 'STAR' ELSE 'CORE' END
      ELSE CASE WHEN potential >= %(promising)s THEN 'GROWTH' ELSE 'BASIC' END END AS cell,
    round(value * %(worth)s, 2) AS clv,
    CASE WHEN kind <> 'PERSON' OR no_profile OR age < {engine.GROWN_UP} THEN '{{}}'
      WHEN travels AND young THEN '{{TRAVELLER,YOUNG_DATA}}' WHEN travels THEN '{{TRAVELLER}}'
      WHEN young THEN '{{YOUNG_DATA}}' ELSE '{{}}' END::varchar[] AS personas
  FROM (
    SELECT *, (gap[lines_held + 1]
        + (2 * %(w_trend)s * coalesce({_GROWTH}, 0) + {TREND_UNIT // 2}) / {TREND_UNIT}
        + CASE WHEN full_months >= {engine.FULL_MONTHS} THEN %(w_pressure)s * 100 ELSE 0 END
        + CASE WHEN CASE kind WHEN 'ENTERPRISE' THEN since > %(young_firm)s
            ELSE category = 'STUDENT' OR age BETWEEN %(graduate_from)s AND %(graduate_to)s END
          THEN %(w_age)s * 100 ELSE 0 END
        + CASE WHEN contract_end > %(bound_after)s OR since < %(loyal_before)s THEN %(w_commitment)s * 100 ELSE 0 END
        + CASE WHEN contacts > 0 THEN %(w_engagement)s * 100 ELSE 0 END + 50) / 100 AS potential,
      roaming_days >= %(travel_days)s AND voice_now >= %(travel_voice)s AS travels,
      age BETWEEN %(young_from)s AND %(young_to)s AND data_now >= %(young_data)s AS young
    FROM (
      SELECT d.*, w.gap, {_index_sql("now")} AS index_now, {_index_sql("before")} AS index_before,
        CASE WHEN value IS NULL THEN 'NEW' WHEN value >= b5 THEN '5' WHEN value >= b4 THEN '4'
          WHEN value >= b3 THEN '3' WHEN value >= b2 THEN '2' ELSE '1' END AS value_class
      FROM customers_valuedraft d
      JOIN (VALUES {", ".join(_WHOLE.format(kind=kind) for kind in KINDS)})
        w (kind, b5, b4, b3, b2, voice, data, gap) ON w.kind = d.kind
      WHERE d.month = %(month)s AND d.customer_id >= %(lo)s AND d.customer_id < %(hi)s
      OFFSET 0) used
    OFFSET 0) scored
  RETURNING customer_id, value, value_class, potential, cell, clv, personas, roaming_last),
told AS (
  UPDATE customers_facts f SET value_month = %(month)s, value_amount = k.value, value_class = k.value_class,
    potential = k.potential, value_cell = k.cell, clv = k.clv, personas = k.personas,
    location = CASE WHEN f.location IN ('OUTBOUND_INTL', 'INBOUND') THEN f.location
      WHEN k.roaming_last >= %(away_days)s THEN 'OUTBOUND_DOMESTIC' ELSE 'HOME' END
  FROM kept k
  WHERE f.customer_id = k.customer_id AND f.customer_id >= %(lo)s AND f.customer_id < %(hi)s
    AND (f.value_month IS NULL OR f.value_month <= %(month)s))
SELECT count(*) FROM kept"""


def measure_piece(cursor: Any, month: date, lo: int, hi: int) -> int:
    """Collect the customers lo <= id < hi, of whom nothing is collected yet; returns how many."""
    cursor.execute(ROOM)
    cursor.execute(MEASURE, values_of(month) | {"lo": lo, "hi": hi})
    return int(cursor.rowcount)


def judge_piece(cursor: Any, month: date, rules: Rules, lo: int, hi: int) -> int:
    """Judge what was collected of lo <= id < hi, keep the results, tell the facts; returns how many.

    What an earlier run said of the month is replaced; facts that tell of a later month stay as they are.
    """
    cursor.execute(ROOM)
    cursor.execute(_GONE, {"month": month, "lo": lo, "hi": hi})
    cursor.execute(LOOPS.format("off"))
    cursor.execute(JUDGE, judge_values(month, rules) | {"lo": lo, "hi": hi})
    (judged,) = cursor.fetchone()
    cursor.execute(LOOPS.format("on"))
    return int(judged)


def judge_values(month: date, rules: Rules) -> dict[str, Any]:
    """The parameters of `JUDGE`, without the bounds of a piece."""
    as_of = add_months(month, 1)
    values: dict[str, Any] = {
        "month": month,
        "worth": rules.margin * rules.life,
        "valuable": rules.matrix["value_class"],
        "promising": rules.matrix["potential"],
        "graduate_from": rules.graduate["age_from"],
        "graduate_to": rules.graduate["age_to"],
        "young_firm": add_months(as_of, -12 * engine.YOUNG_FIRM_YEARS),
        "bound_after": add_months(as_of, engine.COMMITTED_MONTHS),
        "loyal_before": add_months(as_of, -12 * engine.LOYAL_YEARS),
        "travel_days": rules.traveller["roaming_days"],
        "travel_voice": rules.traveller["voice_minutes"],
        "young_from": rules.young_data["age_from"],
        "young_to": rules.young_data["age_to"],
        "young_data": rules.young_data["data_mb"],
        "away_days": rules.away_days,
    }
    values |= {f"w_{term}": weight for term, weight in rules.weights.items()}
    for kind in KINDS:
        whole = rules.wholes[kind]
        values |= {f"b{code}_{kind}": whole.bounds.get(code) for code in ("5", "4", "3", "2")}
        values |= {f"voice_{kind}": whole.voice or None, f"data_{kind}": whole.data or None}
        values |= {f"gap_{kind}": [int(engine.gap_of(kind, held, rules) * 100) for held in range(ALL_LINES + 1)]}
    return values
