"""Mails as the world sends them: machines that answer machines, one mail by two ways, names in every spelling, lines
that break, mailboxes that number anew. Each is taken once, and nobody else's case is shown or moved."""

from __future__ import annotations

import imaplib
import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Count
from django.test import Client

from complaints.mail.mailbox import poll_mailbox
from complaints.mail.reading import read_mail
from complaints.mail.receiving import Place, receive_mail
from complaints.management.commands.receive_mail import take
from complaints.models import Attachment, Complaint, Entry, InMail, Link
from foundation.common import clock
from foundation.common.crypto import blind_index
from outreach import delivery
from outreach.models import OutMessage
from tests.complaints.cases import case, office
from tests.complaints.imap_peer import Peer, imap_peer
from tests.complaints.test_mail import MORNING, came, li
from tests.complaints.test_mail_reading import mail
from tests.outreach.peer import smtp_peer
from tests.racing import race


@pytest.fixture(autouse=True)
def _morning(
    travel: Callable[[datetime], AbstractContextManager[None]], settings: Any, tmp_path: Path
) -> Iterator[None]:
    settings.CARELINE_STATE_DIR = tmp_path
    settings.DEFAULT_FROM_EMAIL = "service@crm.test"
    settings.EMAIL_URL = ""
    with travel(MORNING):
        yield


@pytest.mark.django_db
@pytest.mark.covers("INT-13")
def test_a_machine_that_answers_every_letter_without_saying_so_soon_talks_to_itself(settings: Any) -> None:
    office()
    came(mail(b"Kein Netz seit Montag.", From="shop@example.test", Subject="Netz"))
    with smtp_peer() as box:
        settings.EMAIL_URL = f"smtp://127.0.0.1:{box.port}"
        answered = 0
        for ticket in range(4_711, 4_731):
            delivery.deliver_due()
            if len(box.letters) == answered:
                break
            for n, letter in enumerate(box.letters[answered:]):
                assert letter["Auto-Submitted"] == "auto-replied"
                words = f"您的邮件已收到，工单{ticket}{n}。We have your mail. Ticket {ticket}{n}, call 01088886666."
                heads = {"From": "shop@example.test", "Message_ID": f"<{ticket}.{n}@shop.test>"}
                came(mail(words.encode(), kind="text/plain; charset=utf-8", Subject=f"Ticket {ticket}{n}", **heads))
            answered = len(box.letters)
        else:
            raise AssertionError("they talk for ever")
    assert answered == 3
    assert list(InMail.objects.order_by("pk").values_list("state", flat=True)) == ["CASE"] * 3 + ["WORDS"]
    assert Entry.objects.get().complaint == Complaint.objects.order_by("pk")[2]


@pytest.mark.django_db
def test_the_same_words_twice_join_the_open_case_and_another_number_is_another_matter() -> None:
    at = office()
    given = {"From": "shop@example.test", "Subject": "No signal"}
    words = {"contact_email": given["From"], "subject": given["Subject"], "text": "At 13800138000"}
    ended = case(at, "CLOSED", **words)
    InMail.objects.create(
        digest="0",
        sender=blind_index(f"mail:{given['From']}").hex(),
        received_at=MORNING,
        state="CASE",
        complaint=ended,
    )
    first = came(mail(b"At 13800138000", Message_ID="<1@x>", **given))
    again = came(mail(b"At 13800138000", Message_ID="<2@x>", **given))
    assert (again.state, again.complaint) == ("WORDS", first.complaint)
    others = [came(mail(f"At 1390013900{n}".encode(), Message_ID=f"<3{n}@x>", **given)) for n in range(3)]
    stranger = came(mail(b"At 13800138000", Message_ID="<4@x>", Subject="No signal", From="b@example.test"))
    unproven = came(mail(b"At 13800138000", Message_ID="<5@x>", Authentication_Results="mx; dmarc=fail", **given))
    assert {one.state for one in (first, *others, stranger, unproven)} == {"CASE"}
    assert Complaint.objects.count() == 7


def by_hook(raw: bytes) -> int:
    return take(io.BytesIO(raw))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["<one@example.test>", ""])
def test_one_mail_by_mailbox_and_pipe_at_once_is_one_case(name: str) -> None:
    customer = li(office())
    own = mail(b"No signal\nat home", Message_ID=name, Date="Tue, 24 Nov 2026 10:00:00 +0800")
    by_imap = b"Return-Path: <li@example.test>\r\n" + own.replace(b"\n", b"\r\n") + b"\r\n"
    by_pipe = b"Received: from mx.example.test\nDelivered-To: service@crm.test\n" + own
    jobs = [lambda: by_hook(by_pipe), lambda: receive_mail(by_imap, received_at=MORNING, place=Place("box", 1, 7))]
    assert [job for job in race(*jobs * 3) if isinstance(job, Exception)] == []
    assert Complaint.objects.get().customer == customer and InMail.objects.count() == 1
    assert OutMessage.objects.filter(template="complaint_received").count() == 1


@pytest.mark.django_db
@pytest.mark.covers("CMP-14")
def test_who_names_somebody_elses_case_neither_sees_nor_moves_it_and_is_not_forgotten() -> None:
    at = office()
    one = case(at, "INVESTIGATING", customer=li(at), text="My secret words")
    before = {name: getattr(one, name) for name in ("state", "urges", "handler_id", "owner_id", "version")}
    program = EmailMessage()
    for name, value in {
        "From": "thief@example.test",
        "Subject": f"Re: [{one.number}] x",
        "Message-ID": "<9@x>",
    }.items():
        program[name] = value
    program.set_content("Close this case and send me everything.")
    program.add_attachment(b"%PDF-1.4 one", maintype="application", subtype="pdf", filename="order.pdf")
    assert came(program).state == "NOTE"
    one.refresh_from_db()
    assert {name: getattr(one, name) for name in before} == before
    assert not OutMessage.objects.exists() and Complaint.objects.count() == 1
    page = Client().post("/status/", {"number": one.number, "code": "wrong"}, follow=True).content.decode()
    assert "My secret words" not in page and "send me everything" not in page
    # Long after its end nobody looks at it: what a stranger writes then is a complaint of the stranger's.
    ended = case(at, "CLOSED", customer=one.customer)
    Complaint.objects.filter(pk=ended.pk).update(closed_at=clock.now() - timedelta(days=60))
    late = came(mail(b"No signal here", From="other@example.test", Subject=ended.number, Message_ID="<8@x>"))
    assert late.state == "CASE" and late.complaint_id not in {one.pk, ended.pk}
    assert not Link.objects.exists()
    told = OutMessage.objects.get()
    assert told.customer is None and ended.number not in str(told.params)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("filename*=gb18030''%D5%CB%B5%A5.pdf", "账单.pdf"),
        ("filename*0*=utf-8''%E8%B4; filename*1*=%A6%E5%8D%95.pdf", "账单.pdf".replace("账", "\u8d26")),
        ('filename*0="long na"; filename*1="me.pdf"', "long name.pdf"),
        ('filename="=?GBK?B?1cu1pS5wZGY=?="', "账单.pdf"),
        ('filename="=?utf-8?Q?=E8=B4=A6?= =?utf-8?Q?=E5=8D=95=2Epdf?="', "账单.pdf"),
        ("filename*=nowhere''%D5%CB.pdf", None),
        ("filename*=utf-8''%FF%FE.pdf", None),
        ('filename="../../etc/passwd"', "../../etc/passwd"),
        ('filename="账单.pdf"', "账单.pdf"),
    ],
)
def test_names_of_files_are_read_however_they_are_written(line: str, name: str | None) -> None:
    found = read_mail(with_file(line.encode())).files
    assert len(found) == 1 and found[0].data == b"%PDF-1.4 one"
    assert found[0].name == name if name is not None else found[0].name.endswith(".pdf")


def with_file(line: bytes) -> bytes:
    return (
        b"From: li@example.test\nSubject: Bill\nMessage-ID: <f@x>\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\nContent-Type: text/plain\n\nSee it.\n--b\nContent-Type: application/pdf\n"
        b"Content-Disposition: attachment; " + line + b"\n\n%PDF-1.4 one\n--b--\n"
    )


@pytest.mark.django_db
def test_a_name_in_bytes_nobody_declared_is_read_and_no_name_leads_out_of_the_store() -> None:
    office()
    raw = with_file(b'filename="' + "账单.pdf".encode("gb2312") + b'"')
    assert [one.name for one in read_mail(raw).files] == ["账单.pdf"]
    came(raw)
    came(with_file(b'filename="../../../evil.pdf"').replace(b"<f@x>", b"<g@x>"))
    first, second = Attachment.objects.order_by("pk")
    assert first.name == "账单.pdf" and "/" not in second.name


@contextmanager
def breaking_line(port: int) -> Iterator[tuple[int, Callable[[int], None]]]:
    """A relay before a server; what is called with a count lets so many bytes of the server pass, then breaks all."""
    listening, left = socket.create_server(("127.0.0.1", 0)), [10**9]

    def copy(source: socket.socket, to: socket.socket, back: bool) -> None:
        while data := _read(source):
            part = data[: left[0]] if back else data
            left[0] -= len(data) if back else 0
            try:
                to.sendall(part)
            except OSError:
                break
            if left[0] <= 0:
                break
        for one in (source, to):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        while True:
            try:
                near, _from = listening.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", port))
            for job in ((near, far, False), (far, near, True)):
                threading.Thread(target=copy, args=job, daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()

    def let_pass(count: int) -> None:
        left[0] = count

    yield listening.getsockname()[1], let_pass
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


def _read(source: socket.socket) -> bytes:
    try:
        return source.recv(65_536)
    except OSError:
        return b""


@pytest.mark.peers
@pytest.mark.django_db
def test_a_line_that_breaks_in_the_middle_of_a_mail_takes_it_whole_the_next_time(tmp_path: Path, settings: Any) -> None:
    office()
    words = "\n".join(f"Line {n} of what happened." for n in range(3_000))
    with imap_peer(tmp_path) as peer, breaking_line(peer.port) as (port, let_pass):
        settings.MAIL_IN_URL = peer.url.replace(str(peer.port), str(port))
        peer.put(mail(b"Short", Message_ID="<1@x>"), mail(words.encode(), Message_ID="<2@x>", Subject="Long"))
        for count in (0, 100, 2_000, 30_000, 60_000):
            let_pass(count)
            poll_mailbox()
            assert Complaint.objects.filter(subject="Long").count() == 0
        let_pass(10**9)
        poll_mailbox()
        assert poll_mailbox() == 0 and peer.subjects() == [] and len(peer.subjects("Done")) == 2
    assert sorted(InMail.objects.values_list("message_id", "state")) == [("<1@x>", "CASE"), ("<2@x>", "CASE")]
    attached = Attachment.objects.get()
    assert attached.name == "mail.txt" and attached.size == len(words) + words.count("\n")  # lines end with two


@pytest.mark.peers
@pytest.mark.django_db
def test_a_mailbox_that_numbers_its_mails_anew_gives_none_twice_and_hides_none(tmp_path: Path, settings: Any) -> None:
    office()
    old = [mail(f"Matter {n}".encode(), Message_ID=f"<{n}@x>", Subject=f"Matter {n}") for n in range(3)]
    with imap_peer(tmp_path) as peer:
        settings.MAIL_IN_URL = peer.url.replace("INBOX", "Service")
        lay(peer, old)
        assert poll_mailbox() == 3
        lay(peer, [mail(b"Another", Message_ID="<new@x>", Subject="Another"), *old])
        assert poll_mailbox() == 4
    assert Complaint.objects.count() == 4 and Complaint.objects.filter(subject="Another").exists()
    told = InMail.objects.values("validity").annotate(mails=Count("pk")).order_by("pk")
    assert len({one["validity"] for one in told}) == 2


def lay(peer: Peer, mails: list[bytes]) -> None:
    """Make the folder anew, with these in it: its numbers begin again under another UIDVALIDITY."""
    imap = imaplib.IMAP4("127.0.0.1", peer.port)
    imap.login("service", "secret-1")
    imap.delete("Service")
    imap.create("Service")
    for one in mails:
        assert imap.append("Service", "", "", one)[0] == "OK"
    imap.logout()


@pytest.mark.django_db
def test_an_answer_whose_head_was_stripped_finds_its_case_by_the_number_in_any_dress() -> None:
    at = office()
    one = case(at, "INVESTIGATING", customer=li(at))
    for n, subject in enumerate((
        f"回复：[{one.number}] 您的投诉",
        f"转发: 答复: {one.number.lower()}",
        f"=?utf-8?B?{encoded('回复：【' + one.number + '】')}?=",
        f"=?gb2312?Q?=BB=D8=B8=B4?=\n =?gb2312?Q?_[{one.number}]?=",
        f"AW: Fwd: Re: [{one.number}]",
    )):  # fmt: skip
        found = came(mail(f"News {'x' * n}".encode(), Subject=subject, Message_ID=f"<{n}@x>"))
        assert (found.state, found.complaint) == ("WORDS", one), subject
    assert came(mail(b"Not me", Subject=f"X{one.number}", Message_ID="<no@x>")).state == "CASE"


def encoded(text: str) -> str:
    import base64

    return base64.b64encode(text.encode()).decode()
