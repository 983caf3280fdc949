"""Text messages over real SMPP: whole, in order of consent, once; through cuts, throttling, bad peers and kills."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext

from crm import doctor
from customers.finding.rows import rebuild_find_rows
from customers.models import Consent, Customer, TimelineLine
from foundation.common import clock
from outreach import delivery
from outreach.channels.smpp.address import read_line
from outreach.models import FollowUp, MessageMove, MessageText, OutMessage, SmsLine, SmsPart, SmsReply
from outreach.services import queue_messages
from outreach.sms.gateway import Gateway
from tests.factories import UserFactory
from tests.jobs.processes import ROOT, Processes, wait_until
from tests.outreach.making import MORNING, queue, reachable
from tests.outreach.smsc import Got, Smsc, gateway, message_centre, own_centre
from tests.outreach.test_consent import agree, offer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.covers("INT-13")]
Travel = Callable[[datetime], AbstractContextManager[None]]
DEEP = os.environ.get("CARELINE_DEEP") == "1"
LONG = (
    "\u60a8\u7684\u6295\u8bc9{n}\u5df2\u53d7\u7406\uff0c"
    + "\u6211\u4eec\u5c06\u5728\u4e24\u65e5\u5185\u7b54\u590d\u60a8\u3002" * 8
)


@pytest.fixture
def centre() -> Iterator[Smsc]:
    with message_centre() as one:
        yield one


def url(centre: Smsc, more: str = "") -> str:
    return f"smpp://me:secret@127.0.0.1:{centre.port}?from=10086{more}"


def mass(customer: Customer, count: int, text: str = LONG, kind: str = "SERVICE") -> dict[str, int]:
    """`count` messages to a customer, each with words and a number of its own: text -> id."""
    queue_messages(
        "SELECT %(customer)s::bigint AS customer_id, %(unit)s::int AS unit_no, 'm' || n AS dedupe_key,"
        " '{}'::jsonb AS params, NULL::timestamptz AS not_before, NULL::timestamptz AS expires_at"
        " FROM generate_series(1, %(count)s) n",
        {"customer": customer.pk, "unit": customer.unit_no, "count": count},
        message_class=kind,
        template="callback_promised_any",
    )
    ids = OutMessage.objects.order_by("pk").values_list("pk", flat=True)
    words = {text.format(n=f"{n:06d}"): pk for n, pk in enumerate(ids)}
    MessageText.objects.bulk_create(
        MessageText(
            message_id=pk,
            customer_id=customer.pk,
            template_version=1,
            language="zh-hans",
            address=number_at(n),
            body=body,
        )
        for n, (body, pk) in enumerate(words.items())
    )
    return words


def number_at(n: int) -> str:
    return f"{13900001111 + n}"


def states() -> dict[str, int]:
    found: dict[str, int] = {}
    for state in OutMessage.objects.values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def nothing_due() -> bool:
    """No message waits for now, none is under way; a claim whose line broke is forgotten by its lease."""
    under_way = Q(state="sending", in_flight_at__isnull=False) | Q(state="queued", not_before__lte=clock.now())
    return not OutMessage.objects.filter(under_way).exists()


def test_a_long_chinese_message_arrives_whole_and_its_receipts_make_it_delivered(
    centre: Smsc, travel: Travel, settings: Any
) -> None:
    settings.SMS_URL = url(centre)
    late: list[Got] = []
    centre.receipt = lambda got: late.append(got) or ""  # type: ignore[func-returns-value]  # kept for later
    customer = reachable()
    [(words, pk)] = mass(customer, 1).items()
    short = queue(reachable(language="en", name="Bo"), "short")
    assert short is not None
    with travel(MORNING):
        assert delivery.deliver_due() == 0  # the line is another process's
        with gateway(settings.SMS_URL):
            wait_until(lambda: states() == {"sent": 2}, what="both sent")
            message = OutMessage.objects.get(pk=pk)
            assert (message.carrier, message.tries) == ("smpp", 1)
            parts = [part for part in centre.parts if part.place]
            assert sorted(part.place[1:] for part in parts if part.place) == [(1, 2), (2, 2)]
            assert len({part.place[0] for part in parts if part.place}) == 1
            assert (parts[0].coding, parts[0].source, parts[0].to) == (8, "10086", "13900001111")
            centre.tell(late[0].ref, "ACCEPTD")
            for got in late[:-1]:
                centre.tell(got.ref, "DELIVRD")
                centre.tell(got.ref, "DELIVRD")
            wait_until(lambda: SmsPart.objects.filter(state="ARRIVED").count() == len(late) - 1)
            assert "sent" in states()  # not all its parts were told yet
            centre.tell(late[-1].ref, "UNDELIV", "011")
            centre.tell("nobody-knows", "DELIVRD")
            wait_until(lambda: "sent" not in states())
            wait_until(lambda: len(centre.statuses) == 2 * len(late) + 1)
    assert centre.statuses == [0] * len(centre.statuses)
    assert centre.texts() == {("13900001111", words): 1, ("13900001111", _english(short)): 1}
    by_part = {part.message_id: part for part in SmsPart.objects.filter(state="LOST")}
    assert len(by_part) == 1
    [lost_id] = by_part
    assert OutMessage.objects.get(pk=lost_id).state == "undelivered"
    assert OutMessage.objects.exclude(pk=lost_id).get().state == "delivered"
    assert MessageMove.objects.get(message_id=lost_id, new="undelivered").detail == "011"
    assert SmsLine.objects.get().state == "BOUND"


def _english(message: OutMessage) -> str:
    return MessageText.objects.get(pk=message.pk).body.strip()


def test_cut_ten_times_every_message_arrives_and_nothing_recorded_as_sent_is_sent_again(
    centre: Smsc, travel: Travel
) -> None:
    count, dice, cuts = (10_000 if DEEP else 300), random.Random(4), 0
    with travel(MORNING):
        words = mass(reachable(), count)
    ids = {number_at(n): pk for n, pk in enumerate(words.values())}

    def cut_now_and_then(_got: Got) -> None:
        nonlocal cuts
        if cuts < 10 and centre.asked >= (cuts + 1) * count * 2 // 12:
            cuts += 1
            centre.cut_after(dice.randint(1, 400))

    centre.on_submit = cut_now_and_then  # type: ignore[assignment]  # it refuses nothing
    for step in range(12):
        with travel(MORNING + step * timedelta(minutes=3)):
            on_record, before = set(SmsPart.objects.values_list("message_id", "number")), len(centre.parts)
            with gateway(url(centre, "&window=20")):
                wait_until(nothing_due, 600 if DEEP else 30, "nothing due")
            left = {(ids[part.to], part.place[1]) for part in centre.parts[before:] if part.place}
            assert left & on_record == set()
        if not {"queued", "sending"} & set(states()):
            break
    assert (cuts, centre.sessions >= 11) == (10, True)
    with travel(MORNING + timedelta(hours=1)), gateway(url(centre)):
        wait_until(lambda: states() == {"delivered": count}, 600 if DEEP else 60, "all delivered")
    assert set(centre.texts()) == {(number_at(n), body) for n, body in enumerate(words)}
    assert len(centre.parts) <= 2 * count + 10 * 20  # only what a cut left open left twice


def test_a_throttled_line_slows_down_and_loses_nothing(centre: Smsc, travel: Travel) -> None:
    seen: list[float] = []

    def on_submit(_got: Got) -> int | None:
        seen.append(0)
        return 0x58 if 5 <= len(seen) < 9 else None

    centre.on_submit = on_submit
    with travel(MORNING):
        mass(reachable(), 12, "Short {n}")
        with gateway(url(centre, "&window=2&rate=40")):
            wait_until(lambda: states() == {"delivered": 12})
    assert len(centre.texts()) == 12
    assert set(centre.texts().values()) == {1}
    assert len(seen) == 16
    assert set(OutMessage.objects.values_list("tries", flat=True)) == {1}


def test_a_reply_of_refusal_counts_before_the_next_offer_leaves_and_others_become_work(
    centre: Smsc, travel: Travel
) -> None:
    with travel(MORNING):
        customer = reachable(manager=UserFactory(role="ACCOUNT_MANAGER"))
        rebuild_find_rows([customer.pk])
        agree(customer)
        first = offer(customer, "first")
        words = {"template_version": 1, "language": "en", "address": "13900001111", "body": "An offer"}
        MessageText.objects.create(message_id=first.pk, customer_id=customer.pk, **words)

        def on_submit(_got: Got) -> None:
            centre.say("8613900001111", "\uff34\uff24".encode("utf-16-be"), coding=8)

        centre.on_submit = on_submit  # type: ignore[assignment]  # it refuses nothing
        with gateway(url(centre)):
            wait_until(lambda: SmsReply.objects.filter(state="REFUSAL").exists())
            assert Consent.objects.get(customer=customer, channel="SMS").state == "WITHDRAWN"
            second = offer(customer, "second")
            wait_until(lambda: not OutMessage.objects.filter(pk=second.pk, state__in=["queued", "sending"]).exists())
            centre.say("13900001111", b"Please call me")
            half = b"\x05\x00\x03\x07\x02"
            centre.say("13900001111", half + b"\x02" + b"is wrong", esm_class=0x40)
            centre.say("13900001111", half + b"\x01" + b"My bill ", esm_class=0x40)
            centre.say("13900001111", half + b"\x01" + b"My bill ", esm_class=0x40)
            centre.say("13711112222", b"Who is this?")
            wait_until(lambda: len(centre.statuses) >= 7)
    assert OutMessage.objects.get(pk=first.pk).state in {"sent", "delivered"}
    second.refresh_from_db()
    assert (second.state, second.reason) == ("suppressed", "no_consent")
    assert len(centre.parts) == 1
    with translation.override(settings.LANGUAGE_CODE):  # the work of the operator is written in its language
        said = gettext("Answer the text message: %(text)s") % {"text": ""}
    assert sorted(FollowUp.objects.values_list("subject", "owner")) == [
        (f"{said}My bill is wrong", customer.manager_id),
        (f"{said}Please call me", customer.manager_id),
    ]
    assert sorted(SmsReply.objects.values_list("text", "state")) == [
        ("My bill is wrong", "TAKEN"),
        ("Please call me", "TAKEN"),
        ("Who is this?", "UNKNOWN"),
        ("\uff34\uff24", "REFUSAL"),
    ]
    assert TimelineLine.objects.filter(customer_id=customer.pk, kind="sms.reply").count() == 3


def test_a_wrong_password_is_told_and_the_messages_wait(travel: Travel, settings: Any) -> None:
    with travel(MORNING), own_centre("--password", "other") as centre:
        mass(reachable(), 3, "Short {n}")
        with gateway(f"smpp://careline:secret@127.0.0.1:{centre.port}"):
            line = wait_until(SmsLine.objects.first)
            assert (line.state, line.detail) == ("REFUSED", "bind refused, status 0x0000000E (wrong password)")
            assert "secret" not in line.name + line.detail
        assert states() == {"queued": 3}
        assert set(OutMessage.objects.values_list("attempts", flat=True)) == {0}
        settings.SMS_URL = f"smpp://careline:secret@127.0.0.1:{centre.port}"
        [found] = doctor._text_messages()
        assert (found.verdict, "wrong password" in found.seen) == ("fail", True)
    with travel(MORNING), own_centre() as right:
        with gateway(f"smpp://careline:secret@127.0.0.1:{right.port}"):
            wait_until(lambda: states() == {"delivered": 3})
            settings.SMS_URL = f"smpp://careline:secret@127.0.0.1:{right.port}"
            assert [line.verdict for line in doctor._text_messages()] == ["ok"]
        assert sorted(right.messages) == [(number_at(n), f"Short {n:06d}") for n in range(3)]


def test_a_peer_that_talks_nonsense_ends_no_process(travel: Travel) -> None:
    header = "{length:08x}{command:08x}00000000000000{sequence:02x}"
    with travel(MORNING), own_centre() as centre, gateway(f"smpp://careline:secret@127.0.0.1:{centre.port}") as ours:
        wait_until(lambda: SmsLine.objects.filter(state="BOUND").exists())
        for sequence, body in enumerate(("", "00", "0001", "ff" * 30), start=1):  # no deliver_sm, and no end of texts
            centre.tell("raw " + header.format(length=16 + len(body) // 2, command=5, sequence=sequence) + body)
        wait_until(lambda: centre.statuses == [0x65] * 4)
        centre.tell("raw " + header.format(length=16, command=0x77, sequence=9))  # a command nobody knows
        centre.tell("raw " + header.format(length=16, command=0x80000004, sequence=10))  # an answer to no question
        centre.tell("say 13700001111 Still there?")
        wait_until(lambda: SmsReply.objects.filter(text="Still there?").exists())
        for raw in ("00000004ffffffff", "7fffffff00000005"):  # frames that cannot be
            before = SmsLine.objects.get().seen_at
            with travel(before + timedelta(seconds=1)):
                centre.tell("raw " + raw)
                wait_until(lambda: SmsLine.objects.filter(state="DOWN").exists(), what=raw)
                wait_until(lambda: SmsLine.objects.filter(state="BOUND").exists(), what=raw)
        centre.tell("status 0xB")
        mass(reachable(), 1, "Refused {n}")
        wait_until(lambda: states() == {"failed": 1})
        assert MessageMove.objects.get(new="failed").detail == "smpp_0000000B"
        assert not ours.stop.is_set()


def gateway_child(line: str) -> int:
    """A forked process that holds the line until it is killed; returns its id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        for connection in connections.all():
            connection.connection = None  # closing would end the parent's session
        Gateway(read_line(line), threading.Event()).run()
    finally:
        os._exit(1)


def test_when_the_process_that_leads_is_killed_another_goes_on_where_it_was(
    centre: Smsc, processes: Processes, travel: Travel, tmp_path: Path
) -> None:
    full, go_on = threading.Event(), threading.Event()

    def stop_in_the_middle(_got: Got) -> None:
        if len(centre.parts) == 50:
            full.set()
            assert go_on.wait(60)

    centre.on_submit = stop_in_the_middle  # type: ignore[assignment]  # it refuses nothing
    with travel(MORNING):
        words = mass(reachable(), 60)
        first = gateway_child(url(centre, "&window=6"))
        assert full.wait(30)
    ids = {number_at(n): pk for n, pk in enumerate(words.values())}
    env = {
        "CARELINE_SMS_URL": url(centre, "&window=6"),
        # The leases of the first are over in its time.
        "CARELINE_CLOCK_OFFSET": str((MORNING - datetime.now(UTC)).total_seconds() + 300),
        "CARELINE_STATE_DIR": str(tmp_path),
    }
    second = processes.start("sms", [sys.executable, str(ROOT / "manage.py"), "sms_gateway"], env)
    wait_until(lambda: second.says("sms_gateway_stands_by"), logs=processes)
    assert not second.says("sms_gateway_leads")
    os.kill(first, signal.SIGKILL)
    os.waitpid(first, 0)
    on_record, before = set(SmsPart.objects.values_list("message_id", "number")), len(centre.parts)
    go_on.set()
    wait_until(lambda: states() == {"delivered": 60}, logs=processes, what="all delivered")
    left = {(ids[part.to], part.place[1]) for part in centre.parts[before:] if part.place}
    assert len(on_record) > 30
    assert left & on_record == set()
    assert set(centre.texts()) == {(number_at(n), body) for n, body in enumerate(words)}
    assert second.stop() == 0
