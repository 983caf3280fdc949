"""The look itself: faint words are found on the page that has them first, and are not measured twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.looks import axe_violations

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = """<!doctype html><html lang="en"><head><title>Look</title><style>
body { color: #111; background: #fff; }
.faint { color: #bbb; } .dark { background: #333; } .clear { background: #0000; }
</style></head><body><main><h1>Look</h1><p>Plain</p>%s</main></body></html>"""


def test_faint_words_are_found_once_for_each_ground(browser_page: Callable[..., Page]) -> None:
    page, known = browser_page(bypass_csp=True), set[str]()

    def found(words: str) -> list[str]:
        page.set_content(PAGE % words)
        return [line.split(":")[0] for line in axe_violations(page, known)]

    assert found("") == [] and known
    faint = '<p class="faint">Faint</p>'
    assert found(f"{faint}{faint}") == ["color-contrast"]
    assert found(faint) == []  # looked at already
    assert found(f'<div class="dark"><div class="clear">{faint}<p>Unread</p></div></div>') == ["color-contrast"]
    assert found('<p class="faint"><b>Faint and bold</b></p>') == ["color-contrast"]
    assert found('<label>Field <input class="faint" value="x"></label>') == ["color-contrast"]
    assert found(f'{faint}<img src="data:,x">') == ["image-alt"]
