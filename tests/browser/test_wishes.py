"""Contact wishes in a real browser: noted, shown, taken back; how the page, the marked results and the parts of the
birthday form look."""

from __future__ import annotations

from datetime import time

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from customers import services
from customers.models import ContactTime
from tests.browser.looks import axe_violations, sideways, todays_look
from tests.customers.people import customer, operator

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.covers("ARC-21")
def test_a_time_is_noted_and_reminders_are_switched_off(browser_page, watch):
    op = operator()
    row = customer(op.hall, "王小娟")
    watch.allowed.append("status of 422")
    page = browser_page(op.clerk, language="en")
    page.goto(reverse("customers:customer-consent", args=[row.pk]))
    page.get_by_role("link", name="Contact wishes").click()
    expect(page.get_by_text("Any allowed hour")).to_be_visible()
    page.get_by_label("Begins at").fill("12:00")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#id_ends_err")).to_be_visible()
    expect(page.get_by_label("Begins at")).to_have_value("12:00")
    page.get_by_label("Ends at").fill("14:00")
    page.get_by_label("Days").select_option("WORKDAYS")
    page.get_by_role("button", name="Add", exact=True).click()
    held = page.get_by_role("listitem").filter(has_text="Monday to Friday 12:00–14:00")
    expect(held).to_contain_text("Not then")
    page.get_by_label("Wants reminders").uncheck()
    page.get_by_label("Preferred contact").select_option("EMAIL")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Wants reminders")).not_to_be_checked()
    held.get_by_role("button").click()
    expect(page.get_by_text("Any allowed hour")).to_be_visible()
    row.refresh_from_db()
    assert row.channel_preference == "EMAIL" and not ContactTime.objects.exists()
    assert [block.classes for block in row.contact_blocks.all()] == [["REMINDER"]]


@pytest.mark.parametrize(("theme", "language", "width"), todays_look())
def test_the_pages_pass_axe_and_never_scroll_sideways(browser_page, shoot, theme, language, width):
    op = operator()
    op.clerk.theme = theme
    op.clerk.save(update_fields=["theme"])
    row = customer(op.hall, "王小娟", mobile="13800138000", home_city="琼海市")
    customer(op.hall, "王小明", mobile="13900138000")
    for wish, hour in (("AVOID", 12), ("PREFER", 18)):
        services.add_contact_time(
            row.pk, actor=None, wish=wish, days="WORKDAYS", starts=time(hour), ends=time(hour + 2)
        )
    services.change_wishes(row.pk, actor=op.clerk, channel="SMS", language="en", reminders=False)
    page = browser_page(op.clerk, theme=theme, language=language, width=width, bypass_csp=True)

    def look(name: str) -> None:
        page.wait_for_load_state("networkidle")
        shoot(page, f"{name}-{theme}-{language}-{width}")
        assert axe_violations(page) == [], name
        page.set_viewport_size({"width": 320 if width == 390 else width, "height": 900})
        assert sideways(page) == 0, name
        page.set_viewport_size({"width": width, "height": 900})

    page.goto(reverse("customers:customer-wishes", args=[row.pk]))
    look("wishes")
    for typed in ("8000", "王小"):
        page.locator("#q").fill(typed)
        page.locator("#q").press("Enter")
        expect(page.locator("main mark").first).to_be_visible()
        look(f"found-{typed}")
    page.goto(reverse("customers:customer-new"))
    with page.expect_response("**/customers/birthday/**"):
        page.locator("#id_birthday_kind").select_option("LUNAR")
    look("birthday-lunar")
    with page.expect_response("**/customers/birthday/**"):
        page.locator("#id_birthday_kind").select_option("SOLAR")
    with page.expect_response("**/customers/birthday/**"):
        page.locator("#id_birth_date").fill("2000-02-29")
        page.locator("#id_birth_date").blur()
    look("birthday-solar")
