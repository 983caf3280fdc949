"""The morning of an ordinary Tuesday, and files of their own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.outreach.making import MORNING


@pytest.fixture(autouse=True)
def _morning(travel: Callable[[datetime], AbstractContextManager[None]], settings: Any, tmp_path: Path) -> Any:
    settings.CARELINE_STATE_DIR = tmp_path
    settings.EMAIL_URL = ""
    with travel(MORNING):
        yield
