"""The desk, my work and the board in a real browser: looks with duties of every colour, and the keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from outreach.models import FollowUp
from tests.browser.looks import axe_violations, sideways, todays_look
from tests.factories import CustomerFactory
from tests.workspace.making import away, owe, team_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lead():
    """A lead with duties of every colour, a busy team and somebody away."""
    lead, (busy, absent), team = team_of(2)
    customer = CustomerFactory(unit=lead.unit, name="\u738b\u5c0f\u5a1f")
    for minutes, priority in ((-90, 1), (10, 3), (300, 2), (3000, 3)):
        owe(lead, minutes=minutes, priority=priority, customer=customer, kind="CALLBACK", subject=f"Ring at {minutes}")
    for minutes in (-10, 20):
        owe(busy, minutes=minutes)
    owe(absent)
    away(absent)
    owe(lead, minutes=30, subject="From the pool", team=team, pooled=True)
    return lead


@pytest.mark.parametrize(("theme", "language", "width"), todays_look())
def test_axe_finds_nothing_on_the_desk(browser_page, shoot, lead, theme, language, width):
    page = browser_page(lead, theme=theme, language=language, width=width, bypass_csp=True)
    page.goto("/")
    page.wait_for_load_state("networkidle")
    shoot(page, f"home-{theme}-{language}-{width}")
    assert axe_violations(page) == []
    assert sideways(page) == 0


@pytest.mark.parametrize("path", ["/work/", "/team/"])
@pytest.mark.parametrize(("theme", "language", "width"), todays_look())
def test_axe_finds_nothing_on_work_and_board(browser_page, shoot, lead, path, theme, language, width):
    page = browser_page(lead, theme=theme, language=language, width=width, bypass_csp=True)
    page.goto(path)
    page.wait_for_load_state("networkidle")
    shoot(page, f"{path.strip('/')}-{theme}-{language}-{width}")
    assert axe_violations(page) == []


def test_slash_control_k_and_g_lead_anywhere(browser_page, lead):
    page = browser_page(lead, language="en")
    page.goto("/")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.press("Control+k")
    expect(page.locator("#palette-q")).to_be_focused()
    page.keyboard.type("team board")
    option = page.locator('#palette [role="option"]')
    expect(option).to_have_count(1)
    expect(option).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    page.wait_for_url("**/team/")
    page.keyboard.press("g")
    page.keyboard.press("w")
    page.wait_for_url("**/work/")
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.wait_for_url(lambda url: url.endswith("/") and "/work" not in url and "/team" not in url)


def test_an_open_palette_passes_axe(browser_page, lead):
    page = browser_page(lead, language="en", bypass_csp=True)
    page.goto("/")
    page.keyboard.press("Control+k")
    expect(page.locator('#palette [role="option"]').first).to_be_visible()
    assert axe_violations(page) == []


def test_j_and_k_walk_through_my_work_and_enter_opens(browser_page, lead):
    page = browser_page(lead, language="en")
    page.goto("/work/")
    rows = page.locator("[data-row] [data-main]")
    expect(rows).to_have_count(4)
    page.keyboard.press("j")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(rows.nth(2)).to_be_focused()
    page.keyboard.press("k")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/follow-ups/*/")
    expect(page.locator("h1")).to_contain_text("Ring at 10")


def test_a_takes_the_next_from_the_pool(browser_page, lead):
    page = browser_page(lead, language="en")
    page.goto("/work/")
    page.keyboard.press("a")
    page.wait_for_url("**/follow-ups/*/")
    expect(page.locator("h1")).to_contain_text("From the pool")
    assert not FollowUp.objects.filter(pooled=True).exists()


def test_the_list_says_that_it_changed_and_moves_only_when_asked(browser_page, lead):
    page = browser_page(lead, language="en")
    page.goto("/")
    rows = page.locator("#next [data-row]")
    expect(rows).to_have_count(4)
    owe(lead, minutes=1, subject="Just promised")
    page.evaluate("document.body.dispatchEvent(new CustomEvent('live:tick'))")
    bar = page.locator("#next-fresh")
    expect(bar).to_be_visible()
    expect(page.locator("#figures")).to_contain_text("5")
    expect(rows).to_have_count(4)
    bar.click()
    expect(rows).to_have_count(5)
    expect(rows.nth(1)).to_contain_text("Just promised")
    expect(bar).to_be_hidden()


def test_an_attempt_is_logged_in_the_row(browser_page, lead):
    page = browser_page(lead, language="en")
    page.goto("/work/")
    row = page.locator("[data-row]").first
    row.get_by_role("link", name="Log attempt").click()
    row.locator("select").select_option("NO_ANSWER")
    row.get_by_role("button", name="Save attempt").click()
    expect(row).to_contain_text("1 attempt")
    assert FollowUp.objects.get(subject="Ring at -90").last_outcome == "NO_ANSWER"


def test_without_script_the_desk_stands(browser_page, lead):
    page = browser_page(lead, language="en", script=False)
    page.goto("/")
    expect(page.locator("#next [data-row]")).to_have_count(4)
    page.locator("a.kpi").first.click()
    expect(page.locator("[data-row]")).to_have_count(1)


def test_the_desk_keeps_the_weight_budget(browser_page, lead):
    page = browser_page(lead)
    page.goto("/")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.querySelectorAll('*').length") <= 2500
