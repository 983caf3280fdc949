"""The judgement of a piece of everybody in one statement: the SQL twin of `engine.judge`.

Between collecting and judging the whole is looked at once (`look_at_whole`): medians of use and the bounds of the
classes, kept with the run.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from customers.value import engine
from customers.value.measuring import COLUMNS, MEASURED, values_of
from customers.value.rules import KINDS, LINE_BITS, LINES_OF, Rules, Whole
from foundation.calendars.working_time import add_months

# A piece is sorted and hashed in memory, which is bounded by its size; compiling it costs more than running it.
ROOM = "SET LOCAL work_mem = '32MB'; SET LOCAL jit = off"
_NAMES = ", ".join(COLUMNS)
MEASURE = f"""INSERT INTO customers_valuedraft (month, customer_id, {_NAMES})
SELECT %(month)s, customer_id, {_NAMES} FROM ({MEASURED}) measured"""

# A class holds those whose value is high enough that they and all above them are within its share (D§6.1).
_BOUNDS = """
SELECT kind, sum(n), {bounds} FROM (
  SELECT kind, value, n, sum(n) OVER (PARTITION BY kind ORDER BY value DESC) AS above,
    sum(n) OVER (PARTITION BY kind) AS everybody
  FROM (SELECT kind, value, count(*) AS n FROM customers_valuedraft
        WHERE month = %(month)s AND value IS NOT NULL GROUP BY kind, value) counted) ranked
GROUP BY kind"""
_MEDIANS = """
SELECT kind, percentile_disc(0.5) WITHIN GROUP (ORDER BY voice_now) FILTER (WHERE voice_now > 0),
  percentile_disc(0.5) WITHIN GROUP (ORDER BY data_now) FILTER (WHERE data_now > 0)
FROM customers_valuedraft WHERE month = %(month)s GROUP BY kind"""


def look_at_whole(month: date, rules: Rules) -> Rules:
    """The rules with what was found of all who were collected for the month."""
    bounds = ", ".join(
        f"min(value) FILTER (WHERE above * 100 <= everybody * {int(share)})" for share in rules.shares.values()
    )
    wholes = {kind: Whole() for kind in KINDS}
    with connection.cursor() as cursor:
        cursor.execute(_MEDIANS, {"month": month})
        for kind, voice, data in cursor.fetchall():
            wholes[kind] = Whole(voice=voice, data=data)
        cursor.execute(_BOUNDS.format(bounds=bounds), {"month": month})
        for kind, customers, *found in cursor.fetchall():
            wholes[kind] = replace(
                wholes[kind], bounds=dict(zip(rules.shares, found, strict=True)), customers=int(customers)
            )
    return replace(rules, wholes=wholes)


def _missing(kind: str) -> str:
    lines = LINES_OF[kind]
    held = " + ".join(f"(lines_held & {LINE_BITS[line]} <> 0)::int" for line in lines)
    return f"({len(lines)} - ({held}))"


_GROWTH = "CASE WHEN usage_before > 0 THEN round((usage_now - usage_before) / usage_before, 6) END"
_INDEX = """CASE WHEN {voice} IS NULL THEN {data} WHEN {data} IS NULL THEN {voice}
    ELSE round(0.3 * {voice} + 0.7 * {data}, 6) END"""
_RESULTS = ("value_class", "usage_now", "usage_before", "potential", "cell", "clv", "personas")
_KEPT = ", ".join((*COLUMNS, *_RESULTS))
_GONE = """DELETE FROM customers_valuemonth
WHERE month = %(month)s AND customer_id >= %(lo)s AND customer_id < %(hi)s"""
# Each step is kept, or every expression of it would be worked out again wherever the next ones use it.
JUDGE = f"""
WITH parts AS MATERIALIZED (
  SELECT d.*, w.b5, w.b4, w.b3, w.b2,
    round(d.voice_now / w.voice, 6) AS vn, round(d.voice_before / w.voice, 6) AS vb,
    round(d.data_now / w.data, 6) AS dn, round(d.data_before / w.data, 6) AS db
  FROM customers_valuedraft d
  JOIN (VALUES ('PERSON', %(b5_PERSON)s::numeric, %(b4_PERSON)s::numeric, %(b3_PERSON)s::numeric,
                %(b2_PERSON)s::numeric, %(voice_PERSON)s::numeric, %(data_PERSON)s::numeric),
               ('ENTERPRISE', %(b5_ENTERPRISE)s, %(b4_ENTERPRISE)s, %(b3_ENTERPRISE)s, %(b2_ENTERPRISE)s,
                %(voice_ENTERPRISE)s, %(data_ENTERPRISE)s)) w (kind, b5, b4, b3, b2, voice, data) ON w.kind = d.kind
  WHERE d.month = %(month)s AND d.customer_id >= %(lo)s AND d.customer_id < %(hi)s),
used AS MATERIALIZED (
  SELECT *, {_INDEX.format(voice="vn", data="dn")} AS usage_now, {_INDEX.format(voice="vb", data="db")} AS usage_before,
    CASE WHEN value IS NULL THEN 'NEW' WHEN value >= b5 THEN '5' WHEN value >= b4 THEN '4' WHEN value >= b3 THEN '3'
      WHEN value >= b2 THEN '2' ELSE '1' END AS value_class
  FROM parts),
scored AS MATERIALIZED (
  SELECT *, round(
      CASE kind WHEN 'ENTERPRISE' THEN round(%(w_gap)s * {_missing("ENTERPRISE")} / {len(LINES_OF["ENTERPRISE"])}.0, 2)
        ELSE round(%(w_gap)s * {_missing("PERSON")} / {len(LINES_OF["PERSON"])}.0, 2) END
      + round(%(w_trend)s * greatest(0, least({engine.MOST_GROWTH}, coalesce({_GROWTH}, 0)))
              / {engine.MOST_GROWTH}, 2)
      + CASE WHEN full_months >= {engine.FULL_MONTHS} THEN %(w_pressure)s ELSE 0 END
      + CASE WHEN CASE kind WHEN 'ENTERPRISE' THEN since > %(young_firm)s
          ELSE category = 'STUDENT' OR age BETWEEN %(graduate_from)s AND %(graduate_to)s END
        THEN %(w_age)s ELSE 0 END
      + CASE WHEN contract_end > %(bound_after)s OR since < %(loyal_before)s THEN %(w_commitment)s ELSE 0 END
      + CASE WHEN contacts > 0 THEN %(w_engagement)s ELSE 0 END)::int AS potential
  FROM used),
judged AS (
  SELECT *, round(value * %(margin)s * %(life)s, 2) AS clv,
    CASE WHEN CASE value_class WHEN 'NEW' THEN {engine.COUNTS_AS["NEW"]} ELSE value_class::int END >= %(valuable)s
      THEN CASE WHEN potential >= %(promising)s THEN 'STAR' ELSE 'CORE' END
      ELSE CASE WHEN potential >= %(promising)s THEN 'GROWTH' ELSE 'BASIC' END END AS cell,
    CASE WHEN kind <> 'PERSON' OR no_profile OR age < {engine.GROWN_UP} THEN '{{}}'::varchar[]
      ELSE array_remove(ARRAY[
        CASE WHEN roaming_days >= %(travel_days)s AND voice_now >= %(travel_voice)s THEN 'TRAVELLER' END,
        CASE WHEN age BETWEEN %(young_from)s AND %(young_to)s AND data_now >= %(young_data)s THEN 'YOUNG_DATA' END
      ]::varchar[], NULL) END AS personas
  FROM scored),
kept AS (
  INSERT INTO customers_valuemonth (customer_id, month, {_KEPT})
  SELECT customer_id, %(month)s, {_KEPT} FROM judged
  RETURNING customer_id),
told AS (
  UPDATE customers_facts f SET value_month = %(month)s, value_amount = j.value, value_class = j.value_class,
    potential = j.potential, value_cell = j.cell, clv = j.clv, personas = j.personas,
    location = CASE WHEN f.location IN ('OUTBOUND_INTL', 'INBOUND') THEN f.location
      WHEN j.roaming_last >= %(away_days)s THEN 'OUTBOUND_DOMESTIC' ELSE 'HOME' END
  FROM judged j
  WHERE f.customer_id = j.customer_id AND f.customer_id >= %(lo)s AND f.customer_id < %(hi)s
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
    cursor.execute(JUDGE, judge_values(month, rules) | {"lo": lo, "hi": hi})
    return int(cursor.fetchone()[0])


def judge_values(month: date, rules: Rules) -> dict[str, Any]:
    """The parameters of `JUDGE`, without the bounds of a piece."""
    as_of = add_months(month, 1)
    values: dict[str, Any] = {
        "month": month,
        "margin": rules.margin,
        "life": rules.life,
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
    values |= {f"w_{term}": Decimal(weight) for term, weight in rules.weights.items()}
    for kind in KINDS:
        whole = rules.wholes[kind]
        values |= {f"b{code}_{kind}": whole.bounds.get(code) for code in ("5", "4", "3", "2")}
        values |= {f"voice_{kind}": whole.voice, f"data_{kind}": whole.data}
    return values
