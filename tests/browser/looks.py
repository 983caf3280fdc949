"""What every page type must pass: axe without a violation, no sideways scroll, the weight budget."""

from __future__ import annotations

import os
from datetime import date
from itertools import product

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

Combination = tuple[str, str, int]
MATRIX: list[Combination] = list(product(("light", "dark"), ("zh-hans", "en"), (1440, 390)))
DEEP = os.environ.get("CARELINE_DEEP") == "1"


def todays_matrix() -> list[Combination]:
    """All eight combinations in a deep run, else two that change from day to day and lie opposite each other."""
    if DEEP:
        return MATRIX
    turn = date.today().toordinal() % len(MATRIX)
    return [MATRIX[turn], MATRIX[len(MATRIX) - 1 - turn]]


def todays_turns() -> list[list[Combination]]:
    """For a test of all pages: in a deep run each combination alone, else the two of the day, page by page in turn."""
    return [[one] for one in MATRIX] if DEEP else [todays_matrix()]


def todays_look() -> list[Combination]:
    """All eight combinations in a deep run, else the first of the day: for states of pages `todays_turns` looks at."""
    return todays_matrix() if DEEP else todays_matrix()[:1]


def axe_violations(page: Page) -> list[str]:
    """What axe finds, a line each; the page must come from a context with `bypass_csp=True`."""
    # Preloading would fetch imported style layers below the address of the page; what passed need not be told.
    found = Axe().run(page, options={"preload": False, "resultTypes": ["violations"]}).response["violations"]
    return [f"{v['id']}: {node['html'][:160]} ({node['failureSummary']})" for v in found for node in v["nodes"]]


def sideways(page: Page) -> int:
    """By how many pixels the page can be scrolled sideways."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
