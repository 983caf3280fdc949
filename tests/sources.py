"""Reading our own source: the calls of a function, for tests that ask whether something was forgotten."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from django.conf import settings

APPS = ("billing", "complaints", "crm", "customers", "foundation", "interactions", "outreach", "staff", "workspace")


def calls(*names: str) -> Iterator[tuple[str, ast.Call]]:
    """Every call of a function or method with one of `names` in the product, with its file and line."""
    return ((place, call) for name, place, call in _all_calls() if name in names)


@cache
def _all_calls() -> list[tuple[str, str, ast.Call]]:
    root = Path(settings.BASE_DIR)
    return [
        (getattr(node.func, "id", getattr(node.func, "attr", "")), f"{path.relative_to(root)}:{node.lineno}", node)
        for path in sorted(path for app in APPS for path in (root / app).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]
