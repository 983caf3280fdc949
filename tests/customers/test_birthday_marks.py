"""Birthdays nobody should be greeted on: fillers, the impossible, the unknown (D§26), one by one and all at once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from customers import services
from customers.birthday_quality import MARKS, is_impossible, mark_all, marked
from customers.birthdays import greeted_on
from customers.models import Customer, FieldChange
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.jobs.models import JobRun
from foundation.jobs.running import claim_and_run
from foundation.jobs.services import start_job
from tests.customers.people import Operator, customer
from tests.factories import CustomerFactory, UnitFactory

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 22)
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
PLACEHOLDER, MISSING, OUTSIDE = "BIRTHDAY_PLACEHOLDER", "BIRTHDAY_MISSING", "BIRTHDAY_OUTSIDE_TABLES"


def marks_of(row: Customer) -> list[str]:
    return Customer.objects.values_list("quality_marks", flat=True).get(pk=row.pk)


@pytest.mark.parametrize(
    ("born", "more", "marks"),
    [
        ("1900-01-01", {}, [PLACEHOLDER]),
        ("1970-01-01", {}, [PLACEHOLDER]),
        ("1899-12-30", {}, [PLACEHOLDER]),
        ("1970-01-02", {}, []),
        ("1985-01-01", {}, []),  # by hand somebody asked
        ("1985-01-01", {"source": "telco", "source_no": "7"}, [PLACEHOLDER]),  # 1 January of an import (D§26)
        ("1985-01-01", {"source": "telco", "source_no": "7", "identity_status": "VERIFIED"}, []),
        ("1970-01-01", {"identity_status": "VERIFIED"}, []),
        ("1905-11-22", {"identity_status": "VERIFIED"}, [PLACEHOLDER]),  # 121 today
        ("1905-11-23", {}, []),  # 120 until tomorrow
        ("2026-11-22", {}, []),
        ("2026-11-23", {"identity_status": "VERIFIED"}, [PLACEHOLDER]),
        (None, {}, [MISSING]),
        (None, {"customer_type": "ENTERPRISE"}, []),
        (None, {"status": "ANONYMISED"}, []),
        (None, {"birthday_kind": "LUNAR", "lunar_month": 8, "lunar_day": 15}, []),
        ("1970-01-01", {"quality_marks": ["CONTACT_BOUNCED", MISSING]}, ["CONTACT_BOUNCED", PLACEHOLDER]),
    ],
)
def test_doubtful_birthdays_are_marked(born: str | None, more: dict[str, Any], marks: list[str]) -> None:
    row = CustomerFactory(birth_date=born and date.fromisoformat(born), **more)
    assert marked(row, DAY) == marks
    assert sum(changed for _seen, changed in mark_all(DAY)) == (row.quality_marks != marks)
    assert marks_of(row) == marks
    assert sum(changed for _seen, changed in mark_all(DAY)) == 0


def test_a_lunar_birthday_beyond_the_tables_is_marked() -> None:
    row = CustomerFactory(birthday_kind="LUNAR", lunar_month=1, lunar_day=1, birth_date=date(2000, 2, 5))
    other = CustomerFactory(birthday_kind="LUNAR", lunar_month=12, lunar_day=1)
    assert [changed for _seen, changed in mark_all(date(2099, 1, 21))] == [0]
    assert [changed for _seen, changed in mark_all(date(2099, 1, 22))] == [1]
    assert (marks_of(row), marks_of(other)) == ([OUTSIDE], [])
    assert marked(row, date(2099, 1, 22)) == [OUTSIDE]
    list(mark_all(date(2150, 1, 1)))
    assert marks_of(other) == [OUTSIDE]


def test_ages_on_29_february() -> None:
    assert is_impossible(date(1904, 2, 29), date(2025, 3, 1))
    assert not is_impossible(date(1904, 2, 29), date(2025, 2, 28))
    assert not is_impossible(date(1904, 2, 28), date(2024, 2, 29))
    assert is_impossible(date(1903, 2, 28), date(2024, 2, 29))
    assert not is_impossible(date(1903, 3, 1), date(2024, 2, 29))


class TestTheTwins(TestCase):
    """The pass over all archives says what the check of one says."""

    @settings(max_examples=60)
    @given(
        st.fixed_dictionaries(
            {
                "customer_type": st.sampled_from(["PERSON", "PERSON", "PERSON", "ENTERPRISE"]),
                "status": st.sampled_from(["ACTIVE", "DECEASED", "ANONYMISED"]),
                "birthday_kind": st.sampled_from(["SOLAR", "LUNAR"]),
                "birth_date": st.none()
                | st.dates(date(1880, 1, 1), date(2110, 1, 1))
                | st.sampled_from([date(1970, 1, 1), date(1985, 1, 1)]),
                "lunar_month": st.integers(1, 12),
                "lunar_day": st.integers(1, 30),
                "lunar_leap": st.booleans(),
                "source_no": st.sampled_from(["", "17"]),
                "identity_status": st.sampled_from(["VERIFIED", "UNVERIFIED", "RECHECK"]),
                "quality_marks": st.lists(st.sampled_from([*MARKS, "NAME_MISSING"]), unique=True),
            }
        ),
        st.dates(date(2020, 1, 1), date(2101, 1, 1)),
    )
    def test_they_agree(self, values: dict[str, Any], day: date) -> None:
        row = CustomerFactory(unit=UnitFactory(), **values)
        wanted = marked(row, day)
        list(mark_all(day))
        assert marks_of(row) == wanted


def test_all_pieces_are_looked_at() -> None:
    unit = UnitFactory()
    rows = [CustomerFactory(unit=unit, birth_date=None) for _n in range(7)]
    assert list(mark_all(DAY, piece=3)) == [(3, 3), (3, 3), (1, 1)]
    assert all(marks_of(row) == [MISSING] for row in rows)
    assert Customer.objects.exclude(version=1).count() == 0 and not FieldChange.objects.exists()


def test_the_job_of_the_night() -> None:
    CustomerFactory(birth_date=date(1970, 1, 1), identity_status="UNVERIFIED")
    run = start_job("customers.mark_birthdays", actor=None)
    assert claim_and_run(run.pk)
    run = JobRun.objects.get(pk=run.pk)
    assert (run.state, run.counts, run.done) == ("DONE", {"changed": 1}, 1)


def test_an_archive_is_marked_where_it_is_written(op: Operator) -> None:
    row = services.create_customer(actor=op.clerk, fields={"name": "王小娟", "birth_date": date(1970, 1, 1)})
    assert marks_of(row) == [PLACEHOLDER]
    with clock.travel(NOON):
        assert greeted_on(date(2027, 1, 1)) == []
    services.change_customer(row.pk, actor=op.clerk, version=1, changes={"birth_date": date(1971, 1, 5)})
    assert marks_of(row) == []
    assert greeted_on(date(2027, 1, 5)) == [row.pk]
    change = FieldChange.objects.get(customer_id=row.pk, field="quality_marks")
    assert (change.old, change.new) == (f"['{PLACEHOLDER}']", "[]")
    services.change_customer(row.pk, actor=op.clerk, version=2, changes={"birth_date": None})
    assert marks_of(row) == [MISSING]


def test_somebody_who_saw_the_document_clears_the_mark(op: Operator) -> None:
    row = customer(op.hall, "王小娟", birth_date=date(1990, 1, 1), quality_marks=[PLACEHOLDER])
    services.verify_identity(row.pk, actor=op.clerk, how="IN_PERSON", id_type="PASSPORT", id_number="E12345678")
    assert marks_of(row) == []


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ((12, 1, True), "customers.no_such_lunar_day", "no leap 12th month in any year from 1901 to 2099"),
        ((11, 30, True), "customers.no_such_lunar_day", "leap 11th month never has more than 29 days"),
        ((13, 1, False), "customers.impossible_date", "a month to 12 and a day to 30"),
        ((5, 31, False), "customers.impossible_date", "a month to 12 and a day to 30"),
        ((None, 5, False), "customers.impossible_date", "a month to 12 and a day to 30"),
    ],
)
def test_a_lunar_day_that_never_is_is_refused(op: Operator, fields: tuple[Any, ...], code: str, words: str) -> None:
    month, day, leap = fields
    lunar = {"birthday_kind": "LUNAR", "lunar_month": month, "lunar_day": day, "lunar_leap": leap}
    with pytest.raises(RuleBroken) as no:
        services.create_customer(actor=op.clerk, fields={"name": "王小娟", **lunar})
    assert no.value.code == code and words in no.value.message
    assert not Customer.objects.exists()
    row = customer(op.hall, "王小娟")
    with pytest.raises(RuleBroken):
        services.change_customer(row.pk, actor=op.clerk, version=1, changes=lunar)
    row.refresh_from_db()
    assert (row.birthday_kind, row.lunar_month, row.version) == ("SOLAR", None, 1)


def test_the_lunar_day_is_taken_from_the_birth_date(op: Operator) -> None:
    lunar = {"birthday_kind": "LUNAR", "birth_date": date(1990, 3, 7)}
    row = services.create_customer(actor=op.clerk, fields={"name": "王小娟", **lunar})
    assert (row.lunar_month, row.lunar_day, row.lunar_leap) == (2, 11, False)
    other = customer(op.hall, "李四", birth_date=date(2025, 7, 25))
    services.change_customer(other.pk, actor=op.clerk, version=1, changes={"birthday_kind": "LUNAR"})
    other.refresh_from_db()
    assert (other.lunar_month, other.lunar_day, other.lunar_leap, other.birth_date) == (6, 1, True, date(2025, 7, 25))
    assert set(FieldChange.objects.filter(customer_id=other.pk).values_list("field", flat=True)) == {
        "birthday_kind", "lunar_month", "lunar_day", "lunar_leap",
    }  # fmt: skip
