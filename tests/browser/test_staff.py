"""The door and the pages of administration in a real browser: journeys, axe, width."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from foundation.common import clock
from staff.models import Absence, User
from tests.factories import PASSWORD, UnitFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin() -> User:
    return UserFactory(
        role="SYS_ADMIN",
        username="admin1",
        password=PASSWORD,
        unit=UnitFactory(code="HQ", name="HQ", no=1, last_no=900),
    )


def type_in(page: Page, password: str) -> None:
    page.fill("#id_login", "admin1")
    page.fill("#id_password", password)
    page.press("#id_password", "Enter")


def test_signing_in_being_refused_being_locked_out(admin, browser_page, watch):
    watch.allowed = ["status of 429"]
    page = browser_page(language="en")
    page.goto(reverse("staff:me"))
    type_in(page, "wrong")
    expect(page.locator("#errors")).to_be_visible()
    type_in(page, PASSWORD)
    expect(page).to_have_url(address_of(page, "staff:me"))
    other = browser_page(language="en")
    other.goto(reverse("account_login"))
    for _n in range(5):
        type_in(other, "wrong")
    expect(other.get_by_role("heading", name="Account locked")).to_be_visible()


def address_of(page: Page, name: str) -> str:
    return "/".join(page.url.split("/")[:3]) + reverse(name)


def test_switches_keep_the_page_and_speak_at_once(admin, browser_page):
    page = browser_page(user=admin)
    page.goto(reverse("staff:user-list") + "?state=present")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="People")).to_be_visible()
    assert page.url.endswith("?state=present")
    page.get_by_role("button", name="Dark theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_person_is_chosen_by_typing(admin, browser_page):
    mate = UserFactory(staff_no="M100", name="Zhou Li", role="AGENT", unit=admin.unit)
    page = browser_page(user=admin, language="en")
    page.goto(reverse("staff:absence-new"))
    page.fill("#id_user", "M1")
    expect(page.locator("#id_user_list option")).to_have_attribute("value", "M100 Zhou Li")
    page.fill("#id_user", "M100 Zhou Li")
    start = (clock.now() + timedelta(days=1)).astimezone(clock.BUSINESS_ZONE)
    page.fill("#id_starts_at", start.strftime("%Y-%m-%dT%H:%M"))
    page.fill("#id_ends_at", (start + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M"))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Absence of Zhou Li")).to_be_visible()
    assert Absence.objects.get().user == mate
