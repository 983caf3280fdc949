"""Hints of keys: one case everywhere, none where there is no keyboard."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.factories import UserFactory

LISTS = ("/follow-ups/", "/interactions/", "/customers/")


@pytest.mark.django_db(transaction=True)
def test_hints_are_capitals_on_a_desk_and_absent_on_a_phone(browser_page: Callable[..., Page]) -> None:
    lead = UserFactory(role="TEAM_LEAD", language="en")
    desk = browser_page(user=lead, width=1440)
    for address in LISTS:
        desk.goto(address)
        hints = desk.locator(".btn .kbd")
        assert hints.count()
        assert all(hint and hint == hint.upper() for hint in hints.all_inner_texts())
    phone = browser_page(user=lead, width=390)
    for address in LISTS:
        phone.goto(address)
        assert phone.locator(".kbd:visible").count() == 0
