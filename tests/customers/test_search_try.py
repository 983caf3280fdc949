"""`manage search_try`: written cases in, answers out, nothing written."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from customers.models import SearchLink
from foundation.audit.models import AuditEntry
from tests.customers.people import Operator, customer

pytestmark = pytest.mark.django_db
WANG = "\u738b\u5c0f\u660e"


def ask(tmp_path: Path, *lines: str, fails: bool = False) -> list[dict[str, Any]]:
    file = tmp_path / "cases.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    out = StringIO()
    if fails:
        with pytest.raises(CommandError):
            call_command("search_try", str(file), stdout=out)
    else:
        call_command("search_try", str(file), stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def case(text: Any, user: Any) -> str:
    return json.dumps({"q": text, "as": user})


def test_each_line_is_answered_as_its_person_would_see_it(op: Operator, tmp_path: Path) -> None:
    near = customer(op.hall, WANG, mobile="13800138000")
    far = customer(op.elsewhere, "\u738b\u5c0f\u7ea2", mobile="18612349999")
    answers = ask(
        tmp_path,
        case("\u738b\u5c0f", op.clerk.username),
        "",
        case("\u738b\u5c0f", op.gm.username),
        case("18612349999", op.clerk.username),
        case("nobody", op.clerk.username),
    )
    times = [answer.pop("ms") for answer in answers]
    assert all(0 < spent < 5_000 for spent in times)
    prefix = "name_prefix"
    assert answers == [
        {"ids": [str(near.pk)], "numbers": [near.number], "kinds": [prefix], "outside": [False]},
        {
            "ids": [str(near.pk), str(far.pk)],
            "numbers": [near.number, far.number],
            "kinds": [prefix, prefix],
            "outside": [False, False],
        },
        {"ids": [str(far.pk)], "numbers": [far.number], "kinds": ["number"], "outside": [True]},
        {"ids": [], "numbers": [], "kinds": [], "outside": []},
    ]
    assert not SearchLink.objects.exists() and not AuditEntry.objects.exists()


def test_a_refused_text_is_an_answer(op: Operator, tmp_path: Path) -> None:
    (answer,) = ask(tmp_path, case("\u738b", op.clerk.username))
    assert answer["refused"] == "search.short" and answer["message"]


@pytest.mark.parametrize(
    "line", ["no json", "[]", "{}", case(5, "x"), case("x", None), case("abc", "nobody-here"), "[" * 100_000]
)
def test_a_line_that_is_no_case_is_named_and_the_others_answered(op: Operator, tmp_path: Path, line: str) -> None:
    first, second = ask(tmp_path, line, case("zz", op.clerk.username), fails=True)
    assert first["error"].startswith("line 1: ")
    assert second["ids"] == []


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("search_try", str(tmp_path / "missing.jsonl"))
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("search_try", str(binary))
