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


# Of an element with words: its own colours, letters and what is painted behind it, up to the first opaque ground.
_CONTRAST_OF_NEW = """async ([known, options]) => {
  const seen = new Set(known), fresh = [], keys = [], styles = new Map();
  const style = (node) => styles.get(node) ?? styles.set(node, getComputedStyle(node)).get(node);
  const behind = (node) => {
    const layers = [];
    for (let up = node; up; up = up.parentElement) {
      const { backgroundColor, backgroundImage, opacity, position } = style(up);
      layers.push(backgroundColor, backgroundImage, opacity, position);
      if (!/^rgba\\(.*, (0|0?\\.\\d+)\\)$|transparent/.test(backgroundColor) && opacity === "1") break;
    }
    return layers.join();
  };
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const spoken = new Set(document.querySelectorAll("input, select, textarea"));
  while (words.nextNode()) if (words.currentNode.data.trim()) spoken.add(words.currentNode.parentElement);
  for (const node of spoken) {
    if (!node.getClientRects().length) continue;
    const { color, fontSize, fontWeight, textShadow } = style(node);
    const key = [node.matches("input, select, textarea") && node.tagName + node.disabled, color, fontSize, fontWeight,
      textShadow, behind(node)].join();
    if (seen.has(key)) continue;
    seen.add(key);
    keys.push(key);
    fresh.push(node);
  }
  const found = fresh.length ? await axe.run({ include: fresh }, { ...options, runOnly: ["color-contrast"] }) : null;
  return [found?.violations ?? [], keys];
}"""


def axe_violations(page: Page, known: set[str] | None = None, *, frame: bool = True) -> list[str]:
    """What axe finds, a line each; the page must come from a context with `bypass_csp=True`. `known`: the combinations
    of letters, colours and grounds looked at already, with whom contrast, most of axe's time, is not measured again.
    `frame` false: the menu around the page was looked at already."""
    # Preloading would fetch imported style layers below the address of the page; what passed need not be told.
    options = {"preload": False, "resultTypes": ["violations"]}
    rules = {} if known is None else {"rules": {"color-contrast": {"enabled": False}}}
    around = None if frame else {"exclude": [[".side"], [".top"], [".tabbar"]]}
    found = Axe().run(page, context=around, options=options | rules).response["violations"]
    if known is not None:
        faint, keys = page.evaluate(_CONTRAST_OF_NEW, [sorted(known), options])
        found += faint
        known |= set(keys)
    return [f"{v['id']}: {node['html'][:160]} ({node['failureSummary']})" for v in found for node in v["nodes"]]


def sideways(page: Page) -> int:
    """By how many pixels the page can be scrolled sideways."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
