"""Complaints in real browsers: a reply and its undo, a case handed on, the customer's own page, a phone, no script."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from complaints import tasks
from complaints.lifecycle import State
from complaints.models import Complaint, Entry, Handover
from complaints.services.answering import decide_complaint
from complaints.services.solving import propose_solution
from complaints.services.talking import add_note
from customers.finding.rows import rebuild_find_rows
from foundation.common import clock
from outreach.models import Notification, OutMessage
from staff.models import Draft
from tests.complaints.cases import Office, case, office, ready

pytestmark = pytest.mark.django_db(transaction=True)
REPLY = "您好，基站正在抢修，预计今天 12:30 恢复。"
NOTE = "已联系网管，抢修中。"
HOUR = timedelta(hours=1)


@pytest.fixture
def at() -> Office:
    made = office()
    for person, name in ((made.handler, "陈晓雯"), (made.other, "周立"), (made.lead, "何佳"), (made.agent, "孙倩")):
        person.name = name
        person.save(update_fields=["name"])
    return made


def go_on(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Time passes for the server."""
    monkeypatch.setattr(clock, "_frozen", clock.now() + timedelta(seconds=seconds))


@pytest.mark.covers("CMP-25")
def test_a_reply_is_taken_back_in_time_and_the_next_one_leaves_once(
    at: Office, browser_page: Callable[..., Page], monkeypatch: pytest.MonkeyPatch, shoot: Any
) -> None:
    now = clock.now()
    one, after = (case(at, State.INVESTIGATING, owner=at.handler, next_due_at=now + n * HOUR) for n in (1, 2))
    page = browser_page(at.handler)
    page.goto("/complaints/")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(rf"/complaints/{one.ref}/"))
    page.keyboard.press("j")  # on in the view it was opened from, and back
    page.wait_for_url(re.compile(rf"/complaints/{after.ref}/"))
    expect(page.locator(".crumbs")).to_contain_text("2 / 2")
    page.keyboard.press("k")
    page.wait_for_url(re.compile(rf"/complaints/{one.ref}/"))
    page.keyboard.press("r")
    box = page.locator("#reply-reply")
    expect(box).to_be_focused()
    page.keyboard.type(REPLY)
    page.keyboard.press("Control+Enter")
    undo = page.get_by_role("button", name="撤销")
    expect(undo.first).to_be_visible()
    shoot(page, "journey-reply-waits")
    undo.first.click()
    expect(box).to_have_value(REPLY)
    shoot(page, "journey-reply-undone")
    first = Entry.objects.get(kind="REPLY")
    assert (first.by, first.left_at) == (at.handler, None) and first.taken_back_at is not None
    go_on(monkeypatch, 10)
    assert (tasks.send_replies(), OutMessage.objects.count()) == (0, 0)

    box.press("Control+Enter")
    expect(undo.first).to_be_visible()
    go_on(monkeypatch, 9)
    assert (tasks.send_replies(), tasks.send_replies()) == (1, 0)
    undo.first.click()  # too late, and said so
    expect(page.locator("#toasts")).to_contain_text("已发出")
    sent = OutMessage.objects.get(template="complaint_reply")
    second = Entry.objects.get(kind="REPLY", taken_back_at=None)
    assert (sent.params["words"], second.message_id, second.text) == (REPLY, sent.pk, REPLY)
    expect(page.locator("#stream")).to_contain_text("已发出")
    shoot(page, "journey-reply-left")
    assert not Draft.objects.exclude(text="").exists()


@pytest.mark.covers("CMP-08", "CMP-09")
def test_a_case_is_refused_with_a_reason_and_accepted_by_somebody_else(
    at: Office, browser_page: Callable[..., Page], shoot: Any
) -> None:
    one = ready(at, State.INVESTIGATING)
    giver, refuser, taker = (browser_page(person, language="en") for person in (at.handler, at.other, at.lead))
    for to, note in ((at.other, "The customer lives near your hall"), (at.lead, "The hall is closed this week")):
        giver.goto(f"/complaints/{one.ref}/")
        if to == at.lead:
            giver.keyboard.press("a")
        else:
            giver.locator(".head-a summary").click()
            giver.get_by_role("link", name="Hand over", exact=True).click()
            expect(giver.locator(".head-a .menu")).not_to_have_attribute("open", "")
        giver.locator("#act").get_by_label("Colleague").select_option(label=to.name)
        giver.locator("#act").get_by_label("What the next one must know").fill(note)
        shoot(giver, "journey-hand-over")
        giver.locator("#act").get_by_role("button", name="Hand over").click()
        expect(giver.locator("main")).to_contain_text(f"Offered to {to.name}")
        shoot(giver, "journey-offered")
        theirs = refuser if to == at.other else taker
        theirs.goto("/complaints/?view=offered")
        theirs.locator("#results [data-main]").click()
        expect(theirs.locator(".notice").first).to_contain_text(note)
        shoot(theirs, "journey-offered-to-me")
        if to == at.other:
            theirs.get_by_text("Refuse", exact=True).click()
            theirs.get_by_label("Reason").fill("I am away from tomorrow")
            shoot(theirs, "journey-refusing")
            theirs.get_by_role("button", name="Refuse the hand-over").click()
            expect(theirs.get_by_role("button", name="Accept", exact=True)).to_have_count(0)
            one.refresh_from_db()
            assert one.handler == at.handler
            assert Notification.objects.filter(user=at.handler).count() == 1
            giver.goto("/")
            giver.locator("#bell summary").click()
            shoot(giver, "journey-bell")
            giver.locator("#bell .row-t a").first.click()
            expect(giver.locator("main")).to_contain_text("I am away from tomorrow")
        else:
            theirs.get_by_role("button", name="Accept", exact=True).click()
            expect(theirs.locator("aside, main").first).to_contain_text(at.lead.name)
            shoot(theirs, "journey-accepted")
    one.refresh_from_db()
    assert (one.handler, one.owner) == (at.lead, at.agent)
    assert list(Handover.objects.order_by("pk").values_list("to", "state", "reason")) == [
        (at.other.pk, "REFUSED", "I am away from tomorrow"),
        (at.lead.pk, "ACCEPTED", ""),
    ]


@pytest.mark.covers("CMP-13", "CMP-24")
def test_the_customer_follows_urges_and_objects_by_number_and_code(
    at: Office, browser_page: Callable[..., Page], shoot: Any
) -> None:
    one = ready(at, State.INVESTIGATING, public_code="ABCDE23456", subject="Secret subject")
    add_note(one.pk, actor=at.handler, text=NOTE)
    page = browser_page(width=390)
    page.goto("/status/")
    shoot(page, "journey-status-ask")
    page.get_by_label("投诉编号").fill(one.number.lower())
    page.locator("#id_code").fill("abcde-23456")
    page.get_by_role("button", name="查询").click()
    main = page.locator("main")
    expect(main).to_contain_text(one.number)
    shoot(page, "journey-status")
    page.get_by_role("button", name="催办").click()
    expect(page.get_by_role("button", name="催办")).to_have_count(0)
    one.refresh_from_db()
    assert one.urges == 1
    propose_solution(
        one.pk,
        actor=at.handler,
        finding="基站退服",
        measures=[{"kind": "FIX", "text": "抢修", "owner": at.handler, "due_at": clock.now() + timedelta(days=1)}],
    )
    decide_complaint(one.pk, actor=at.handler, words="基站已经修好。")
    page.reload()
    expect(main).to_contain_text("基站已经修好。")
    shoot(page, "journey-status-answered")
    said = main.inner_text()
    assert NOTE not in said and "Secret subject" not in said
    page.get_by_label("不认可的理由").fill("还是没有信号")
    page.get_by_role("button", name="异议").click()
    expect(page.get_by_role("button", name="异议")).to_have_count(0)
    shoot(page, "journey-status-objected")
    one.refresh_from_db()
    assert one.state == State.DISPUTED
    assert Entry.objects.filter(complaint=one, kind="INBOUND", text="还是没有信号").count() == 1


@pytest.mark.covers("CMP-24")
def test_on_a_phone_the_queue_leads_to_a_case_and_a_note(
    at: Office, browser_page: Callable[..., Page], shoot: Any
) -> None:
    one = case(at, State.INVESTIGATING, owner=at.handler)
    for subject in ("宽带装机预约三次改期", "夜间多次接到推销电话"):
        case(at, State.INVESTIGATING, owner=at.handler, subject=subject)
    page = browser_page(at.handler, width=390)
    page.goto("/")
    page.locator(".bar a[href='/complaints/'], nav a[href='/complaints/']").last.tap()
    expect(page.get_by_role("link", name=one.subject)).to_be_visible()
    shoot(page, "journey-phone-queue")
    page.get_by_role("link", name=one.subject).tap()
    page.wait_for_url(re.compile(rf"/complaints/{one.ref}/"))
    expect(page.get_by_text("内部备注", exact=True)).to_be_visible()
    shoot(page, "journey-phone-case")
    page.get_by_text("内部备注", exact=True).tap()
    page.locator("#note-note").fill(NOTE)
    shoot(page, "journey-phone-note")
    page.locator(".composer-f.-note .btn").tap()
    expect(page.locator("#stream")).to_contain_text(NOTE)
    shoot(page, "journey-phone-noted")
    assert Entry.objects.get().text == NOTE and not OutMessage.objects.exists()


@pytest.mark.covers("CMP-01", "CMP-24")
def test_without_script_a_complaint_is_taken_and_answered(
    at: Office, browser_page: Callable[..., Page], shoot: Any
) -> None:
    customer = case(at, State.CLOSED).customer
    rebuild_find_rows([customer.pk])
    page = browser_page(at.handler, language="en", script=False)
    page.goto(f"/customers/{customer.ref}/")
    page.locator("main a[href*='/complaints/new/']").first.click()
    page.locator("#id_text").fill("The broadband is slow every evening")
    page.get_by_role("button", name="Suggest and check").click()
    shoot(page, "journey-plain-intake")
    for field in page.locator("#looked input[type=text]").all():
        field.fill("West Lake")
    page.get_by_role("button", name="Accept complaint").click()
    shoot(page, "journey-plain-case")
    taken = Complaint.objects.exclude(state=State.CLOSED).get()
    assert (taken.customer, taken.state) == (customer, State.ACKNOWLEDGED)
    page.locator("#reply-reply").fill("We look into it.")
    page.get_by_role("button", name="Send to customer").click()
    page.get_by_role("button", name="Undo").first.click()
    expect(page.locator("#reply-reply")).to_have_value("We look into it.")
    page.get_by_role("button", name="Send to customer").click()
    shoot(page, "journey-plain-replied")
    assert Entry.objects.filter(kind="REPLY", taken_back_at=None).count() == 1
