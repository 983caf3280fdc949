from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from customers.models import Customer
from staff.models import OrgUnit, User
from tests.customers.people import customer
from tests.factories import UnitFactory, UserFactory


@pytest.fixture(autouse=True)
def _files_here(settings: Any, tmp_path: Path) -> None:
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "files")},
        }
    }


@dataclass
class House:
    """Two branches; `head` and `lead` of the first may export, `agent` may not, `officer` decides."""

    branch: OrgUnit
    other: OrgUnit
    head: User
    lead: User
    manager: User
    agent: User
    officer: User
    near: Customer
    far: Customer


@pytest.fixture
def house(db: None) -> House:
    top = UnitFactory(no=1, last_no=999)
    branch = UnitFactory(parent=top, no=100, last_no=199)
    other = UnitFactory(parent=top, no=200, last_no=299)
    manager = UserFactory(role="ACCOUNT_MANAGER", unit=branch)
    return House(
        branch=branch,
        other=other,
        head=UserFactory(role="DEPT_HEAD", unit=branch),
        lead=UserFactory(role="TEAM_LEAD", unit=branch),
        manager=manager,
        agent=UserFactory(role="AGENT", unit=branch),
        officer=UserFactory(role="DPO", unit=top),
        near=customer(branch, "王小明", mobile="13800138000", id_number="11010519491231002X", manager=manager),
        far=customer(other, "李远方", mobile="13900139000"),
    )
