"""The morning of an ordinary Tuesday, outbox files of their own, a state folder with logs for who asks; a hall, and who
takes and answers requests about data."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from crm.logs import LOGGING
from customers.models import Customer
from staff.models import User
from tests.factories import UnitFactory, UserFactory
from tests.interactions.first_ask_making import Hall, make_hall
from tests.outreach.making import MORNING, reachable


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


@pytest.fixture
def officer() -> User:
    return UserFactory(role="DPO", unit=UnitFactory(no=1, last_no=999_999))


@pytest.fixture
def agent() -> User:
    return UserFactory(role="AGENT", unit=UnitFactory(no=50, last_no=59))


@pytest.fixture
def customer(agent: User) -> Customer:
    return reachable(unit=agent.unit, name="Wang Qiang")


@pytest.fixture
def hall() -> Hall:
    return make_hall()
