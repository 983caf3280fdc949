"""How the credit scorecard ranks real people beside a plain regression on the same inputs (D§6.5-6.7).

Three public files, none of them ours: what each says of a person is written as the scorecard's facts as far as it goes,
the rest stays unknown. Shown is the share of pairs put in the right order (AUC; 0.5 is chance): who will be in arrears,
or who has the higher score of the source. The regression learns on every other row and is measured on the rest, the
scorecard on the same rest. The points of the scorecard are policies: this shows what choosing others is worth.
"""

from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from bench.table import Figure
from billing.credit.rules import rules_at
from billing.credit.scorecard import CreditFacts, score
from foundation.calendars.working_time import add_months
from foundation.common import clock

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
DAY = date(2026, 11, 2)
CHANCE = 0.5
ROUNDS = 8
Row = dict[str, str]


@dataclass(frozen=True)
class Source:
    """A file: its facts, the inputs of the regression (the facts as numbers) and what came true (1 is bad)."""

    name: str
    facts: Callable[[Row], CreditFacts]
    bad: Callable[[list[Row]], list[int]]
    note: str


def measure() -> list[Figure]:
    """A line for every file that is there; one that says so for a file that is not."""
    return [_measured(source) for source in SOURCES if (DATA / f"{source.name}.csv.gz").exists()]


def _measured(source: Source) -> Figure:
    with gzip.open(DATA / f"{source.name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    bad, facts, rules = source.bad(rows), [source.facts(row) for row in rows], rules_at(clock.now())
    inputs = [list(_numbers(one)) for one in facts]
    weights = _regression(inputs[::2], bad[::2])
    ours = auc([-float(score(one, rules).total) for one in facts[1::2]], bad[1::2])
    plain = auc([_dot(weights, [1.0, *one]) for one in _scaled(inputs)[1::2]], bad[1::2])
    note = f"a plain regression on the same inputs: {plain:.3f}; {len(bad[1::2]):,} rows, {source.note}"
    return Figure("credit", f"pairs in order, {source.name}", ours, CHANCE, "AUC", at_least=True, note=note)


def _uci(row: Row) -> CreditFacts:
    behind = [int(row[name]) for name in ("pay_0", "pay_2", "pay_3", "pay_4", "pay_5", "pay_6")]
    bills = [float(row[f"bill_amt{month}"] or 0) for month in range(1, 7)]
    return CreditFacts(
        DAY,
        since=add_months(DAY, -24),
        due=6,
        on_time=sum(months <= 0 for months in behind),
        late=sum(months >= 1 for months in behind),
        value=Decimal(max(0, round(sum(bills) / 6 / 100))),
    )


def _cmcc(row: Row) -> CreditFacts:
    return CreditFacts(
        DAY,
        since=add_months(DAY, -24),
        due=1,
        on_time=int(not _number(row, "前第3个月欠费金额")),
        late=int(_number(row, "前第3个月欠费金额") > 0),
        value=Decimal(round(_number(row, "前3月ARPU"), 2) if _number(row, "前3月ARPU") > 0 else 0),
    )


def _dcic(row: Row) -> CreditFacts:
    return CreditFacts(
        DAY,
        since=add_months(DAY, -int(row["tenure_months"])),
        due=1,
        on_time=1 - int(row["in_arrears"]),
        value=Decimal(str(round(float(row["avg_fee_6m"]), 2))),
        identity=row["real_name_verified"] == "1",
    )


def _number(row: Row, name: str) -> float:
    return float(row[name] or 0)


def _lower_half(rows: list[Row]) -> list[int]:
    scores = [int(row["credit_score"]) for row in rows]
    middle = sorted(scores)[len(scores) // 2]
    return [int(one < middle) for one in scores]


SOURCES = (
    Source(
        "uci_credit_default",
        _uci,
        lambda rows: [int(row["default_payment_next_month"]) for row in rows],
        "cards of a bank: who does not pay next month",
    ),
    Source(
        "cmcc_voice_satisfaction",
        _cmcc,
        lambda rows: [int(_number(row, "当月欠费金额") > 0) for row in rows],
        "mobile lines: who is in arrears three months later",
    ),
    Source("dcic_credit_score", _dcic, _lower_half, "mobile lines: who has a score of the source below its middle"),
)


def _numbers(facts: CreditFacts) -> Iterator[float]:
    months = (facts.day.year - facts.since.year) * 12 + facts.day.month - facts.since.month if facts.since else 0
    yield facts.on_time / facts.due if facts.due else 0.0
    yield float(facts.late)
    yield math.log1p(months)
    yield math.log1p(float(facts.monthly))
    yield float(facts.identity)


def auc(values: list[float], bad: list[int]) -> float:
    """The share of pairs of a bad and a good one in which the bad one has the higher value; ties count half."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks, start = [0.0] * len(order), 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for place in order[start:end]:
            ranks[place] = (start + end + 1) / 2
        start = end
    ill = sum(bad)
    above = sum(rank for rank, one in zip(ranks, bad, strict=True) if one) - ill * (ill + 1) / 2
    return above / (ill * (len(bad) - ill))


def _scaled(inputs: list[list[float]]) -> list[list[float]]:
    columns = list(zip(*inputs, strict=True))
    means = [sum(column) / len(column) for column in columns]
    spreads = [
        math.sqrt(sum((value - mean) ** 2 for value in column) / len(column)) or 1.0
        for column, mean in zip(columns, means, strict=True)
    ]
    return [[(v - m) / s for v, m, s in zip(row, means, spreads, strict=True)] for row in inputs]


def _regression(inputs: list[list[float]], bad: list[int]) -> list[float]:
    """Weights of a logistic regression, the first of them constant: Newton's method with a little ridge."""
    rows = [[1.0, *row] for row in _scaled(inputs)]
    size = len(rows[0])
    weights = [0.0] * size
    for _round in range(ROUNDS):
        slope = [-0.001 * weight for weight in weights]
        bend = [[0.001 * (i == j) for j in range(size)] for i in range(size)]
        for row, truth in zip(rows, bad, strict=True):
            chance = 1 / (1 + math.exp(-max(-30.0, min(30.0, _dot(weights, row)))))
            for i, value in enumerate(row):
                slope[i] += (truth - chance) * value
                weighed = chance * (1 - chance) * value
                for j in range(size):
                    bend[i][j] += weighed * row[j]
        weights = [weight + step for weight, step in zip(weights, _solved(bend, slope), strict=True)]
    return weights


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """x of matrix x = right, by elimination."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for i in range(len(rows)):
        pivot = max(range(i, len(rows)), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for r in range(len(rows)):
            if r != i:
                factor = rows[r][i] / rows[i][i]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i], strict=True)]
    return [row[-1] / row[i] for i, row in enumerate(rows)]


def _dot(weights: list[float], row: list[float]) -> float:
    return sum(weight * value for weight, value in zip(weights, row, strict=True))
