"""E-mails as they come: every charset, markup and depth gives words, and never a failure."""

from __future__ import annotations

import sys
from collections.abc import Callable
from email.message import EmailMessage
from types import FrameType

import pytest

from complaints.mail.address import read_mail_in
from complaints.mail.reading import Mail, read_mail
from foundation.common.errors import BadSetting

SAID = "话费多扣了，请退还。朱镕基路"  # the last words are in gb18030 and not in gb2312


def mail(body: bytes = b"Hello", *, kind: str = "text/plain", **heads: str) -> bytes:
    """A mail as bytes; `heads`: lines, `_` for `-`."""
    given = {"From": "Li <li@example.test>", "Subject": "No signal", "Message_ID": "<1@example.test>", **heads}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in given.items() if value]
    return "\n".join([*lines, f"Content-Type: {kind}", "Content-Transfer-Encoding: 8bit", "", ""]).encode() + body


def report(original: str, status: str = "5.1.1", action: str = "failed") -> bytes:
    """A delivery report for the mail with this Message-ID."""
    return mail(
        (
            "--b\nContent-Type: text/plain\n\nCould not be delivered.\n"
            "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.test\n\n"
            f"Final-Recipient: rfc822; li@example.test\nAction: {action}\nStatus: {status}\n\n"
            f"--b\nContent-Type: text/rfc822-headers\n\nFrom: us\nMessage-ID: {original}\nSubject: x\n\n--b--\n"
        ).encode(),
        kind='multipart/report; report-type=delivery-status; boundary="b"',
        From="MAILER-DAEMON@example.test",
        Return_Path="<>",
        Message_ID="<bounce@example.test>",
    )


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [
        ("gb2312", "gb18030"),  # what most programs mean by it
        ("GBK", "gb18030"),
        ("x-gbk", "gb18030"),
        ("gb18030", "utf-8"),  # wrong
        ("utf-8", "gb18030"),
        ("us-ascii", "utf-8"),
        ("", "utf-8"),
        ("", "gb18030"),
        ("no-such-set", "gb18030"),
        ("zlib", "utf-8"),
        ('"utf-8"', "utf-8"),
        ("utf-16", "utf-16"),
    ],
)
def test_whatever_charset_is_declared_the_words_are_read(charset: str, encoding: str) -> None:
    kind = f"text/plain; charset={charset}" if charset else "text/plain"
    assert read_mail(mail(SAID.encode(encoding), kind=kind)).text == SAID


def test_western_letters_stay_and_a_western_name_over_chinese_bytes_deceives_nobody() -> None:
    kind = "text/plain; charset=iso-8859-1"
    assert read_mail(mail("Café à Zürich".encode("latin-1"), kind=kind)).text == "Café à Zürich"
    assert read_mail(mail("信号很差".encode("gb2312"), kind=kind)).text == "信号很差"


@pytest.mark.parametrize(
    ("head", "shown"),
    [
        ("=?gb2312?B?zbbL3w==?=", "投诉"),
        ("=?utf-8?Q?=E6=8A=95?= =?utf-8?Q?=E8=AF=89?=", "投诉"),
        ("=?utf-8?B?5oqV6A==?= =?utf-8?B?r4k=?=", "投诉"),  # a sign cut in two
        ("=?utf-8?B?broken", "=?utf-8?B?broken"),
        ("=?nowhere?Q?plain?=", "plain"),
        ("a\n b", "a b"),
        ("", ""),
        ("x" * 100_000, "x" * 200),
    ],
)
def test_heads_are_read_broken_or_not(head: str, shown: str) -> None:
    assert read_mail(mail(Subject=head)).subject == shown


@pytest.mark.parametrize(
    ("head", "address", "name"),
    [
        ("Li <Li@Example.test>", "li@example.test", "Li"),
        ('"li@bank.test" <thief@example.test>', "thief@example.test", "li@bank.test"),
        ('"<li@bank.test>" <thief@example.test>', "thief@example.test", "<li@bank.test>"),
        ("=?gb2312?B?1cXI/Q==?= <z@example.test>", "z@example.test", "张三"),
        ("z@example.test (Z)", "z@example.test", ""),
        ("nobody", "", ""),
        ("", "", ""),
        ("(" * 50_000, "", ""),
        ("<a@" * 50_000, "", ""),
    ],
)
def test_the_sender_is_who_the_brackets_say(head: str, address: str, name: str) -> None:
    found = read_mail(mail(From=head))
    assert (found.sender, found.name) == (address, name)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<p>No <b>signal</b> &amp; no answer</p><script>alert(1)</script><style>p{}</style>", "No signal & no answer"),
        ('<div style="display:none">bait</div><p hidden>bait</p>Real<br>words', "Real\nwords"),
        ('<div style="display: none">Nothing else is here</div>', "Nothing else is here"),
        ('<a title="a > b" href="javascript:x">Press</a> 1 < 2', "Press 1 < 2"),
        ("<table><tr><td>Bill</td><td>30</td></tr></table>", "Bill 30"),
        ("<scr<script>ipt>alert(1)</script>after", "ipt>alert(1)after"),
        ("no <!-- hidden --> markup", "no markup"),
    ],
)
def test_markup_becomes_plain_words_without_what_is_hidden(body: str, said: str) -> None:
    assert " ".join(read_mail(mail(body.encode(), kind="text/html")).text.split()) == " ".join(said.split())


@pytest.mark.parametrize(
    "below",
    [
        "> earlier\n> words",
        "On Mon, 2 Mar 2026 at 10:12, Service <s@example.test> wrote:\n> earlier",
        "On Mon, 2 Mar 2026 at 10:12, Service\n<s@example.test> wrote:\nearlier",
        "-----Original Message-----\nFrom: Service\nearlier",
        '------------------ 原始邮件 ------------------\n发件人: "客服";\nearlier',
        "在 2026年3月2日，客服 <s@example.test> 写道：\nearlier",
        "发件人：客服\n发送时间：2026年3月2日\n收件人：李\nearlier",
        "-- \nLi Wei\nManager",
        "发自我的iPhone",
        "Sent from my phone",
    ],
)
def test_an_answer_is_only_what_was_written_in_it(below: str) -> None:
    given = mail(f"Still no signal.\n\nSince Monday.\n\n{below}\n".encode(), In_Reply_To="<x@example.test>")
    found = read_mail(given)
    assert found.text == "Still no signal.\n\nSince Monday." and "Still" in found.whole and found.answers


def test_what_is_passed_on_stays_and_a_mail_of_nothing_but_quotes_too() -> None:
    given = "-----Original Message-----\nFrom: Shop\nSent: Monday\nYour contract"
    assert "Your contract" in read_mail(mail(given.encode(), Subject="Fwd: contract")).text
    assert read_mail(mail(b"> all\n> quoted", Subject="Re: x")).text == "> all\n> quoted"
    quoted = '<p>New</p><blockquote type="cite">Old<br>words</blockquote>'
    assert read_mail(mail(quoted.encode(), kind="text/html", Subject="Re: x")).text == "New"


@pytest.mark.covers("INT-13")
@pytest.mark.parametrize(
    ("heads", "why"),
    [
        ({}, ""),
        ({"Auto_Submitted": "no"}, ""),
        ({"X_Auto_Response_Suppress": "All"}, ""),  # asks for silence, and is written by people
        ({"Auto_Submitted": "auto-replied (vacation)"}, "automatic"),
        ({"X_Autoreply": "yes"}, "automatic"),
        ({"Subject": "Re: Automatic reply: away"}, "automatic"),
        ({"Subject": "=?utf-8?B?6Ieq5Yqo5Zue5aSNOiDkvJHlgYc=?="}, "automatic"),
        ({"Precedence": "bulk"}, "list"),
        ({"List_Id": "<news.example.test>"}, "list"),
        ({"Return_Path": "<>"}, "returned"),
        ({"From": "Mail Delivery <MAILER-DAEMON@example.test>"}, "returned"),
        ({"Message_ID": "<ABC.careline@crm.test>"}, "own"),
        ({"Message_ID": "<ABC.careline@elsewhere.test>"}, ""),
    ],
)
def test_machines_are_told_from_people(heads: dict[str, str], why: str) -> None:
    assert read_mail(mail(**heads), own_host="crm.test").automatic == why


@pytest.mark.parametrize(
    ("status", "action", "failed", "nobody"),
    [
        ("5.1.1", "failed", True, True),
        ("5.2.2", "failed", True, False),  # full, not gone
        ("5.7.1", "failed", True, False),
        ("4.4.1", "delayed", False, False),
        ("4.4.7", "failed", True, False),
    ],
)
def test_a_delivery_report_says_which_mail_of_ours_and_whether_anybody_is_there(
    status: str, action: str, failed: bool, nobody: bool
) -> None:
    found = read_mail(report("<ABC.careline@crm.test>", status, action)).returned
    assert found is not None
    assert (found.message_id, found.failed, found.nobody) == ("<ABC.careline@crm.test>", failed, nobody)
    assert read_mail(report("<not-ours@example.test>")).returned is None


def test_numbers_references_and_doubt_about_the_sender_are_read() -> None:
    found = read_mail(
        mail(
            Subject="Re: [cp20261124000017] and XCP20261124000018",
            In_Reply_To="<b@x>",
            References="<a@x>\n <b@x>",
            Authentication_Results="mx.us.test; spf=pass; dmarc=fail header.from=example.test",
        )
    )
    assert (found.numbers, found.references) == (("CP20261124000017",), ("<b@x>", "<a@x>"))
    assert found.unproven and found.heading == "[cp20261124000017] and XCP20261124000018"


def test_files_are_kept_apart_from_words_and_a_mail_cut_short_has_no_half_file() -> None:
    made = EmailMessage()
    made["From"], made["Subject"] = "li@example.test", "Bill"
    made.set_content("See the bill.")
    made.add_alternative("<p>See the bill.</p>", subtype="html")
    made.add_attachment(b"%PDF-1.4 one", maintype="application", subtype="pdf", filename="账单.pdf")
    made.add_attachment(b"x" * 9000, maintype="application", subtype="octet-stream", filename="big.bin")
    found = read_mail(made.as_bytes())
    assert found.text == "See the bill." and [(one.name, len(one.data)) for one in found.files] == [
        ("账单.pdf", 12),
        ("big.bin", 9000),
    ]
    short = read_mail(made.as_bytes()[:3000], cut=True)
    assert short.text == "See the bill." and [one.name for one in short.files] == ["账单.pdf"] and short.unread


def nested(levels: int) -> bytes:
    """A mail with its words so many parts inside one another."""
    heads = "".join(f'Content-Type: multipart/mixed; boundary="b{i}"\n\n--b{i}\n' for i in range(levels))
    return b"From: li@example.test\nSubject: deep\n" + heads.encode() + b"Content-Type: text/plain\n\nAt the bottom\n"


def counted(act: Callable[[], Mail]) -> tuple[Mail, int]:
    """What comes of it, and how many calls it took, of ours and of the interpreter's own."""
    calls = 0

    def note(_frame: FrameType, event: str, _given: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        found = act()
    finally:
        sys.setprofile(before)
    return found, calls


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (nested(50), "At the bottom"),
        (nested(3000), ""),
        (mail(b"Hello", To=", ".join(f"p{i}@example.test" for i in range(10_000))), "Hello"),
        (mail(b"a\x00b\x1bc"), "abc"),
        (b"", ""),
        (b"\x00\xff" * 2000, None),
        (b"no head at all", None),
        (b"Subject: x\n\n\n\n", ""),
        (b"From: a@b.test\nContent-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\n" * 4_000, ""),
        (b"From: a@b.test\nContent-Type: text/html\n\n" + b"<!" * 500_000, None),
        (b"From: a@b.test\nContent-Type: text/html\n\n" + b"<a " * 500_000, None),
        (b"From: a@b.test\nContent-Type: text/html\n\n" + b'<a b="' * 200_000, None),
        (b"From: a@b.test\nContent-Type: text/html\n\n" + b"<div>" * 40_000, None),
        (b"From: a@b.test\nSubject: Re: x\n\n" + (b"on " + b"b " * 150 + b"\n") * 500, None),
        (b"From: a@b.test\nContent-Type: text/plain; charset=punycode\n\n" + b"a" * 300_000 + b"-zz", None),
        (b"From: a@b.test\nSubject: " + b"=?utf-8?q?x?= " * 100_000 + b"\n\nHello", "Hello"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else str(value),
)
def test_no_mail_breaks_us_or_keeps_us_busy(raw: bytes, said: str | None) -> None:
    found, calls = counted(lambda: read_mail(raw))
    assert calls < 1_000 + 25 * len(raw)  # grows as the mail does, not as its square
    assert isinstance(found, Mail) and len(found.digest) == 64
    assert said is None or found.text == said
    assert "\x00" not in found.text + found.subject and not any(0xD800 <= ord(letter) < 0xE000 for letter in found.text)


def test_the_same_mail_by_two_ways_is_one_and_another_is_another() -> None:
    one = read_mail(mail(b"Hello"))
    assert read_mail(mail(b"Hello", Received="from x")).digest == one.digest
    assert read_mail(mail(b"Hello", Message_ID="<2@example.test>")).digest != one.digest
    assert read_mail(mail(b"a", Message_ID="")).digest != read_mail(mail(b"b", Message_ID="")).digest


def test_the_address_of_a_mailbox_is_read_strictly() -> None:
    found = read_mail_in("imaps://me%40x:p%2Fw@mail.example.test/Complaints?done=Gone")
    assert (found.host, found.port, found.user, found.password) == ("mail.example.test", 993, "me@x", "p/w")
    assert (found.folder, found.done, found.refused) == ("Complaints", "Gone", "Refused") and "p/w" not in found.name
    for wrong in ("pop3://a:b@h", "imaps://h/INBOX", "imaps://a:b@h:x/", "imaps://a:b@h?no=1", "imaps://a:b@h/Done"):
        with pytest.raises(BadSetting):
            read_mail_in(wrong)
