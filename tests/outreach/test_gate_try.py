"""`manage gate_try`: the gate asked from a file."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from foundation.common.trying import BadCase
from outreach.models import OutMessage
from outreach.trying import try_gate


def ask(tmp_path: Path, *lines: str) -> list[dict[str, Any]]:
    path, out = tmp_path / "cases.jsonl", StringIO()
    path.write_text("\n".join(lines), encoding="utf-8")
    try:
        call_command("gate_try", str(path), stdout=out)
    finally:
        answers = [json.loads(line) for line in out.getvalue().splitlines()]
    return answers


@pytest.mark.django_db
def test_one_answer_a_line_with_its_reasons(tmp_path: Path) -> None:
    answers = ask(
        tmp_path,
        '{"class": "REMINDER", "at": "2026-11-24T22:00"}',
        "",
        '{"class": "REMINDER", "at": "2026-11-24T22:00", "expires_at": "2026-11-25T07:00"}',
        '{"class": "MARKETING", "at": "2026-10-01T10:00", "consent": "GRANTED", "note": "National Day"}',
        '{"class": "MARKETING", "at": "2026-10-01T10:00", "consent": "GRANTED", "holidays": []}',
        '{"class": "REMINDER", "at": "2026-11-24T10:00", "blocks": [{"reason": "ASKED", "classes": ["REMINDER"]}]}',
        '{"class": "REMINDER", "at": "2026-11-24T12:30", "unwanted": [{"from": "12:00", "to": "14:00"}]}',
        '{"class": "CARE", "at": "2026-11-24T12:30", "consent": "GRANTED",'
        ' "unwanted": [{"days": "WEEKEND", "from": "12:00", "to": "14:00"}]}',
        '{"class": "REMINDER", "at": "2026-11-24T10:00", "has_address": false, "barred": true}',
        '{"class": "MARKETING", "at": "2026-11-24T10:00", "consent": "GRANTED",'
        ' "blocks": [{"reason": "MOURNING", "classes": []}]}',
        '{"class": "MARKETING", "at": "2026-11-24T10:00", "consent": "GRANTED", "minor": true}',
        '{"class": "MARKETING", "at": "2026-11-24T10:00", "consent": "GRANTED", "status": "FORMER"}',
        '{"class": "SERVICE", "at": "2026-11-24T10:00", "status": "DECEASED"}',
    )
    assert [(a["verdict"], a["until"], a["reason"]) for a in answers] == [
        ("WAIT", "2026-11-25T08:00:00+08:00", None),
        ("SUPPRESSED", None, "expires_before_window"),
        ("WAIT", "2026-10-08T09:00:00+08:00", None),
        ("ALLOWED", None, None),
        ("SUPPRESSED", None, "blocked"),
        ("WAIT", "2026-11-24T14:00:00+08:00", None),
        ("ALLOWED", None, None),
        ("SUPPRESSED", None, "no_address"),
        ("SUPPRESSED", None, "blocked"),
        ("SUPPRESSED", None, "minor"),
        ("SUPPRESSED", None, "status"),
        ("SUPPRESSED", None, "status"),
    ]
    assert [step["source"] for step in answers[0]["why"]] == ["D§5.7", "D§5.8", "D§5.8"]
    assert all(step["words"] for answer in answers for step in answer["why"])
    assert not OutMessage.objects.exists()


@pytest.mark.django_db
def test_bad_lines_are_named_and_the_good_ones_answered(tmp_path: Path) -> None:
    path, out = tmp_path / "cases.jsonl", StringIO()
    path.write_text('{"class": "SERVICE", "at": "2026-11-24T10:00"}\nnonsense\n{"class": "PARTY"}\n', encoding="utf-8")
    with pytest.raises(CommandError, match="2 lines"):
        call_command("gate_try", str(path), stdout=out)
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [list(answer) for answer in answers] == [["verdict", "until", "reason", "why"], ["error"], ["error"]]
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("gate_try", str(tmp_path / "none.jsonl"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "case",
    [
        [],
        {"class": "SERVICE"},
        {"class": "SERVICE", "at": "yesterday"},
        {"class": "SERVICE", "at": "2026-11-24T10:00", "colour": 1},
        {"class": "SERVICE", "at": "2026-11-24T10:00", "minor": "no"},
        {"class": "SERVICE", "at": "2026-11-24T10:00", "zones": ["Mars/Olympus"]},
        {"class": "SERVICE", "at": "2026-11-24T10:00", "windows": {"SERVICE": "late"}},
        {"class": "SERVICE", "at": "2026-11-24T10:00", "blocks": [{"reason": "ASKED"}]},
    ],
)
def test_what_is_no_case_is_refused_in_words(case: Any) -> None:
    with pytest.raises(BadCase):
        try_gate(case)
