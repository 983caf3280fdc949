"""Lists of words follow the language of the reader: nobody joins them by hand."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from foundation.ui.wording import join_words
from tests.factories import UserFactory

APPS = ("billing", "complaints", "customers", "foundation", "interactions", "outreach", "staff", "workspace")
# Typed by people and read back as they typed them; every other list is SQL, a terminal's or a defect's text.
TYPED = {
    "foundation/calendars/clock_writing.py",
    "foundation/calendars/windows.py",
    "workspace/admin/calendars_page.py",
    "staff/views/people.py",
    "billing/credit/judging.py",
    "complaints/counting.py",
}


def test_a_list_has_the_separator_of_the_language() -> None:
    assert join_words(["a", "", "b", 3]) == "a, b, 3"
    with translation.override("zh-hans"):
        assert join_words(["\u7532", "\u4e59"]) == "\u7532\u3001\u4e59"
        assert join_words([]) == ""


@pytest.mark.django_db
def test_a_page_lists_skills_in_chinese(client_for) -> None:  # type: ignore[no-untyped-def]
    admin = UserFactory(role="SYS_ADMIN", language="zh-hans")
    expert = UserFactory(role="AGENT", skills=["ROAMING", "5G"])
    assert "ROAMING\u30015G" in client_for(admin).get(f"/admin/people/{expert.pk}/").content.decode()


def _translated(call: ast.AST) -> bool:
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"_", "gettext", "ngettext", "pgettext"}
        for node in ast.walk(call)
    )


def _by_hand(path: Path) -> list[int]:
    """Lines where `", ".join` fills a translated sentence or is a function's answer."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    words = {
        place.targets[0].id
        for place in ast.walk(tree)
        if isinstance(place, ast.Assign) and isinstance(place.targets[0], ast.Name) and _translated(place.value)
    }
    found = []
    for node in ast.walk(tree):
        sentence = (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Mod)
            and (_translated(node.left) or (isinstance(node.left, ast.Name) and node.left.id in words))
        )
        if not sentence and not isinstance(node, ast.Return):
            continue
        found += [
            inner.lineno
            for inner in ast.walk(node)
            if isinstance(inner, ast.Call)
            and isinstance(inner.func, ast.Attribute)
            and inner.func.attr == "join"
            and isinstance(inner.func.value, ast.Constant)
            and inner.func.value.value in {", ", "; "}
        ]
    return found


def test_no_sentence_joins_its_words_by_hand() -> None:
    root = Path(settings.BASE_DIR)
    found = {
        f"{path.relative_to(root)}:{line}"
        for app in APPS
        for path in (root / app).rglob("*.py")
        if str(path.relative_to(root)) not in TYPED
        for line in _by_hand(path)
    }
    assert found == {"customers/imports/reverting.py:201", "foundation/rest/errors.py:57"}
