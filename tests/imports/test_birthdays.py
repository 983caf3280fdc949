"""Birthdays that come by a file: 1 January is what systems write for "unknown" (D§26)."""

from __future__ import annotations

from datetime import date

import pytest

from customers.birthdays import greeted_on
from customers.models import Customer
from tests.imports.bringing import bring, table

pytestmark = pytest.mark.django_db
HEADER = ["customer_no", "name", "birth_date"]


def marks() -> dict[str, list[str]]:
    return dict(Customer.objects.values_list("source_no", "quality_marks"))


def test_fillers_of_a_file_are_marked_at_once_and_a_better_file_takes_the_mark_away(root):
    bring(
        table(
            HEADER,
            ["A", "甲", "1985-01-01"],
            ["B", "乙", "1970-01-01"],
            ["C", "丙", "1985-01-02"],
            ["D", "丁", ""],
            ["E", "戊", "1900-01-01"],
        )
    )
    filler, missing = ["BIRTHDAY_PLACEHOLDER"], ["BIRTHDAY_MISSING"]
    assert marks() == {"A": filler, "B": filler, "C": [], "D": missing, "E": filler}
    assert greeted_on(date(2027, 1, 1)) == []
    bring(table(HEADER, ["A", "甲", "1985-03-04"], ["D", "丁", "1985-01-01"]))
    assert marks() == {"A": [], "B": filler, "C": [], "D": filler, "E": filler}
    assert greeted_on(date(2027, 3, 4)) == [Customer.objects.get(source_no="A").pk]
