"""Consents in a real browser: agreed to, taken back with one click; how the page looks."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from customers import services
from customers.models import Consent
from tests.browser.looks import axe_violations, sideways, todays_look
from tests.customers.people import customer, operator

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_answer_is_noted_and_taken_back(browser_page, watch):
    op = operator()
    row = customer(op.hall, "王小娟")
    watch.allowed.append("status of 422")
    page = browser_page(op.clerk, language="en")
    page.goto(reverse("customers:customer-detail", args=[row.pk]))
    page.get_by_role("link", name="All answers").click()
    expect(page.get_by_text("Nobody has asked yet")).to_be_visible()
    page.get_by_label("What is asked").select_option("MARKETING:SMS")
    page.get_by_role("button", name="Agrees").click()
    expect(page.locator("#id_evidence_err")).to_be_visible()
    page.get_by_label("Shown by").select_option("FORM")
    page.get_by_label("Evidence").fill("Form 12")
    page.get_by_role("button", name="Agrees").click()
    held = page.get_by_role("listitem").filter(has_text="Offers and advertising · Text message")
    expect(held).to_contain_text("Given")
    held.get_by_role("button", name="Withdraw").click()
    expect(held).to_contain_text("Withdrawn")
    expect(held.get_by_role("button")).to_have_count(0)
    page.get_by_label("What is asked").select_option("SURVEY:CALL")
    page.get_by_role("button", name="Says no").click()
    expect(page.get_by_role("listitem").filter(has_text="Surveys · Phone call")).to_contain_text("Refused")
    assert sorted(Consent.objects.values_list("purpose", "channel", "state")) == [
        ("MARKETING", "SMS", "WITHDRAWN"),
        ("SURVEY", "CALL", "DENIED"),
    ]


@pytest.mark.parametrize(("theme", "language", "width"), todays_look())
def test_the_page_passes_axe_and_never_scrolls_sideways(browser_page, shoot, theme, language, width):
    op = operator()
    op.clerk.theme = theme
    op.clerk.save(update_fields=["theme"])
    row = customer(op.hall, "王小娟")
    shown = {"actor": op.clerk, "evidence_kind": "FORM", "evidence": "QR-2026-000123"}
    for channel in ("SMS", "CALL", "EMAIL"):
        services.give_consent(row.pk, purpose="MARKETING", channel=channel, **shown)
    services.withdraw_consent(row.pk, actor=op.clerk, purpose="MARKETING", channel="CALL", source="CALL")
    services.refuse_consent(row.pk, actor=None, purpose="SURVEY", channel="SMS", source="SMS_REPLY")
    page = browser_page(op.clerk, theme=theme, language=language, width=width, bypass_csp=True)
    for name in ("customer-consent", "customer-detail"):
        page.goto(reverse(f"customers:{name}", args=[row.pk]))
        shoot(page, f"{name}-{theme}-{language}-{width}")
        assert axe_violations(page) == [], name
        assert sideways(page) == 0, name
