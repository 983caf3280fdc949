"""Jobs over everybody and the count of a segment, each beside the bare pass over the same rows (design §7)."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection

from bench.table import Figure
from customers.models import Customer, RelationshipReview, ValueMonth
from customers.segments.counting import count_rows
from customers.segments.rules import condition_of
from customers.value import judging
from customers.value.evaluating import quarter_before, relationship_rules, statement
from customers.value.rules import Rules
from customers.value.running import PIECE, latest_value_run, month_before
from foundation.calendars.working_time import add_months
from foundation.common import clock
from foundation.jobs.models import JobRun
from foundation.jobs.running import claim_and_run
from foundation.jobs.services import start_job

LIMIT = 3.0
NOTHING = 50.0  # what reading an empty month costs is less
BIG = (
    "customers_customer",
    "customers_usagemonth",
    "customers_subscription",
    "customers_facts",
    "timeline",
    "customers_consent",
)
SEGMENT = {
    "all": [
        {"column": "value_class", "op": "in", "value": ["5", "4", "3"]},
        {"not": {"column": "product", "op": "in", "value": ["BROADBAND"]}},
    ]
}


def measure() -> list[Figure]:
    """The value of a month, the relationship of a quarter, the count of a segment."""
    value = _job("customers.judge_value")
    month = month_before(clock.now())
    bare_value = _timed(
        lambda: _bare(
            ValueMonth,
            month,
            "UPDATE customers_facts SET value_month = '2020-01-01', value_amount = 159.25, value_class = '3',"
            " potential = 50, value_cell = 'BASIC', clv = 3821.99, personas = '{}', location = 'HOME'",
        )
    )
    relationship = _job("customers.evaluate_relationships")
    bare_relationship = _timed(
        lambda: _bare(
            RelationshipReview,
            quarter_before(clock.now()),
            "UPDATE customers_facts SET relationship_month = '2020-01-01', relationship_score = 50,"
            " relationship_band = 'STEADY'",
        )
    )
    _job("customers.judge_value")  # the bare pass wrote over the facts
    rows = Customer.objects.filter(condition_of({"version": 1, "rule": SEGMENT}))
    _count_bare()  # both find the rows in the cache
    bare_count = _timed(_count_bare)
    counted: list[int] = []
    count = _timed(lambda: counted.append(count_rows(rows, timedelta(hours=1)).number))
    if not counted[0]:
        raise SystemExit("the segment to count has no members")
    return [
        _figure("value of a month", value, bare_value),
        _figure("relationship of a quarter", relationship, bare_relationship),
        _figure("count of a segment", count, bare_count, f"{counted[0]:,} members, "),
        *_plans(),
    ]


def _figure(work: str, ours: float, bare: float, note: str = "") -> Figure:
    return Figure(work, "to bare pass", ours / bare, LIMIT, "x", note=f"{note}{ours:.2f} s against {bare:.2f} s")


def _timed(work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _job(name: str) -> float:
    """Run a job to its end; returns its seconds, without those of asking for it."""
    run = start_job(name, actor=None)
    seconds = _timed(lambda: claim_and_run(run.pk))
    run.refresh_from_db()
    if run.state != JobRun.State.DONE:
        raise SystemExit(f"{name} ended {run.state}: {run.error_text}")
    return seconds


def _bare(model: Any, month: Any, update: str) -> None:
    """As many rows into the same table by one INSERT … SELECT, and the facts of everybody by one UPDATE."""
    names = [field.column for field in model._meta.concrete_fields if field.column != "month"]
    columns = ", ".join(f'"{name}"' for name in names)
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (month, {columns}) SELECT %s, {columns} FROM {table} WHERE month = %s",
            [add_months(month, 1), month],
        )
        cursor.execute(update)


def _count_bare() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM customers_customer c JOIN customers_facts f ON f.customer_id = c.id"
            " WHERE c.status <> 'ANONYMISED' AND f.value_class = ANY(ARRAY['5', '4', '3']) AND NOT EXISTS"
            " (SELECT FROM customers_subscription s WHERE s.customer_id = c.id AND s.product_line = 'BROADBAND')"
        )
        cursor.fetchone()


def _big(line: str) -> bool:
    return any(table in line for table in BIG)


def _cost(line: str) -> float:
    """The whole cost of a line of a plan."""
    return float(line.partition("..")[2].partition(" ")[0])


def _plans() -> list[Figure]:
    """Each statement of a piece explained: no big table is read from end to end."""
    month = month_before(clock.now())
    run = latest_value_run(month)
    assert run is not None
    ids = list(Customer.objects.order_by("pk").values_list("pk", flat=True)[PIECE : 2 * PIECE + 1])
    piece = {"lo": ids[0], "hi": ids[-1]}
    quarter = quarter_before(clock.now())
    statements = {
        "value: collecting": (judging.MEASURE, judging.values_of(month) | piece),
        "value: judging": (judging.JUDGE, judging.judge_values(month, Rules.from_json(run.rules)) | piece),
        "relationship": statement(quarter, relationship_rules(quarter), piece["lo"], piece["hi"]),
    }
    figures = []
    for name, (sql, values) in statements.items():
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}", values)
            lines = [line.strip() for (line,) in cursor.fetchall()]
        faults = [line for line in lines if "Seq Scan on" in line and _cost(line) > NOTHING and _big(line)]
        figures.append(Figure(f"a piece of {name}", "plan faults", len(faults), 0, "", note="; ".join(faults)[:120]))
    return figures
