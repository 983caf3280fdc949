"""Every night: archives that may be one person, over everybody, in SQL. The twin of `score.score_pair`.

First the blocks: archives that share a document, a number, or name and birth date. A block larger than the policy
allows says nothing about persons (the number of a company, of a school) and is left out and counted, so that a
number 500 customers have gives no 125,000 pairs. Then the pairs of each block, scored, piece by piece.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.db import connection, transaction

from customers.merging.score import EFFECTS, step_of, street_sql
from customers.models import DuplicateBlock, DuplicatePair
from foundation.common import clock
from foundation.policies.reading import policy

PIECE = 2_000  # blocks
_STANDS = "{0}.merged_into_id IS NULL AND {0}.status <> 'ANONYMISED'"
_BORN = "CASE WHEN 'BIRTHDAY_PLACEHOLDER' = ANY({0}.quality_marks) THEN NULL ELSE {0}.birth_date END"
_GROUPS = {
    DuplicateBlock.Kind.ID: f"""SELECT array_agg(c.id) AS ids, count(*) AS many FROM customers_customer c
        WHERE c.id_hash IS NOT NULL AND {_STANDS.format("c")} GROUP BY c.id_hash HAVING count(*) > 1""",
    DuplicateBlock.Kind.NUMBER: """SELECT array_agg(DISTINCT x.customer_id), count(DISTINCT x.customer_id)
        FROM customer_find_number x WHERE x.kind IN ('PHONE', 'LINE', 'EMAIL')
        GROUP BY x.value HAVING count(DISTINCT x.customer_id) > 1""",
    DuplicateBlock.Kind.NAME_BIRTHDAY: f"""SELECT array_agg(c.id), count(*) FROM customers_customer c
        JOIN customer_find_name n ON n.customer_id = c.id
        WHERE n.name <> '' AND {_BORN.format("c")} IS NOT NULL AND {_STANDS.format("c")}
        GROUP BY n.name, c.birth_date HAVING count(*) > 1""",
}


@transaction.atomic
def make_blocks(run_id: int) -> tuple[int, int]:
    """Find the blocks of a run, once; returns how many there are, and how many were too large."""
    most = policy("customers.duplicate_block")
    kept = too_large = 0
    DuplicateBlock.objects.filter(run_id=run_id).delete()
    with connection.cursor() as cursor:
        for kind, groups in _GROUPS.items():
            cursor.execute(
                f"""WITH found AS MATERIALIZED (SELECT * FROM ({groups}) AS g (ids, many)),
                    kept AS (INSERT INTO customers_duplicate_block (run_id, place, kind, customer_ids)
                             SELECT %(run)s, %(start)s + row_number() OVER () - 1, %(kind)s, ids
                             FROM found WHERE many <= %(most)s RETURNING 1)
                    SELECT (SELECT count(*) FROM kept), (SELECT count(*) FROM found WHERE many > %(most)s)""",
                {"run": run_id, "start": kept, "kind": kind, "most": most},
            )
            some, large = cursor.fetchone()
            kept, too_large = kept + some, too_large + large
        cursor.execute("ANALYZE customers_duplicate_block")
    return kept, too_large


# OFFSET 0 keeps each pair a look-up by key: the planner knows nothing of the number of pairs and would read the whole
# archive for every piece.
_FACTS = f"""
SELECT p.low, p.high,
  a.id_hash = b.id_hash AS id,
  a.id_hash <> b.id_hash AND a.id_type = b.id_type AS other_id,
  an.name <> '' AND an.name = bn.name AS name,
  an.pinyin <> '' AND an.pinyin = bn.pinyin AND an.name IS DISTINCT FROM bn.name AS pinyin,
  EXISTS (SELECT 1 FROM customer_find_number x JOIN customer_find_number y ON y.customer_id = b.id
    AND y.kind IN ('PHONE', 'LINE') AND y.value = x.value
    WHERE x.customer_id = a.id AND x.kind IN ('PHONE', 'LINE')) AS phone,
  EXISTS (SELECT 1 FROM customer_find_number x JOIN customer_find_number y ON y.customer_id = b.id
    AND y.kind IN ('PHONE', 'LINE') AND y.value = x.value
    JOIN customers_contactpoint q ON q.customer_id IN (a.id, b.id) AND q.value = x.value AND q.valid_to IS NULL
      AND q.verified_at IS NOT NULL
    WHERE x.customer_id = a.id AND x.kind IN ('PHONE', 'LINE')) AS phone_verified,
  EXISTS (SELECT 1 FROM customer_find_number x JOIN customer_find_number y ON y.customer_id = b.id
    AND y.kind = 'EMAIL' AND y.value = x.value WHERE x.customer_id = a.id AND x.kind = 'EMAIL') AS email,
  EXISTS (SELECT 1 FROM customers_address s JOIN customers_address t ON t.customer_id = b.id AND t.valid_to IS NULL
    AND t.street <> '' AND {street_sql("t")} = {street_sql("s")}
    WHERE s.customer_id = a.id AND s.valid_to IS NULL AND s.street <> '') AS address,
  {_BORN.format("a")} = {_BORN.format("b")} AS birthday
FROM pair p
CROSS JOIN LATERAL (SELECT * FROM customers_customer WHERE id = p.low OFFSET 0) a
CROSS JOIN LATERAL (SELECT * FROM customers_customer WHERE id = p.high OFFSET 0) b
CROSS JOIN LATERAL (SELECT * FROM customer_find_name WHERE customer_id = p.low OFFSET 0) an
CROSS JOIN LATERAL (SELECT * FROM customer_find_name WHERE customer_id = p.high OFFSET 0) bn
WHERE a.customer_type = b.customer_type AND {_STANDS.format("a")} AND {_STANDS.format("b")}"""


def score_blocks(cursor: Any, run_id: int, lo: int, hi: int) -> int:
    """Score the pairs of the blocks lo <= place < hi and write those worth a look; returns how many pairs those are.

    A pair somebody set aside or merged keeps its state; an open one gets the score of now.
    """
    weights, bands = policy("customers.duplicate_weights"), policy("customers.duplicate_bands")
    codes = sorted(EFFECTS, key=lambda code: -weights[code])
    steps = {f"step_{code}": json.dumps(asdict(step_of(code, weights))) for code in codes}
    holds = {code: f"coalesce(f.{code}, false)" for code in codes}
    holds["phone"] += " AND NOT f.phone_verified"
    points = " + ".join(f"CASE WHEN {holds[code]} THEN {int(weights[code])} ELSE 0 END" for code in codes)
    reasons = ", ".join(f"CASE WHEN {holds[code]} THEN %(step_{code})s::jsonb END" for code in codes)
    cursor.execute(
        f"""WITH pair AS MATERIALIZED (
              SELECT DISTINCT x.id AS low, y.id AS high FROM customers_duplicate_block k
              CROSS JOIN LATERAL unnest(k.customer_ids) AS x (id)
              CROSS JOIN LATERAL unnest(k.customer_ids) AS y (id)
              WHERE k.run_id = %(run)s AND k.place >= %(lo)s AND k.place < %(hi)s AND x.id < y.id),
            fact AS MATERIALIZED ({_FACTS}),
            scored AS (SELECT f.low, f.high, greatest(0, {points}) AS score,
                         to_jsonb(array_remove(ARRAY[{reasons}], NULL)) AS reasons FROM fact f)
            INSERT INTO customers_duplicate_pair AS old
              (id, low_id, high_id, score, band, reasons, state, found_at, seen_run, why)
            SELECT make_id(), low, high, score, CASE WHEN score >= %(auto)s THEN 'AUTO' ELSE 'REVIEW' END, reasons,
                   'OPEN', %(now)s, %(run)s, ''
            FROM scored WHERE score >= %(review)s ORDER BY low, high
            ON CONFLICT (low_id, high_id) DO UPDATE SET score = excluded.score, band = excluded.band,
              reasons = excluded.reasons, seen_run = excluded.seen_run
            WHERE old.state = 'OPEN'""",
        {
            "run": run_id,
            "lo": lo,
            "hi": hi,
            "now": clock.now(),
            "auto": bands["auto"],
            "review": bands["review"],
            **steps,
        },
    )
    return int(cursor.rowcount)


def finish(run_id: int) -> int:
    """Forget the blocks, and open pairs this run no longer found alike; returns how many pairs."""
    gone, _each = DuplicatePair.objects.filter(state=DuplicatePair.State.OPEN).exclude(seen_run=run_id).delete()
    DuplicateBlock.objects.filter(run_id__lte=run_id).delete()
    return gone


def find_all(run_id: int, *, report: Callable[[int, int], None] = lambda done, total: None) -> dict[str, int]:
    """The whole night's work in this process, without helpers; returns blocks, too_large, pairs and gone."""
    blocks, too_large = make_blocks(run_id)
    pairs = 0
    for lo in range(0, blocks, PIECE):
        with transaction.atomic(), connection.cursor() as cursor:
            pairs += score_blocks(cursor, run_id, lo, lo + PIECE)
        report(min(lo + PIECE, blocks), blocks)
    return {"blocks": blocks, "too_large": too_large, "pairs": pairs, "gone": finish(run_id)}
