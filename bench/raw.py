"""The limit beside each figure: PostgreSQL alone, the same rows by a prepared statement."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Any

from django.db import connection


def prepared(sql: str, types: Sequence[str], arguments: Sequence[Sequence[Any]]) -> float:
    """Median client ms of `sql` ($1, $2 …) as a prepared statement, once per tuple of arguments."""
    times = []
    with connection.cursor() as cursor:
        cursor.execute(f"PREPARE bench_raw ({', '.join(types)}) AS {sql}")
        marks = ", ".join(["%s"] * len(types))
        for values in arguments:
            start = time.perf_counter()
            cursor.execute(f"EXECUTE bench_raw ({marks})", list(values))
            cursor.fetchall()
            times.append((time.perf_counter() - start) * 1_000)
        cursor.execute("DEALLOCATE bench_raw")
    return statistics.median(times)


def plan_faults(sql: str, params: Sequence[Any], rows_shown: int) -> list[str]:
    """What is wrong with the plan of one statement: a sequential scan of a big table, or too many rows visited."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", list(params))
        plan = cursor.fetchone()[0][0]["Plan"]
    faults: list[str] = []
    visited = _walk(plan, faults)
    if visited > 10 * max(rows_shown, 1) + 10:
        faults.append(f"{visited} rows visited for {rows_shown} shown")
    return faults


def _walk(node: dict[str, Any], faults: list[str]) -> int:
    if node["Node Type"] == "Seq Scan" and node.get("Actual Rows", 0) + node.get("Rows Removed by Filter", 0) > 5_000:
        faults.append(f"sequential scan of {node.get('Relation Name')}")
    visited = 0
    if "Relation Name" in node:
        visited = int((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
    return visited + sum(_walk(child, faults) for child in node.get("Plans", []))
