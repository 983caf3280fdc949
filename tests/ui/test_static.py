"""The style sheets and scripts: only what old browsers know, light enough, readable in both themes."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

from foundation.ui.storage import join_layers

STATIC = Path(settings.BASE_DIR) / "static" / "ui"
CSS = sorted((STATIC / "css").rglob("*.css"))
JS = sorted((STATIC / "js").glob("*.js"))
WALL = STATIC / "js" / "wall.js"  # of one page alone
# Chromium 109, Firefox 121 and Safari 16.4 do not all know these (ui-guide §1).
FORBIDDEN = ["color-mix(", "light-dark(", "oklch(", "oklab(", "subgrid", "popover", "anchor-name", "anchor(", "@scope"]
LAYERS = ["tokens", "base", "layout", "parts", "pages", "util"]


def joined_css() -> str:
    """The one style sheet production serves."""
    return join_layers(lambda name: (settings.BASE_DIR / "static" / name).read_text())


def zipped(paths: list[Path]) -> int:
    return sum(len(gzip.compress(path.read_bytes(), 9)) for path in paths)


@pytest.mark.parametrize("path", CSS, ids=lambda path: str(path.relative_to(STATIC / "css")))
def test_style_sheets_use_nothing_old_browsers_lack(path):
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
    assert [word for word in FORBIDDEN if word in text] == []
    depth, open_rules = 0, []
    for part in re.findall(r"[^{}]*[{}]", text):
        head = part[:-1].split(";")[-1].strip()
        if part.endswith("{"):
            nested = depth and not head.startswith("@") and not open_rules[-1].startswith("@")
            assert not nested, f"{head} is nested in {open_rules[-1]}"
            open_rules.append(head)
            depth += 1
        else:
            open_rules.pop()
            depth -= 1
    assert depth == 0


def test_selectors_are_valid_names():
    # A class may not begin with a hyphen and a digit: browsers drop the whole rule silently.
    for path in CSS:
        assert re.findall(r"\.-?\d[\w-]*(?=[\s,:.>{])", re.sub(r"\{[^{}]*\}", "{}", path.read_text())) == [], path.name


@pytest.mark.parametrize("path", JS, ids=lambda path: path.name)
def test_scripts_carry_no_code_from_text(path):
    text = path.read_text()
    assert [
        word for word in ("eval(", "new Function", "innerHTML", "localStorage", "sessionStorage") if word in text
    ] == []


def test_imports_of_scripts_form_no_ring():
    # The hashed names of a ring of modules could not be computed.
    graph = {p.name: set(re.findall(r"""["']\./(\w+\.js)["']""", p.read_text())) for p in JS}
    for start in graph:
        seen, todo = set(), set(graph[start])
        while todo:
            name = todo.pop()
            seen.add(name)
            todo |= graph[name] - seen
        assert start not in seen


def test_weights_keep_the_budget():
    assert len(gzip.compress(joined_css().encode(), 9)) <= 16 * 1024
    assert zipped([path for path in JS if path != WALL]) <= 12 * 1024
    assert zipped([WALL]) <= 1024
    assert zipped([Path(finders.find("django_htmx/htmx-2.min.js"))]) <= 17 * 1024


def test_joined_style_sheet_holds_every_layer_in_order():
    joined = joined_css()
    assert joined.startswith(f"@layer {', '.join(LAYERS)};")
    assert re.findall(r"^@layer (\w+) \{$", joined, re.MULTILINE) == LAYERS
    assert "@import" not in joined
    imported = re.findall(r'url\("([^"]+)"\)', (STATIC / "css" / "app.css").read_text())
    assert sorted(imported) == [str(p.relative_to(STATIC / "css")) for p in CSS if p.name != "app.css"]
    assert joined.count("{") == joined.count("}")


def _tokens(selector: str) -> dict[str, str]:
    text = (STATIC / "css" / "tokens.css").read_text()
    start = text.index(selector)
    block = text[text.index("{", start) + 1 : text.index("}", start)]
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{3,8})\b", block))


LIGHT, DARK = _tokens('[data-theme="light"]'), _tokens('[data-theme="dark"]')
SYSTEM_DARK = _tokens(':root[data-theme="auto"]')


def _luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


TEXT_PAIRS = [
    *((ink, ground) for ink in ("tx", "tx2", "mut") for ground in ("bg", "sf", "sf2", "sf3")),
    *((ink, ground) for ink in ("dg", "wn", "ok", "vi", "br-t") for ground in ("sf", "sf2", "bg")),
    *((ink, f"{ink}-s") for ink in ("dg", "wn", "ok", "vi")),
    *(("tx", f"{ground}-s") for ground in ("dg", "wn", "ok", "vi", "br")),
    ("br-t", "br-s"),
    ("on-br", "br"),
    ("on-br", "br-h"),
    ("on-br", "pip"),
    ("sf", "tx"),
]
MARK_PAIRS = [
    *((mark, ground) for mark in ("bd3", "ch1", "ch2", "ch3") for ground in ("sf", "sf2")),
    ("br-t", "bg"),
    ("br-t", "sf"),
]


def test_the_system_theme_has_the_colours_of_the_dark_one():
    assert SYSTEM_DARK == DARK
    assert LIGHT.keys() == DARK.keys()


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_has_enough_contrast(theme):
    weak = {(a, b): round(contrast(theme[a], theme[b]), 2) for a, b in TEXT_PAIRS if contrast(theme[a], theme[b]) < 4.5}
    assert weak == {}


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_marks_have_enough_contrast(theme):
    weak = {(a, b): round(contrast(theme[a], theme[b]), 2) for a, b in MARK_PAIRS if contrast(theme[a], theme[b]) < 3}
    assert weak == {}


def test_contrast_is_computed_as_wcag_says():
    assert contrast("#000", "#fff") == pytest.approx(21)
    assert contrast("#777777", "#fff") == pytest.approx(4.48, abs=0.01)
