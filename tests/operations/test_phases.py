"""Upgrades in two phases: what adds goes first, what drops waits, and a lock that is held is waited for politely."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder

from crm.phases import analyse_grown, migrate_phase, pending
from foundation.common.errors import RuleBroken
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db(transaction=True)
ADD, WIDEN, DROP, AFTER = (
    ("rest", "0001_add"),
    ("rest", "0002_widen"),
    ("rest", "0003_drop_old"),
    ("rest", "0004_after"),
)


@pytest.fixture(autouse=True)
def _trial_migrations(settings) -> Iterator[None]:
    """`foundation.rest` has no tables; here its migrations are the four of this test."""
    settings.MIGRATION_MODULES = {"rest": "tests.operations.trial_migrations"}
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS trial_thing")
    MigrationRecorder(connection).migration_qs.filter(app="rest").delete()


def columns() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass('trial_thing') AND attnum > 0"
            " AND NOT attisdropped ORDER BY attnum"
        )
        return [name for (name,) in cursor.fetchall()]


def never(seconds: float) -> None:
    pytest.fail("nothing had to be waited for")


def run(phase: str, pause=never, **options) -> list[tuple[str, str]]:
    return list(migrate_phase(phase, alias="default", pause=pause, **options))


def test_expand_adds_and_contract_drops_what_is_marked_and_all_behind_it():
    assert pending("default") == ([ADD, WIDEN], [DROP, AFTER])
    with pytest.raises(RuleBroken) as refusal:
        run("contract")
    assert refusal.value.code == "migrations.expand_first"
    assert columns() == []
    assert run("expand") == [ADD, WIDEN]
    assert columns() == ["id", "old", "new"]
    assert run("expand") == []
    assert run("contract") == [DROP, AFTER]
    assert columns() == ["id", "new", "newest"]
    assert pending("default") == ([], [])


def test_a_held_lock_is_tried_again_and_given_up_with_words():
    assert run("expand") == [ADD, WIDEN]
    held, release = threading.Event(), threading.Event()

    def reader() -> None:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT count(*) FROM trial_thing")
            held.set()
            release.wait(30)
            cursor.execute("COMMIT")
        connections.close_all()

    thread = threading.Thread(target=reader)
    thread.start()
    assert held.wait(10)
    waited: list[float] = []
    try:
        with pytest.raises(RuleBroken) as refusal:
            run("contract", waited.append, lock_seconds=0.05, waits=(1.0, 2.0))
        assert refusal.value.code == "migrations.locked"
        assert waited == [1.0, 2.0]
        assert columns() == ["id", "old", "new"]

        def let_go(seconds: float) -> None:
            release.set()
            thread.join(10)

        assert run("contract", let_go, lock_seconds=0.05, waits=(1.0,)) == [DROP, AFTER]
    finally:
        release.set()
        thread.join(10)
    assert columns() == ["id", "new", "newest"]


def test_what_got_a_column_is_analysed_at_once():
    for _n in range(3):
        CustomerFactory()
    assert "customers_customer" in analyse_grown([ADD, ("customers", "0011_merge")], alias="default")
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'customers_customer'")
        assert cursor.fetchone() == (3,)
