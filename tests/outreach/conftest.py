"""Outbox files of their own for each test; an ordinary morning; a peer that speaks real SMTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from foundation.common import clock
from tests.outreach.making import MORNING
from tests.outreach.peer import Mailbox, smtp_peer


@pytest.fixture(autouse=True)
def _own_state(settings: Any, tmp_path: Path) -> None:
    settings.CARELINE_STATE_DIR = tmp_path
    settings.EMAIL_URL = settings.SMS_URL = settings.SMS_KEY = ""


@pytest.fixture
def morning(travel: Callable[[datetime], AbstractContextManager[None]]) -> Iterator[None]:
    """The morning of an ordinary Tuesday, for as long as the test runs."""
    with travel(MORNING):
        yield


@pytest.fixture
def outbox(tmp_path: Path) -> Callable[[], list[dict[str, Any]]]:
    """The whole lines in today's outbox file; another process may be in the middle of the last one."""

    def read() -> list[dict[str, Any]]:
        path = tmp_path / "outbox" / f"{clock.today():%Y%m%d}.jsonl"
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    return read


@pytest.fixture
def peer(settings: Any) -> Iterator[Mailbox]:
    with smtp_peer() as box:
        settings.EMAIL_URL = f"smtp://127.0.0.1:{box.port}"
        yield box
