"""Two at once: refused in words; what slips through is harmless by the database's unique keys."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile

from customers.imports import services
from customers.imports.models import Import
from customers.models import Customer
from foundation.common.errors import RuleBroken
from foundation.jobs.models import JobRun
from tests.factories import UnitFactory
from tests.imports.bringing import AS_OF, table, work
from tests.racing import race

CONTENT = table(["customer_no", "name"], *([f"C{place}", f"客户{place}"] for place in range(50)))


def start(content: bytes = CONTENT, mapping: str = "careline", check: bool = False) -> Import:
    return services.start_import(
        ContentFile(content, name="same.csv"), mapping=mapping, actor=None, as_of=AS_OF, check_only=check
    )


@pytest.mark.django_db(transaction=True)
def test_of_two_imports_of_one_file_at_once_the_second_is_refused():
    UnitFactory(no=1, last_no=1)
    outcomes = race(start, start, start)
    refused = [outcome for outcome in outcomes if isinstance(outcome, RuleBroken)]
    assert len(refused) == 2 and {no.code for no in refused} <= {"imports.same_file", "imports.same_source"}
    assert Import.objects.count() == JobRun.objects.filter(job="imports.run").count() == 1
    work(Import.objects.get())
    assert Customer.objects.count() == 50
    assert work(start()).counts["unchanged"] == 50


@pytest.mark.django_db
def test_another_file_of_the_source_waits_its_turn_and_a_check_does_not(root):
    first = start()
    other = table(["customer_no"], ["X"])
    with pytest.raises(RuleBroken, match=first.number):
        start(other)
    checked = work(start(other, check=True))
    with pytest.raises(RuleBroken, match=first.number):
        services.run_import(checked.pk, actor=None)
    work(first)
    assert work(services.run_import(checked.pk, actor=None)).state == "DONE"
    assert Customer.objects.count() == 51


@pytest.mark.django_db
def test_an_import_whose_job_was_given_up_does_not_block_the_next(root):
    first = start()
    JobRun.objects.filter(pk=first.last_run_id).update(state="CANCELLED", finished_at="2026-11-22T00:00:00Z")
    assert work(start()).state == "DONE"
    first.refresh_from_db()
    assert first.state == "FAILED"
