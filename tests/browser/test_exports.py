"""Lists taken out as files, and a manager's list, in a real browser: the journey, and how the pages look."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from staff.exports.models import Export
from tests.customers.people import customer
from tests.factories import UnitFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_button_goes_on_with_the_filters_of_now(browser_page: Any) -> None:
    unit = UnitFactory(no=100, last_no=199)
    manager = UserFactory(role="ACCOUNT_MANAGER", unit=unit)
    for n in range(3):
        customer(unit, f"王小{n}", manager=manager, mobile=f"1380013800{n}")
    officer = UserFactory(role="DPO", unit=unit)
    page = browser_page(manager, language="en")
    page.goto(reverse("workspace:book"))
    with page.expect_response(lambda answer: "quiet=90" in answer.url):
        page.locator("select[name=quiet]").select_option("90")
    page.get_by_role("link", name="Export", exact=True).click()
    expect(page.get_by_role("complementary")).to_contain_text("No contact for 90 days")
    page.get_by_role("group", name="In clear instead of masked").get_by_label("Phone").check()
    page.get_by_label("What the file is for").fill("Calls of the quarter")
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_text("A data protection officer decides about this export")).to_be_visible()
    export = Export.objects.get()
    assert (export.filters["quiet"], export.clear, export.approval) == ("90", ["phone"], "ASKED")
    decides = browser_page(officer, language="en")
    decides.goto(reverse("exports:approval-list"))
    decides.get_by_role("link", name="My customers").click()
    decides.get_by_role("button", name="Approve").click()
    expect(decides.get_by_text("Decided by")).to_be_visible()
    export.refresh_from_db()
    assert export.approval == "GRANTED" and export.run_id is not None
