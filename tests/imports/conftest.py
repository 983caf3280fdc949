from __future__ import annotations

from pathlib import Path

import pytest

from staff.models import OrgUnit, User
from tests.factories import UnitFactory, UserFactory


@pytest.fixture(autouse=True)
def _files_here(settings, tmp_path: Path) -> None:
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "files")},
        }
    }


@pytest.fixture
def root(db) -> OrgUnit:
    return UnitFactory(code="HQ", name="Headquarters", function="HEADQUARTERS", no=1, last_no=10)


@pytest.fixture
def admin(root: OrgUnit) -> User:
    return UserFactory(username="boss", role="SYS_ADMIN", unit=root)
