"""Every page on the sample operator, as people see it and as production serves it: axe, sideways scroll, weight,
requests, nodes, queries.

One operator for all pages: what is found is collected and shown together, page by page.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Page, Response

from staff.models import User
from tests.browser.looks import axe_violations, sideways, todays_turns
from tests.browser.production import served_as_in_production
from tests.browser.site import Opening, make_site
from tests.doors.test_doors import read_table
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)
COLD_BYTES, COLD_REQUESTS, WARM_REQUESTS, NODES, QUERIES = 90_000, 12, 2, 2_500, 15
NARROWEST = {"width": 320, "height": 640}
# Answers to GET that are no pages: fragments, choices, plain text for machines. The style guide is a test of its own.
NO_PAGES = {
    "api-docs",  # a page of the package that shows the document
    "api:complaint-clock",
    "api:complaint-clocks",
    "complaints:file",
    "complaints:inline",
    "complaints:intake-look",
    "complaints:mail-file",
    "customers:customer-timeline",
    "customers:inline-edit",
    "exports:export-file",
    "healthz",
    "interactions:contact-quick-log",
    "interactions:rights-fetch",
    "metrics",
    "openapi",
    "outreach:bell-menu",
    "readyz",
    "staff:person-options",
    "staff:unit-options",
    "tmf:nowhere",
    "ui:styleguide",
}


@pytest.fixture(scope="module")
def live_server(tmp_path_factory):
    with served_as_in_production(tmp_path_factory.mktemp("static")) as server:
        yield server


@dataclass
class Look:
    """One page in one combination; `faults` says what breaks a rule of ui-guide §10 and §11."""

    page: Page
    opening: Opening
    known: set[str]
    frame: bool
    answers: list[Response] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """The page at its own width, nothing in the browser's cache, and its answers taken down."""
        width = self.page.viewport_size
        self.page.context.new_cdp_session(self.page).send("Network.clearBrowserCache")
        self.page.on("response", self._note)
        yield
        self.page.remove_listener("response", self._note)
        self.page.set_viewport_size(width)

    def open(self) -> None:
        """The first visit of a browser that knows nothing of the site."""
        self.page.goto(self.opening.path, wait_until="load")
        if self.opening.url_name not in ("account_login", "account_reauthenticate") and "next=" in self.page.url:
            self.page.locator("main [name=password]").fill(PASSWORD)
            self.answers.clear()
            self.page.keyboard.press("Enter")
            self.page.wait_for_url(f"**{self.opening.path}", wait_until="load")
        if (status := self._own().status) != self.opening.status:
            self.faults.append(f"status {status}")

    def weigh(self) -> None:
        """What the visit costs, cold and with the browser's cache filled."""
        page = len(gzip.compress(self.page.content().encode()))
        rest = self.page.evaluate(
            "performance.getEntriesByType('resource').reduce((sum, one) => sum + one.encodedBodySize, 0)"
        )
        self._limit("bytes", page + rest, COLD_BYTES)
        self._limit("requests", self._fetched(), COLD_REQUESTS)
        self._limit("nodes", self.page.evaluate("document.querySelectorAll('*').length"), NODES)
        self.answers.clear()
        self.page.reload(wait_until="load")
        timing = self._own().headers.get("server-timing", "")
        found = re.search(r"q;desc=\"?(\d+)", timing)
        # The handler of errors answers without having counted.
        if self.opening.status == 200:
            self._limit("queries", int(found[1]) if found else -1, QUERIES)
        self._limit("requests when warm", self._fetched(), WARM_REQUESTS)

    def examine(self) -> None:
        """What people meet: names, contrast, order, and no sideways scroll down to 320 pixels."""
        self.faults += axe_violations(self.page, self.known, frame=self.frame)
        if wide := sideways(self.page):
            self.faults.append(f"scrolls {wide} px sideways")
        if self.page.locator("h1").count() != 1:
            self.faults.append(f"{self.page.locator('h1').count()} headings of level 1")
        self.page.set_viewport_size(NARROWEST)
        if wide := sideways(self.page):
            self.faults.append(f"scrolls {wide} px sideways at 320")

    def _note(self, answer: Response) -> None:
        self.answers.append(answer)

    def _fetched(self) -> int:
        """How many requests the visit took: the page and what did not come out of the cache."""
        return 1 + self.page.evaluate(
            "performance.getEntriesByType('resource').filter(one => one.transferSize > 0).length"
        )

    def _own(self) -> Response:
        """The answer that is the page itself."""
        return next(answer for answer in self.answers if answer.url.endswith(self.opening.path))

    def _limit(self, what: str, value: int, most: int) -> None:
        self.figures[what] = value
        if not 0 <= value <= most:
            self.faults.append(f"{value} {what}, at most {most}")


@pytest.mark.covers("ARC-04")
@pytest.mark.parametrize("combinations", todays_turns(), ids=str)
def test_every_page_keeps_the_rules(browser_page, watch, shoot, capsys, combinations):
    watch.allowed += ["status of 404", "status of 403"]
    faults: list[str] = []
    most: dict[str, tuple[int, str]] = {}
    openings = make_site()
    for turn, (theme, language, width) in enumerate(combinations):
        pages: dict[User | None, Page] = {}
        known: set[str] = set()
        for opening in openings[turn :: len(combinations)]:
            frame = opening.user not in pages
            if frame:
                if opening.user is not None:
                    opening.user.theme = theme
                    opening.user.save(update_fields=["theme"])
                pages[opening.user] = browser_page(opening.user, theme, language, width, bypass_csp=True)
            look = Look(pages[opening.user], opening, known, frame)
            with look.watched():
                look.open()
                shoot(look.page, f"{opening.name}-{theme}-{language}-{width}")
                look.weigh()
                look.examine()
            faults += [f"{opening.name} ({theme} {language} {width}): {fault}" for fault in look.faults]
            for what, value in look.figures.items():
                most[what] = max(most.get(what, (0, "")), (value, opening.name))
        for page in pages.values():
            page.context.close()
    with capsys.disabled():
        print(f"\n{combinations}, at most:", *(f"{n} {what} ({page})" for what, (n, page) in most.items()))  # noqa: T201
    assert faults == [], "\n".join(faults)
    assert pages_of_the_doors() - {opening.url_name for opening in openings} == set()


def pages_of_the_doors() -> set[str]:
    """The names of all addresses that answer a GET with a page; what programs ask is none."""
    rows = [row for row in read_table() if (row["method"], row["ok"]) == ("GET", "200")]
    return {row["url"] for row in rows if not row["url"].startswith("tmf:")} - NO_PAGES
