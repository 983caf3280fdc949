"""`manage value_try`: written customers are judged, what is no case is answered so, nothing is written."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from customers.models import ValueMonth, ValueRun

pytestmark = pytest.mark.django_db
CASE = {
    "month": "2026-10-01",
    "bills": [200, 180, "150.5"],
    "lines": ["MOBILE"],
    "voice_now": 400,
    "voice_before": 300,
    "data_now": 30_000,
    "data_before": 20_000,
    "age": 22,
    "roaming_days": 9,
    "contacts": 1,
    "whole": {"bounds": {"5": 300, "4": 150}, "voice": 200, "data": 9_000},
}


@pytest.mark.covers("CLS-02", "CLS-10")
def test_a_written_customer_is_judged_and_the_faults_are_counted(tmp_path: Path) -> None:
    file, out = tmp_path / "cases.jsonl", StringIO()
    cases = [CASE, {"age": -1}, [], {"lines": ["X"]}, {"bills": ["NaN"]}, {"month": "2026-10-02"}, {"x": 1}]
    file.write_text("\n".join(map(json.dumps, cases)))
    with pytest.raises(CommandError, match="6 lines"):
        call_command("value_try", str(file), stdout=out)
    first, *faults = map(json.loads, out.getvalue().splitlines())
    assert {name: first[name] for name in ("value", "class", "potential", "cell", "clv", "personas")} == {
        "value": "176.83",
        "class": "4",
        "potential": 66,
        "cell": "STAR",
        "clv": "4243.92",
        "personas": ["TRAVELLER", "YOUNG_DATA"],
    }
    assert first["points"] == {
        "gap": "22.50",
        "trend": "23.13",
        "pressure": "0.00",
        "age": "10.00",
        "commitment": "0.00",
        "engagement": "10.00",
    }
    assert all(set(fault) == {"error"} for fault in faults) and len(faults) == 6
    assert not ValueRun.objects.exists() and not ValueMonth.objects.exists()
