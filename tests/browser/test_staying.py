"""The session lives as long as somebody works: by typing and clicking too, not by a page that only polls."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.urls import reverse
from playwright.sync_api import Page, expect

from foundation.common import clock
from staff.models import User
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
STAY = re.compile(r"/me/stay/$")


class Hours:
    """Moves the clock of the page and of the server together."""

    def __init__(self, page: Page, start: datetime, travel: pytest.MonkeyPatch) -> None:
        self.page, self.now, self.travel = page, start, travel

    def pass_by(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)
        self.travel.setattr(clock, "_frozen", self.now)
        self.page.clock.fast_forward(int(minutes * 60_000))


@pytest.fixture
def clerk(settings) -> User:
    settings.SESSION_COOKIE_AGE = 1800
    return UserFactory(role="HALL_CLERK")


@pytest.fixture
def hours(clerk, browser_page, monkeypatch) -> Hours:
    """A form half filled in, opened just now."""
    start = clock.now()
    monkeypatch.setattr(clock, "_frozen", start)
    page = browser_page(clerk, language="en")
    page.clock.install()
    page.goto(reverse("customers:customer-new"))
    return Hours(page, start, monkeypatch)


def test_typing_and_clicking_keep_the_session(hours):
    page = hours.page
    name = page.locator("#id_name")
    for act in (lambda: name.press_sequentially("x"), lambda: page.locator("h1").click(), lambda: name.press("y")):
        hours.pass_by(25)
        with page.expect_response(STAY) as told:
            act()
        assert told.value.status == 204
        expect(page.locator("#session-end")).to_be_hidden()
    hours.pass_by(25)
    page.goto(reverse("staff:me"))
    assert page.url.endswith(reverse("staff:me"))


def test_work_is_told_once_a_minute_and_never_forgotten(hours):
    page, told = hours.page, []
    page.on("request", lambda request: STAY.search(request.url) and told.append(request.url))
    for letter in "abcdefgh":
        page.locator("#id_name").press(letter)
    assert told == []
    with page.expect_response(STAY):
        page.clock.fast_forward(60_000)
    page.clock.fast_forward(120_000)
    page.evaluate("0")
    assert len(told) == 1


def test_a_page_that_only_polls_is_warned_and_signed_out(hours):
    page = hours.page
    for _tick in range(27):
        hours.pass_by(1)
    expect(page.locator("#session-end")).to_be_hidden()
    hours.pass_by(1.5)
    expect(page.locator("#session-end")).to_be_visible()
    hours.pass_by(2)
    expect(page).to_have_url(re.compile(re.escape(reverse("account_login")) + r"\?next=/customers/new/"))
    assert not [row for row in Session.objects.all() if SESSION_KEY in row.get_decoded()]


def test_the_warning_keeps_the_session_and_what_was_typed(hours):
    page = hours.page
    page.locator("#id_name").press_sequentially("Wang")
    with page.expect_response(STAY):
        hours.pass_by(1)
    hours.pass_by(28.5)
    expect(page.get_by_role("button", name="Stay signed in")).to_be_focused()
    with page.expect_response(STAY) as told:
        page.keyboard.press("Enter")
    assert told.value.status == 204
    expect(page.locator("#session-end")).to_be_hidden()
    expect(page.locator("#id_name")).to_have_value("Wang")
    hours.pass_by(20)
    page.goto(reverse("staff:me"))
    assert page.url.endswith(reverse("staff:me"))


def test_an_ended_session_leads_to_the_sign_in_page_and_back(hours, watch):
    watch.allowed = ["status of 403"]  # the token went with the session
    page = hours.page
    hours.pass_by(28.5)
    expect(page.locator("#session-end")).to_be_visible()
    hours.travel.setattr(clock, "_frozen", hours.now + timedelta(minutes=5))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(re.escape(reverse("account_login")) + r"\?next=/customers/new/"))
