"""The desk with the customers viewed last, in a real browser."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests.browser.looks import axe_violations, sideways, todays_look
from tests.customers.people import customer, operator

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("theme", "language", "width"), todays_look())
def test_whom_i_opened_stands_on_my_desk_and_leads_back(browser_page, shoot, theme, language, width):
    op = operator()
    rows = [
        customer(op.hall, "王小娟", home_city="杭州"),
        customer(op.hall, "云图科技有限公司", customer_type="ENTERPRISE"),
    ]
    op.clerk.theme = theme
    op.clerk.save(update_fields=["theme"])
    page = browser_page(op.clerk, theme=theme, language=language, width=width, bypass_csp=True)
    for row in rows:
        page.goto(reverse("customers:customer-detail", args=[row.pk]))
    page.goto("/")
    shoot(page, f"viewed-{theme}-{language}-{width}")
    assert axe_violations(page) == []
    assert sideways(page) == 0
    page.get_by_role("link", name="王*娟").click()
    expect(page.locator("h1")).to_have_text("王*娟")
