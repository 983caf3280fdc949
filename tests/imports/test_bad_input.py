"""What people upload by mistake or malice: every refusal says what to do, and nothing is written."""

from __future__ import annotations

import gzip
import tracemalloc
import zipfile
from datetime import date
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.utils import translation
from openpyxl import Workbook

from customers.imports import services
from customers.imports.contents import mapping_of
from customers.imports.models import Import
from customers.imports.reading import open_table
from customers.models import Customer
from foundation.common.errors import RuleBroken
from foundation.jobs.models import JobRun
from foundation.policies.services import set_policy
from tests.imports.bringing import bring, errors_of, table, words_of_failure

pytestmark = pytest.mark.django_db
CUT_OFF = gzip.compress(b"customer_no\n" + b"".join(b"%d\n" % (n * n) for n in range(9_000)))[:-300]
HEADER = ["customer_no", "name", "service_no", "product_line", "activated_on", "terminated_on", "usage_month", "sms"]


@pytest.fixture(autouse=True)
def _english(root):
    with translation.override("en"):
        yield


def book(*rows: list, **more) -> bytes:
    made = Workbook(**more)
    for row in rows:
        made.active.append(row)
    out = BytesIO()
    made.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, "This is a PNG file. Save the table as CSV (UTF-8) or XLSX"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1" + b"\x00" * 4_000, "This is a xls file"),
        (b"customer_no,name\nA,\x00\x01\x02\n", "This is a binary file, not a table"),
        ("customer_no,name\nA,王\n".encode("utf-16"), "The encoding of the file (UTF-16) is not understood"),
        ("customer_no,name\nA,José Müller\nB,Zoë\n".encode("latin-1"), "UTF-8 and GBK/GB18030 are"),
        ("customer_no,name\nA,山田太郎さん\n".encode("shift-jis"), "The encoding of the file is not understood"),
        (table(["customer_no", "name", "name"], ["A", "x", "y"]), "stand in the first line twice: name"),
        (table(["number", "name"], ["A", "x"]), "needs these columns, which the file lacks: customer_no"),
        (b"\n\n\n", "The file is empty: its first line must name the columns"),
        (b'customer_no,name\nA,"x\n' + b"B,y\n" * 2_200_000, "From line 2 on a quote is never closed"),
        (CUT_OFF, "The packed file is damaged or cut off"),
        (b"PK\x03\x04 not really", "This is not a readable XLSX workbook"),
        (book(["customer_no", "name"], ["A", "x"])[:-200], "This is not a readable XLSX workbook"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_table_is_refused_in_words(content, words):
    imported = bring(content)
    assert words in words_of_failure(imported)
    assert not Customer.objects.exists()


def test_an_empty_file_and_a_day_ahead_are_refused_at_once():
    for content, more, code in (
        (b"", {}, "imports.empty"),
        (b"customer_no\nA\n", {"as_of": date(9999, 1, 1)}, "imports.as_of"),
    ):
        with pytest.raises(RuleBroken) as no:
            services.start_import(ContentFile(content, name="x.csv"), mapping="careline", actor=None, **more)
        assert no.value.code == code
    assert not Import.objects.exists() and not JobRun.objects.exists()


def test_wrong_rows_are_listed_with_line_and_column_and_the_good_ones_arrive():
    imported = bring(
        table(
            HEADER,
            ["A", "好客户", "13900000001", "MOBILE", "2024-01-01", "", "2024-01", "5"],
            ["B", "x" * 1_000_000, "", "", "", "", "", ""],
            ["C", "=cmd|' /C calc'!A0", "", "", "", "", "", ""],
            ["D", "零年", "13900000002", "MOBILE", "0001-01-01", "", "", ""],
            ["E", "末年", "13900000003", "MOBILE", "9999-12-31", "", "", ""],
            ["F", "未来", "13900000004", "MOBILE", "2026-11-01", "", "", ""],
            ["G", "倒流", "13900000005", "MOBILE", "2024-05-01", "2024-04-30", "", ""],
            ["H", "早用", "13900000006", "MOBILE", "2024-05-02", "", "2024-04", "5"],
            ["", "没有号码", "", "", "", "", "", ""],
            ["I", "日期", "13900000007", "MOBILE", "2024-02-30", "", "", ""],
            ["J", "产品", "13900000008", "TELEX", "2024-02-01", "", "", ""],
            ["K", "多格", "", "", "", "", "", "", "surplus"],
            ["L", "短行"],
            ["M", "没月", "13900000009", "MOBILE", "2024-02-01", "", "", "7"],
            ["N", "没线", "", "MOBILE", "2024-02-01", "", "", ""],
        )
    )
    assert imported.counts == {"rows": 15, "errors": 13, "inserted": 2, "updated": 0, "unchanged": 0}
    assert set(Customer.objects.values_list("source_no", flat=True)) == {"A", "L"}
    found = {(line, column): words for line, column, words, _value in errors_of(imported)}
    assert {key: words[:44] for key, words in found.items()} == {
        ("3", "name"): "1000000 characters; a cell holds at most 327",
        ("4", "name"): "is a formula. Paste the values instead.",
        ("5", "activated_on"): "lies outside 1900 to 2100: a filler is bette",
        ("6", "activated_on"): "lies outside 1900 to 2100: a filler is bette",
        ("7", "activated_on"): "lies after 2026-10-31.",
        ("8", "terminated_on"): "lies before the activation on 2024-05-01.",
        ("9", "usage_month"): "lies before the activation on 2024-05-02.",
        ("10", "customer_no"): "Every row needs the customer's own number he",
        ("11", "activated_on"): "is not a day of the calendar.",
        ("12", "product_line"): "is not one of: MOBILE, BROADBAND, FIXED, VAS",
        ("13", ""): "The row has 9 cells, the first line has 8: q",
        ("15", "sms"): "belongs to no month: fill usage_month.",
        ("16", "service_no"): "This row tells of a service line: give its n",
    }
    formula = next(row for row in errors_of(imported) if row[0] == "4")
    assert formula[3] == "'=cmd|' /C calc'!A0"
    assert max(len(row[3]) for row in errors_of(imported)) <= 82


def test_personal_columns_are_checked_like_on_the_pages():
    imported = bring(
        table(
            ["customer_no", "name", "mobile", "email", "id_number", "birth_date", "manager", "unit"],
            ["A", "手机", "12345", "", "", "", "", ""],
            ["B", "邮箱", "", "no at sign", "", "", "", ""],
            ["C", "证件", "", "", "110101199003078888", "", "", ""],
            ["D", "生日", "", "", "", "2027-01-01", "", ""],
            ["E", "经理", "", "", "", "", "nobody", ""],
            ["F", "单位", "", "", "", "", "", "NOWHERE"],
            ["G", "隐\u200b形", "", "", "", "", "", ""],
        )
    )
    assert [(line, column) for line, column, *_rest in errors_of(imported)] == [
        ("2", "mobile"), ("3", "email"), ("4", "id_number"), ("5", "birth_date"), ("6", "manager"), ("7", "unit"),
        ("8", "name"),
    ]  # fmt: skip
    assert "110101199003078888" not in str(errors_of(imported))
    assert not Customer.objects.exists()


def test_formula_and_number_cells_of_a_workbook():
    imported = bring(
        book(["customer_no", "name"], ["A", "=1+1"], [123456789012345678, "长号码"], [1042, "数字号码"]), name="x.xlsx"
    )
    assert imported.counts["errors"] == 2
    assert [row[0] for row in errors_of(imported)] == ["2", "3"]
    assert "format the column as text" in errors_of(imported)[1][2]
    assert Customer.objects.get().source_no == "1042"


def test_too_many_wrong_rows_stop_the_import():
    set_policy("imports.max_errors", 5, actor=None)
    imported = bring(table(["customer_no", "gender"], *([f"A{place}", "?"] for place in range(8))))
    assert "More than 5 rows are wrong" in words_of_failure(imported)
    assert not Customer.objects.exists()


def test_a_file_above_the_limit_is_refused_before_anything_is_kept(admin, client_for, tmp_path: Path):
    sparse = tmp_path / "huge.csv"
    with sparse.open("wb") as file:
        file.truncate(2 << 30)
    with pytest.raises(CommandError, match="The file is larger than 512 MB"):
        call_command("import_customers", str(sparse), "--mapping", "careline", stdout=StringIO())

    set_policy("imports.max_file_mb", 1, actor=None)
    content = b"customer_no,name\n" + b"A,x\n" * 400_000
    answer = client_for(admin).post(
        "/imports/new/",
        {
            "mapping": "careline",
            "as_of": "2026-10-31",
            "unit": admin.unit_id,
            "file": SimpleUploadedFile("big.csv", content),
            "complete": "1",
        },
        headers={"accept-language": "en"},
    )
    assert answer.status_code == 422
    assert "1 MB" in answer.context["form"].errors["file"][0]
    assert not Import.objects.exists() and not JobRun.objects.exists()


def test_bombs_stop_at_the_unpacked_limit():
    set_policy("imports.max_unpacked_mb", 2, actor=None)
    bomb = gzip.compress(b"customer_no,name\n" + b"A,x\n" * 1_500_000)
    assert len(bomb) < 100_000
    assert "Unpacked, the file is larger than 2 MB" in words_of_failure(bring(bomb))
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * (30 << 20))
    assert "Unpacked, the workbook would hold 30 MB" in words_of_failure(bring(out.getvalue(), name="x.xlsx"))


def test_reading_keeps_the_memory_flat(tmp_path: Path):
    big = tmp_path / "big.csv"
    with big.open("wb") as file:
        file.write(b"customer_no,name,mobile\n")
        for _block in range(24):
            file.write("C00000001,王伟,13900000001\n".encode() * 32_000)
    assert big.stat().st_size > 20 << 20
    tracemalloc.start()
    try:
        with big.open("rb") as file, open_table(file, mapping_of("careline")) as opened:
            assert opened.lines == 24 * 32_000 + 1
            for count, _row in enumerate(opened.rows):
                if count == 50_000:
                    break
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20


def test_an_upload_cut_off_in_the_middle_leaves_nothing(admin, client_for):
    boundary = "xxBOUNDxx"
    parts = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in (("mapping", "careline"), ("as_of", "2026-10-31"), ("unit", admin.unit_id))
    )
    body = (
        parts + f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="x.csv"\r\n'
        "Content-Type: text/csv\r\n\r\ncustomer_no,name\r\nA,one\r\nB,tw"
    ).encode()
    answer = client_for(admin).generic(
        "POST", "/imports/new/", body, content_type=f"multipart/form-data; boundary={boundary}"
    )
    assert answer.status_code == 422
    assert not Import.objects.exists() and not JobRun.objects.exists()
