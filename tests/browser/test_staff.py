"""The door and the pages of administration in a real browser: journeys, axe, width."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from foundation.common import clock
from staff.models import Absence, User
from tests.browser.looks import axe_violations, sideways, todays_look
from tests.factories import PASSWORD, TeamFactory, TeamMemberFactory, UnitFactory, UserFactory

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


@pytest.mark.parametrize(("theme", "language", "width"), todays_look())
def test_pages_pass_axe_and_never_scroll_sideways(
    theme: str, language: str, width: int, admin: User, browser_page: Callable[..., Page], shoot: Any
) -> None:
    lead = TeamFactory(lead__unit=admin.unit).lead
    mate = TeamMemberFactory(team=lead.led_teams.get(), user__unit=admin.unit).user
    absence = Absence.objects.create(user=mate, reason="RESIGNED", starts_at=clock.now())
    stranger = browser_page(theme=theme, language=language, width=width, bypass_csp=True)
    page = browser_page(user=admin, theme=theme, language=language, width=width, bypass_csp=True)
    for look, address in (
        (stranger, reverse("account_login")),
        (page, reverse("staff:me")),
        (page, reverse("mfa_index")),
        (page, reverse("account_change_password")),
        (page, reverse("usersessions_list")),
        (page, reverse("staff:user-list")),
        (page, reverse("staff:user-detail", args=[mate.pk])),
        (page, reverse("staff:unit-list")),
        (page, reverse("staff:unit-detail", args=[admin.unit.pk])),
        (page, reverse("staff:team-detail", args=[lead.led_teams.get().pk])),
        (page, reverse("staff:shift-new")),
        (page, reverse("staff:absence-detail", args=[absence.pk])),
    ):
        look.goto(address)
        shoot(look, f"staff-{address.strip('/').replace('/', '-')}-{theme}-{language}-{width}")
        assert axe_violations(look) == [], address
        assert sideways(look) == 0, address
