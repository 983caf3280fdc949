"""The main job, end to end: an agent signs in, finds who is on the phone, notes the contact and promises a callback;
real worker and beat remind the agent and bring it to the lead; the outcome stands on the customer's timeline. And who
was asked first answers for what another department must find out, until the customer knows."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from customers.models import Customer
from foundation.common import clock
from foundation.policies.services import set_policy
from interactions.models import ContactPlace, Matter
from interactions.services.matters import usual_due
from outreach.models import FollowUp, FollowUpNotice, Notification, OutMessage
from staff.models import User
from tests.customers.people import customer
from tests.factories import PASSWORD, TeamFactory, TeamMemberFactory, UnitFactory, UserFactory
from tests.jobs.processes import Processes, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
SUBJECT = "\u56de\u7535\u8bf4\u660e\u8d26\u5355"
NOTE = "\u95ee\u5341\u6708\u8d26\u5355\u4e3a\u4f55\u591a\u4e86\u4e8c\u5341\u5143"
WEEKDAYS = "\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u65e5"
WITHIN = timedelta(seconds=90)


@pytest.fixture
def move_clock(monkeypatch: pytest.MonkeyPatch, processes: Processes) -> Callable[[datetime], None]:
    """Everybody's clock goes on to a moment: the web's, and that of a fresh worker and beat."""

    def move(to: datetime) -> None:
        for running in processes.all:
            running.kill()
        offset = to - datetime.now(UTC)
        monkeypatch.setattr(clock, "_offset", offset)
        processes.worker(clock_offset=offset.total_seconds())
        processes.beat(clock_offset=offset.total_seconds())

    return move


@pytest.fixture
def lead() -> User:
    return UserFactory(role="TEAM_LEAD", name="Lead Li", language="en", password=PASSWORD)


@pytest.fixture
def agent(lead: User) -> User:
    agent = UserFactory(role="AGENT", unit=lead.unit, name="Agent An", language="zh-hans", password=PASSWORD)
    team = TeamFactory(lead=lead)
    for member in (lead, agent):
        TeamMemberFactory(team=team, user=member)
    return agent


@pytest.fixture
def caller(agent: User) -> Customer:
    """Who rings, among others one could take for them."""
    customer(agent.unit, "\u738b\u5c0f\u5a1f", mobile="13611112222")
    customer(agent.unit, "\u6881\u51ac", mobile="13611113333")
    return customer(agent.unit, "\u6b27\u9633\u5c0f\u5a1f", mobile="13800138642", home_city="Sanya")


def sign_in(page: Page, user: User) -> None:
    page.goto("/")
    page.locator("[name=login]").fill(user.username)
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#q")).to_be_visible()


def find(page: Page, text: str) -> None:
    """Search by keyboard from wherever one is."""
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def at_customer(row: Customer) -> re.Pattern[str]:
    return re.compile(rf"/customers/{row.ref}/$")


def promise_callback(page: Page, due: datetime) -> None:
    """`n`, the note, and what is owed until when."""
    page.keyboard.press("n")
    summary = page.locator("[name=summary]")
    expect(summary).to_be_visible()
    summary.fill(NOTE)
    page.locator("details:has([name=next_kind]) > summary").click()
    page.locator("[name=next_kind]").select_option("CALLBACK")
    page.locator("[name=next_subject]").fill(SUBJECT)
    page.locator("[name=next_due]").fill(f"{due.astimezone(clock.BUSINESS_ZONE):%Y-%m-%dT%H:%M}")
    summary.focus()
    page.keyboard.press("Control+Enter")


def bell(page: Page) -> Locator:
    """The list under the bell, opened on a fresh page."""
    page.goto("/")
    expect(page.locator("#bell .bell-n")).to_have_text("1")
    page.locator("#bell summary").click()
    return page.locator("#bell .row-t")


def titles(page: Page, row: Customer) -> list[str]:
    page.goto(f"/customers/{row.ref}/")
    return page.locator("#panel-timeline .tl-h b").all_inner_texts()


@pytest.mark.covers("INT-01", "INT-18", "ARC-04")
def test_a_promise_is_made_kept_by_the_clock_and_closed(
    browser_page, processes, move_clock, agent, lead, caller, shoot
):
    set_policy("outreach.followup.to_lead_after", timedelta(minutes=1), actor=lead)
    page = browser_page()
    sign_in(page, agent)
    for text in ("oyxj", "ouyangxiao", "8642"):
        page.goto("/")
        find(page, text)
        page.wait_for_url(at_customer(caller))
    find(page, "\u5c0f\u5a1f")
    rows = page.locator("#results [data-row]")
    expect(rows).to_have_count(2)
    rows.filter(has_text=caller.number).locator("a").press("Enter")
    page.wait_for_url(at_customer(caller))

    due = datetime.fromtimestamp(math.floor((clock.now() + WITHIN).timestamp() / 60) * 60, UTC)
    promise_callback(page, due)
    page.wait_for_url(at_customer(caller))
    follow_up = FollowUp.objects.get()
    assert (follow_up.owner, follow_up.due_at, follow_up.customer_id) == (agent, due, caller.pk)
    assert not Notification.objects.exists()

    move_clock(due + timedelta(seconds=1))
    wait_until(lambda: Notification.objects.filter(user=agent).exists(), logs=processes)
    reminder = bell(page)
    expect(reminder).to_have_count(1)
    expect(reminder).to_contain_text(follow_up.number)
    assert not Notification.objects.filter(user=lead).exists()

    move_clock(due + timedelta(minutes=1, seconds=1))
    wait_until(lambda: Notification.objects.filter(user=lead).exists(), logs=processes)
    of_lead = browser_page(language="en")
    sign_in(of_lead, lead)
    handed = bell(of_lead)
    expect(handed).to_have_count(1)
    expect(handed).to_contain_text(f"Nobody has finished {follow_up.number}")
    shoot(of_lead, "main-job-bell-of-lead")

    reminder = bell(page)
    shoot(page, "main-job-bell-of-agent")
    reminder.locator("a").click()
    page.wait_for_url(re.compile(rf"/follow-ups/{follow_up.ref}/$"))
    page.locator("[name=outcome]").select_option("REACHED")
    page.locator("[name=note]").fill("\u5df2\u8bf4\u660e")
    page.locator("button[name=then]").click()
    expect(page.locator("[name=outcome]")).to_have_count(0)
    follow_up.refresh_from_db()
    assert (follow_up.state, follow_up.done_by, follow_up.attempts) == ("DONE", agent, 1)
    assert sorted(FollowUpNotice.objects.values_list("level", "told_id")) == [(0, agent.pk), (1, lead.pk)]

    chinese = titles(page, caller)
    shoot(page, "main-job-timeline")
    page.locator("[name=language]").first.click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    english = titles(page, caller)
    when = due.astimezone(clock.BUSINESS_ZONE)
    assert english == [
        "Callback done",
        "Callback tried: Reached",
        "Callback overdue: brought to the lead",
        "Callback is due: the owner was reminded",
        "Question: Answered",
        f"Callback promised for {when:%a, %b} {when.day} {when:%H:%M}",
        "Contact by Hotline: The customer",
    ]
    assert chinese == [
        "\u56de\u8bbf\u5df2\u5b8c\u6210",
        "\u56de\u8bbf\u5df2\u5c1d\u8bd5\uff1a\u5df2\u63a5\u901a",
        "\u56de\u8bbf\u8d85\u65f6\uff1a\u5df2\u5347\u7ea7\u7ed9\u73ed\u7ec4\u957f",
        "\u56de\u8bbf\u5230\u671f\uff1a\u5df2\u63d0\u9192\u8d23\u4efb\u4eba",
        "\u54a8\u8be2\uff1a\u5df2\u7b54\u590d",
        f"\u56de\u8bbf\u5df2\u627f\u8bfa\u4e8e {when.month} \u6708 {when.day} \u65e5 "
        f"\u5468{WEEKDAYS[when.weekday()]} {when:%H:%M} \u524d\u5b8c\u6210",
        "\u70ed\u7ebf\u63a5\u89e6\uff1a\u5ba2\u6237\u672c\u4eba",
    ]


def board(page: Page) -> Locator:
    """The first list of the first-ask board: what this person has to do."""
    page.goto("/interactions/matters/")
    return page.locator("#results [data-row]")


@pytest.mark.covers("HND-05", "INT-18")
def test_who_was_asked_first_answers_until_another_department_accepts_and_the_customer_is_told(
    browser_page, agent, caller, shoot
):
    hall_desk = ContactPlace.objects.create(
        channel="HALL_OWN", unit=agent.unit, name_zh="\u4e2d\u5fc3\u5385", name_en="Hall", calendar_code="STANDARD"
    )
    billing = UnitFactory(name="Billing department", function="DEPARTMENT")
    head = UserFactory(role="DEPT_HEAD", unit=billing, name="Head Hu", language="en")
    billing.heads.create(user=head, from_day=clock.today() - timedelta(days=9))
    clerk, other = browser_page(agent), browser_page(head, language="en")

    clerk.goto(f"/customers/{caller.ref}/")
    clerk.keyboard.press("n")
    clerk.locator("[name=summary]").fill(NOTE)
    clerk.locator("details:has([name=next_kind]) > summary").click()
    expect(clerk.locator("[name=channel]")).to_have_value("HALL_OWN")
    clerk.locator("[name=result]").select_option("PASSED_ON")
    clerk.locator("[name=next_owner]").select_option(label="Billing department \u00b7 Head Hu")
    clerk.locator("[name=summary]").focus()
    clerk.keyboard.press("Control+Enter")
    clerk.wait_for_url(at_customer(caller))
    matter = Matter.objects.select_related("contact", "follow_up").get()
    assert (matter.owner, matter.handler, matter.contact.place) == (agent, head, hall_desk)
    assert matter.due_at == matter.follow_up.due_at == usual_due(agent, matter.contact.logged_at)

    rows = board(other)
    expect(rows).to_have_count(1)
    expect(other.locator("nav a[href='/interactions/matters/'] .count").first).to_have_text("1")
    rows.locator("a").first.click()
    expect(other.get_by_role("heading", name=NOTE)).to_be_visible()
    expect(other.get_by_role("link", name="\u6b27\u9633\u5c0f\u5a1f")).to_be_visible()
    expect(other.get_by_role("button", name="Offer")).to_have_count(0)  # whose it is does not change by working on it

    board(clerk).locator("a").first.click()
    for reason in ("Which month is it?", ""):
        clerk.locator("[name=to]").first.select_option(label="Billing department \u00b7 Head Hu")
        clerk.locator(f"form[action='/interactions/matters/{matter.ref}/offer/'] button").click()
        expect(clerk.locator(".notice").filter(has_text="Head Hu")).to_be_visible()
        other.reload()
        shoot(other, f"first-ask-offered-{bool(reason)}")
        if reason:
            other.locator("[name=reason]").first.fill(reason)
            other.get_by_role("button", name="Refuse").click()
            clerk.reload()
            expect(clerk.get_by_text(reason).first).to_be_visible()
            assert Matter.objects.get().owner == agent
        else:
            other.get_by_role("button", name="Accept").click()
            expect(other.get_by_role("button", name="Withdraw the offer")).to_have_count(0)
    expect(other.get_by_role("button", name="Save answer")).to_be_visible()
    expect(board(clerk)).to_have_count(0)
    assert Matter.objects.get().owner == head

    other.locator("[name=answer]").fill("Ten yuan of roaming, ten of videos")
    other.locator("[name=told_how]").select_option("CALL")
    other.get_by_role("button", name="Save answer").click()
    expect(other.locator(".tag").filter(has_text="Customer told")).to_be_visible()
    assert (Matter.objects.get().state, FollowUp.objects.get().state) == ("TOLD", "DONE")
    clerk.goto("/interactions/matters/?view=closed")
    clerk.locator("#results [data-row] a").first.click()
    expect(clerk.get_by_text("Ten yuan of roaming, ten of videos").first).to_be_visible()
    assert [title for title in titles(clerk, caller) if matter.number in title]
    templates = OutMessage.objects.filter(customer=caller).order_by("pk").values_list("template", flat=True)
    assert list(templates) == ["matter_passed_on", "matter_new_owner"]
