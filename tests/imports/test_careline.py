"""Our own format with every column: 500 customers the test writes, then changed, repeated, in other spellings."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from io import BytesIO

import pytest
from openpyxl import Workbook

from customers.finding import search
from customers.imports.contents import mapping_of
from customers.imports.models import ImportRow
from customers.models import ContactPoint, Customer, FindName, Subscription, UsageMonth
from tests.factories import UnitFactory, UserFactory
from tests.imports.bringing import AS_OF, bring, errors_of, packed, table

pytestmark = pytest.mark.django_db
HEADER = mapping_of("careline").columns()
SURNAMES, GIVEN = "王李张刘陈杨黄赵吴周", "伟芳娜敏静强磊军洋勇艳杰"


def id_number(place: int) -> str:
    body = f"990101{date(1960, 1, 1) + timedelta(days=place * 25):%Y%m%d}{place % 1000:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(c) * w for c, w in zip(body, weights, strict=True)) % 11]


def row(place: int, **changes: str) -> list[str]:
    """A full row: every column of the format filled."""
    values = {
        "customer_no": f"C{place:05d}",
        "customer_type": "PERSON",
        "name": SURNAMES[place % 10] + GIVEN[place % 12] + GIVEN[place // 12 % 12],
        "short_name": f"短{place}",
        "segment": "FAMILY",
        "customer_status": "ACTIVE",
        "gender": "F" if place % 2 else "M",
        "birth_date": f"{date(1960, 1, 1) + timedelta(days=place * 25):%Y/%m/%d}",
        "id_type": "ID_CARD",
        "id_number": id_number(place),
        "city": "云海市",
        "area_type": "URBAN",
        "language": "zh-hans",
        "channel_preference": "SMS",
        "unit": "HALL",
        "manager": "manager",
        "mobile": f"+86 139 0000 {place:04d}",
        "phone": f"0899-0000{place:04d}",
        "email": f"U{place}@Example.com",
        "address_kind": "HOME",
        "province": "云海省",
        "district": "南湖区",
        "street": f"人民路{place}号",
        "postcode": "570100",
        "service_no": f"1390000{place:04d}",
        "product_line": "MOBILE",
        "line_status": "ACTIVE",
        "activated_on": "2024-03-01",
        "terminated_on": "",
        "contract_end": "2027-02-28",
        "monthly_fee": "59",
        "user_name": "",
        "plan_code": "M59",
        "plan_name": "云享59元套餐",
        "plan_fee": "59.00",
        "usage_month": "2026-09",
        "voice_minutes": "120",
        "sms": "3",
        "data_mb": "20480",
        "roaming_days": "0",
        "zero_usage_days": "1",
        "net_revenue": "61.50",
        "consent_purpose": "MARKETING",
        "consent_channel": "SMS",
        "consent_state": "GRANTED",
        "consent_on": "2025-06-01",
        "consent_evidence_kind": "FORM",
        "consent_evidence": f"Form {place}",
        "consent_until": "",
    } | changes
    assert values.keys() == set(HEADER)
    return [values[name] for name in HEADER]


@pytest.fixture
def hall(root):
    unit = UnitFactory(code="HALL", name="Hall", parent=root, no=2, last_no=2)
    UserFactory(username="manager", staff_no="10001", role="ACCOUNT_MANAGER", unit=unit)
    return unit


@pytest.fixture
def everybody(hall):
    return bring(table(HEADER, *(row(place) for place in range(1, 501))))


@pytest.mark.covers("ARC-01")
def test_every_column_arrives(everybody, hall):
    assert everybody.counts == {"rows": 500, "errors": 0, "inserted": 500, "updated": 0, "unchanged": 0}
    assert everybody.notes == []
    one = Customer.objects.get(source="careline", source_no="C00007")
    assert (one.name, one.short_name, one.segment, one.status) == ("赵军伟", "短7", "FAMILY", "ACTIVE")
    assert (one.gender, one.birth_date, one.home_city, one.area_type) == ("F", date(1960, 6, 24), "云海市", "URBAN")
    assert (one.id_number(), one.id_last4, one.id_type) == (id_number(7), id_number(7)[-4:], "ID_CARD")
    assert (one.unit_id, one.unit_no, one.manager.username) == (hall.pk, 2, "manager")
    assert (one.channel_preference, one.quality_marks, one.is_sample, one.version) == ("SMS", [], False, 1)
    assert set(one.contact_points.values_list("kind", "value", "is_primary")) == {
        ("MOBILE", "13900000007", True),
        ("PHONE", "089900000007", True),
        ("EMAIL", "u7@example.com", True),
    }
    address = one.addresses.get()
    assert (address.kind, address.province, address.city, address.district, address.street, address.postcode) == (
        "HOME", "云海省", "云海市", "南湖区", "人民路7号", "570100",
    )  # fmt: skip
    line = one.subscriptions.get()
    assert (line.service_no, line.product_line, line.plan.name, line.plan.monthly_fee) == (
        "13900000007", "MOBILE", "云享59元套餐", Decimal("59.00"),
    )  # fmt: skip
    assert (line.activated_on, line.contract_end, line.monthly_fee) == (
        date(2024, 3, 1), date(2027, 2, 28), Decimal("59.00"),
    )  # fmt: skip
    use = UsageMonth.objects.get(subscription=line)
    assert (use.month, use.voice_minutes, use.sms, use.data_mb, use.roaming_days, use.zero_usage_days) == (
        date(2026, 9, 1), 120, 3, 20480, 0, 1,
    )  # fmt: skip
    assert (use.net_revenue, use.customer_id) == (Decimal("61.50"), one.pk)
    assert one.facts.contract_end == date(2027, 2, 28)


def test_found_by_every_kind_of_search(everybody):
    gm = UserFactory(role="GM", unit=everybody.unit)
    one = Customer.objects.get(source_no="C00007")
    for text in ("13900000007", "0000007", one.name, one.name[:2], one.number, "C00007", id_number(7)):
        assert one.pk in {hit.customer_id for hit in search(gm, text, 500)}, text
    initials = FindName.objects.get(pk=one.pk).initials
    assert one.pk in {hit.customer_id for hit in search(gm, initials, 500)}


def test_the_same_file_again_touches_nothing(everybody):
    before = list(Customer.objects.order_by("pk").values_list("pk", "version", "updated_at", "id_sealed"))
    again = bring(table(HEADER, *(row(place) for place in range(1, 501))))
    assert again.counts == {"rows": 500, "errors": 0, "inserted": 0, "updated": 0, "unchanged": 500}
    after = list(Customer.objects.order_by("pk").values_list("pk", "version", "updated_at", "id_sealed"))
    assert [(*row[:3], bytes(row[3])) for row in before] == [(*row[:3], bytes(row[3])) for row in after]
    assert not ImportRow.objects.filter(import_id=again.pk).exists()
    assert (ContactPoint.objects.count(), UsageMonth.objects.count()) == (1500, 500)


def test_changes_update_by_the_natural_key_and_an_empty_cell_says_nothing(everybody):
    changed = bring(
        table(
            HEADER,
            row(1, name="新名字", mobile="13900009999", city="", gender="", monthly_fee="88", voice_minutes="7"),
            row(2),
            row(501),
        )
    )
    assert changed.counts == {"rows": 3, "errors": 0, "inserted": 1, "updated": 1, "unchanged": 1}
    one = Customer.objects.get(source_no="C00001")
    assert (one.name, one.home_city, one.gender, one.version) == ("新名字", "云海市", "F", 2)
    assert set(one.contact_points.filter(kind="MOBILE").values_list("value", "is_primary")) == {
        ("13900000001", False),
        ("13900009999", True),
    }
    line = one.subscriptions.get()
    assert (line.monthly_fee, line.version, line.usage_months.get().voice_minutes) == (Decimal("88.00"), 2, 7)
    assert FindName.objects.get(pk=one.pk).name == "新名字"


def test_several_rows_of_a_customer_make_one_with_several_lines_and_months(hall):
    imported = bring(
        table(
            HEADER,
            row(1, usage_month="2026-08", voice_minutes="80"),
            row(1, service_no="KD1", product_line="BROADBAND", plan_code="B500", plan_name="宽带", usage_month="",
                voice_minutes="", sms="", data_mb="", roaming_days="", zero_usage_days="", net_revenue=""),
            row(1, name="最后的名字"),
        )
    )  # fmt: skip
    assert imported.counts == {"rows": 3, "errors": 0, "inserted": 1, "updated": 0, "unchanged": 0}
    one = Customer.objects.get()
    assert (one.name, one.id_number()) == ("最后的名字", id_number(1))
    assert set(one.subscriptions.values_list("product_line", "service_no")) == {
        ("MOBILE", "13900000001"),
        ("BROADBAND", "KD1"),
    }
    assert set(UsageMonth.objects.values_list("month", "voice_minutes")) == {
        (date(2026, 8, 1), 80),
        (date(2026, 9, 1), 120),
    }


def test_a_number_lives_with_one_customer(everybody):
    taken = bring(
        table(
            ["customer_no", "name", "service_no", "product_line", "activated_on"],
            ["N1", "新客户甲", "13900000001", "MOBILE", "2026-01-01"],
            ["N2", "新客户乙", "13900008888", "MOBILE", "2026-01-01"],
            ["N3", "新客户丙", "13900008888", "MOBILE", "2026-01-01"],
        )
    )
    assert taken.counts == {"rows": 3, "errors": 2, "inserted": 1, "updated": 0, "unchanged": 0}
    assert [(line, column, value) for line, column, _words, value in errors_of(taken)] == [
        ("2", "service_no", "13900000001"),
        ("4", "service_no", "13900008888"),
    ]
    assert Customer.objects.get(name__startswith="新客户").source_no == "N2"


def test_an_ended_number_that_lives_again_is_a_new_line(hall):
    header = ["customer_no", "name", "service_no", "product_line", "activated_on", "terminated_on", "line_status"]
    bring(table(header, ["A", "甲先生", "13900000001", "MOBILE", "2020-01-01", "2023-05-05", ""]))
    bring(table(header, ["B", "乙先生", "13900000001", "MOBILE", "2024-01-01", "", "ACTIVE"]))
    bring(table(header, ["A", "甲先生", "13900000001", "MOBILE", "2020-01-01", "2023-05-05", ""]))
    assert list(Subscription.objects.order_by("activated_on").values_list("customer__source_no", "status")) == [
        ("A", "TERMINATED"),
        ("B", "ACTIVE"),
    ]


def test_gbk_workbooks_and_packed_files_read_alike(hall):
    plain = table(HEADER, row(1))
    assert bring(plain).counts["inserted"] == 1
    book = Workbook()
    book.active.append(HEADER)
    cells: list = row(1)
    cells[HEADER.index("birth_date")] = datetime(1960, 1, 26)
    cells[HEADER.index("voice_minutes")] = 120
    cells[HEADER.index("net_revenue")] = 61.5
    book.active.append(cells)
    book.create_sheet("second")
    sheet = BytesIO()
    book.save(sheet)
    for content, name, notes in (
        (table(HEADER, row(1), encoding="gb18030"), "gbk.csv", ["GB18030"]),
        (b"\xef\xbb\xbf" + plain, "bom.csv", []),
        (packed(plain), "plain.csv.gz", []),
        (plain.replace(b",", b";"), "semicolons.csv", []),
        (sheet.getvalue(), "book.xlsx", ["Sheet"]),
        (packed(sheet.getvalue()), "book.xlsx.gz", ["Sheet"]),
    ):
        found = bring(content, name=name)
        assert found.counts == {"rows": 1, "errors": 0, "inserted": 0, "updated": 0, "unchanged": 1}, name
        assert len(found.notes) == len(notes) and all(
            word in note for word, note in zip(notes, found.notes, strict=True)
        )


def test_a_name_that_is_missing_is_marked_and_one_that_comes_later_takes_the_mark_away(root):
    bring(table(["customer_no", "city"], ["X-1", "云海市"]))
    one = Customer.objects.get()
    assert (one.name, one.home_city) == ("Customer X-1", "云海市")
    assert one.quality_marks == ["NAME_MISSING", "BIRTHDAY_MISSING"]
    Customer.objects.update(name="手工补上")
    assert bring(table(["customer_no", "city"], ["X-1", "云海市"])).counts["unchanged"] == 1
    bring(table(["customer_no", "name"], ["X-1", "文件里的名字"]))
    one.refresh_from_db()
    assert (one.name, one.quality_marks) == ("文件里的名字", ["BIRTHDAY_MISSING"])


def test_a_file_without_day_describes_today(root, travel):
    with travel(datetime.fromisoformat("2026-11-22T10:00:00+08:00")):
        assert bring(table(["customer_no"], ["X"]), as_of=None).as_of == date(2026, 11, 22)
    assert date(2026, 11, 22) > AS_OF
