"""A real browser for tests: Debian's Chromium, by preference without its window, a fresh context per page, and a watch
that ends a test red on a console error, a CSP report, a failed request or a request to another origin."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

HERE = Path(__file__).parent
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
SWITCHED_OFF = os.environ.get("CARELINE_NO_BROWSER") == "1"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HEIGHTS = {390: 780, 320: 640}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    ours = [item for item in items if HERE in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.browser)
    if not ours:
        return
    if SWITCHED_OFF:
        if os.environ.get("CI"):
            raise pytest.UsageError("CARELINE_NO_BROWSER is refused in CI: the browser tests belong to the result")
        config.hook.pytest_deselected(items=ours)
        items[:] = [item for item in items if item not in ours]
        print(f"\nCARELINE_NO_BROWSER=1: {len(ours)} browser tests are left out")  # noqa: T201
    elif CHROMIUM is None:
        raise pytest.UsageError("there is no Chromium: run ./careline test, which installs it or says how")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    # Playwright's loop runs in this thread, so Django would refuse the ORM here.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Watch:
    """What went wrong in the pages of one test. `allowed`: parts of messages that are expected."""

    origin: str
    allowed: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)

    def note(self, problem: str) -> None:
        if not any(part in problem for part in self.allowed):
            self.found.append(problem)

    def follow(self, page: Page) -> None:
        page.on("console", lambda message: message.type == "error" and self.note(f"console: {message.text}"))
        page.on("pageerror", lambda error: self.note(f"script: {error}"))
        page.on("request", self._request)
        page.on("requestfailed", self._failed)

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self.origin, "data:", "blob:", "about:")):
            self.note(f"foreign origin: {request.url}")

    def _failed(self, request: Any) -> None:
        # Leaving a page cuts its requests; that is not a failure of the server.
        if request.failure != "net::ERR_ABORTED":
            self.note(f"failed: {request.method} {request.url} {request.failure}")


@pytest.fixture
def watch(live_server: Any) -> Iterator[Watch]:
    """The watch over all pages of the test; put into `watch.allowed` what the test provokes ("status of 422")."""
    watching = Watch(live_server.url)
    yield watching
    assert watching.found == []


@pytest.fixture
def browser_page(chromium: Browser, live_server: Any, watch: Watch) -> Iterator[Callable[..., Page]]:
    """`browser_page(user=None, theme="light", language="zh-hans", width=1440, bypass_csp=False, script=True)`:
    a page in its own context, signed in as `user`; relative addresses lead to the live server."""
    contexts: list[BrowserContext] = []

    def make(
        user: Any = None,
        theme: str = "light",
        language: str = "zh-hans",
        width: int = 1440,
        bypass_csp: bool = False,
        script: bool = True,
    ) -> Page:
        context = chromium.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": HEIGHTS.get(width, 900)},
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            color_scheme=theme,
            bypass_csp=bypass_csp,
            java_script_enabled=script,
            has_touch=width < 760,
            reduced_motion="reduce",
        )
        contexts.append(context)
        cookies = [{"name": settings.LANGUAGE_COOKIE_NAME, "value": language, "url": live_server.url}]
        if user is not None:
            user.language = language
            user.save(update_fields=["language"])
            client = Client()
            with override_settings(AXES_ENABLED=False):  # force_login's request has no address to count attempts by
                client.force_login(user, backend="staff.backends.StaffBackend")
            session = client.cookies[settings.SESSION_COOKIE_NAME].value
            cookies.append({"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url})
        context.add_cookies(cookies)
        context.set_default_timeout(10_000)
        page = context.new_page()
        watch.follow(page)
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(browser_page: Callable[..., Page]) -> Page:
    """A page nobody is signed in on."""
    return browser_page()


@pytest.fixture
def shoot() -> Callable[[Page, str], Path]:
    """Save a picture of the whole page for people to look at."""
    folder = Path(os.environ.get("CARELINE_SHOTS") or settings.BASE_DIR / ".state" / "shots")
    folder.mkdir(parents=True, exist_ok=True)

    def save(page: Page, name: str) -> Path:
        path = folder / f"{name}.png"
        page.screenshot(path=path, full_page=True)
        return path

    return save
