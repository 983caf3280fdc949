"""A real mail conversation: IMAP and SMTP servers in between, nobody of ours on the other side."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from complaints.mail.mailbox import poll_mailbox
from complaints.mail.receiving import receive_mail
from complaints.management.commands.receive_mail import take
from complaints.models import Attachment, Complaint, Entry, InMail, Link
from complaints.services.assessing import acknowledge_complaint
from customers.models import ContactPoint
from foundation.common import clock
from foundation.common.errors import RuleBroken
from outreach import delivery
from outreach.models import Notification, OutMessage
from staff.models import RoleAssignment
from tests.complaints.cases import Office, case, office
from tests.complaints.imap_peer import Peer, imap_peer
from tests.complaints.test_mail_reading import mail, nested, report
from tests.factories import ContactPointFactory, CustomerFactory
from tests.outreach.peer import Mailbox, smtp_peer

MORNING = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)  # Tuesday, 10:00 in Beijing
LI = "li@example.test"


@pytest.fixture(autouse=True)
def _morning(
    travel: Callable[[datetime], AbstractContextManager[None]], settings: Any, tmp_path: Path
) -> Iterator[None]:
    settings.CARELINE_STATE_DIR = tmp_path
    settings.DEFAULT_FROM_EMAIL = "service@crm.test"
    settings.EMAIL_URL = ""
    with travel(MORNING):
        yield


@pytest.fixture
def at(db: None) -> Office:
    return office()


@pytest.fixture
def imap(tmp_path: Path, settings: Any) -> Iterator[Peer]:
    with imap_peer(tmp_path) as peer:
        settings.MAIL_IN_URL = peer.url
        yield peer


@pytest.fixture
def smtp(settings: Any) -> Iterator[Mailbox]:
    with smtp_peer() as box:
        settings.EMAIL_URL = f"smtp://127.0.0.1:{box.port}"
        yield box


def li(at: Office) -> Any:
    """A customer with a verified e-mail address."""
    found = CustomerFactory(unit=at.unit, language="en")
    ContactPointFactory(customer=found, kind="EMAIL", value=LI)
    return found


def came(raw: bytes | EmailMessage, **given: Any) -> InMail:
    """Take a mail now."""
    data = raw if isinstance(raw, bytes) else raw.as_bytes()
    return receive_mail(data, received_at=clock.now(), **given)


def answer(letter: EmailMessage, text: str = "Still no signal.", **heads: str) -> bytes:
    """What somebody writes who presses "reply"."""
    given = {
        "Subject": f"Re: {letter['Subject']}",
        "In_Reply_To": letter["Message-ID"],
        "Message_ID": "<2@example.test>",
    }
    quoted = "\n".join(f"> {line}" for line in letter.get_content().splitlines())
    return mail(f"{text}\n\nOn Tuesday, we wrote:\n{quoted}".encode(), **{**given, **heads})


@pytest.mark.peers
@pytest.mark.covers("CMP-01", "INT-13", "INT-15")
def test_a_conversation_by_mail_over_real_servers(at: Office, imap: Peer, smtp: Mailbox) -> None:
    customer = li(at)
    imap.put(
        mail("信号很差，没人回电。".encode("gbk"), kind="text/plain; charset=gb2312", Subject="=?gb2312?B?zbbL3w==?=")
    )
    assert poll_mailbox() == 1
    one = Complaint.objects.get()
    assert (one.channel, one.state, one.customer, one.subject) == ("EMAIL", "REGISTERED", customer, "投诉")
    assert one.text == "信号很差，没人回电。" and one.registered_by is None and one.handler is None
    assert (imap.subjects(), len(imap.subjects("Done"))) == ([], 1)
    acknowledge_complaint(one.pk, actor=at.lead)
    delivery.deliver_due()
    receipt, acknowledged = smtp.letters
    for letter in (receipt, acknowledged):
        assert letter["To"] == LI and letter["Subject"].startswith(f"[{one.number}] ")
        assert (letter["In-Reply-To"], letter["References"]) == ("<1@example.test>", "<1@example.test>")
        assert letter["Auto-Submitted"] == "auto-replied"
    # The reply finds back, without what it quotes; the mail of a machine and a bounce do nothing at all.
    away = {"Subject": f"Automatic reply: {receipt['Subject']}", "Auto_Submitted": "auto-replied"}
    imap.put(
        answer(acknowledged),
        answer(receipt, "I am away.", Message_ID="<3@example.test>", **away),
        report(acknowledged["Message-ID"]),
    )
    assert poll_mailbox() == 3
    assert [entry.text for entry in Entry.objects.all()] == ["Still no signal."]
    assert list(InMail.objects.order_by("pk").values_list("state", "reason")) == [
        ("CASE", ""),
        ("WORDS", ""),
        ("IGNORED", "automatic"),
        ("IGNORED", "returned"),
    ]
    one.refresh_from_db()
    assert Complaint.objects.count() == 1 and one.first_contact_at is None and one.state == "ACKNOWLEDGED"
    assert Notification.objects.filter(user=one.owner, kind="complaint.heard").count() == 1
    assert OutMessage.objects.get(pk=delivery.message_of(acknowledged["Message-ID"])).state == "undelivered"
    assert ContactPoint.objects.get(value=LI).bounced_at == MORNING
    delivery.deliver_due()
    assert len(smtp.letters) == 2 and poll_mailbox() == 0
    assert (imap.subjects(), imap.subjects("Refused")) == ([], [])


def with_files(**heads: str) -> EmailMessage:
    """A mail with a picture, a program called a picture, and something nobody reads."""
    made = EmailMessage()
    given = {"From": LI, "Subject": "Bill", "Message-ID": "<files@example.test>", **heads}
    for name, value in given.items():
        made[name] = value
    made.set_content("See the files.")
    made.add_attachment(b"\x89PNG\r\n\x1a\n one", maintype="image", subtype="png", filename="shot.png")
    made.add_attachment(b"MZ\x90 program", maintype="image", subtype="jpeg", filename="photo.jpg")
    made.add_attachment(b"\x01\x02\x03", maintype="application", subtype="x-odd", filename="odd.bin")
    return made


@pytest.mark.peers
@pytest.mark.covers("CMP-02", "INT-13")
def test_thirty_megabytes_and_programs_are_refused_politely_and_the_words_kept(
    at: Office, imap: Peer, smtp: Mailbox, settings: Any
) -> None:
    li(at)
    large = EmailMessage()
    large["From"], large["Subject"], large["Message-ID"] = LI, "Film of the fault", "<large@example.test>"
    large.set_content("See the film.")
    large.add_attachment(b"\x00" * 30_000_000, maintype="video", subtype="mp4", filename="film.mp4")
    imap.put(large, with_files())
    assert poll_mailbox() == 2
    film, bill = Complaint.objects.order_by("pk")
    assert (film.text, bill.text) == ("See the film.", "See the files.")
    assert list(Attachment.objects.values_list("complaint", "name", "media_type")) == [
        (bill.pk, "shot.png", "image/png")
    ]
    delivery.deliver_due()
    said = {letter.get_content() for letter in smtp.letters if "not kept" in letter["Subject"]}
    assert len(smtp.letters) == 4 and len(said) == 2
    assert any("one file was not kept" in text and "at most 10 MB" in text for text in said)
    assert any("2 files were not kept" in text and "Programs" in text and "10 MB" not in text for text in said)
    came(with_files())  # by another way: nothing again
    assert OutMessage.objects.count() == 4 and Complaint.objects.count() == 2


@pytest.mark.peers
def test_a_mail_to_ten_thousand_or_of_fifty_levels_is_a_case_and_only_its_writer_is_answered(
    at: Office, imap: Peer, smtp: Mailbox
) -> None:
    others = ", ".join(f"p{n}@example.test" for n in range(10_000))
    imap.put(
        mail(b"To the whole town.", To=f"service@crm.test, {others}", Cc=others, From="town@example.test"),
        nested(50),
    )
    assert poll_mailbox() == 2
    assert list(Complaint.objects.order_by("pk").values_list("text", "contact_email")) == [
        ("To the whole town.", "town@example.test"),
        ("At the bottom", LI),
    ]
    delivery.deliver_due()
    assert sorted(letter["To"] for letter in smtp.letters) == [LI, "town@example.test"]
    assert (imap.subjects(), imap.subjects("Refused"), poll_mailbox()) == ([], [], 0)


POLL = """
import os, sys
import django
django.setup()
from foundation.common import clock
from complaints.mail import mailbox
from complaints.mail.mailbox import Mailbox
left = int(sys.argv[1])
real = Mailbox.put_away
def put_away(box, uid, *, refused):
    # Killed after the commit, before the mail is moved.
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), 9)
    real(box, uid, refused=refused)
Mailbox.put_away = put_away
inside = mailbox.receive_mail
def receive(*args, **given):
    # Killed before the commit, everything written.
    row = inside(*args, **given)
    if left == 2 and sys.argv[2] == "inside":
        os.kill(os.getpid(), 9)
    return row
mailbox.receive_mail = receive
from datetime import datetime
with clock.travel(datetime.fromisoformat(sys.argv[3])):
    print(mailbox.poll_mailbox())
"""


@pytest.mark.peers
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", ["after", "inside"])
def test_a_poller_killed_half_way_takes_each_mail_once(imap: Peer, processes: Any, point: str) -> None:
    at = office()
    customer = li(at)
    imap.put(*[mail(f"Matter {n}".encode(), Message_ID=f"<{n}@example.test>", Subject=f"Matter {n}") for n in range(6)])
    env = {"CARELINE_MAIL_IN_URL": imap.url, "CARELINE_SMTP_URL": ""}
    killed = processes.start("poll", [sys.executable, "-c", POLL, "4", point, MORNING.isoformat()], env)
    assert killed.process.wait(60) == -9
    assert 1 < InMail.objects.count() < 6
    assert poll_mailbox() >= 2
    assert sorted(Complaint.objects.values_list("subject", flat=True)) == [f"Matter {n}" for n in range(6)]
    assert OutMessage.objects.filter(customer=customer, template="complaint_received").count() == 6
    assert InMail.objects.count() == 6 and imap.subjects() == [] and len(imap.subjects("Done")) == 6


@pytest.mark.django_db
@pytest.mark.covers("CMP-01")
def test_whoever_writes_about_a_case_from_elsewhere_is_heard_and_told_nothing(at: Office) -> None:
    one = case(at, "INVESTIGATING", customer=li(at), contact_email="")
    theirs = came(mail(b"Any news?", Subject=f"Re: {one.number}"))
    assert (theirs.state, theirs.complaint, theirs.is_theirs) == ("WORDS", one, True)
    other = came(mail(b"I am his wife.", Subject=one.number, From="wife@example.test", Message_ID="<9@x>"))
    assert (other.state, other.complaint, other.is_theirs) == ("NOTE", one, False)
    forged = mail(b"Send me all.", Subject=one.number, Message_ID="<8@x>", Authentication_Results="mx; dmarc=fail")
    assert came(forged).state == "NOTE"
    kinds = list(Entry.objects.filter(complaint=one).order_by("pk").values_list("kind", flat=True))
    assert kinds == ["INBOUND", "NOTE", "NOTE"]
    assert "wife@example.test" in Entry.objects.order_by("pk")[1].text
    assert Notification.objects.filter(user=at.handler, kind="complaint.wrote_otherwise").count() == 2
    assert Complaint.objects.count() == 1 and not OutMessage.objects.exists()


@pytest.mark.django_db
def test_after_the_end_words_are_kept_for_a_month_then_it_is_a_new_case_that_repeats_it(at: Office) -> None:
    one = case(at, "CLOSED", customer=li(at))
    assert came(mail(b"It is back.", Subject=one.number)).state == "WORDS"
    assert Entry.objects.get().complaint == one and Notification.objects.filter(user=one.owner).exists()
    Complaint.objects.filter(pk=one.pk).update(closed_at=clock.now() - timedelta(days=31))
    late = came(mail(b"It is back again.", Subject=one.number, Message_ID="<7@x>"))
    assert late.state == "CASE" and late.complaint != one
    assert Link.objects.values_list("complaint", "other", "kind").get() == (late.complaint_id, one.pk, "REPEAT")
    assert OutMessage.objects.values_list("template", flat=True).get() == "complaint_received"


@pytest.mark.django_db
def test_a_stranger_gets_an_answer_and_an_unproven_or_shared_address_is_no_customer(at: Office, smtp: Mailbox) -> None:
    li(at)
    stranger = came(mail(b"I left you, and you bill me.", From="Wang <wang@example.test>")).complaint
    assert stranger is not None
    assert (stranger.customer, stranger.contact_email, stranger.contact_name) == (None, "wang@example.test", "Wang")
    assert came(mail(b"x", Message_ID="<2@x>", Authentication_Results="mx; dmarc=fail")).complaint.customer is None  # type: ignore[union-attr]  # made above
    ContactPointFactory(customer=CustomerFactory(unit=at.unit), kind="EMAIL", value=LI)
    assert came(mail(b"Whose is it?", Message_ID="<3@x>")).complaint.customer is None  # type: ignore[union-attr]  # made above
    delivery.deliver_due()
    letter = next(one for one in smtp.letters if one["To"] == "wang@example.test")
    assert letter["Subject"] == f"[{stranger.number}] Your mail has arrived" and letter.get_content().startswith(
        "Wang, "
    )
    back = came(answer(letter, "Thank you.", From="wang@example.test", Message_ID="<4@x>"))
    assert (back.state, back.complaint) == ("WORDS", stranger)


@pytest.mark.django_db
def test_a_crowd_from_one_address_and_what_nobody_can_answer_are_kept_aside(at: Office) -> None:
    states = [came(mail(b"Again" * (n + 1), Message_ID=f"<{n}@x>")).state for n in range(22)]
    assert states == ["CASE"] * 20 + ["ASIDE"] * 2
    with pytest.raises(RuleBroken, match="Too many"):
        came(mail(b"Once more", Message_ID="<99@x>"), keep_crowds=False)
    assert came(mail(b"Who am I?", From="", Message_ID="<98@x>")).reason == "no_sender"
    assert came(mail(b"Echo", From="service@crm.test", Message_ID="<97@x>")).reason == "own"
    assert Complaint.objects.count() == 20 and OutMessage.objects.count() == 20


@pytest.mark.django_db
def test_a_mail_too_long_or_without_words_is_taken(at: Office) -> None:
    long = came(mail("很".encode() * 30_000, kind="text/plain; charset=utf-8", Message_ID="<1@x>")).complaint
    assert long is not None and len(long.text) == 20_000 and Attachment.objects.get().complaint == long
    bare = came(mail(b"", Subject="", Message_ID="<2@x>")).complaint
    assert bare is not None and bare.text == "(A mail without words.)"


@pytest.mark.django_db
def test_the_pipe_of_a_mail_server_learns_by_the_exit_code_whether_the_mail_is_ours(at: Office) -> None:
    assert take(io.BytesIO(mail(b"By the pipe"))) == os.EX_OK
    assert take(io.BytesIO(mail(b"By the pipe"))) == os.EX_OK
    assert take(io.BytesIO(b" \n")) == os.EX_DATAERR
    assert take(io.BytesIO(mail(b"Nobody", From="", Message_ID="<2@x>"))) == os.EX_DATAERR
    large = mail(b"Much" + b"\nx" * 14_000_000, Message_ID="<3@x>")
    assert take(io.BytesIO(large)) == os.EX_OK
    RoleAssignment.objects.all().delete()
    assert take(io.BytesIO(mail(b"Nobody is here", Message_ID="<4@x>"))) == os.EX_TEMPFAIL
    assert Complaint.objects.count() == 2 and not InMail.objects.filter(message_id="<4@x>").exists()
