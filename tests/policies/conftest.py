"""Keys of every kind, known during one test; the clock held."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from foundation.common.errors import RuleBroken
from foundation.policies import registry
from foundation.policies.registry import define
from tests.policies.making import NOW


def two_columns(table: Any) -> None:
    if not isinstance(table, list) or any(len(row) != 2 for row in table):
        raise RuleBroken("test.table", "each row has two columns.")


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of every kind, known during one test."""
    monkeypatch.setattr(registry, "_definitions", {})
    define("care.tries", type="int", unit="tries", default=3, source="P15", help="How often.", low=1, high=9)
    define("care.share", type="decimal", unit="%", default=Decimal("12.5"), source="D", help="Share.", low=0, high=100)
    define(
        "care.wait",
        type="duration",
        unit="hours",
        default=timedelta(hours=48),
        source="P6",
        help="Wait.",
        low=timedelta(hours=1),
        high=timedelta(days=30),
    )
    define("care.on", type="bool", default=True, source="D", help="Whether.")
    define("care.tone", type="text", default="warm", source="D", help="Tone.", choices=["warm", "formal"])
    define("care.hours", type="windows", default=[(540, 1200)], source="D", help="When.")
    define("care.steps", type="table", default=[["a", 1]], source="D", help="Steps.", check=two_columns)


@pytest.fixture
def frozen(travel: Any) -> Iterator[None]:
    with travel(NOW):
        yield
