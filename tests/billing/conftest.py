from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from foundation.rest.clients import Keys
from foundation.rest.models import ApiClient
from tests.billing.peer import CLIENT, SECRET, Simulator
from tests.rest.calling import program


@pytest.fixture
def keys() -> Keys:
    """Billing's program at Careline, with all the calls it wants."""
    made = program("billing:notify").keys
    ApiClient.objects.update(calls_per_minute=1_000_000)
    return made


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
