"""The scorecard by hand-made cases: every expected number is worked out from D§6.5-6.9, not from the code."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from billing.credit.explaining import what_would_raise
from billing.credit.grading import Manual, Standing, by_hand, standing
from billing.credit.rules import BEST_FIRST, CreditRules, better, rules_at
from billing.credit.scorecard import CreditFacts, months_since, score
from foundation.common import clock
from foundation.common.errors import RuleBroken

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 2)
LOYAL = CreditFacts(
    day=DAY,
    since=date(2015, 3, 1),
    due=12,
    on_time=12,
    value=Decimal("240"),
    auto_debit=True,
    identity=True,
    contract_end=date(2027, 6, 1),
)
NEW = CreditFacts(day=DAY, since=date(2026, 5, 3), fee=Decimal("59"))


@pytest.fixture
def rules(db: None) -> CreditRules:
    return rules_at(clock.now())


# facts, score, grade, limit, grace days
CASES: dict[str, tuple[CreditFacts, int, str, int, int]] = {
    # 40 + 20 + 15 + 10 + 5 + 5 + 5; twice 240
    "everything there is": (LOYAL, 100, "A", 480, 15),
    "the cap of A": (replace(LOYAL, value=Decimal("900")), 100, "A", 1_000, 15),
    # 40 x 11/12 = 36.67, + 20 + 8 (24 months) + 6 (88) + 5 = 75.67; 1.5 x 88 = 132
    "one bill late": (
        CreditFacts(DAY, date(2024, 11, 2), due=12, on_time=11, value=Decimal("88"), identity=True),
        76,
        "B",
        130,
        10,
    ),
    # 20 + (20 - 5 - 6) + 5 (7 months) + 2 (25) + 5; 0.5 x 25 = 12.5
    "half of them late": (
        CreditFacts(
            DAY, date(2026, 4, 1), due=12, on_time=6, late=3, suspensions=1, value=Decimal("25"), identity=True
        ),
        41,
        "D",
        10,
        2,
    ),
    # 0 + 0 (20 - 20 - 24 is not below 0) + 15 + 10 + 5 + 5 + 5; 0.5 x 300 = 150, the cap is 50
    "arrears have a floor": (
        replace(LOYAL, on_time=0, late=12, suspensions=4, value=Decimal("300")),
        40,
        "D",
        50,
        2,
    ),
    # 40 x 5/16 = 12.5, + 20 + 5 + 2 = 39.5: half a point counts upwards
    "half a point": (CreditFacts(DAY, date(2026, 5, 2), due=16, on_time=5, value=Decimal("10")), 40, "D", 0, 2),
    # 36.67 + 20 + 5 + 8 = 69.67
    "the border of B": (CreditFacts(DAY, date(2026, 1, 1), due=12, on_time=11, value=Decimal("120")), 70, "B", 180, 10),
    "barred both ways": (replace(LOYAL, two_way=True), 39, "E", 0, 0),
    "written off": (replace(LOYAL, written_off=True), 0, "E", 0, 0),
    "black list": (replace(LOYAL, black_listed=True), 0, "E", 0, 0),
    "a hold for fraud takes the limit alone": (replace(LOYAL, fraud=True), 100, "A", 0, 15),
    # 45 + 4 (59) in the sixth month, whatever the bills were; 0.5 x 59 = 29.5
    "first months": (replace(NEW, due=5, on_time=0, late=5), 49, "D", 20, 2),
    # 45 + 10 + 5 + 5 + 5 = 70, as good as it gets; 1.5 x 300
    "the best of the first months": (
        replace(NEW, fee=Decimal("300"), auto_debit=True, identity=True, contract_end=date(2027, 5, 3)),
        70,
        "B",
        450,
        10,
    ),
    # 45 + 10 + 15 held, 11 years a customer, but nothing ever fell due
    "no bill fell due": (
        replace(LOYAL, due=0, on_time=0, value=None, fee=Decimal("240")),
        70,
        "B",
        360,
        10,
    ),
    # A contract to the day half a year ahead is not more than half a year: 100 - 5
    "half a year is not more": (replace(LOYAL, contract_end=date(2027, 5, 2)), 95, "A", 480, 15),
    # 40 + 20 + 5 (7th month begins this day) + 4 = 69
    "the seventh month": (CreditFacts(DAY, date(2026, 5, 2), due=5, on_time=5, value=Decimal("59")), 69, "C", 50, 5),
    "nobody knows since when": (CreditFacts(DAY, None, due=12, on_time=12, value=Decimal("0")), 62, "C", 0, 5),
}


@pytest.mark.covers("CLS-01", "LIF-11")
@pytest.mark.parametrize("name", CASES)
def test_scores_worked_out_by_hand(name: str, rules: CreditRules) -> None:
    facts, total, grade, limit, grace = CASES[name]
    found = score(facts, rules)
    held = standing(facts, found, None, None, rules)
    assert (found.total, held.grade, held.limit, held.grace_days) == (total, grade, limit, grace)


def test_months_are_whole_and_end_with_short_ones() -> None:
    assert months_since(date(2026, 5, 3), DAY) == 5
    assert months_since(date(2026, 5, 2), DAY) == 6
    assert months_since(date(2024, 2, 29), date(2025, 2, 28)) == 12
    assert months_since(date(2024, 2, 29), date(2025, 2, 27)) == 11
    assert months_since(date(2027, 1, 1), DAY) == 0


def _held(grade: str, falls_to: str = "", falls_on: date | None = None) -> Standing:
    return Standing(grade, grade, falls_to, falls_on, 0, 0)


def test_a_grade_rises_at_once_and_falls_with_the_next_bill_month(rules: CreditRules) -> None:
    middling = CASES["nobody knows since when"][0]
    held = standing(middling, score(middling, rules), _held("A"), None, rules)
    assert (held.grade, held.falls_to, held.falls_on) == ("A", "C", date(2026, 12, 1))

    later = replace(middling, day=date(2026, 12, 2))
    assert standing(later, score(later, rules), held, None, rules).grade == "C"
    risen = replace(LOYAL, day=date(2026, 12, 2))
    assert standing(risen, score(risen, rules), held, None, rules).grade == "A"
    worse = replace(CASES["half of them late"][0], day=date(2026, 12, 2))
    fallen = standing(worse, score(worse, rules), held, None, rules)
    assert (fallen.grade, fallen.falls_to, fallen.falls_on) == ("C", "D", date(2027, 1, 1))
    # What was lost for good does not wait (D§13.10).
    lost = replace(LOYAL, written_off=True)
    assert standing(lost, score(lost, rules), _held("A"), None, rules).grade == "E"


def test_a_hand_moves_one_grade_for_three_months(rules: CreditRules) -> None:
    facts = CASES["nobody knows since when"][0]
    hand = by_hand("C", "B", DAY, rules)
    assert hand == Manual("B", date(2027, 2, 2))
    held = standing(facts, score(facts, rules), _held("C"), hand, rules)
    assert (held.grade, held.by_score, held.grace_days) == ("B", "C", 10)
    after = replace(facts, day=date(2027, 2, 3))
    assert standing(after, score(after, rules), held, hand, rules).grade == "C"
    with pytest.raises(RuleBroken) as refused:
        by_hand("C", "A", DAY, rules)
    assert refused.value.code == "credit.too_far"
    with pytest.raises(RuleBroken) as refused:
        by_hand("C", "C", DAY, rules)
    assert refused.value.code == "credit.no_change"


def _facts() -> st.SearchStrategy[CreditFacts]:
    counts = st.integers(0, 24)
    amounts = st.none() | st.decimals(0, 5_000, places=2)
    return st.builds(
        lambda due, on_time, late, **rest: CreditFacts(DAY, due=due, on_time=min(due, on_time), late=late, **rest),
        counts,
        counts,
        counts,
        since=st.none() | st.dates(date(1990, 1, 1), DAY),
        suspensions=st.integers(0, 5),
        value=amounts,
        fee=amounts,
        contract_end=st.none() | st.dates(DAY, date(2030, 1, 1)),
        **{
            name: st.booleans()
            for name in ("auto_debit", "identity", "written_off", "black_listed", "two_way", "fraud")
        },
    )


@given(_facts())
def test_every_change_that_is_promised_to_help_does(facts: CreditFacts) -> None:
    rules = rules_at(clock.now())
    found = score(facts, rules)
    assert 0 <= found.total <= 100
    for step in what_would_raise(facts, rules).steps:
        assert step.params["score"] == found.total + step.value > found.total
        assert not better(found.grade, step.params["grade"])
    held = standing(facts, found, None, None, rules)
    assert 0 <= held.limit <= rules.grades[held.grade]["cap"] and held.limit % 10 == 0
    assert held.grade in BEST_FIRST


CASE: dict[str, Any] = {
    "now": "2026-11-02",
    "since": "2024-11-02",
    "identity": True,
    "bills": [
        {"due_date": "2026-09-30", "amount": "90.00", "paid_at": "2026-09-30"},
        {"due_date": "2026-08-31", "amount": "86.00", "paid_at": "2026-09-20"},
        {"due_date": "2026-10-31", "amount": "88.00", "paid_at": "2026-11-05", "disputed": True},
        {"due_date": "2025-10-31", "amount": "88.00"},
    ],
    "suspensions": ["2026-09-01", "2025-11-01"],
    "before": {"grade": "B"},
}


@pytest.mark.covers("CLS-01")
def test_written_customers_are_judged_and_faults_counted(tmp_path: Path) -> None:
    file, out = tmp_path / "cases.jsonl", StringIO()
    faults: list[Any] = [[], {"x": 1}, {"bills": [{"amount": 1}]}, {"fee": "1.005"}, {"manual": {"grade": "B"}}]
    file.write_text("\n".join(map(json.dumps, [CASE, *faults])))
    with pytest.raises(CommandError, match="5 lines"):
        call_command("credit_try", str(file), stdout=out)
    first, *wrong = map(json.loads, out.getvalue().splitlines())
    # Two bills count: 20; one is 20 days late, one suspension lies in the year: 20 - 5 - 2; 24 months, 88 CNY.
    assert first["points"] == {
        "punctuality": "20.00",
        "arrears": "13.00",
        "tenure": "8.00",
        "spend": "6.00",
        "auto_debit": "0.00",
        "identity": "5.00",
        "contract": "0.00",
    }
    assert (first["score"], first["grade"], first["falls_to"], first["falls_on"]) == (52, "B", "D", "2026-12-01")
    assert (first["limit"], first["grace_days"]) == (130, 10)
    assert len(first["why"]) == 12 and all(step["words"] for step in first["why"])
    assert len(first["raise"]) == 4
    assert [set(one) for one in wrong] == [{"error"}] * 5
