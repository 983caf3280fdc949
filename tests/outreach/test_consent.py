"""What a consent lets leave, and that nothing leaves any more once it is taken back (D§5.6, issue: withdrawal)."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from customers.finding import rebuild_find_rows
from customers.models import Consent, Customer
from customers.services import give_consent, refuse_by_reply, refuse_consent, withdraw_consent
from outreach import delivery
from outreach.channels import Carriers
from outreach.models import OutMessage
from outreach.services import queue_messages
from outreach.tasks import deliver_messages
from tests.jobs.processes import Processes, wait_until
from tests.outreach.making import MORNING, queue, reachable
from tests.outreach.peer import Mailbox
from tests.outreach.test_kills import delivering_child

pytestmark = pytest.mark.usefixtures("morning")

Travel = Callable[[datetime], AbstractContextManager[None]]
Outbox = Callable[[], list[dict[str, Any]]]
PURPOSES = {"MARKETING": "MARKETING", "SURVEY": "SURVEY", "CARE": "CARE_GREETING"}
PATIENCE = 60


@pytest.fixture(autouse=True)
def _words_of_an_offer(settings: Any, tmp_path: Path) -> None:
    folder = tmp_path / "words" / "outreach" / "messages"
    folder.mkdir(parents=True)
    (folder / "callback_promised_any.txt").write_text("Offer {{ number }}")
    (folder / "callback_promised_any.subject.txt").write_text("Offer")
    [engine] = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "DIRS": [*engine["DIRS"], tmp_path / "words"]}]


@pytest.fixture
def _small_again() -> Any:
    """Empties what thousands of rows swelled: plans that other tests look at depend on how big an index is."""
    yield
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE outreach_message, outreach_message_move, outreach_message_text, outreach_message_key, timeline"
        )


def agree(customer: Customer, purpose: str = "MARKETING", channel: str = "SMS", **more: Any) -> Consent:
    shown = {"evidence_kind": "FORM", "evidence": "Form 12"}
    return give_consent(customer.pk, actor=None, purpose=purpose, channel=channel, **shown, **more)


def offer(customer: Customer, key: str = "k", **more: Any) -> OutMessage:
    fields: dict[str, Any] = {"message_class": "MARKETING", "template": "callback_promised_any"}
    message = queue(customer, key, **(fields | more))
    assert message is not None
    return message


def state(message: OutMessage) -> tuple[str, str]:
    message.refresh_from_db()
    return message.state, message.reason


@pytest.mark.django_db
@pytest.mark.parametrize("kind", list(PURPOSES))
def test_with_consent_to_the_purpose_on_the_channel_it_leaves(outbox: Outbox, peer: Mailbox, kind: str) -> None:
    customer = reachable()
    agree(customer, PURPOSES[kind], "SMS")
    by_text, by_letter = (
        offer(customer, "a", message_class=kind),
        offer(customer, "b", message_class=kind, channel="EMAIL"),
    )
    other = next(name for name in PURPOSES if name != kind)
    foreign = offer(customer, "c", message_class=other)
    delivery.deliver_due()
    assert state(by_text) == ("sent", "")
    assert state(by_letter) == state(foreign) == ("suppressed", "no_consent")
    assert len(outbox()) == 1
    assert peer.letters == []
    assert [(step["rule"], step["value"]) for step in by_text.explanation if step["rule"] == "consent"] == [
        ("consent", "GRANTED")
    ]


@pytest.mark.django_db
def test_what_was_refused_withdrawn_or_is_over_holds_it_back_and_says_which(outbox: Outbox) -> None:
    refused, withdrawn, over, by_reply = (reachable(name=name) for name in "ABCD")
    refuse_consent(refused.pk, actor=None, purpose="MARKETING", channel="SMS")
    agree(withdrawn)
    withdraw_consent(withdrawn.pk, actor=None, purpose="MARKETING", channel="SMS")
    agree(over, expires_on=date(2026, 11, 24))
    last_day = offer(over, "last")
    delivery.deliver_due()
    assert state(last_day) == ("sent", "")
    Consent.objects.filter(customer=over).update(expires_on=date(2026, 11, 23))
    agree(by_reply)
    held = [offer(row, f"k{row.pk}") for row in (refused, withdrawn, over)]
    delivery.deliver_due()
    assert [state(message) for message in held] == [("suppressed", "no_consent")] * 3
    assert [message.explanation[-1]["value"] for message in held] == ["DENIED", "WITHDRAWN", "EXPIRED"]
    assert len(outbox()) == 1


@pytest.mark.django_db
def test_a_reply_of_refusal_holds_back_what_is_queued(outbox: Outbox) -> None:
    customer = reachable()
    rebuild_find_rows([customer.pk])
    agree(customer)
    message, service = offer(customer), queue(customer, "service")
    assert service is not None
    refuse_by_reply("13900001111", reference="MO-1")
    delivery.deliver_due()
    assert state(message) == ("suppressed", "no_consent")
    assert state(service) == ("sent", "")
    assert [line["class"] for line in outbox()] == ["SERVICE"]


@pytest.mark.django_db
def test_a_minor_is_sent_no_offer_whatever_was_agreed_before_the_birthday_was_known(outbox: Outbox) -> None:
    customer = reachable()
    agree(customer)
    Customer.objects.filter(pk=customer.pk).update(birth_date=date(2008, 11, 25))
    message = offer(customer)
    delivery.deliver_due()
    assert state(message) == ("suppressed", "minor")
    assert outbox() == []


@pytest.mark.django_db
def test_a_withdrawal_between_the_gate_and_the_door_is_still_heard(outbox: Outbox, travel: Travel) -> None:
    customer = reachable()
    agree(customer)
    message = offer(customer)
    [case] = delivery.cases_of(delivery.claim_due(10), MORNING)
    ready = delivery._ask_gate(case)
    assert isinstance(ready, delivery.Ready)
    withdraw_consent(customer.pk, actor=None, purpose="MARKETING", channel="SMS")
    carriers = Carriers()
    delivery._hand_over("file", [ready], carriers)
    carriers.close()
    assert outbox() == []
    with travel(MORNING + delivery.CLAIM_LEASE):
        delivery.deliver_due()
    assert state(message) == ("suppressed", "no_consent")
    assert message.explanation[-1]["value"] == "WITHDRAWN"
    assert outbox() == []


@pytest.mark.django_db
def test_asking_for_consent_costs_one_query_a_batch_and_none_when_none_is_needed() -> None:
    def cost(kind: str, count: int) -> int:
        for number in range(count):
            customer = reachable()
            agree(customer)
            offer(customer, f"{kind}{count}-{number}", message_class=kind)
        claimed = delivery.claim_due(50)
        assert len(claimed) == count
        with CaptureQueriesContext(connection) as seen:
            delivery.cases_of(claimed, MORNING)
        return len(seen)

    plain = cost("REMINDER", 1)
    assert cost("MARKETING", 1) == cost("MARKETING", 20) == plain + 1


def fill(customer: Customer, count: int, kind: str, channel: str) -> None:
    """`count` messages of a class to one customer, queued as a campaign queues them."""
    made = queue_messages(
        "SELECT %(customer)s::bigint AS customer_id, %(unit)s::int AS unit_no,"
        " %(kind)s || n AS dedupe_key, jsonb_build_object('number', n::text) AS params,"
        " NULL::timestamptz AS not_before, NULL::timestamptz AS expires_at FROM generate_series(1, %(count)s) n",
        {"customer": customer.pk, "unit": customer.unit_no, "kind": f"{kind}-{customer.pk}-", "count": count},
        message_class=kind,
        template="callback_promised_any",
        channel=channel,
    )
    assert made == count


def leaving_or_left(customer: Customer) -> set[str]:
    """References of the offers to a customer whose way out had begun."""
    rows = OutMessage.objects.filter(customer=customer, message_class="MARKETING")
    begun = rows.filter(in_flight_at__isnull=False) | rows.filter(state="sent")
    return {delivery.reference_of(pk) for pk in begun.values_list("pk", flat=True)}


def until_nothing_is_due(travel: Travel) -> None:
    for step in range(1, 6):
        with travel(MORNING + step * delivery.IN_FLIGHT_LEASE):
            while delivery.deliver_due(limit=20_000):
                pass


@pytest.mark.usefixtures("_small_again")
@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.deep)])
def test_of_thousands_of_queued_messages_no_offer_leaves_after_the_withdrawal_commits(
    processes: Processes, peer: Mailbox, travel: Travel, tmp_path: Path, settings: Any, count: int
) -> None:
    """A real worker's processes deliver over real SMTP; the withdrawal comes while offers are pouring out."""
    leaver, stayer = reachable(), reachable()
    for customer in (leaver, stayer):
        agree(customer, channel="EMAIL")
    few = count // 50
    fill(leaver, count - 2 * few, "MARKETING", "EMAIL")
    fill(leaver, few, "SERVICE", "EMAIL")
    fill(stayer, few, "MARKETING", "EMAIL")
    assert OutMessage.objects.filter(state="queued").count() == count
    offers = {
        delivery.reference_of(pk)
        for pk in OutMessage.objects.filter(customer=leaver, message_class="MARKETING").values_list("pk", flat=True)
    }
    pouring = threading.Event()

    def on_data(_letter: Any) -> None:
        if len(peer.letters) >= 60:
            pouring.set()

    peer.on_data = on_data
    offset = (MORNING - datetime.now(UTC)).total_seconds()
    env = {
        "CARELINE_SMTP_URL": settings.EMAIL_URL,
        "CARELINE_STATE_DIR": str(tmp_path),
        "TRIAL_WORDS": str(tmp_path / "words"),
    }
    worker = processes.worker(
        "default", concurrency=3, clock_offset=offset, include="tests.outreach.offer_words", env=env
    )
    ticks = 3 + count // 1_000
    for _tick in range(ticks):
        deliver_messages.delay()
    assert pouring.wait(PATIENCE), processes.tail()
    withdraw_consent(leaver.pk, actor=None, purpose="MARKETING", channel="EMAIL")
    begun = leaving_or_left(leaver)
    wait_until(
        lambda: worker.log.read_text().count('"task_succeeded"') == ticks, 60 + count // 50, "all ticks over", processes
    )
    until_nothing_is_due(travel)  # what was claimed and stopped at the door is looked at again after its lease
    arrived = [reference for reference in peer.references if reference in offers]
    assert set(arrived) <= begun, "an offer began to leave after the withdrawal had committed"
    assert len(arrived) == len(set(arrived))
    assert 50 <= len(arrived) < count - 3 * few
    rows = OutMessage.objects.filter(customer=leaver)
    held_back = rows.filter(message_class="MARKETING", state="suppressed", reason="no_consent")
    assert held_back.count() == count - 2 * few - len(arrived)
    assert rows.filter(message_class="SERVICE", state="sent").count() == few
    assert OutMessage.objects.filter(customer=stayer, state="sent").count() == few
    assert len(peer.references) == len(arrived) + 2 * few


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_small_again")
def test_processes_that_deliver_to_the_file_stop_at_the_withdrawal_too(outbox: Outbox, travel: Travel) -> None:
    leaver = reachable()
    agree(leaver)
    fill(leaver, 2_000, "MARKETING", "SMS")
    workers = [delivering_child() for _ in range(2)]
    until = time.monotonic() + PATIENCE
    while len(outbox()) < 100:
        assert time.monotonic() < until
        connection.ensure_connection()
    withdraw_consent(leaver.pk, actor=None, purpose="MARKETING", channel="SMS")
    begun = leaving_or_left(leaver)
    assert [os.waitpid(pid, 0)[1] for pid in workers] == [0, 0]
    until_nothing_is_due(travel)
    arrived = [line["reference"] for line in outbox()]
    assert set(arrived) <= begun
    assert len(arrived) == len(set(arrived))
    assert 100 <= len(arrived) < 2_000
    assert OutMessage.objects.filter(state="suppressed", reason="no_consent").count() == 2_000 - len(arrived)


@pytest.mark.django_db(transaction=True)
def test_a_withdrawal_waits_for_what_is_just_leaving_and_what_comes_later_waits_for_it(travel: Travel) -> None:
    """Many withdrawals and consents against many senders: nobody stands in a circle, no letter without consent."""
    customers = [reachable() for _ in range(8)]
    for customer in customers:
        agree(customer)
        fill(customer, 60, "MARKETING", "SMS")
    failures: list[Exception] = []

    def guarded(act: Callable[[], Any]) -> Callable[[], None]:
        def run() -> None:
            try:
                act()
            except Exception as error:  # noqa: BLE001 (looked at below)
                failures.append(error)
            finally:
                connections.close_all()

        return run

    def withdraw_all(rows: list[Customer]) -> None:
        for customer in rows:
            withdraw_consent(customer.pk, actor=None, purpose="MARKETING", channel="SMS")

    acts: list[Callable[[], Any]] = [
        lambda: delivery.deliver_due(),
        lambda: delivery.deliver_due(),
        lambda: withdraw_all(customers),
        lambda: withdraw_all(customers[::-1]),
    ]
    threads = [threading.Thread(target=guarded(act)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert failures == []
    until_nothing_is_due(travel)
    assert set(OutMessage.objects.values_list("state", flat=True)) <= {"sent", "suppressed"}
    assert Consent.objects.filter(state="WITHDRAWN").count() == 8
