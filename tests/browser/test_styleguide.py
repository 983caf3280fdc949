"""The components in a real browser: axe in both themes, languages and widths; keyboard, dialogs, clocks, selection."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.looks import axe_violations, sideways, todays_matrix

pytestmark = pytest.mark.django_db(transaction=True)
GUIDE = "/_styleguide/"


@pytest.mark.parametrize(("theme", "language", "width"), todays_matrix())
def test_axe_finds_nothing(browser_page, shoot, theme, language, width):
    page = browser_page(theme=theme, language=language, width=width, bypass_csp=True)
    page.goto(f"{GUIDE}?theme={theme}&lang={language}")
    page.wait_for_load_state("networkidle")
    shoot(page, f"styleguide-{theme}-{language}-{width}")
    assert axe_violations(page) == []
    assert sideways(page) == 0


@pytest.mark.parametrize("part", ["palette", "keys-help", "sg-dialog"])
def test_axe_finds_nothing_in_an_open_dialog(browser_page, part):
    page = browser_page(bypass_csp=True)
    page.goto(GUIDE)
    page.locator(f'[data-open="{part}"]').first.dispatch_event("click")
    expect(page.locator(f"#{part}")).to_be_visible()
    assert axe_violations(page) == []


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_nothing_scrolls_sideways_at_320(browser_page, language):
    page = browser_page(width=320, language=language)
    page.goto(f"{GUIDE}?lang={language}&text=large")
    assert sideways(page) == 0


def test_targets_are_large_enough_on_the_phone(browser_page):
    page = browser_page(width=390)
    page.goto(GUIDE)
    small = page.evaluate(
        """() => [...document.querySelectorAll('a, button, select, summary, input:not([type=hidden])')].filter(e => {
             const box = e.getBoundingClientRect();
             if (!box.width || !e.checkVisibility() || e.closest('.sr, .skip, p')) return false;
             const hits = [box, ...[...(e.labels ?? [])].map(label => label.getBoundingClientRect())];
             return !hits.some(hit => hit.height >= 24 && hit.width >= 24);
           }).map(e => e.outerHTML.slice(0, 120))"""
    )
    assert small == []


def test_slash_and_control_k_lead_to_search_and_commands(page):
    page.goto(GUIDE)
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("g/?")
    expect(page.locator("#q")).to_have_value("g/?")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()
    expect(page.locator("#palette-q")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    expect(page.locator("#q")).to_be_focused()


def test_j_x_and_shift_x_move_and_select_rows(page):
    page.goto(GUIDE)
    bar = page.locator("[data-bulk-bar]")
    expect(bar).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(bar).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Shift+X")
    assert page.locator("[data-pick]:checked").count() == 3
    expect(page.locator("[data-pick-every]")).to_be_hidden()
    page.locator("[data-pick-all]").check()
    expect(page.locator("[data-pick-every]")).to_be_visible()
    page.locator("[data-pick-every]").click()
    expect(page.locator('[name="every"]')).to_have_value("1")
    expect(page.locator("[data-bulk-n]")).to_contain_text("312")
    page.locator("[data-pick-none]").click()
    expect(bar).to_be_hidden()
    expect(page.locator('[name="every"]')).to_have_value("")


def test_g_and_a_letter_lead_to_a_place(page):
    page.goto(GUIDE)
    page.keyboard.press("g")
    page.keyboard.press("t")
    page.wait_for_url("**/?went=tasks")


def test_the_palette_finds_with_arrows_and_enter(browser_page):
    page = browser_page(language="en")
    page.goto(GUIDE + "?lang=en")
    page.keyboard.press("Control+k")
    options = page.locator("#palette [role=option]")
    expect(options).to_have_count(9)
    page.keyboard.type("a")
    expect(options).not_to_have_count(9)
    page.keyboard.press("ArrowDown")
    chosen = page.locator("#palette [aria-selected=true]")
    expect(chosen).to_have_count(1)
    assert page.locator("#palette-q").get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    target = chosen.get_attribute("href")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{target}")


def test_a_draft_is_saved_two_seconds_after_typing_stops(browser_page):
    page = browser_page(language="en")
    page.clock.install()
    page.goto(GUIDE + "?lang=en")
    note = page.locator("#sg-form [name=note]")
    note.fill("The customer says")
    page.clock.fast_forward("00:01")
    expect(page.locator("[data-draft-state=id_note]")).to_be_empty()
    with page.expect_request("**/draft/") as sent:
        page.clock.fast_forward("00:01")
    assert sent.value.post_data == "draft=&seen=&text=The+customer+says"
    expect(page.locator("[data-draft-state=id_note]")).to_have_text(
        re.compile(r"^(Draft saved|草稿已保存).* ?\d\d:\d\d")
    )


def test_an_irreversible_act_asks_first_and_cancel_has_the_focus(page):
    page.goto(GUIDE)
    act = page.locator("form[data-confirm] button")
    act.click()
    box = page.locator("#confirm")
    expect(box).to_be_visible()
    expect(box.locator("[data-close]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(box).to_be_hidden()
    assert "went" not in page.url
    act.click()
    box.locator("[data-yes]").click()
    page.wait_for_url("**went=deleted**")


def test_live_parts_ask_every_30_seconds_unless_something_is_selected(browser_page):
    page = browser_page()
    page.clock.install()
    page.goto(GUIDE)
    with page.expect_request("**/quiet/") as tick:
        page.clock.fast_forward("00:31")
    assert tick.value.headers["careline-live"] == "1"
    page.locator("[data-pick]").first.check()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.fast_forward("01:30")
    page.locator("[data-pick]").first.uncheck()
    with page.expect_request("**/quiet/") as tick:
        page.clock.fast_forward("00:31")
    assert asked == [tick.value.url]  # none before


def test_single_keys_stay_quiet_when_switched_off(browser_page):
    page = browser_page()
    page.goto(GUIDE + "?keys=off")
    page.keyboard.press("/")
    page.keyboard.press("?")
    expect(page.locator("#q")).not_to_be_focused()
    expect(page.locator("#keys-help")).to_be_hidden()
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()


def test_a_wrong_form_keeps_what_was_typed_and_focuses_the_summary(page, watch):
    watch.allowed.append("status of 422")
    page.goto(GUIDE + "?lang=en")
    form = page.locator("#sg-form")
    form.locator('[name="phone"]').fill("138 0013 8000")
    form.locator('button[type="submit"]').click()
    expect(page.locator("#errors")).to_be_focused()
    expect(page.locator('#sg-form [name="phone"]')).to_have_value("138 0013 8000")
    assert page.locator("#sg-form #id_title").get_attribute("aria-invalid") == "true"


def test_a_clock_runs_out_by_the_servers_time(browser_page):
    page = browser_page(language="en")
    page.clock.install(time=0)  # the PC believes it is 1970
    page.goto(GUIDE + "?lang=en")
    badge = page.locator("tr:nth-child(3) .sla")
    expect(badge).to_have_class(re.compile("-soon"))
    page.clock.fast_forward("04:00")
    expect(badge).to_have_class(re.compile("-over"))
    expect(badge.locator("svg.i path, svg.i circle").first).to_be_attached()


def test_revealed_values_hide_after_their_time(browser_page):
    page = browser_page()
    page.clock.install()
    page.goto(GUIDE)
    value = page.locator("[data-reveal]")
    expect(value).to_contain_text("330106199001012046")
    page.clock.fast_forward("01:01")
    expect(value).to_have_text("3301**********2046")


def test_menus_close_with_escape_and_give_the_focus_back(page):
    page.goto(GUIDE)
    summary = page.locator("#bell summary")
    summary.click()
    expect(page.locator("#bell .menu-list")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#bell .menu-list")).to_be_hidden()
    expect(summary).to_be_focused()


def test_the_page_stands_without_script(browser_page):
    page = browser_page(script=False)
    page.goto(GUIDE + "?lang=en")
    assert page.locator("h1").inner_text() == "Style guide"
    expect(page.locator("#results tbody tr")).to_have_count(8)
    expect(page.locator(".chart").first).to_be_visible()


def test_cold_load_keeps_the_budget(browser_page):
    page = browser_page()
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    page.goto(GUIDE)
    page.wait_for_load_state("networkidle")
    # Tests serve the six style layers one by one; production joins them (foundation/ui/storage.py).
    layers = [url for url in seen if "/css/" in url]
    assert len(seen) - len(layers) + 1 <= 12, seen
    assert page.evaluate("document.querySelectorAll('*').length") <= 2500
