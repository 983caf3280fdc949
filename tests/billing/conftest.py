from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.billing.peer import CLIENT, SECRET, Simulator


@pytest.fixture
def simulator(tmp_path: Path, settings: Any) -> Iterator[Callable[..., Simulator]]:
    """Starts simulators, and connects Careline to the latest."""
    started: list[Simulator] = []

    def start(careline: str = "", *options: str) -> Simulator:
        one = Simulator(tmp_path / f"billing{len(started)}", careline, *options)
        started.append(one)
        settings.BILLING_URL, settings.BILLING_CLIENT_ID, settings.BILLING_CLIENT_SECRET = one.url, CLIENT, SECRET
        return one

    yield start
    for one in started:
        one.kill()
