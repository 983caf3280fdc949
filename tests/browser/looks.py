"""What every page type must pass: axe without a violation, no sideways scroll, the weight budget."""

from __future__ import annotations

import os
from datetime import date
from itertools import product
from typing import TypeVar

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

T = TypeVar("T")
MATRIX = list(product(("light", "dark"), ("zh-hans", "en"), (1440, 390)))
DEEP = os.environ.get("CARELINE_DEEP") == "1"


def todays_matrix() -> list[tuple[str, str, int]]:
    """All eight combinations in a deep run, else two that change from day to day and lie opposite each other; see
    `todays_half`."""
    if DEEP:
        return MATRIX
    turn = date.today().toordinal() % len(MATRIX)
    return [MATRIX[turn], MATRIX[len(MATRIX) - 1 - turn]]


def todays_half(pages: list[T], look: tuple[str, str, int]) -> list[T]:
    """In a deep run all pages, else every other one, so that the two looks of the day share them."""
    return pages if DEEP else pages[todays_matrix().index(look) :: 2]


def todays_look() -> list[tuple[str, str, int]]:
    """All eight combinations in a deep run, else the first of the day: for states of pages `todays_matrix` looks at."""
    return todays_matrix() if DEEP else todays_matrix()[:1]


def axe_violations(page: Page) -> list[str]:
    """What axe finds, a line each; the page must come from a context with `bypass_csp=True`."""
    # Preloading would fetch imported style layers below the address of the page.
    found = Axe().run(page, options={"preload": False}).response["violations"]
    return [f"{v['id']}: {node['html'][:160]} ({node['failureSummary']})" for v in found for node in v["nodes"]]


def sideways(page: Page) -> int:
    """By how many pixels the page can be scrolled sideways."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
