"""Personas come from monthly totals alone, of grown-up persons who did not refuse a profile (D§5.2, 5.5, 5.15)."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date
from decimal import Decimal

import pytest

from customers.value.engine import Inputs, personas_of
from customers.value.policies import GRADUATE, MATRIX, POTENTIAL, SHARES, TRAVELLER, YOUNG_DATA
from customers.value.rules import Rules

RULES = Rules(
    POTENTIAL, MATRIX, SHARES, GRADUATE, TRAVELLER, YOUNG_DATA, 8, Decimal("0.4"), Decimal("1.5"), Decimal(60)
)
BOTH = Inputs(month=date(2026, 10, 1), age=30, voice_now=200, roaming_days=8, data_now=20_480)


@pytest.mark.covers("CLS-17", "CLS-18", "CLS-19")
@pytest.mark.parametrize(
    ("changed", "personas"),
    [
        ({}, ["TRAVELLER", "YOUNG_DATA"]),
        ({"roaming_days": 7}, ["YOUNG_DATA"]),
        ({"voice_now": 199}, ["YOUNG_DATA"]),
        ({"data_now": 20_479}, ["TRAVELLER"]),
        ({"age": 31}, ["TRAVELLER"]),
        ({"age": None}, ["TRAVELLER"]),
        ({"age": 17}, []),
        ({"no_profile": True}, []),
        ({"kind": "ENTERPRISE"}, []),
    ],
)
def test_who_is_of_a_persona(changed: dict[str, object], personas: list[str]) -> None:
    assert personas_of(replace(BOTH, **changed), RULES) == personas  # type: ignore[arg-type]


def test_the_judgement_knows_no_call_no_text_and_no_page() -> None:
    known = {one.name for one in fields(Inputs)}
    assert known & {"voice_now", "data_now", "roaming_days"} and not known & {"sms", "calls", "partner", "sites", "url"}
