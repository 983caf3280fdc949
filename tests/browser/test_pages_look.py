"""Every page type on the sample operator, as people see it: axe, sideways scroll, weight, requests, nodes, queries.

One operator for all pages: what is found is collected and shown together, page by page.
"""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Page, Response

from customers.models import Customer, TimelineLine
from staff.models import User
from tests.browser.looks import axe_violations, sideways, todays_matrix
from tests.factories import PASSWORD
from workspace.sample import make_sample_operator

pytestmark = pytest.mark.django_db(transaction=True)
COLD_BYTES, REQUESTS, NODES, QUERIES = 90_000, 12, 2_500, 15
NARROWEST = {"width": 320, "height": 640}
YEAR = 2026

SIGNED_OUT = [("sign-in", "/accounts/login/")]
AGENT = [
    ("home", "/"),
    ("work", "/work/"),
    ("customers", "/customers/"),
    ("customer-new", "/customers/new/"),
    ("follow-ups", "/follow-ups/"),
    ("follow-up-new", "/follow-ups/new/"),
    ("contacts", "/interactions/"),
    ("contact-start", "/interactions/start/"),
    ("messages", "/messages/"),
    ("bell", "/bell/"),
    ("me", "/me/"),
    ("sessions", "/accounts/sessions/"),
]
LEAD = [("board", "/team/"), ("absences", "/admin/absences/"), ("shifts", "/admin/shifts/")]
ADMIN = [
    ("imports", "/imports/"),
    ("import-new", "/imports/new/"),
    ("jobs", "/jobs/"),
    ("policies", "/admin/policies/"),
    ("policy", "/admin/policies/outreach.hours.marketing/"),
    ("calendars", "/admin/calendars/"),
    ("calendar", f"/admin/calendars/STANDARD/{YEAR}/"),
    ("audit", "/admin/audit/"),
    ("people", "/admin/people/"),
    ("person-new", "/admin/people/new/"),
    ("units", "/admin/units/"),
    ("teams", "/admin/teams/"),
]


@dataclass
class Look:
    """One page in one combination; `faults` says what breaks a rule of ui-guide §10 and §11."""

    page: Page
    answers: list[Response] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.on("response", lambda answer: self.answers.append(answer))
        self.page.goto(path, wait_until="load")

    def weigh(self) -> None:
        """What a cold visit costs; production joins the style layers that tests serve one by one."""
        layers = [answer for answer in self.answers if "/css/" in answer.url]
        count = len(self.answers) - len(layers) + bool(layers)
        size = sum(len(gzip.compress(answer.body())) for answer in self.answers if answer.ok)
        nodes = self.page.evaluate("document.querySelectorAll('*').length")
        # Asked again: the first request of a session also writes the session.
        timing = self.page.request.get(self.answers[0].url).headers.get("server-timing", "")
        queries = int(found[1]) if (found := re.search(r"q;desc=\"?(\d+)", timing)) else -1
        for name, value, most in (
            ("bytes", size, COLD_BYTES),
            ("requests", count, REQUESTS),
            ("nodes", nodes, NODES),
            ("queries", queries, QUERIES),
        ):
            if not 0 <= value <= most:
                self.faults.append(f"{value} {name}, at most {most}")

    def examine(self) -> None:
        """What people meet: names, contrast, order, and no sideways scroll down to 320 pixels."""
        if self.answers[0].status != 200:
            self.faults.append(f"status {self.answers[0].status}")
        self.faults += axe_violations(self.page)
        if wide := sideways(self.page):
            self.faults.append(f"scrolls {wide} px sideways")
        if self.page.locator("h1").count() != 1:
            self.faults.append(f"{self.page.locator('h1').count()} headings of level 1")
        self.page.set_viewport_size(NARROWEST)
        if wide := sideways(self.page):
            self.faults.append(f"scrolls {wide} px sideways at 320")


def rich_customer(agent: User) -> Customer:
    """The customer with the longest history of those the agent may see."""
    seen = Customer.objects.visible_to(agent).filter(customer_type="PERSON").values_list("pk", flat=True)[:300]
    return max(
        Customer.objects.filter(pk__in=list(seen)),
        key=lambda row: (row.subscriptions.count(), TimelineLine.objects.filter(customer_id=row.pk).count()),
    )


@pytest.mark.covers("ARC-04")
@pytest.mark.parametrize(("theme", "language", "width"), todays_matrix())
def test_every_page_keeps_the_rules(browser_page, shoot, theme, language, width):
    make_sample_operator(PASSWORD)
    agent, lead, admin = (User.objects.get(username=name) for name in ("agent", "team_lead", "sys_admin"))
    customer = rich_customer(agent)
    person = f"/admin/people/{agent.pk}/"
    own = f"/customers/{customer.ref}/"
    of_agent = [("customer", own), ("customer-profile", f"{own}profile/"), ("customer-history", f"{own}history/")]
    faults: list[str] = []
    for user, pages in (
        (None, SIGNED_OUT),
        (agent, AGENT + of_agent),
        (lead, LEAD),
        (admin, [*ADMIN, ("person", person), ("unit", f"/admin/units/{agent.unit_id}/")]),
    ):
        if user is not None:
            user.theme = theme
            user.save(update_fields=["theme"])
        for name, path in pages:
            page = browser_page(user, theme=theme, language=language, width=width, bypass_csp=True)
            look = Look(page)
            look.open(path)
            shoot(page, f"{name}-{theme}-{language}-{width}")
            look.examine()
            look.weigh()
            faults += [f"{name}: {fault}" for fault in look.faults]
            page.context.close()
    assert faults == [], "\n".join(faults)
