"""A customer's page in real browsers: two staff at once, drafts that survive, values changed where they stand."""

from __future__ import annotations

import re
from datetime import time, timedelta
from time import monotonic

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse
from playwright.sync_api import Page, expect

from complaints.models import Complaint
from customers import services
from customers.models import Customer
from foundation.common import clock
from interactions.models import Interaction
from interactions.services import start_contact
from outreach.models import FollowUp
from staff.models import Draft
from tests.browser.looks import axe_violations, sideways, todays_look
from tests.customers.people import Operator, customer, operator

pytestmark = pytest.mark.django_db(transaction=True)
NOTE = "#contact-note textarea"


@pytest.fixture
def op() -> Operator:
    return operator()


@pytest.fixture
def row(op) -> Customer:
    return customer(op.hall, "王小娟", mobile="13800138000", home_city="Hangzhou")


def at(row: Customer, name: str = "customer-detail") -> str:
    return reverse(f"customers:{name}", args=[row.pk])


def saved(page: Page) -> None:
    """The draft of the note has reached the server."""
    expect(page.locator("#contact-note [data-draft-state]")).to_have_text(re.compile(r"^Draft saved \d\d:\d\d"))


@pytest.mark.covers("CMP-01", "CMP-24")
def test_a_complaint_is_taken_by_keyboard_alone_within_half_a_minute(op, row, browser_page, shoot):
    page = browser_page(op.clerk, language="en")
    page.goto(at(row))
    begun = monotonic()
    page.keyboard.press("c")
    page.wait_for_url("**/complaints/new/**")
    expect(page.locator("#id_text")).to_be_focused()
    page.keyboard.type("\u5bbd\u5e26\u7f51\u901f\u5f88\u6162")
    expect(page.locator("#topic-1")).to_be_checked()
    expect(page.locator("#looked")).to_contain_text("because of:")
    for field, said in (("id_fact_where", "West Lake 3"), ("id_fact_since", "Sunday")):
        for _tab in range(12):
            if page.evaluate("document.activeElement.id") == field:
                break
            page.keyboard.press("Tab")
        page.keyboard.type(said)
    shoot(page, "intake-by-keyboard")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text(re.compile(r"CP\d{14}"))
    assert monotonic() - begun < 30
    taken = Complaint.objects.get()
    assert (taken.topic.code, taken.owner) == ("NETWORK.SPEED", op.clerk)
    assert taken.facts_given == {"where": "West Lake 3", "since": "Sunday"}
    assert not Draft.objects.exists()


@pytest.mark.covers("ARC-17")
def test_two_staff_edit_one_customer_and_nothing_typed_is_lost(op, row, browser_page, watch, shoot):
    watch.allowed = ["status of 422"]
    clerk, head = browser_page(op.clerk, language="en"), browser_page(op.head, language="en")
    clerk.goto(at(row, "customer-edit"))
    head.goto(at(row, "customer-edit"))
    expect(head.locator("#presence")).to_have_text(f"{op.clerk.name} is editing")
    head.fill("#id_home_city", "Wenzhou")
    head.locator("#id_segment").select_option("SENIOR")
    head.get_by_role("button", name="Save").click()
    head.wait_for_url(f"**{at(row)}")
    clerk.fill("#id_home_city", "Ningbo")
    clerk.locator("#id_area_type").select_option("RURAL")
    clerk.get_by_role("button", name="Save").click()
    expect(clerk.locator("#errors")).to_contain_text(f"{op.head.name} has changed this customer meanwhile")
    expect(clerk.locator("#id_home_city")).to_have_value("Ningbo")
    expect(clerk.locator("#id_area_type")).to_have_value("RURAL")
    city = clerk.get_by_role("row").filter(has_text="City")
    expect(city.get_by_role("cell")).to_have_text(
        ["City", "Hangzhou", "Wenzhou · City: as it is on file", "Ningbo · City: what I wrote"]
    )
    expect(city.get_by_role("radio", name="Ningbo")).to_be_checked()
    segment = clerk.get_by_role("row").filter(has_text="Segment")
    expect(segment.get_by_role("radio", name="Senior")).to_be_checked()  # only the colleague changed it
    shoot(clerk, "customer-conflict")
    city.get_by_role("radio", name="Wenzhou").focus()
    clerk.keyboard.press("Space")
    clerk.get_by_role("button", name="Save").click()
    clerk.wait_for_url(f"**{at(row)}")
    row.refresh_from_db()
    assert (row.home_city, row.area_type, row.segment) == ("Wenzhou", "RURAL", "SENIOR")


@pytest.mark.covers("ARC-07", "ARC-15")
def test_a_profile_is_filled_from_what_is_missing(op, row, browser_page):
    services.add_contact_time(row.pk, actor=None, wish="AVOID", days="EVERY", starts=time(12), ends=time(14))
    page = browser_page(op.clerk, language="en")
    page.goto(at(row))
    expect(page.get_by_role("region", name="Customer", exact=True)).to_contain_text("Not then: Every day 12:00–14:00")
    gaps = page.get_by_role("list", name="Missing")
    gaps.get_by_role("link", name="Interests").click()
    expect(page.locator("#id_fact_key")).to_have_value("INTERESTS")
    page.locator("#id_fact_value").fill("Photography")
    page.locator("#id_fact_source").fill("At the counter")
    page.locator("#id_fact_purpose").fill("Advice on plans")
    page.locator("#id_fact_consent_evidence").fill("Form 12")
    page.locator("#add-fact").get_by_role("button", name="Save").click()
    fact = page.get_by_role("listitem").filter(has_text="Photography")
    expect(fact).to_contain_text("Agreed: Form 12")
    fact.locator("summary").click()
    fact.get_by_role("button", name="Checked with the customer today").click()
    expect(fact).to_contain_text("Confirmed by the customer")
    gaps.get_by_role("link", name="Needs").click()
    page.locator("#id_need_text").fill("A faster line")
    page.locator("#add-need").get_by_role("button", name="Save").click()
    need = page.get_by_role("listitem").filter(has_text="A faster line")
    for state, told in (("PLANNED", "Planned"), ("MET", "Met")):
        need.locator("summary").click()
        need.get_by_label("State").select_option(state)
        if state == "PLANNED":
            need.get_by_label("Planned for").fill((clock.today() + timedelta(days=3)).isoformat())
            need.get_by_label("Owner").select_option("me")
        need.get_by_role("button", name="Save").click()
        expect(need.locator(".tag")).to_have_text(told)
        owed = FollowUp.objects.get(customer=row)
        assert (owed.owner, owed.state) == (op.clerk, "OPEN" if state == "PLANNED" else "DONE")
    expect(gaps.get_by_role("link", name="Needs")).to_have_count(0)
    gaps.get_by_role("link", name="Document number").click()
    page.locator("#id_verify_how").select_option("READER")
    page.locator("#id_verify_id_type").select_option("ID_CARD")
    page.locator("#id_verify_id_number").fill("33010619900307017X")
    page.get_by_role("button", name="The document is the customer's").click()
    checked = page.get_by_role("row").filter(has_text="Card reader")
    expect(checked).to_contain_text("****017X")
    expect(checked).to_contain_text(op.clerk.name)
    row.refresh_from_db()
    assert (row.identity_status, row.id_last4) == ("VERIFIED", "017X")


def test_colleagues_appear_and_change_what_they_do_while_one_looks(op, row, browser_page):
    clerk, head = browser_page(op.clerk, language="en"), browser_page(op.head, language="en")
    clerk.clock.install()
    clerk.goto(at(row))
    expect(clerk.locator("#presence")).to_be_empty()
    head.goto(at(row))
    expect(head.locator("#presence")).to_have_text(f"{op.clerk.name} is viewing")
    clerk.clock.fast_forward("00:30")
    expect(clerk.locator("#presence")).to_have_text(f"{op.head.name} is viewing")
    head.goto(at(row, "customer-edit"))
    clerk.clock.fast_forward("00:30")
    expect(clerk.locator("#presence")).to_have_text(f"{op.head.name} is editing")
    clerk.goto(reverse("customers:customer-list"))
    expect(clerk.get_by_role("img", name="Somebody has this open")).to_have_count(1)


def test_a_note_survives_sign_out_another_pc_and_goes_when_it_is_saved(op, row, browser_page):
    page = browser_page(op.clerk, language="en")
    page.goto(at(row))
    page.locator(NOTE).press_sequentially("The caller moves house")
    saved(page)
    assert "caller" not in page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    Session.objects.all().delete()
    page.context.close()
    other = browser_page(op.clerk, language="en")
    other.goto(at(row))
    expect(other.locator(NOTE)).to_have_value("The caller moves house")
    expect(other.locator("#contact-note [data-draft-state]")).to_contain_text("brought back")
    other.locator(NOTE).press("End")
    other.locator(NOTE).press_sequentially(" in May")
    other.get_by_role("button", name="Save note").click()
    expect(other.get_by_text("The caller moves house in May").first).to_be_visible()
    expect(other.locator(NOTE)).to_have_value("")
    assert Interaction.objects.get().summary == "The caller moves house in May"
    assert not Draft.objects.exists()


def test_a_draft_left_in_haste_is_kept_and_one_discarded_is_gone(op, row, browser_page):
    page = browser_page(op.clerk, language="en")
    page.goto(at(row))
    page.locator(NOTE).press_sequentially("Left at once")
    page.goto(reverse("customers:customer-list"))
    page.goto(at(row))
    expect(page.locator(NOTE)).to_have_value("Left at once")
    with page.expect_response("**/me/draft/"):
        page.get_by_role("button", name="Discard draft").click()
    expect(page.locator(NOTE)).to_have_value("")
    expect(page.locator(NOTE)).to_be_focused()
    page.reload()
    expect(page.locator(NOTE)).to_have_value("")
    assert not Draft.objects.exists()


def test_two_windows_of_one_person_the_newer_text_wins_and_the_other_stays_at_hand(op, row, browser_page):
    left, right = browser_page(op.clerk, language="en"), browser_page(op.clerk, language="en")
    left.goto(at(row))
    right.goto(at(row))
    left.locator(NOTE).press_sequentially("left")
    saved(left)
    right.locator(NOTE).press_sequentially("right")
    saved(right)
    state = right.locator("#contact-note [data-draft-state]")
    expect(state).to_contain_text("over another text of yours")
    right.get_by_text("Text of another window").click()
    expect(right.locator("[data-draft-text]")).to_have_text("left")
    with right.expect_response("**/me/draft/"):
        right.get_by_role("button", name="Use this text instead").click()
    expect(right.locator(NOTE)).to_have_value("left")
    expect(right.locator("[data-draft-text]")).to_have_text("right")
    draft = Draft.objects.get()
    assert (draft.text, draft.replaced) == ("left", "right")


def test_a_refused_note_keeps_its_text_and_its_draft(op, row, browser_page, watch):
    watch.allowed = ["status of 422"]
    page = browser_page(op.clerk, language="en")
    page.goto(at(row))
    page.locator(NOTE).press_sequentially("Promised a call")
    page.get_by_text("Topic, result, next action").click()
    page.locator("#contact-note [name=next_kind]").select_option("CALLBACK")
    page.get_by_role("button", name="Save note").click()
    expect(page.locator("#contact-note #errors")).to_be_visible()
    expect(page.locator(NOTE)).to_have_value("Promised a call")
    saved(page)
    assert Draft.objects.get().text == "Promised a call"


def test_the_header_shows_three_actions_and_keys_reach_those_in_its_menu_from_the_keyboard(op, row, browser_page):
    page = browser_page(op.clerk, language="en")
    page.goto(at(row))
    shown = [words.split("\n")[0] for words in page.locator(".head-a > a.btn").all_inner_texts()]
    assert shown == ["Accept complaint", "Start contact", "Follow-up"]
    logged = page.locator(".head-a .menu-a").filter(has_text="Log contact")
    page.locator(".head-a .menu > summary").click()
    expect(logged.locator(".kbd")).to_have_text("N")
    for is_open in (True, False):
        page.goto(at(row))
        if is_open:
            page.locator(".head-a .menu > summary").click()
        page.keyboard.press("n")
        page.wait_for_url("**/interactions/note/**")


def city_of(page: Page):
    return page.locator("#inline-home_city")


def test_a_value_is_changed_by_keyboard_put_back_by_escape_and_taken_back(op, row, browser_page):
    page = browser_page(op.clerk, language="en")
    page.goto(at(row))
    link = city_of(page).locator(".inl")
    link.focus()
    page.keyboard.press("Enter")
    field = city_of(page).get_by_label("City")
    expect(field).to_be_focused()
    field.fill("Nowhere")
    page.keyboard.press("Escape")
    expect(link).to_be_focused()
    expect(link).to_contain_text("Hangzhou")
    page.keyboard.press("Enter")
    expect(field).to_be_focused()
    field.fill("Ningbo")
    page.keyboard.press("Enter")
    expect(link).to_be_focused()
    expect(link).to_contain_text("Ningbo")
    expect(city_of(page).get_by_text("Saved")).to_be_attached()
    expect(page.locator("#head-home_city")).to_have_text("Ningbo")
    toast = page.locator("#toasts")
    expect(toast).to_contain_text("Saved: City")
    toast.get_by_role("button", name="Undo").press("Enter")
    expect(link).to_contain_text("Hangzhou")
    expect(page.locator("#head-home_city")).to_have_text("Hangzhou")
    expect(toast).to_contain_text("Taken back: City")
    row.refresh_from_db()
    assert (row.home_city, row.version) == ("Hangzhou", 3)


def test_a_value_is_changed_by_mouse_and_saved_by_leaving_it(op, row, browser_page, watch):
    watch.allowed = ["status of 422"]
    page = browser_page(op.clerk, language="en")
    page.goto(at(row))
    city_of(page).locator(".inl").click()
    city_of(page).get_by_label("City").fill("x" * 59 + "\u200b")
    page.locator("h1").click()
    expect(city_of(page).get_by_role("alert")).to_contain_text("invisible")
    city_of(page).get_by_label("City").fill("Ningbo")
    page.locator("h1").click()
    expect(city_of(page).locator(".inl")).to_contain_text("Ningbo")
    area = page.locator("#inline-area_type")
    area.locator(".inl").click()
    area.get_by_label("Area").select_option("RURAL")
    area.get_by_role("button", name="Save").click()
    expect(area.locator(".inl")).to_contain_text("Rural")
    page.locator("#inline-language .inl").click()
    page.locator("h1").click()  # nothing was changed: it only closes
    expect(page.locator("#inline-language .inl")).to_be_visible()
    row.refresh_from_db()
    assert (row.home_city, row.area_type, row.version) == ("Ningbo", "RURAL", 3)


def test_a_colleagues_change_of_the_same_value_is_said_in_its_row(op, row, browser_page, watch):
    watch.allowed = ["status of 422"]
    page = browser_page(op.clerk, language="en")
    page.goto(at(row))
    city_of(page).locator(".inl").click()
    expect(city_of(page).get_by_label("City")).to_be_focused()
    services.change_customer(row.pk, actor=op.head, version=1, changes={"home_city": "Wenzhou"})
    field = city_of(page).get_by_label("City")
    field.fill("Ningbo")
    field.press("Enter")
    expect(city_of(page).get_by_role("alert")).to_contain_text("On file now: Wenzhou")
    expect(field).to_have_value("Ningbo")
    expect(field).to_be_focused()
    field.press("Enter")
    expect(city_of(page).locator(".inl")).to_contain_text("Ningbo")


def test_without_script_a_value_leads_to_the_edit_page(op, row, browser_page):
    page = browser_page(op.clerk, language="en", script=False)
    page.goto(at(row))
    city_of(page).locator(".inl").click()
    expect(page).to_have_url(re.compile(re.escape(at(row, "customer-edit")) + "#id_home_city$"))
    page.fill("#id_home_city", "Ningbo")
    page.get_by_role("button", name="Save").click()
    expect(city_of(page)).to_contain_text("Ningbo")


def test_the_timelines_filter_is_in_the_address_and_comes_back(op, row, browser_page):
    services.change_customer(row.pk, actor=op.clerk, version=1, changes={"home_city": "Ningbo"})
    services.add_need(row.pk, actor=op.clerk, text="gigabit")
    page = browser_page(op.clerk, language="en")
    page.goto(at(row))
    entries = page.locator("#panel-timeline .tl-h")
    expect(entries).to_have_count(2)
    page.locator("#panel-timeline").get_by_role("link", name="Changes").click()
    expect(entries).to_have_count(1)
    expect(page).to_have_url(re.compile(re.escape(at(row)) + r"\?group=changes$"))
    page.reload()
    expect(entries).to_have_count(1)
    page.go_back()
    expect(entries).to_have_count(2)


@pytest.mark.parametrize(("theme", "language", "width"), todays_look())
def test_opened_values_conflicts_and_drafts_pass_axe(op, row, browser_page, shoot, watch, theme, language, width):
    watch.allowed = ["status of 422"]
    op.clerk.theme = theme
    op.clerk.save(update_fields=["theme"])
    start_contact(actor=op.clerk, customer=row, channel="HALL_OWN")
    page = browser_page(op.clerk, theme=theme, language=language, width=width, bypass_csp=True)
    page.goto(at(row, "customer-edit"))
    services.change_customer(row.pk, actor=op.head, version=1, changes={"home_city": "Wenzhou" * 8})
    page.fill("#id_home_city", "Ningbo")
    page.locator("form.form button[type=submit]").click()
    expect(page.locator("#errors")).to_be_focused()
    shoot(page, f"conflict-{theme}-{language}-{width}")
    assert axe_violations(page) == []
    assert sideways(page) == 0
    page.goto(at(row))
    with page.expect_response("**/me/draft/"):
        page.locator(NOTE).press_sequentially("A note")
    for name in ("home_city", "manager_id", "birth_date"):
        page.locator(f"#inline-{name} .inl").click()
        expect(page.locator(f"#inline-{name} form")).to_be_visible()
        shoot(page, f"inline-{name}-{theme}-{language}-{width}")
        assert axe_violations(page) == []
        assert sideways(page) == 0
    page.goto(at(row, "customer-history") + "?field=home_city")
    shoot(page, f"history-{theme}-{language}-{width}")
    assert axe_violations(page) == []
    assert sideways(page) == 0
