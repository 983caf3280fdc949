"""Jobs over everybody and the count of a segment, each beside the bare pass over the same rows (design §7).

The bare pass of a job is one INSERT … SELECT a table, or one UPDATE, that writes as many rows into the same tables with
the same indexes: for the value of a month the results, the drafts they are made of (classes are shares of everybody, so
all must be collected before anybody can be judged), the facts, and the counts of the boards. It reads finished rows in
the order in which they lie and works nothing out: neither use nor lines nor contacts, of which the job reads about ten
rows a customer. It neither commits between nor reports. Both begin alike: months empty, the facts vacuumed. Each round
measures one beside the other; the middle of three counts. The note says what the bare pass takes without the drafts.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.db import connection

from bench.table import Figure
from customers.models import Customer, RelationshipReview, ValueDraft, ValueMonth
from customers.segments.counting import count_rows
from customers.segments.rules import condition_of
from customers.value import judging
from customers.value.evaluating import TELL, quarter_before, relationship_rules, statement
from customers.value.relationship import QUARTER
from customers.value.rules import Rules
from customers.value.running import PIECE, latest_value_run
from foundation.calendars.working_time import add_months
from foundation.common import clock
from foundation.jobs.models import JobRun
from foundation.jobs.running import claim_and_run
from foundation.jobs.services import start_job

ROUNDS = 3
MEMORY_MB = 150
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


_VALUE_FACTS = (
    "UPDATE customers_facts SET value_month = '2020-01-01', value_amount = 159.25, value_class = '3', potential = 50,"
    " value_cell = 'BASIC', clv = 3821.99, personas = '{}', location = 'HOME'"
)
_RELATIONSHIP_FACTS = (
    "UPDATE customers_facts SET relationship_month = '2020-01-01', relationship_score = 50,"
    " relationship_band = 'STEADY'"
)
_TALLY_AGAIN = (
    "CREATE TEMP TABLE bench_tally AS SELECT * FROM customers_valuetally",
    "DELETE FROM customers_valuetally",
    "INSERT INTO customers_valuetally SELECT * FROM bench_tally",
    "DROP TABLE bench_tally",
)


@dataclass
class _Round:
    """Seconds of a job and of its bare pass; `drafts`: of those, the part for what is only collected."""

    ours: float
    bare: float
    drafts: float = 0.0

    @property
    def ratio(self) -> float:
        return self.ours / self.bare


def measure() -> list[Figure]:
    """The value of a month, the relationship of a quarter, the count of a segment."""
    quarter = quarter_before(clock.now())
    last = add_months(quarter, QUARTER - 1)
    with peak_memory() as peak:
        values = [_value_round(last) for _ in range(ROUNDS)]
    _value_job(last)  # the bare pass wrote over the facts
    relationships = [_relationship_round(quarter) for _ in range(ROUNDS)]
    rows = Customer.objects.filter(condition_of({"version": 1, "rule": SEGMENT}))
    _count_bare()  # both find the rows in the cache
    bare_count = timed(_count_bare)
    counted: list[int] = []
    count = timed(lambda: counted.append(count_rows(rows, timedelta(hours=1)).number))
    if not counted[0]:
        raise SystemExit("the segment to count has no members")
    return [
        _middle("value of a month", values),
        Figure("value of a month", "memory, worker and database", peak.mb, MEMORY_MB, "MB"),
        _middle("relationship of a quarter", relationships),
        figure("count of a segment", count, bare_count, f"{counted[0]:,} members, "),
        *_plans(last),
    ]


def _value_round(month: date) -> _Round:
    _begin_alike(ValueMonth)
    ours = _value_job(month)
    _vacuum_facts()
    columns = ", ".join(field.column for field in ValueDraft._meta.concrete_fields)
    results = timed(lambda: _again(ValueMonth, month) + _run(_VALUE_FACTS, *_TALLY_AGAIN))
    drafts = timed(
        lambda: _run(
            f"INSERT INTO customers_valuedraft ({columns}) SELECT {columns} FROM customers_valuemonth"
            f" WHERE month = '{month}'"
        )
    )
    _run("TRUNCATE customers_valuedraft")
    return _Round(ours, results + drafts, drafts)


def _relationship_round(quarter: date) -> _Round:
    _begin_alike(RelationshipReview)
    ours = job_seconds("customers.evaluate_relationships")
    _vacuum_facts()
    return _Round(ours, timed(lambda: _again(RelationshipReview, quarter) + _run(_RELATIONSHIP_FACTS)))


def _begin_alike(model: Any) -> None:
    _run(f"TRUNCATE {model._meta.db_table}")
    _vacuum_facts()


def _vacuum_facts() -> None:
    _run("VACUUM (ANALYZE) customers_facts")


def _value_job(month: date) -> float:
    return job_seconds("customers.judge_value", {"month": f"{month:%Y-%m}"})


def _middle(work: str, rounds: list[_Round]) -> Figure:
    rounds.sort(key=lambda one: one.ratio)
    middle = rounds[len(rounds) // 2]
    without = f", {middle.bare - middle.drafts:.2f} s without drafts" if middle.drafts else ""
    note = f"{middle.ours:.2f} s against {middle.bare:.2f} s{without}; {rounds[0].ratio:.2f}-{rounds[-1].ratio:.2f}"
    return Figure(work, "to bare pass", middle.ratio, LIMIT, "x", note=note)


def figure(work: str, ours: float, bare: float, note: str = "") -> Figure:
    """The ratio of two times in seconds, beside the limit of a job over everybody."""
    return Figure(work, "to bare pass", ours / bare, LIMIT, "x", note=f"{note}{ours:.2f} s against {bare:.2f} s")


def timed(work: Callable[[], Any]) -> float:
    """Seconds a piece of work takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def job_seconds(name: str, params: dict[str, Any] | None = None) -> float:
    """Run a job to its end; returns its seconds, without those of asking for it."""
    run = start_job(name, actor=None, params=params)
    seconds = timed(lambda: claim_and_run(run.pk))
    run.refresh_from_db()
    if run.state != JobRun.State.DONE:
        raise SystemExit(f"{name} ended {run.state}: {run.error_text}")
    return seconds


@dataclass
class _Peak:
    mb: float = 0.0


@contextmanager
def peak_memory() -> Iterator[_Peak]:
    """The most memory of its own that this process and its database backend held inside the block, in MB."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    peak, over = _Peak(), threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            peak.mb = max(peak.mb, (own_kb("self") + own_kb(backend)) / 1_024)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()


def own_kb(pid: Any) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    raise ProcessLookupError(f"no memory figure for process {pid}")


def _again(model: Any, month: date) -> int:
    """As many rows into the next month of the same table by one INSERT … SELECT."""
    names = [field.column for field in model._meta.concrete_fields if field.column != "month"]
    columns, table = ", ".join(f'"{name}"' for name in names), model._meta.db_table
    return _run(
        f"INSERT INTO {table} (month, {columns}) SELECT '{add_months(month, 1)}', {columns} FROM {table}"
        f" WHERE month = '{month}'"
    )


def _run(*statements: str) -> int:
    with connection.cursor() as cursor:
        for one in statements:
            cursor.execute(one)
        return int(cursor.rowcount)


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


def _plans(month: date) -> list[Figure]:
    """Each statement of a piece explained: no big table is read from end to end."""
    run = latest_value_run(month)
    assert run is not None
    ids = list(Customer.objects.order_by("pk").values_list("pk", flat=True)[PIECE : 2 * PIECE + 1])
    piece = {"lo": ids[0], "hi": ids[-1]}
    quarter = quarter_before(clock.now())
    statements = {
        "value: collecting": (judging.MEASURE, judging.values_of(month) | piece),
        "value: judging": (judging.JUDGE, judging.judge_values(month, Rules.from_json(run.rules)) | piece),
        "relationship": statement(quarter, relationship_rules(quarter), piece["lo"], piece["hi"]),
        "relationship: telling": (TELL, piece | {"month": quarter}),
    }
    figures = []
    for name, (sql, values) in statements.items():
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}", values)
            lines = [line.strip() for (line,) in cursor.fetchall()]
        faults = [line for line in lines if "Seq Scan on" in line and _cost(line) > NOTHING and _big(line)]
        figures.append(Figure(f"a piece of {name}", "plan faults", len(faults), 0, "", note="; ".join(faults)[:120]))
    return figures
