"""Mails kept aside and text messages nobody can be told the sender of: decided about by a person, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from complaints.keeping import forget_old
from complaints.lifecycle import EntryKind, State
from complaints.mail.receiving import receive_mail
from complaints.models import Complaint, Entry, InMail, KeptMail
from complaints.services.ground import tell_customer
from complaints.services.identifying import name_customer
from complaints.services.kept_mails import add_kept_mail, drop_kept_mail, take_kept_mail
from customers.finding import rebuild_find_rows
from customers.models import ContactPoint
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.personal import steps
from foundation.policies.services import set_policy
from outreach.models import FollowUp, OutMessage, SmsReply
from outreach.sms.replies import Came, take_reply
from outreach.sms.sorting import attach_reply, drop_reply
from tests.complaints.cases import case, office
from tests.factories import ContactPointFactory, CustomerFactory, UserFactory
from tests.racing import race

pytestmark = pytest.mark.django_db


def erase(ids: list[int]) -> None:
    """What an erasure does besides the tables."""
    for step in steps():
        step.erase(ids, clock.now())


def aside(number: int, *, sender: str = "") -> InMail:
    """A mail put aside: nobody to answer, or one too many from an address."""
    if sender:
        return crowd(sender, number)
    mail = f"Subject: Help <script>{number}\r\nMessage-ID: <n{number}@x>\r\n\r\n<b>No signal</b> & no answer {number}"
    row = receive_mail(mail.encode(), received_at=clock.now() - timedelta(hours=2))
    assert (row.state, row.reason) == (InMail.State.ASIDE, "no_sender")
    return row


def crowd(sender: str, number: int) -> InMail:
    set_policy("complaints.mails_per_hour", 1, actor=None)
    rows = []
    for part in ("first", "second"):
        heads = f"From: Rosa <{sender}>\r\nSubject: Bill {part}\r\nMessage-ID: <{part}{number}@x>\r\n"
        kind = 'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n'
        file = "\r\n--b\r\nContent-Disposition: attachment; filename=bill.pdf\r\n\r\n%PDF-1.7\r\n--b--\r\n"
        rows.append(receive_mail(f"{heads}{kind}Words {part}{file}".encode(), received_at=clock.now()))
    assert [row.state for row in rows] == ["CASE", "ASIDE"]
    return rows[1]


@pytest.mark.covers("CMP-01", "CMP-02")
def test_a_mail_kept_aside_is_read_as_text_and_taken_as_a_complaint(client_for: Any) -> None:
    at = office()
    row = aside(1)
    boss: Client = client_for(at.boss)
    listed = boss.get("/complaints/mails/").content.decode()
    assert "Help &lt;script&gt;1" in listed and "No address to answer" in listed and "<script>1" not in listed
    url = reverse("complaints:mail", args=[row.pk])
    shown = boss.get(url).content.decode()
    assert "&lt;b&gt;No signal&lt;/b&gt; &amp; no answer 1" in shown
    assert AuditEntry.objects.filter(verb="mail.read", actor_id=at.boss.pk).exists()
    assert client_for(at.handler).get(url).status_code == 403

    assert boss.post(url, {"act": "take", "topic": "NETWORK.COVERAGE", "customer": "CU1"}).status_code == 422
    assert KeptMail.objects.count() == 1 and not Complaint.objects.exists()
    assert boss.post(url, {"act": "burn"}).status_code == 400
    assert boss.post(url, {"act": "take", "topic": "NETWORK.COVERAGE"}).status_code == 302
    one = Complaint.objects.get()
    assert (one.text, one.channel, one.owner, one.state) == (
        "<b>No signal</b> & no answer 1", "EMAIL", at.boss, State.REGISTERED,
    )  # fmt: skip
    assert one.received_at == clock.now() - timedelta(hours=2) and one.topic is not None
    assert not OutMessage.objects.exists()  # there is nobody to tell
    row.refresh_from_db()
    assert (row.state, row.complaint, KeptMail.objects.count()) == ("CASE", one, 0)
    gone = boss.post(url, {"act": "drop", "why": "dropped_spam"})
    assert gone.status_code == 409 and "decided about this mail already" in gone.content.decode()
    with pytest.raises(RuleBroken) as no:
        take_kept_mail(row.pk, actor=at.boss)
    assert no.value.code == "complaint.mail_decided" and Complaint.objects.count() == 1


def test_a_mail_kept_aside_joins_a_case_as_words_or_as_a_note_or_is_dropped() -> None:
    at = office()
    row = aside(2, sender="rosa@quiz.example")
    theirs = Complaint.objects.get()  # the first of the crowd became a case of hers
    entry = add_kept_mail(row.pk, actor=at.boss, number=f" {theirs.number.lower()} ")
    assert (entry.kind, entry.complaint) == (EntryKind.INBOUND, theirs)
    assert entry.text == "Words second"
    assert list(entry.attachments.values_list("name", "complaint")) == [("bill.pdf", theirs.pk)]
    row.refresh_from_db()
    assert (row.state, row.is_theirs, row.entry) == ("WORDS", True, entry)

    other = case(at, State.INVESTIGATING)
    note = add_kept_mail(aside(3).pk, actor=at.boss, number=other.number)
    assert note.kind == EntryKind.NOTE and note.text.startswith("From another address (–), not answered:")
    lost = aside(4)
    for number, code in (("CP20990101000001", "complaint.no_case"), ("", "complaint.no_case")):
        with pytest.raises(RuleBroken) as no:
            add_kept_mail(lost.pk, actor=at.boss, number=number)
        assert no.value.code == code
    with pytest.raises(NotAllowed):
        drop_kept_mail(lost.pk, actor=at.lead, why="dropped_spam")
    with pytest.raises(RuleBroken):
        drop_kept_mail(lost.pk, actor=at.boss, why="because Rosa")
    drop_kept_mail(lost.pk, actor=at.boss, why="dropped_spam")
    lost.refresh_from_db()
    assert (lost.state, lost.reason, KeptMail.objects.count()) == ("IGNORED", "dropped_spam", 0)
    entry_of = AuditEntry.objects.filter(verb="mail.decided").latest("pk")
    assert entry_of.detail == {"decided": "IGNORED", "why": "dropped_spam"}


def test_mails_nobody_decides_about_are_forgotten_and_erased_with_their_writer() -> None:
    office()
    row = aside(5, sender="who@quiz.example")
    customer = CustomerFactory()
    ContactPointFactory(customer=customer, kind=ContactPoint.Kind.EMAIL, value="who@quiz.example")
    erase([customer.pk])
    assert not KeptMail.objects.exists()
    assert InMail.objects.get(pk=row.pk).state == "ASIDE"
    late = aside(6)
    assert forget_old() == 0
    with clock.travel(clock.now() + timedelta(days=91)):
        assert forget_old() == 1
    late.refresh_from_db()
    assert (late.state, late.reason) == ("IGNORED", "expired")


def test_who_wrote_from_an_unknown_address_is_named_later_and_erased_with_the_customer(client_for: Any) -> None:
    at = office()
    heads = "From: Rosa <rosa@quiz.example>\r\nSubject: Bill\r\nMessage-ID: <one@x>\r\n"
    row = receive_mail(f"{heads}\r\nMy bill is wrong".encode(), received_at=clock.now())
    one = Complaint.objects.get(pk=row.complaint_id)
    sent = OutMessage.objects.get()
    assert (one.customer, sent.outsider) == (None, f"complaint:{one.pk}")
    customer = CustomerFactory(unit=at.unit)
    page = reverse("complaints:act-customer", args=[one.pk])
    boss: Client = client_for(at.boss)
    assert boss.post(page, {"number": "CU0"}).status_code == 422
    assert boss.post(page, {"number": customer.number.lower()}).status_code == 302
    one.refresh_from_db()
    assert (one.customer, one.contact_email) == (customer, "rosa@quiz.example")
    with pytest.raises(RuleBroken) as no:
        name_customer(one.pk, actor=at.boss, number=customer.number)
    assert no.value.code == "complaint.has_customer"
    assert AuditEntry.objects.filter(verb="complaint.identified", customer_id=customer.pk).exists()
    again = receive_mail(
        f"From: rosa@quiz.example\r\nSubject: Re: {one.number}\r\nMessage-ID: <two@x>\r\n\r\nStill".encode(),
        received_at=clock.now(),
    )
    assert (again.state, again.complaint_id) == ("WORDS", one.pk)
    erase([customer.pk])
    sent.refresh_from_db()
    assert sent.params == {}


@pytest.mark.covers("INT-13", "CMP-02", "CMP-03")
def test_a_text_message_goes_to_the_complaint_it_answers() -> None:
    at = office()
    one = case(at, State.INVESTIGATING, handler=at.handler)
    phone = ContactPoint.objects.get(customer=one.customer)
    rebuild_find_rows([phone.customer_id])
    take_reply(Came(phone.value, "Nobody called me"))  # the only open one
    heard = Entry.objects.get(complaint=one)
    assert (heard.kind, heard.channel, heard.text) == (EntryKind.INBOUND, "SMS", "Nobody called me")
    assert SmsReply.objects.get().taken_by == "complaint" and not FollowUp.objects.exists()
    two = case(at, State.INVESTIGATING, customer=one.customer)
    take_reply(Came(phone.value, "Which of them?"))  # nobody knows which
    assert Entry.objects.count() == 1 and FollowUp.objects.count() == 1
    message = tell_customer(two, "complaint_in_work", key="1", actor=at.handler)
    assert message is not None
    OutMessage.objects.filter(pk=message.pk).update(state="sent", sent_at=clock.now())
    take_reply(Came(phone.value, "Thank you"))
    assert Entry.objects.get(complaint=two).text == "Thank you"
    Complaint.objects.filter(pk=two.pk).update(source="csv", source_no="1")
    take_reply(Came(phone.value, "And now?"))
    assert Entry.objects.count() == 2 and FollowUp.objects.count() == 2


@pytest.mark.covers("INT-13")
def test_a_reply_from_an_unknown_number_is_given_to_a_customer_or_dropped(client_for: Any) -> None:
    at = office()
    one = case(at, State.INVESTIGATING)
    take_reply(Came("13712345678", "It is <i>still</i> broken"))
    take_reply(Came("13712345679", "Buy now"))
    broken, buy = SmsReply.objects.order_by("pk")
    boss: Client = client_for(at.boss)
    listed = boss.get("/replies/").content.decode()
    assert "It is &lt;i&gt;still&lt;/i&gt; broken" in listed and "13712345678" not in listed
    url = reverse("outreach:reply", args=[broken.pk])
    assert "13712345678" in boss.get(url).content.decode()
    assert client_for(at.lead).get(url).status_code == 403
    assert boss.post(url, {"act": "attach", "customer": "CU0"}).status_code == 422
    assert one.customer is not None
    assert boss.post(url, {"act": "attach", "customer": one.customer.number}).status_code == 302
    broken.refresh_from_db()
    assert (broken.customer, broken.state, broken.taken_by) == (one.customer, "TAKEN", "complaint")
    assert Entry.objects.get(complaint=one).text == "It is <i>still</i> broken"
    with pytest.raises(RuleBroken):
        attach_reply(broken.pk, actor=at.boss, customer=one.customer)
    with pytest.raises(NotAllowed):
        drop_reply(buy.pk, actor=at.lead, why="SPAM")
    assert boss.post(reverse("outreach:reply", args=[buy.pk]), {"act": "drop", "why": "SPAM"}).status_code == 302
    buy.refresh_from_db()
    assert (buy.state, buy.text, buy.customer) == ("DROPPED", "", None)
    assert "No reply waits" in boss.get("/replies/").content.decode()
    erase([one.customer.pk])
    assert list(SmsReply.objects.values_list("pk", flat=True)) == [buy.pk]


@pytest.mark.django_db(transaction=True)
def test_two_who_decide_at_once_make_one_complaint() -> None:
    at = office()
    row = aside(7)
    other = UserFactory(role="COORDINATOR", unit=at.unit)
    results = race(
        lambda: take_kept_mail(row.pk, actor=at.boss),
        lambda: drop_kept_mail(row.pk, actor=other, why="dropped_spam"),
    )
    assert sum(isinstance(one, RuleBroken) for one in results) == 1
    row.refresh_from_db()
    assert Complaint.objects.count() == (1 if row.state == "CASE" else 0) and not KeptMail.objects.exists()
