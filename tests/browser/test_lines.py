"""A line opened, changed and ended by hand in a real browser; how its pages look."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from customers.models import Customer, Subscription
from foundation.common import clock
from tests.browser.looks import axe_violations, sideways, todays_look
from tests.customers.people import customer, operator
from tests.factories import PlanFactory, SubscriptionFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clerk():
    return operator().clerk


@pytest.fixture
def row(clerk) -> Customer:
    for name, fee in (("畅享 129", "129.00"), ("畅享 199", "199.00")):
        PlanFactory(name=name, monthly_fee=fee)
    PlanFactory(name="千兆宽带", product_line="BROADBAND", monthly_fee="99.00")
    return customer(clerk.unit, "王小娟", identity_status="VERIFIED")


def test_a_line_is_opened_changed_and_ended(clerk, row, browser_page):
    page = browser_page(clerk, language="en")
    page.goto(reverse("customers:customer-detail", args=[row.pk]))
    page.get_by_role("link", name="Open a line").click()
    page.get_by_label("Number or account").fill("138 0013 8000")
    page.get_by_label("Plan").select_option(label="畅享 129 · ¥\N{NO-BREAK SPACE}129.00")
    page.get_by_role("button", name="Open the line").click()
    expect(page.get_by_role("status").get_by_text("The line was opened.")).to_be_visible()
    page.get_by_role("link", name="138 **** 8000").click()
    page.get_by_label("Plan").select_option(label="畅享 199 · ¥\N{NO-BREAK SPACE}199.00")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("138 **** 8000 · 畅享 129 → 畅享 199 · Plan")).to_be_visible()
    page.get_by_role("link", name="138 **** 8000").click()
    page.get_by_role("button", name="End the line").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The line 138 **** 8000 ends and its number rests. This cannot be undone.")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    dialog.get_by_role("button", name="Cancel").click()
    assert Subscription.objects.get().status == "ACTIVE"
    page.get_by_role("button", name="End the line").click()
    dialog.get_by_role("button", name="End the line").click()
    expect(page.get_by_text("Terminated").first).to_be_visible()
    assert Subscription.objects.get().terminated_on == clock.today()


def test_without_script_a_line_is_opened_and_ended(clerk, row, browser_page):
    page = browser_page(clerk, language="en", script=False)
    page.goto(reverse("customers:line-new", args=[row.pk]))
    page.fill("#id_service_no", "13800138000")
    page.get_by_role("button", name="Open the line").click()
    page.get_by_role("link", name=re.compile("8000")).click()
    page.get_by_role("button", name="End the line").click()
    assert Subscription.objects.get().status == "TERMINATED"


@pytest.mark.parametrize(("theme", "language", "width"), todays_look())
def test_the_pages_of_a_line_pass_axe_and_never_scroll_sideways(
    clerk, row, browser_page, shoot, watch, theme, language, width
):
    watch.allowed = ["status of 422"]
    clerk.theme = theme
    clerk.save(update_fields=["theme"])
    line = SubscriptionFactory(customer=row, contract_end=clock.today() + timedelta(days=300), user_name="李四光")
    page = browser_page(clerk, theme=theme, language=language, width=width, bypass_csp=True)
    for name, path in (
        ("line-new", reverse("customers:line-new", args=[row.pk])),
        ("line", reverse("customers:line-detail", args=[row.pk, line.pk])),
        ("line-customer", reverse("customers:customer-detail", args=[row.pk])),
    ):
        page.goto(path)
        shoot(page, f"{name}-{theme}-{language}-{width}")
        assert axe_violations(page) == [], name
        assert sideways(page) == 0, name
    page.goto(reverse("customers:line-new", args=[row.pk]))
    page.fill("#id_service_no", "1")
    page.fill("#id_activated_on", "2999-01-01")
    page.locator("form.form button[type=submit]").click()
    expect(page.locator("#errors")).to_be_focused()
    shoot(page, f"line-refused-{theme}-{language}-{width}")
    assert axe_violations(page) == []
