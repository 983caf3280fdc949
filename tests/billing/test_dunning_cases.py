"""The ladder of arrears: the written cases through `dunning_try`, and the command's own manners."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from billing.dunning.facts import Step
from billing.dunning.trying import try_dunning
from tests.billing.dunning_cases import CASES, DEC, account

NAMES = {
    "state": "state",
    "fee": "late_fee",
    "pay": "to_pay",
    "open": "open_principal",
    "disputed": "disputed",
    "credit": "credit",
    "grace": "grace_days",
    "suspended": "suspended",
    "debt": "debt",
}


def moments(answer: dict[str, Any], step: str) -> list[str]:
    return [one["at"] for one in [*answer["taken"], *answer["ahead"]] if one["step"] == step]


def as_expected(answer: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """What the answer says of everything that is expected, in the same words."""
    found: dict[str, Any] = {}
    for name, value in expected.items():
        if name in NAMES:
            found[name] = answer[NAMES[name]]
        elif name == "restore_by":
            found[name] = answer["restore_by"][:16]
        elif name == "next":
            one = answer["ahead"][0] if answer["ahead"] else None
            found[name] = one and " ".join(filter(None, [one["step"], one["date"], one["needs"]]))
        elif name == "guardian":
            found[name] = [one["step"] for one in answer["taken"] if one.get("to_guardian")]
        else:
            assert name in list(Step), name
            told = moments(answer, name)
            # Of a step taken again after a restoration the last one counts.
            found[name] = told[-1][: len(value) if value != "-" else None] if told else "-"
    return found


@pytest.mark.django_db
@pytest.mark.covers("ARR-01", "ARR-02", "ARR-03")
@pytest.mark.parametrize("name", CASES)
def test_a_written_case(name: str) -> None:
    case, expected = CASES[name]
    answer = try_dunning(case)
    assert as_expected(answer, expected) == expected
    assert all(one["words"] for one in answer["why"]) and all(
        one["why"] for one in [*answer["taken"], *answer["ahead"]]
    )


def test_there_are_cases_enough() -> None:
    assert len(CASES) >= 60


@pytest.mark.django_db
def test_a_bad_line_is_answered_with_its_error_and_the_others_all_the_same(tmp_path: Path) -> None:
    good = account("2026-02-20")
    bad = [
        {**good, "grade": "F"},
        {**good, "kind": "landline"},
        {**good, "bills": [{**DEC, "amount": "1.234"}]},
        {**good, "bills": [{**DEC, "amount": -1}]},
        {**good, "bills": [{**DEC, "currency": "USD"}]},
        {**good, "bills": [DEC, DEC]},
        {**good, "payments": [{"at": "2026-02-30", "amount": 1}]},
        {**good, "payments": [{"at": "2026-02-01", "amount": "NaN"}]},
        {**good, "reversals": [{"at": "2026-02-01", "amount": 5}]},
        {**good, "holds": [{"type": "REST", "from": "2026-02-01"}]},
        {**good, "holds": [{"type": "PROMISE", "from": "2026-02-05", "to": "2026-02-01"}]},
        {**good, "surprise": 1},
        {key: value for key, value in good.items() if key != "now"},
        [],
    ]
    path = tmp_path / "cases.jsonl"
    path.write_text("\n".join([json.dumps(good), *map(json.dumps, bad), "{no json", "", json.dumps(good)]))
    out = StringIO()
    with pytest.raises(CommandError, match=f"{len(bad) + 1} lines could not be read"):
        call_command("dunning_try", str(path), stdout=out)
    first, *errors, last = map(json.loads, out.getvalue().splitlines())
    assert first == last and first["state"] == "WARNED"
    assert [list(error) for error in errors] == [["error"]] * (len(bad) + 1)
    assert errors[2]["error"] == "line 4: bill 1: amount: 1.234 has more than two decimals"
    assert errors[5]["error"] == "line 7: bill 2: 2025-12 is listed twice; give the bills an id"


@pytest.mark.django_db
def test_it_says_why_and_what_would_change_it() -> None:
    answer = try_dunning(account("2026-02-20", "C"))
    words = [one["words"] for one in answer["why"]]
    assert words == [
        "The case follows the oldest bill still open, due on 2026-01-31.",
        "106.00 CNY is overdue, 6.00 CNY of it late fee.",
        "Late fee of the bill due on 2026-01-31: 6.00 CNY, that is 3 ‰ of the open fees for each day after the due "
        "date, at most the fees.",
        "Credit grade C at the opening of the case: 5 days of grace before suspension.",
        "Next: Notice of grace, 2026-03-03 09:00.",
    ]
    moved = next(one for one in answer["ahead"] if one["step"] == "SUSPEND_ONE_WAY")
    assert moved["why"].startswith(
        "Day 31 after the due date 2026-01-31, and the days of grace of credit grade C. By its numbers it would be on "
        "2026-03-08; it was moved:"
    )
    assert answer["change"] == [
        "Paying 106.00 CNY today ends the case.",
        "A promise to pay within 15 days stops the steps, not the late fee.",
        "A better credit grade would lengthen the grace at once; a worse one does not shorten it.",
        "A fee the customer disputes is held out until the answer.",
    ]
