"""Searching in a real browser: the box by keyboard, the list, another unit's customer and the start of a contact."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.looks import axe_violations, sideways, todays_matrix
from tests.customers.people import Operator, customer, operator

pytestmark = pytest.mark.django_db(transaction=True)
WANG = "\u738b\u5c0f\u660e"


@pytest.fixture
def op(live_server) -> Operator:
    made = operator()
    customer(made.hall, WANG, mobile="13800138000", home_city="Sanya")
    customer(made.hall, "\u738b\u5c0f\u7ea2", status="DORMANT")
    customer(
        made.hall,
        "\u738b\u5c0f\u6d77\u6d6a\u65c5\u6e38\u6709\u9650\u516c\u53f8",
        short_name="\u6d77\u6d6a",
        customer_type="ENTERPRISE",
    )
    customer(made.elsewhere, "\u674e\u56db", mobile="18612349999")
    return made


@pytest.mark.parametrize(("theme", "language", "width"), todays_matrix())
def test_the_pages_of_search_pass_axe(op, browser_page, shoot, theme, language, width):
    page = browser_page(op.clerk, theme=theme, language=language, width=width, bypass_csp=True)
    for name, text in (("several", "\u738b\u5c0f"), ("outside", "18612349999"), ("nobody", "zzzz")):
        page.goto("/interactions/")
        page.evaluate("text => { const q = document.querySelector('#q'); q.value = text; q.form.submit(); }", text)
        page.wait_for_url(re.compile(r"/search/[\w-]{32}/$"))
        shoot(page, f"search-{name}-{theme}-{language}-{width}")
        assert axe_violations(page) == []
        assert sideways(page) == 0


def test_a_customer_is_found_and_opened_with_the_keyboard(op, browser_page):
    page = browser_page(op.clerk, language="en")
    page.goto("/interactions/")
    page.keyboard.press("/")
    page.keyboard.type("wxm")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/customers/\w+/$"))
    assert "wxm" not in page.url


def test_another_units_customer_opens_by_starting_a_contact(op, browser_page):
    page = browser_page(op.clerk, language="en")
    page.goto("/interactions/")
    page.locator("#q").fill("186 1234 9999")
    page.keyboard.press("Enter")
    line = page.locator("#results tbody tr")
    expect(line).to_have_count(1)
    expect(line).to_contain_text("\u674e*")
    line.get_by_role("button", name="Start contact").click()
    page.wait_for_url(re.compile(r"/customers/\w+/$"))
    expect(page.locator("main")).to_contain_text("\u674e\u56db")
