"""The frame of all `manage <engine>_try` commands, with an engine of the test's own."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from foundation.common.trying import BadCase, TryCommand


class Doubling(TryCommand):
    def answer(self, case: Any) -> dict[str, Any]:
        if not isinstance(case, dict) or not isinstance(case.get("n"), int | str):
            raise BadCase("a case is an object with n")
        return {"twice": case["n"] * 2}


def ask(file: str) -> tuple[list[Any], str]:
    """The answers and, when the command ended with an error, its words."""
    out, fault = io.StringIO(), ""
    try:
        call_command(Doubling(), file, stdout=out)
    except CommandError as error:
        fault = str(error)
    out.getvalue().encode("utf-8")  # what cannot be encoded could not be printed
    return [json.loads(line) for line in out.getvalue().split("\n") if line], fault


def test_each_line_has_one_answer_and_bad_ones_are_named_by_their_number(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"n": 2}\r\n\n{"n": null}\nnonsense\n' + b"[" * 100_000 + b'\n{"n": 5}')
    answers, fault = ask(str(file))
    assert [answers[0], answers[-1]] == [{"twice": 4}, {"twice": 10}]
    assert [answer["error"].split(":")[0] for answer in answers[1:-1]] == ["line 3", "line 4", "line 5"]
    assert answers[1] == {"error": "line 3: a case is an object with n"}
    assert fault == "3 lines could not be read"


def test_a_line_ends_at_the_newline_only(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text('{"n": "a\u2028b\u0085"}\n', encoding="utf-8")
    assert ask(str(file)) == ([{"twice": "a\u2028b\u0085" * 2}], "")


def test_half_a_surrogate_pair_is_answered_as_it_came(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text('{"n": "\\ud800"}\n', encoding="utf-8")
    assert ask(str(file)) == ([{"twice": "\ud800\ud800"}], "")


def test_standard_input_is_read_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"n": 1}\n'))
    assert ask("-") == ([{"twice": 2}], "")


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "cases.jsonl"
    if content is not None:
        file.write_bytes(content)
    answers, fault = ask(str(file))
    assert answers == [] and fault.startswith(f"{file} cannot be read: ")
