"""What every test stands on: the database, the clock, committing tests that clean up past the append-only guards."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client, TransactionTestCase, override_settings
from django.utils import translation

from foundation.common import clock, ids
from foundation.policies import reading as policy_reading
from staff.models import User

pytest_plugins = ["tests.jobs.processes"]

DEEP = os.environ.get("CARELINE_DEEP") == "1"
# Rows written by migrations; a committing test must not take them along.
KEEP = {
    "django_migrations",
    "django_content_type",
    "auth_permission",
    "audit_era",
    "calendars_workcalendar",
    "calendars_workwindow",
    "calendars_workcalendarday",
    "calendars_calendarversion",
    "interactions_topic",
    "complaints_cause",
    "complaints_answertemplate",
    "complaints_requiredfact",
}


def pytest_configure(config: pytest.Config) -> None:
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)  # else WhiteNoise warns with every client
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker:  # a cache of its own, or the clearing of one would end the sessions of the other
        own = re.sub(r"(db=|/)\d+$", rf"\g<1>{2 + int(worker[2:])}", os.environ["CACHE_URL"])
        os.environ["CACHE_URL"] = settings.CACHES["default"]["LOCATION"] = own


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if DEEP:
        return
    deep = [item for item in items if item.get_closest_marker("deep")]
    if deep:
        config.hook.pytest_deselected(items=deep)
        items[:] = [item for item in items if not item.get_closest_marker("deep")]


@pytest.fixture(autouse=True)
def _own_node(worker_id: str) -> None:
    # In the process, not in the environment: children would share it.
    ids.use_node(8000 + (int(worker_id[2:]) if worker_id.startswith("gw") else 0))


@pytest.fixture(autouse=True)
def _words_in_english() -> Iterator[None]:
    # Refusals are asserted by their English words; a test about Chinese says so itself.
    with translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def _fresh_cache() -> Iterator[None]:
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def _settled_policies(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    # What an earlier test saw is rolled back; no look at the stamp in between, so that query counts are exact.
    monkeypatch.setattr(policy_reading, "RECHECK_SECONDS", float("inf"))
    policy_reading.forget()
    if {"db", "transactional_db"} & set(request.fixturenames) or request.node.get_closest_marker("django_db"):
        request.getfixturevalue("_django_db_helper")
        policy_reading.snapshot()


@pytest.fixture
def travel() -> Callable[[datetime], AbstractContextManager[None]]:
    return clock.travel


@pytest.fixture
def client_for() -> Callable[[User], Client]:
    """A signed-in test client."""

    def make(user: User) -> Client:
        client = Client()
        with override_settings(AXES_ENABLED=False):  # force_login's request has no address to count attempts by
            client.force_login(user, backend="staff.backends.StaffBackend")
        return client

    return make


def empty_tables() -> None:
    """Delete every row a committing test left, guards and partitions included, rows of migrations kept."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"""
        )
        tables = [name for (name,) in cursor.fetchall() if name not in KEEP]
        cursor.execute(" UNION ALL ".join(f'(SELECT {i} FROM "{name}" LIMIT 1)' for i, name in enumerate(tables)))
        full = [tables[i] for (i,) in cursor.fetchall()]
        if not full:
            return
        cursor.execute("SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal")
        guarded = {name.strip('"') for (name,) in cursor.fetchall()}
        cursor.execute("BEGIN")
        for table in full:
            if table in guarded:
                cursor.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER USER')
        for table in full:
            cursor.execute(f'DELETE FROM "{table}"')
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in full:
            if table in guarded:
                cursor.execute(f'ALTER TABLE "{table}" ENABLE TRIGGER USER')
        cursor.execute("COMMIT")


def _teardown_without_truncate(self: TransactionTestCase) -> None:
    # Django's flush is TRUNCATE, which the append-only guards refuse; this takes 20 ms instead of 100.
    empty_tables()


TransactionTestCase._fixture_teardown = _teardown_without_truncate  # type: ignore[method-assign]
