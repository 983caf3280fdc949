"""Who reads from the replica, and that nobody writes there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections

from foundation.common.replica import read_from_replica, reading_connection
from foundation.jobs.running import claim_and_run
from foundation.jobs.services import start_job
from staff.models import OrgUnit
from tests.factories import UnitFactory
from tests.jobs.processes import Processes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def asked(settings: Any) -> Iterator[list[str]]:
    """A "replica": a second, read-only connection to the test's own database. Gives the statements it was asked."""
    statements: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append(sql)
        return execute(sql, params, many, context)

    own = connection.settings_dict | {"OPTIONS": {"options": "-c default_transaction_read_only=on"}}
    connections.settings["replica"] = own
    settings.DATABASE_ROUTERS = ["foundation.common.replica.ReplicaRouter"]
    try:
        connections[
            "replica"
        ].connect()  # directly: Django refuses tests to use an alias it did not know at their start
        with connections["replica"].execute_wrapper(note):
            yield statements
    finally:
        connections["replica"].close()
        del connections["replica"], connections.settings["replica"]


def test_only_marked_reads_go_to_the_replica_and_writes_never(asked: list[str]) -> None:
    unit = UnitFactory()
    assert OrgUnit.objects.get(pk=unit.pk)._state.db == "default"
    assert asked == []
    with read_from_replica():
        read = OrgUnit.objects.get(pk=unit.pk)
        assert (read._state.db, reading_connection().alias, len(asked)) == ("replica", "replica", 1)
        read.name = "Renamed"
        read.save(update_fields=["name"])
        OrgUnit.objects.select_for_update().filter(pk=unit.pk).update(code="R1")
        with pytest.raises(DatabaseError, match="read-only"), reading_connection().cursor() as cursor:
            cursor.execute("DELETE FROM staff_orgunit")
    asked.clear()
    read.refresh_from_db(fields=["name"])
    assert (OrgUnit.objects.get(pk=unit.pk).name, OrgUnit.objects.get(pk=unit.pk).code) == ("Renamed", "R1")
    assert reading_connection().alias == "default"


def test_the_nightly_look_at_the_data_reads_from_the_replica(asked: list[str]) -> None:
    run = start_job("common.check_integrity", actor=None)
    assert claim_and_run(run.pk)
    run.refresh_from_db()
    assert run.state == "DONE"
    looks = [sql for sql in asked if "NOT EXISTS" in sql or "IS DISTINCT FROM" in sql]
    assert len(looks) >= 6 and looks == [sql for sql in asked if not sql.startswith(("SET", "SELECT set_config"))]


def test_without_a_replica_the_mark_changes_nothing() -> None:
    with read_from_replica():
        assert reading_connection().alias == "default"
        assert OrgUnit.objects.all().db == "default"


LOOK = """
import json
from django.conf import settings
from django.db import connections, router
from foundation.common.replica import read_from_replica
from staff.models import OrgUnit
with read_from_replica():
    inside = OrgUnit.objects.all().db
with connections["replica"].cursor() as cursor:
    cursor.execute("SHOW default_transaction_read_only")
    read_only = cursor.fetchone()[0]
tls = [settings.DATABASES[alias]["OPTIONS"].get("sslmode") for alias in ("default", "replica")]
print(json.dumps([inside, OrgUnit.objects.all().db, read_only, router.allow_migrate("replica", "staff"), *tls]))
"""


def test_the_variable_makes_it_so(processes: Processes) -> None:
    url = processes.env["DATABASE_URL"] + "?sslmode=prefer"
    env = {"DATABASE_URL": url, "REPLICA_DATABASE_URL": url}
    done = processes.manage("shell", "--no-imports", "-c", LOOK, env=env)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["replica", "default", "on", False, "prefer", "prefer"]
