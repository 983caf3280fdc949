"""Text messages by an HTTP gateway over real HTTP: signed, once for a reference, and what its answers mean."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.test import Client

from customers.finding.rows import rebuild_find_rows
from customers.models import Consent, TimelineLine
from foundation.common import clock
from foundation.common.errors import BadSetting
from foundation.rest.signing import sign
from outreach import delivery
from outreach.bounces import report_undelivered
from outreach.channels import Fate, Outcome
from outreach.channels.http import read_gateway
from outreach.models import FollowUp, MessageMove, OutMessage, RescueStep, SmsReply
from outreach.results import record_findings
from outreach.tasks import rescue_messages
from tests.factories import UserFactory
from tests.outreach.making import MORNING, queue, reachable
from tests.outreach.test_consent import agree

Travel = Callable[[datetime], AbstractContextManager[None]]
KEY = "a-key-of-the-gateway"
pytestmark = [pytest.mark.django_db, pytest.mark.covers("INT-13")]


class Gateway(ThreadingHTTPServer):
    """Keeps what was posted; `answers` are given in turn, then 202."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.posted: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[tuple[int, bytes, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/messages"


class _Handler(BaseHTTPRequestHandler):
    server: Gateway
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append((self.path, dict(self.headers.items()), body))
        status, said, headers = self.server.answers.pop(0) if self.server.answers else (202, b"{}", {})
        if status == 0:  # gone after it took it
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in {"Content-Length": str(len(said)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_words: Any) -> None:
        """Nothing on the screen."""


@pytest.fixture
def gateway(settings: Any) -> Iterator[Gateway]:
    server = Gateway()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    settings.SMS_URL, settings.SMS_KEY = server.url, KEY
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def state(message: OutMessage) -> tuple[str, str]:
    message.refresh_from_db()
    return message.state, message.reason


def queued(key: str = "k", **more: Any) -> OutMessage:
    message = queue(reachable(language="en", name="Li Na"), key, **more)
    assert message is not None
    return message


def tell(door: str, body: Any, *, key: str = KEY) -> tuple[int, dict[str, Any]]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"X-Careline-Signature": sign(key, int(clock.now().timestamp()), raw)}
    answer = Client().post(f"/api/careline/v1/{door}", raw, content_type="application/json", headers=headers)
    return answer.status_code, answer.json()


def test_a_letter_is_posted_signed_and_with_its_reference(gateway: Gateway, travel: Travel, settings: Any) -> None:
    with travel(MORNING):
        message = queued()
        delivery.deliver_due()
        assert (state(message), message.carrier) == (("sent", ""), "http")
        [(path, headers, body)] = gateway.posted
        reference = delivery.reference_of(message.pk)
        text = "Li Na, we will call you back by Tue, Nov 24 12:00. Your reference: CB1."
        wanted = {"reference": reference, "to": "13900001111", "text": text, "class": "SERVICE"}
        assert (path, json.loads(body), headers["Idempotency-Key"]) == ("/messages", wanted, reference)
        assert headers["X-Careline-Signature"] == sign(KEY, int(MORNING.timestamp()), body)
        settings.SMS_URL = gateway.url + "?format=form&line=2"
        queued("form")
        delivery.deliver_due()
        path, headers, body = gateway.posted[-1]
        assert path == "/messages?line=2"
        assert parse_qs(body.decode())["text"] == [text]


@pytest.mark.parametrize(
    ("answer", "wanted", "tries"),
    [
        ((409, b"", {}), ("sent", ""), 1),
        ((422, b'{"error": "bad_text"}', {}), ("failed", "refused"), 1),
        ((400, b"<html>", {}), ("failed", "refused"), 1),
        ((429, b"", {"Retry-After": "7"}), ("queued", "temporary"), 0),
        ((503, b"", {}), ("queued", "temporary"), 0),
        ((401, b"", {}), ("queued", "temporary"), 0),
        ((302, b"", {"Location": "http://127.0.0.1:9/elsewhere"}), ("queued", "temporary"), 0),
        ((500, b"", {}), ("queued", "temporary"), 1),
        ((0, b"", {}), ("queued", "temporary"), 1),
    ],
)
def test_what_an_answer_means(
    gateway: Gateway, travel: Travel, answer: tuple[int, bytes, dict[str, str]], wanted: tuple[str, str], tries: int
) -> None:
    gateway.answers.append(answer)
    with travel(MORNING):
        message = queued()
        delivery.deliver_due()
        assert (state(message), message.tries, len(gateway.posted)) == (wanted, tries, 1)
    if wanted[0] == "queued":
        with travel(MORNING + timedelta(minutes=2)):
            delivery.deliver_due()
            assert state(message) == ("sent", "")
            assert len({headers["Idempotency-Key"] for _path, headers, _body in gateway.posted}) == 1


def test_nobody_there_marks_the_number_and_the_mail_goes_instead(gateway: Gateway, travel: Travel) -> None:
    gateway.answers.append((404 + 18, b'{"error": "unknown_recipient"}', {}))
    with travel(MORNING):
        message = queued()
        delivery.deliver_due()
        assert state(message) == ("failed", "refused")
        assert message.customer is not None
        assert message.customer.contact_points.get(kind="MOBILE").do_not_use != ""


def test_of_many_one_that_is_throttled_stops_the_others_without_asking(gateway: Gateway, travel: Travel) -> None:
    gateway.answers.append((429, b"", {"Retry-After": "60"}))
    with travel(MORNING):
        for n in range(5):
            queued(f"k{n}")
        delivery.deliver_due()
    assert len(gateway.posted) == 1
    assert set(OutMessage.objects.values_list("state", "tries")) == {("queued", 0)}


def test_an_attempt_nobody_knows_about_is_not_repeated_for_an_offer(gateway: Gateway, travel: Travel) -> None:
    gateway.answers.append((502, b"", {}))
    with travel(MORNING):
        message = queued()
        OutMessage.objects.filter(pk=message.pk).update(message_class="MARKETING")
        assert message.customer is not None
        agree(message.customer)
        delivery.deliver_due()
    assert state(message) == ("unknown", "cut")


def test_receipts_are_taken_once_and_told_again_when_too_early(gateway: Gateway, travel: Travel) -> None:
    with travel(MORNING):
        first, second, waits = queued("a"), queued("b"), queued("c", not_before=MORNING + timedelta(hours=1))
        delivery.deliver_due()
        names = [delivery.reference_of(message.pk) for message in (first, second, waits)]
        told = [
            {"reference": names[0], "state": "delivered"},
            {"reference": names[1], "state": "undelivered", "detail": "absent", "nobody": False},
            {"reference": names[2], "state": "delivered"},
            {"reference": "<zz>", "state": "delivered"},
            {"reference": names[0], "state": "bogus"},
        ]
        for _twice in range(2):
            status, body = tell("sms-receipts", {"receipts": told})
            assert (status, body["taken"], body["again"]) == (200, 2, [names[2]])
            assert body["unknown"] == ["<zz>", names[0]]
        assert (state(first)[0], state(second)[0], state(waits)[0]) == ("delivered", "undelivered", "queued")
        assert MessageMove.objects.filter(new__in=["delivered", "undelivered"]).count() == 2
        assert MessageMove.objects.get(new="undelivered").detail == "absent"


def test_a_receipt_of_an_attempt_that_timed_out_settles_it_and_it_leaves_no_more(
    gateway: Gateway, travel: Travel
) -> None:
    gateway.answers += [(0, b"", {})] * 2  # taken, and gone before it said so
    with travel(MORNING):
        told, silent = queued("told"), queued("silent")
        delivery.deliver_due()
        assert (state(told), state(silent)) == (("queued", "temporary"),) * 2
        receipt = {"receipts": [{"reference": delivery.reference_of(told.pk), "state": "delivered"}]}
        for _twice in range(2):
            assert tell("sms-receipts", receipt)[1]["taken"] == 1
        assert (state(told)[0], told.sent_at) == ("delivered", MORNING)
    with travel(MORNING + timedelta(minutes=2)):
        gateway.answers.append((409, b"", {}))
        delivery.deliver_due()
        assert state(silent) == ("sent", "")
        assert len(gateway.posted) == 3
        came_back = {"reference": delivery.reference_of(silent.pk), "state": "undelivered"}
        assert tell("sms-receipts", {"receipts": [came_back]})[1]["taken"] == 1
        assert state(silent)[0] == "undelivered"
    assert MessageMove.objects.filter(message_id=told.pk, new="delivered").count() == 1
    assert set(RescueStep.objects.values_list("message_id", "step", "outcome")) == {
        (silent.pk, "RECEIPT", ""), (silent.pk, "CHANNEL", "")
    }  # fmt: skip


def test_a_receipt_faster_than_the_answer_to_its_letter_is_the_last_word(gateway: Gateway, travel: Travel) -> None:
    with travel(MORNING):
        good, bad, claimed = queued("good"), queued("bad"), queued("claimed")
        ready = delivery.let_through(delivery.claim_due(3, ("SMS",)))
        assert delivery.mark_in_flight(ready[:2], "http") == {good.pk, bad.pk}
        names = [delivery.reference_of(message.pk) for message in (good, bad, claimed)]
        told = [{"reference": name, "state": "delivered"} for name in names]
        told[1]["state"] = "undelivered"
        assert tell("sms-receipts", {"receipts": told})[1] == {
            "taken": 2, "unknown": [], "again": names[2:], "@type": "SmsReceipts"
        }  # fmt: skip
        taken = Outcome(Fate.TAKEN, "202")
        record_findings([delivery.finding_of(entry.message, taken) for entry in ready[:2]])
        assert [state(message)[0] for message in (good, bad, claimed)] == ["delivered", "undelivered", "sending"]
        assert good.sent_at == bad.sent_at == MORNING
    lines = TimelineLine.objects.filter(kind__startswith="message.").values_list("ref_id", "kind")
    assert sorted(lines) == [(good.pk, "message.sent"), (bad.pk, "message.undelivered")]
    assert list(RescueStep.objects.values_list("message_id", "step")) == [(bad.pk, "CHANNEL")]


def test_an_attempt_nobody_knows_about_is_never_called_held_back_and_may_turn_out_well(
    gateway: Gateway, travel: Travel
) -> None:
    with travel(MORNING):
        over, night, tired = queued("over", expires_at=MORNING + timedelta(minutes=1)), queued("night"), queued("tired")
        gateway.answers += [(0, b"", {})] * 3
        OutMessage.objects.filter(pk=tired.pk).update(tries=delivery.MOST_TRIES - 1)
        delivery.deliver_due()
        assert state(tired) == ("failed", "too_many_tries")
    with travel(MORNING + timedelta(minutes=2)):
        OutMessage.objects.filter(pk=night.pk).update(not_before=MORNING + timedelta(hours=14))
        delivery.deliver_due()
        assert state(over) == ("unknown", "cut")
    with travel(MORNING + timedelta(hours=14)):  # after midnight: it waits, and may have arrived all the same
        delivery.deliver_due()
        assert state(night) == ("queued", "waiting")
        assert len(gateway.posted) == 3
        names = [delivery.reference_of(message.pk) for message in (over, night, tired)]
        told = {"receipts": [{"reference": name, "state": "delivered"} for name in names]}
        assert tell("sms-receipts", told)[1] == {"taken": 3, "unknown": [], "again": [], "@type": "SmsReceipts"}
        assert {state(message)[0] for message in (over, night, tired)} == {"delivered"}
    with travel(MORNING + timedelta(days=1)):
        assert delivery.deliver_due() == 0
    assert set(RescueStep.objects.values_list("step", "outcome")) == {("CHANNEL", "ARRIVED")}


def test_no_receipt_by_the_gateway_is_a_letter_by_mail_and_then_one_call(gateway: Gateway, travel: Travel) -> None:
    with travel(MORNING):
        message = queue(reachable(manager=UserFactory(role="ACCOUNT_MANAGER")))
        assert message is not None
        delivery.deliver_due()
        assert state(message) == ("sent", "")
    with travel(MORNING + timedelta(minutes=50)):
        assert [rescue_messages() for _tick in range(4)] == [1, 1, 0, 0]
        letter = OutMessage.objects.get(channel="EMAIL")
        letter.state = "sent"
        letter.save()
        report_undelivered(letter.pk)
        assert [rescue_messages() for _tick in range(2)] == [1, 0]
    assert FollowUp.objects.values_list("source", "kind").get() == (f"message:{message.pk}", "CALLBACK")


def test_a_reply_by_the_gateway_refuses_at_once(gateway: Gateway, travel: Travel) -> None:
    with travel(MORNING):
        customer = reachable()
        rebuild_find_rows([customer.pk])
        agree(customer)
        assert tell("sms-replies", {"from": "+86 139 0000 1111", "text": "td"})[0] == 201
        assert tell("sms-replies", {"from": "13900001111", "text": "td"})[0] == 200
        assert Consent.objects.get(customer=customer).state == "WITHDRAWN"
        assert SmsReply.objects.values_list("state", flat=True).get() == "REFUSAL"
        assert FollowUp.objects.count() == 0


def test_the_doors_refuse_what_is_not_signed_or_no_message(gateway: Gateway, travel: Travel, settings: Any) -> None:
    with travel(MORNING):
        good = {"receipts": []}
        assert tell("sms-receipts", good)[0] == 200
        assert tell("sms-receipts", good, key="another-key-entirely")[0] == 401
        for body in (b"{", b"[]", {"receipts": "x"}, {"receipts": [1]}, {"receipts": [{}] * 1001}):
            assert tell("sms-receipts", body)[0] == 400
        for body in (b"[" * 100_000, {"from": "", "text": "x"}, {"from": 1, "text": "x"}, {"from": "1"}):
            assert tell("sms-replies", body)[0] == 400
        assert Client().post("/api/careline/v1/sms-replies", b"{}", content_type="application/json").status_code == 401
        settings.SMS_KEY = ""
        assert tell("sms-receipts", good)[0] == 403
    assert SmsReply.objects.count() == 0


def test_only_safe_addresses_are_taken() -> None:
    assert read_gateway("https://g.example/a?x=1&format=form", KEY) == ("https://g.example/a?x=1", True)
    for url, key in (
        ("http://g.example/a", KEY),
        ("ftp://g.example/a", KEY),
        ("https://me:secret@g.example/a", KEY),
        ("https://g.example/a#x", KEY),
        ("https://g.example/a?format=xml", KEY),
        ("https://g.example:port/a", KEY),
        ("https:///a", KEY),
        ("https://g.example/a", "short"),
    ):
        with pytest.raises(BadSetting):
            read_gateway(url, key)
