"""The nightly jobs: what they delete, make, reset and find."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, connection

from crm.beat import SCHEDULE
from customers.models import Customer, CustomerFacts, FindName, SearchLink, TimelineLine
from foundation.audit import services as audit
from foundation.audit.models import AuditEntry, AuditSeal
from foundation.common import clock, numbers
from foundation.common.ids import first_id_at
from foundation.common.partitions import detached_partitions, ensure_table, existing_partitions
from foundation.jobs.kinds import job_kinds
from foundation.jobs.models import JobRun
from foundation.jobs.running import claim_and_run
from foundation.jobs.services import start_job
from tests.factories import CustomerFactory
from tests.jobs.processes import wait_until

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _files_here(settings, tmp_path: Path) -> None:
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "files")},
        }
    }


def run(job: str) -> JobRun:
    started = start_job(job, actor=None)
    assert claim_and_run(started.pk)
    started.refresh_from_db()
    return started


def findable(**values: object) -> Customer:
    customer = CustomerFactory(**values)
    FindName.objects.create(
        customer_id=customer.pk, unit_no=customer.unit_no, name=customer.name, pinyin="", initials=""
    )
    return customer


def test_every_job_of_the_timetable_runs_well():
    for planned in SCHEDULE:
        assert planned.job in job_kinds()
        assert run(planned.job).state == "DONE", planned.job


def test_searches_are_forgotten_after_an_hour():
    with clock.travel(NOON):
        for minutes in (59, 60, 61):
            SearchLink.objects.create(
                token=str(minutes), user_id=1, query="x", created_at=NOON - timedelta(minutes=minutes)
            )
        assert run("customers.expire_search_links").counts == {"deleted": 1}
    assert sorted(SearchLink.objects.values_list("token", flat=True)) == ["59", "60"]


@pytest.mark.parametrize(
    ("moment", "first_of_tomorrow"),
    [(NOON, "CU20261121000001"), (datetime(2026, 11, 20, 15, 56, tzinfo=UTC), "CU20261121000003")],
)
def test_tomorrows_numbers_start_at_one_unless_midnight_is_near(moment, first_of_tomorrow):
    with clock.travel(moment):
        tomorrow = clock.today() + timedelta(days=1)
        with connection.cursor() as cursor:
            cursor.execute("SELECT setval(%s::regclass, 2)", [numbers.sequence_name("CU", tomorrow)])
        assert run("common.reset_numbers").state == "DONE"
    assert numbers.next_number("CU", tomorrow) == first_of_tomorrow


def test_months_ahead_are_made_and_a_second_run_makes_none():
    with clock.travel(NOON + timedelta(days=70)):
        made = run("common.make_partitions").counts["made"]
        assert made > 0
        assert run("common.make_partitions").counts == {"made": 0}


def months_before(limit: datetime) -> int:
    """Months the test database had that end before the month of `limit`."""
    first = min(name for name in existing_partitions("timeline") if name[-7:-3].isdigit())
    return limit.year * 12 + limit.month - int(first[-7:-3]) * 12 - int(first[-2:])


def test_old_months_go_only_where_the_model_says_how_long_they_stay(monkeypatch):
    expected = months_before(datetime(2027, 1, 1, tzinfo=UTC))  # 800 days on it is January 2029
    with clock.travel(NOON + timedelta(days=800)):
        before = run("common.detach_partitions").counts
        monkeypatch.setattr(TimelineLine, "careline_keep_months", 24, raising=False)
        gone = run("common.detach_partitions").counts["detached"]
    assert before == {"detached": 0}
    assert gone == expected > 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('timeline_2026_11') IS NOT NULL")
        assert cursor.fetchone()[0]  # the archive still has the table


@pytest.fixture
def _months_come_back() -> Iterator[None]:
    """Detached months of the audit are made again when the test is over, empty as it found them."""
    yield
    gone = detached_partitions("audit_entry")
    with connection.cursor() as cursor:
        for name in gone:
            cursor.execute(f'DROP TABLE "{name}"')
    for name in gone:
        ensure_table("audit_entry", months=0, at=datetime(int(name[-7:-3]), int(name[-2:]), 1, tzinfo=UTC))


@pytest.mark.usefixtures("_months_come_back")
@pytest.mark.django_db(transaction=True)
def test_the_audit_of_three_years_ago_goes_into_an_archive_that_is_guarded_and_verified():
    entry = audit.record("thing.done", target=("thing", 1), actor=None, personal={"reason": "asked"})
    month = f"audit_entry_{entry.at.astimezone(UTC):%Y_%m}"
    wait_until(lambda: audit.seal() or AuditSeal.objects.exists(), 120, "the entry is sealed")
    first = datetime(entry.at.year, entry.at.month, 1, tzinfo=UTC)
    last_day = first.replace(year=first.year + 3) + timedelta(days=27)  # of the month three years on
    with clock.travel(last_day):
        run("common.detach_partitions")
        assert month in existing_partitions("audit_entry")  # 36 months are not over for the whole of it
    with clock.travel(last_day + timedelta(days=7)):
        assert run("common.detach_partitions").counts["detached"] >= 1
    assert detached_partitions("audit_entry")[-1] == month
    assert not AuditEntry.objects.filter(pk=entry.pk).exists()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {month}")
        assert cursor.fetchall() == [(entry.pk,)]
        for change in (f"UPDATE {month} SET verb = 'x'", f"DELETE FROM {month}", f"TRUNCATE {month}"):
            with pytest.raises(DatabaseError, match=r"append-only|Cannot (update|delete)"):
                cursor.execute(change)
        assert audit.verify() == []
        cursor.execute(f"ALTER TABLE {month} DISABLE TRIGGER USER")
        cursor.execute(f"UPDATE {month} SET verb = 'forged'")
    assert [fault.problem for fault in audit.verify()] == ["an entry or the seal was changed"]


def test_a_sound_house_has_no_faults():
    findable()
    CustomerFactory(status="ANONYMISED")
    done = run("common.check_integrity")
    assert (done.state, done.counts, done.errors_file.name) == ("DONE", {}, "")


def test_what_must_not_be_is_listed_by_ids_only():
    sound = findable()
    no_find = CustomerFactory(name="王小明")
    no_facts = findable()
    CustomerFacts.objects.filter(customer=no_facts).delete()
    FindName.objects.create(customer_id=42, unit_no=1, name="x", pinyin="x", initials="x")
    for customer_id in (sound.pk, 43):
        TimelineLine.objects.create(customer_id=customer_id, kind="x")
    failed = run("common.check_integrity")
    assert (failed.state, failed.error_code) == ("FAILED", "jobs.integrity")
    assert failed.counts == {
        "no_such_customer": 2,
        "customer_without_customer_find_name": 1,
        "customer_without_customers_facts": 1,
    }
    text = failed.errors_file.open("rb").read().decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {(row["fault"], row["id"]) for row in rows} == {
        ("no_such_customer", "42"),
        ("no_such_customer", "43"),
        ("customer_without_customer_find_name", str(no_find.pk)),
        ("customer_without_customers_facts", str(no_facts.pk)),
    }
    assert "王小明" not in text


def test_a_row_no_month_took_is_found():
    far = first_id_at(NOON + timedelta(days=4000))
    TimelineLine.objects.create(pk=far, customer_id=findable().pk, kind="x")
    failed = run("common.check_integrity")
    listed = csv.DictReader(io.StringIO(failed.errors_file.open("rb").read().decode()))
    assert [(row["fault"], row["table"]) for row in listed] == [("row_in_default_partition", "timeline_rest")]
