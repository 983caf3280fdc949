"""Both ways of making find rows give the same rows, whatever stands in the archive."""

from __future__ import annotations

import random
from importlib import import_module
from typing import Any

import pytest
from django.db import connection

from customers.finding import find_rows_sql, former_owners, rebuild_find_rows
from customers.finding.forms import folded, number_forms, pinyin_typed
from customers.finding.pinyin import letters_of
from customers.finding.variants import variants
from customers.models import ContactPoint, Customer, FindName, FindNumber, NameGram, Subscription
from foundation.common import clock
from tests.factories import ContactPointFactory, CustomerFactory, SubscriptionFactory, UnitFactory, UserFactory

pytestmark = pytest.mark.django_db
NAMES = [
    "\u738b\u5c0f\u660e",
    "\u738b \u5c0f\u660e",
    "\u738b\uff21\uff22\uff23",
    "\u963f\u4f9d\u53e4\u4e3d\u2022\u4e70\u4e70\u63d0",
    "\u6b27\u9633\u5a1c\u5a1c",
    "John  Smith",
    'O\'Neil, "Ann"',
    "a,b\\c\td",
    "\U00020bb7\u91ce\u5bb6",
    "\u0130stanbul",
    "\u00c5ngstr\u00f6m",
    "\U0001f600\U0001f600",
    "\\N",
    "x",
    "\u738b",
    "50%_off",
    "\u5355" * 200,
    "w" * 200,
]


def rows_of(ids: list[int]) -> dict[str, set[tuple[Any, ...]]]:
    """Every column of every find row of these customers."""
    found = {}
    for model in (FindName, FindNumber, NameGram):
        names = [field.column for field in model._meta.concrete_fields if field.column]
        found[model.__name__] = set(model.objects.filter(customer_id__in=ids).values_list(*names))
    return found


def make(draw: random.Random, count: int) -> list[int]:
    units = [UnitFactory() for _ in range(3)]
    managers = [None, None, UserFactory()]
    ids = []
    for _ in range(count):
        row = CustomerFactory(
            unit=draw.choice(units),
            name=draw.choice(NAMES),
            short_name=draw.choice(["", "", "\u6d77 \u6d6a", "ABC", "\uff21b"]),
            customer_type=draw.choice(["PERSON", "ENTERPRISE"]),
            manager=draw.choice(managers),
            id_last4=draw.choice(["", "001X"]),
            source="t",
            source_no=draw.choice(["", f"7590-v {draw.random()}", f"\u00fc\u00df{draw.random()}"]),
        )
        ids.append(row.pk)
        more(draw, row)
    return ids


def more(draw: random.Random, row: Customer) -> None:
    """A few numbers, some of them ended, some shared with the customer's own lines."""
    number = f"1390000{draw.randrange(40):04d}"
    today = clock.today()
    if draw.random() < 0.7:
        ended = None if draw.random() < 0.7 else today
        kind = draw.choice(["MOBILE", "PHONE", "IM", "EMAIL"])
        value = f"u{draw.random()}@example.com" if kind == "EMAIL" else number
        if not row.contact_points.filter(kind=kind, value=value).exists():
            ContactPointFactory(customer=row, kind=kind, value=value, is_primary=False, valid_to=ended)
    living = Subscription.objects.filter(service_no=number, terminated_on__isnull=True).exists()
    if draw.random() < 0.7:
        ended = today if living or draw.random() < 0.4 else None
        SubscriptionFactory(customer=row, service_no=number, terminated_on=ended, activated_on="2020-01-01")
    if draw.random() < 0.2:
        SubscriptionFactory(customer=row, service_no=f"hz 0571-x{draw.random()}", product_line="BROADBAND")


@pytest.mark.parametrize("seed", range(4))
def test_one_by_one_and_as_a_set_the_rows_are_equal(seed: int) -> None:
    draw = random.Random(seed)
    ids = make(draw, 40)
    listed = f"SELECT unnest(ARRAY[{', '.join(map(str, ids))}]::bigint[])"
    rebuild_find_rows(ids)
    single = rows_of(ids)
    assert len(single["FindName"]) == 40 and len(single["FindNumber"]) >= 40
    rebuild_find_rows(ids)
    assert rows_of(ids) == single
    for model in (FindName, FindNumber, NameGram):
        model.objects.all().delete()
    assert find_rows_sql(listed) == 40
    assert rows_of(ids) == single
    assert find_rows_sql(listed) == 40
    assert rows_of(ids) == single
    # Now everything changes: the set must also take away what no longer holds.
    for row in Customer.objects.filter(pk__in=ids):
        row.name, row.unit_no, row.id_last4 = draw.choice(NAMES), draw.randrange(500), draw.choice(["", "1234"])
        row.save()
        more(draw, row)
    ContactPoint.objects.filter(pk__in=ContactPoint.objects.order_by("?").values("pk")[:10]).update(
        valid_to=clock.today()
    )
    find_rows_sql(listed)
    as_a_set = rows_of(ids)
    rebuild_find_rows([*ids, *former_owners(ids)])
    assert rows_of(ids) == as_a_set


def test_a_customer_that_is_gone_loses_its_rows() -> None:
    row = CustomerFactory(name="Somebody Else")
    rebuild_find_rows([row.pk])
    key = row.pk
    assert all(rows_of([key]).values())
    Customer.objects.filter(pk=key).delete()
    rebuild_find_rows([key])
    assert not any(rows_of([key]).values())


def test_a_batch_costs_the_same_statements_whatever_its_size(django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    ids = make(random.Random(9), 30)
    with django_assert_max_num_queries(21):
        find_rows_sql("SELECT id FROM customers_customer")
    with django_assert_max_num_queries(21):
        rebuild_find_rows(ids)


@pytest.mark.parametrize(
    ("name", "is_person", "pinyin", "initials"),
    [
        ("\u5355\u4f4d", False, "danwei", "dw"),
        ("\u5355\u4f1f", True, "shanwei", "sw"),
        ("\u738b", True, "wang", "w"),
        ("\u5415\u5e03", True, "lvbu", "lb"),
        ("john smith", True, "johnsmith", "js"),
        ("\u738babc", True, "wangabc", "wa"),
        ("\u00b7\u2014", True, "", ""),
        ("", True, "", ""),
    ],
)
def test_names_in_letters(name: str, is_person: bool, pinyin: str, initials: str) -> None:
    assert letters_of(name, is_person=is_person) == (pinyin, initials)


def test_emails_and_codes_are_not_found_by_their_end() -> None:
    row = CustomerFactory(source="t", source_no="ab-1234")
    ContactPointFactory(customer=row, kind="EMAIL", value="x1234@example.com")
    rebuild_find_rows([row.pk])
    with connection.cursor() as cursor:
        cursor.execute("SELECT kind, tail FROM customer_find_number WHERE customer_id = %s ORDER BY kind", [row.pk])
        assert cursor.fetchall() == [("CUSTOMER", ""), ("EMAIL", ""), ("EXTERNAL", "")]


def test_names_folded_before_the_signs_went_are_put_right_by_the_migration() -> None:
    rows = [
        CustomerFactory(name="\u99ac\u5609\uff08\u6a02\uff09", short_name="\u99ac\u00b7\u5609"),
        CustomerFactory(name="\u5b87\u822a", short_name=""),
        CustomerFactory(name="O'Brien & Co.", customer_type="ENTERPRISE", short_name="O'B."),
    ]
    ids = [row.pk for row in rows]
    rebuild_find_rows(ids)
    wanted = _all_rows()
    FindName.objects.filter(pk=ids[0]).update(name="\u99ac\u5609(\u6a02)", short_name="\u99ac\u00b7\u5609", pinyin="x")
    FindName.objects.filter(pk=ids[2]).update(name="o'brien & co.", short_name="o'b.", initials="x")
    NameGram.objects.filter(customer_id__in=[ids[0], ids[2]]).delete()
    migration = import_module("customers.migrations.0007_names_folded")
    for _again in range(2):
        migration.refold(None, connection.SchemaEditorClass(connection, collect_sql=True))
        assert _all_rows() == wanted


def _all_rows() -> list[Any]:
    names = FindName.objects.order_by("pk").values_list()
    return [*names, *NameGram.objects.order_by("gram", "customer_id").values_list("gram", "customer_id", "unit_no")]


def test_the_table_of_variants_leads_to_simplified_characters_in_one_step() -> None:
    table = variants()
    assert len(table) > 1_000
    assert not {ord(simple) for simple in table.values()} & table.keys()


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("\u738b\u3000\u4f1f", "\u738b\u4f1f"),
        ("Mary  O\u2019Brien", "mary obrien"),
        ("Smith-Jones", "smith jones"),
        ("Jos\u00e9", "jose"),
        ("A\uff06B", "a&b"),
        ("\u4e70\u4e70\u63d0\u2022\u8089\u5b5c", "\u4e70\u4e70\u63d0\u8089\u5b5c"),
        ("\u6d77\u5357\uff08\u96c6\u5718\uff09", "\u6d77\u5357\u96c6\u56e2"),
        ("\u202e\u738b\u200b\u4f1f\x00", "\u738b\u4f1f"),
        ("\U0002cc56", "\U0002cc56"),
        ("\u845b\U000e0100\u4f1f\ufe0f", "\u845b\u4f1f"),
        ("\u00b7()", ""),
        ("", ""),
    ],
)
def test_one_spelling_for_names(name: str, plain: str) -> None:
    assert folded(name) == plain == folded(plain)


@pytest.mark.parametrize(
    ("typed", "letters"),
    [
        ("L\u01dc ping", "lvping"),
        ("lyu ping", "lvping"),
        ("chen yu", "chenyu"),
        ("fang\u2019an", "fangan"),
        ("wang2 wei3", "wangwei"),
        ("a1", ""),
        ("wang 3", ""),
        ("\u738b", ""),
        ("'", ""),
        ("", ""),
    ],
)
def test_letters_of_what_is_typed_as_pinyin(typed: str, letters: str) -> None:
    assert pinyin_typed(typed) == letters


def test_a_number_has_the_spellings_it_may_stand_under() -> None:
    assert "13800138000" in number_forms("86 138 0013 8000")
    assert "02066668888" in number_forms("+86 20 6666 8888")
    assert number_forms("8612345678") == ["8612345678"]  # no mobile number behind it: a line of that number
