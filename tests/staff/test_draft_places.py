"""Every text area of more than one line keeps a draft: a new one without it fails here."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings

# Fields whose forms are read by machines or by nobody else: a policy's value, a clock written down, is no prose.
EXEMPT = {
    "foundation/ui/styleguide.py",
    "workspace/admin/clock_try_page.py",
    "workspace/admin/dunning_try_page.py",
    "workspace/admin/policies_page.py",
}
FIELD = re.compile(r"(\w+) = forms\.CharField\((?:[^()]|\([^()]*(?:\([^()]*\)[^()]*)*\))*?forms\.Textarea")


def _sources() -> list[Path]:
    own = ("billing", "complaints", "customers", "interactions", "outreach", "staff", "workspace", "foundation")
    return [path for app in own for path in (settings.BASE_DIR / app).rglob("*.py")]


def test_every_text_area_is_shown_with_a_draft() -> None:
    shown = "".join(path.read_text() for path in (settings.BASE_DIR / "templates").rglob("*.html"))
    fields = {
        (str(path.relative_to(settings.BASE_DIR)), name)
        for path in _sources()
        for name in FIELD.findall(path.read_text())
        if str(path.relative_to(settings.BASE_DIR)) not in EXEMPT
    }
    assert {name for _path, name in fields} >= {"summary", "note", "result", "value", "text", "answer"}
    bare = [where for where in sorted(fields) if not re.search(rf"draft_field [\w.]+\.{where[1]} ", shown)]
    assert bare == []
