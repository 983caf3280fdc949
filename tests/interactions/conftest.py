"""The morning of an ordinary Tuesday, outbox files of their own, and a state folder with logs for who asks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from crm.logs import LOGGING
from tests.outreach.making import MORNING


@pytest.fixture(autouse=True)
def _morning(travel: Callable[[datetime], AbstractContextManager[None]], settings: Any, tmp_path: Path) -> Any:
    settings.CARELINE_STATE_DIR = tmp_path
    settings.EMAIL_URL = ""
    with travel(MORNING):
        yield


@pytest.fixture
def state(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """Files and logs of this test, apart from everything else."""
    own = {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path / "files"}}
    settings.STORAGES = {**settings.STORAGES, "default": own}
    handler = logging.FileHandler(tmp_path / "web.log", encoding="utf-8")
    formatter = LOGGING["formatters"]["json"]
    chain = {name: formatter[name] for name in ("processors", "foreign_pre_chain")}
    handler.setFormatter(formatter["()"](**chain))
    logging.getLogger().addHandler(handler)
    yield tmp_path
    logging.getLogger().removeHandler(handler)
