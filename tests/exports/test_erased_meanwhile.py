"""Somebody is erased while a file that holds them is being made: the file never gets out (D§5.12).

The order of events is forced by real locks on the real database, not by luck.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile

from customers.erasure.erasing import ask_for_erasure
from customers.models import ContactPoint, Customer
from foundation.audit.models import AuditEntry
from foundation.common.errors import RuleBroken
from foundation.jobs.models import Forgotten, JobRun
from foundation.jobs.running import RunningJob, claim, claim_and_run
from foundation.jobs.services import start_job
from staff.exports.models import Export
from staff.exports.services import decide_export, fetch_file
from staff.models import User
from tests.exports.making import ask, rows_of
from tests.factories import ContactPointFactory, CustomerFactory, UnitFactory, UserFactory
from tests.jobs import trial_kinds  # registers the kind used below
from tests.jobs.processes import wait_until
from tests.racing import Beside, held

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.covers("ARC-21")]


@pytest.fixture(autouse=True)
def _own_files(settings: Any, tmp_path: Path) -> None:
    own = {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path / "files"}}
    settings.STORAGES = {**settings.STORAGES, "default": own}


@pytest.fixture
def officer() -> User:
    return UserFactory(role="DPO", unit=UnitFactory(no=1, last_no=999_999))


@pytest.fixture
def head() -> User:
    return UserFactory(role="DEPT_HEAD", unit=UnitFactory(no=100, last_no=199))


def exported(head: User, officer: User) -> Export:
    export = ask(head, clear=["name"])
    return decide_export(export.pk, actor=officer, approve=True)


def names(export: Export) -> list[str]:
    return [row[1] for row in rows_of(Export.objects.select_related("run").get(pk=export.pk))]


def files(tmp_path: Path) -> str:
    return "".join(path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.parametrize("under_way", [False, True])
def test_who_is_erased_while_the_file_is_written_stands_in_no_file(
    head: User, officer: User, tmp_path: Path, under_way: bool
) -> None:
    """The export has read the customer; the erasure commits then, or is under way when the file is kept."""
    gone, stays = (CustomerFactory(unit=head.unit, name=name) for name in ("Qzgone Wang", "Qzstays Li"))
    point = ContactPointFactory(customer=gone, value="13977775551")
    export = exported(head, officer)
    if under_way:
        with held(ContactPoint, point.pk):
            erasing = Beside(lambda: ask_for_erasure(gone.pk, actor=officer))
            wait_until(erasing.waits)  # its commit stands out
            working = Beside(lambda: claim_and_run(export.run_id or 0))
            wait_until(working.waits)  # has read everything and wants to keep the file
        assert not isinstance(erasing.ended(), Exception)
    else:
        with held(Export, export.pk):
            working = Beside(lambda: claim_and_run(export.run_id or 0))
            wait_until(working.waits)  # has read everything
            ask_for_erasure(gone.pk, actor=officer)
    assert working.ended() is True
    run = JobRun.objects.get(pk=export.run_id)
    assert (run.state, run.result_file.name, run.files_until) == ("WAITING", "", None)
    export.refresh_from_db()
    with pytest.raises(RuleBroken):
        fetch_file(export, actor=head)
    assert "Qzgone" not in files(tmp_path)
    assert AuditEntry.objects.filter(verb="job.made_again").count() == 1
    assert claim_and_run(run.pk)  # the tick announces it again
    assert sorted(names(export)) == sorted([Customer.objects.get(pk=gone.pk).name, stays.name])
    assert "Qzgone" not in files(tmp_path) and "Qzstays" in files(tmp_path)
    run.refresh_from_db()
    assert (run.state, run.attempts) == ("DONE", 2)


def test_who_stands_in_no_row_of_the_file_does_not_disturb_it(head: User, officer: User) -> None:
    CustomerFactory(unit=head.unit, name="Qzstays Li")
    elsewhere = CustomerFactory(unit=UnitFactory(no=500, last_no=599), name="Far Away")
    export = exported(head, officer)
    with held(Export, export.pk):
        working = Beside(lambda: claim_and_run(export.run_id or 0))
        wait_until(working.waits)
        ask_for_erasure(elsewhere.pk, actor=officer)
    assert working.ended() is True
    assert names(export) == ["Qzstays Li"]
    assert JobRun.objects.get(pk=export.run_id).attempts == 1


def test_an_erasure_between_the_keeping_of_a_file_and_the_end_of_its_run(officer: User, tmp_path: Path) -> None:
    customer = CustomerFactory(unit=officer.unit)
    run = start_job(trial_kinds.COPY.name, actor=None)
    claimed = claim(run.pk)
    assert claimed is not None
    job, made = RunningJob(claimed), tmp_path / "made"
    made.write_text("Qzgone")
    job.attach_result("made.txt", made)
    made.unlink()
    assert "Qzgone" in files(tmp_path)
    ask_for_erasure(customer.pk, actor=officer)
    assert "Qzgone" not in files(tmp_path)  # at once, not at the end
    run.refresh_from_db()
    assert (run.state, run.result_file.name) == ("RUNNING", "")


def test_what_was_uploaded_before_an_erasure_goes_with_the_end_of_its_run(officer: User, tmp_path: Path) -> None:
    customer = CustomerFactory(unit=officer.unit)
    run = start_job(trial_kinds.BAD_FILE.name, actor=None, file=ContentFile(b"Qzgone", name="Qzgone.csv"))
    ask_for_erasure(customer.pk, actor=officer)
    run.refresh_from_db()
    assert run.input_file and "Qzgone" in files(tmp_path)  # still to be worked on
    assert claim_and_run(run.pk)
    run.refresh_from_db()
    assert (run.state, run.input_file.name, run.input_name, run.files_until) == ("DONE", "", "", None)
    assert "Qzgone" not in files(tmp_path)
    assert list(Forgotten.objects.values_list("customers", flat=True)) == [[customer.pk]]
