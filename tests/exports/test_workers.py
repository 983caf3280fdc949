"""Exports in real workers: killed half-way, and asked for or decided twice at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction

from customers.models import Customer
from foundation.common.errors import RuleBroken
from foundation.jobs.models import JobRun
from foundation.jobs.running import temporary_folders
from foundation.policies.services import set_policy
from staff.exports.models import Export
from staff.exports.services import decide_export
from tests.exports.making import ask, rows_of
from tests.factories import UnitFactory, UserFactory
from tests.jobs.processes import Processes, wait_until
from tests.racing import race

pytestmark = pytest.mark.peers


def state_of(export: Export) -> str:
    return JobRun.objects.values_list("state", flat=True).get(pk=export.run_id)


ROWS = 8_000
_MORE = """INSERT INTO customers_customer SELECT (jsonb_populate_record(
  c, jsonb_build_object('id', c.id + n, 'number', c.number || '-' || n))).* FROM customers_customer c,
  generate_series(1, %s) AS n"""


def test_an_export_whose_worker_was_killed_is_one_whole_file(processes: Processes, settings: Any) -> None:
    settings.STORAGES["default"] = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": processes.env["CARELINE_FILES_DIR"]},
    }
    unit = UnitFactory(no=100, last_no=199)
    head = UserFactory(role="DEPT_HEAD", unit=unit)
    set_policy("exports.rows_alone", 100_000, actor=None)
    Customer.objects.create(number="CU1", name="N", unit_id=unit.pk, unit_no=unit.no)
    with connection.cursor() as cursor:
        cursor.execute(_MORE, [ROWS - 1])
    killed = processes.worker()
    export = ask(head, columns=["number", "name", "phone", "completeness"], file_format="XLSX")
    begun = JobRun.objects.filter(pk=export.run_id, state="RUNNING", done__gte=1)
    wait_until(begun.exists, logs=processes)
    with transaction.atomic():
        # It reports to this row: with the row held it comes no further, and is killed between two parts of the file.
        held = JobRun.objects.select_for_update().get(pk=export.run_id)
        assert (held.state, held.result_file.name) == ("RUNNING", "") and 0 < held.done < ROWS, held.done
        killed.kill()
    assert temporary_folders(JobRun.objects.get(pk=export.run_id).ref)
    assert state_of(export) == "RUNNING"
    # Two minutes later by their clock the lease is over: the tick announces the run, the new worker takes it.
    race(lambda: processes.worker(clock_offset=120), lambda: processes.beat(clock_offset=120))
    wait_until(lambda: state_of(export) == "DONE", 90, logs=processes)
    export = Export.objects.select_related("run").get(pk=export.pk)
    assert export.run is not None and export.run.attempts == 2 and export.rows == ROWS
    assert temporary_folders(export.run.ref) == []  # nothing of the killed one lies about
    numbers = [row[0] for row in rows_of(export)]
    assert len(numbers) == len(set(numbers)) == ROWS


@pytest.mark.django_db(transaction=True)
def test_the_same_form_at_once_asks_once() -> None:
    unit = UnitFactory(no=100, last_no=199)
    head = UserFactory(role="DEPT_HEAD", unit=unit)
    Customer.objects.create(number="CU1", name="N", unit_id=unit.pk, unit_no=unit.no)
    found = race(*[lambda: ask(head, token="same").pk for _ in range(4)])
    assert len(set(found)) == 1, found
    assert Export.objects.count() == JobRun.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_officers_at_once_decide_once() -> None:
    unit = UnitFactory(no=100, last_no=199)
    head = UserFactory(role="DEPT_HEAD", unit=unit)
    officers = [UserFactory(role="DPO", unit=unit) for _ in range(2)]
    Customer.objects.create(number="CU1", name="N", unit_id=unit.pk, unit_no=unit.no)
    export = ask(head, clear=["name"])
    found = race(
        lambda: decide_export(export.pk, actor=officers[0], approve=True).approval,
        lambda: decide_export(export.pk, actor=officers[1], approve=False, note="No").approval,
    )
    refused = [one for one in found if isinstance(one, RuleBroken)]
    assert [one.code for one in refused] == ["exports.decided"]
    export.refresh_from_db()
    assert export.approval in found
    assert JobRun.objects.count() == (1 if export.approval == "GRANTED" else 0)
