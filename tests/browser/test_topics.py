"""The pages of topics in a real browser: added, retired, offered again; how they look."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from interactions.models import Topic
from staff.models import User
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin() -> User:
    return UserFactory(role="POLICY_ADMIN")


@pytest.fixture
def _kept_topics():
    """Topics are rows of a migration, which committing tests do not clean up."""
    before = {topic.pk: topic for topic in Topic.objects.all()}
    yield
    Topic.objects.exclude(pk__in=before).delete()
    Topic.objects.bulk_update(before.values(), ["name_zh", "name_en", "active"])


@pytest.mark.usefixtures("_kept_topics")
def test_a_topic_is_added_and_retired(admin, browser_page):
    page = browser_page(admin, language="en")
    page.goto("/")
    page.get_by_role("link", name="Topics").click()
    page.get_by_label("Below").select_option(label="Billing")
    page.get_by_label("Name in Chinese").fill("发票")
    page.get_by_label("Name in English").fill("Invoice")
    page.get_by_role("button", name="Add").click()
    row = page.get_by_role("row").filter(has_text="BILLING.INVOICE")
    expect(row).to_contain_text("offered")
    row.get_by_role("link", name="Invoice").click()
    page.get_by_role("button", name="Retire").click()
    expect(page.get_by_role("row").filter(has_text="BILLING.INVOICE")).to_contain_text("retired")
    assert not Topic.objects.get(name_en="Invoice").active
