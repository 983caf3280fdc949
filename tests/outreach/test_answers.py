"""What carriers and peers answer, and what becomes of a message then: refusals, receipts, nobody there."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crm import doctor
from customers.models import ContactPoint, QualityItem, TimelineLine
from customers.services import verify_contact_point
from foundation.common.errors import RuleBroken
from outreach import delivery, receipts
from outreach.models import MessageMove, OutMessage
from outreach.services import retry_message
from tests.factories import UserFactory
from tests.outreach.making import MORNING, queue, reachable, state
from tests.outreach.peer import Mailbox

pytestmark = pytest.mark.usefixtures("morning")

Travel = Callable[[datetime], AbstractContextManager[None]]
Outbox = Callable[[], list[dict[str, Any]]]


@pytest.mark.django_db
def test_a_temporary_refusal_is_repeated_later_with_the_same_reference(peer: Mailbox, travel: Travel) -> None:
    message = queue(reachable(), channel="EMAIL")
    seen = []

    def refuse(letter: Any) -> str | None:
        seen.append(letter["Message-ID"])
        return "451 later" if len(seen) == 1 else None

    peer.on_data = refuse
    delivery.deliver_due()
    assert state(message) == ("queued", "temporary")
    assert message is not None
    assert message.not_before == MORNING + timedelta(seconds=30)
    assert delivery.deliver_due() == 0
    with travel(MORNING + timedelta(seconds=30)):
        delivery.deliver_due()
    assert state(message) == ("sent", "")
    assert seen == [delivery.reference_of(message.pk)] * 2
    assert message.tries == 2


@pytest.mark.django_db
def test_a_lasting_refusal_fails_until_a_person_tries_again(peer: Mailbox) -> None:
    message = queue(reachable(), channel="EMAIL")
    assert message is not None
    peer.on_rcpt = lambda _address: "550 no such user"
    delivery.deliver_due()
    assert state(message) == ("failed", "refused")
    peer.on_rcpt = lambda _address: None
    lead = UserFactory(role="TEAM_LEAD")
    # The refused address is not used again until somebody found out that it works.
    point = ContactPoint.objects.get(kind="EMAIL")
    assert point.bounced_at is not None
    verify_contact_point(point.pk, actor=lead)
    retry_message(message.pk, actor=lead)
    delivery.deliver_due()
    assert state(message) == ("sent", "")
    with pytest.raises(RuleBroken) as refused:
        retry_message(message.pk, actor=lead)
    assert refused.value.code == "message.cannot_retry"
    assert len(peer.letters) == 1


@pytest.mark.django_db
@pytest.mark.covers("ARC-08")
def test_only_an_address_nobody_is_at_is_marked(peer: Mailbox) -> None:
    customer = reachable()
    point = ContactPoint.objects.get(kind="EMAIL")
    others = ("552 5.2.2 mailbox full", "550 5.7.1 relaying denied", "554 5.7.1 blocked", "450 4.1.1 later")
    for number, answer in enumerate(others):
        peer.on_rcpt = lambda _address, answer=answer: answer  # type: ignore[misc]  # the answer of this round
        queue(customer, f"k{number}", channel="EMAIL")
        delivery.deliver_due()
    peer.on_rcpt, peer.on_data = lambda _address: None, lambda _letter: "550 looks like spam"
    queue(customer, "spam", channel="EMAIL")
    delivery.deliver_due()
    point.refresh_from_db()
    assert (point.bounced_at, point.do_not_use) == (None, "")
    peer.on_rcpt = lambda _address: "550 5.1.1 no such user"
    gone = queue(customer, "gone", channel="EMAIL")
    assert gone is not None
    delivery.deliver_due()
    point.refresh_from_db()
    assert state(gone) == ("failed", "refused")
    assert point.bounced_at is not None and point.do_not_use == "messages came back"
    assert QualityItem.objects.filter(customer=customer, kind="CONTACT_BOUNCED").exists()


@pytest.mark.django_db
@pytest.mark.covers("ARC-08")
def test_a_gateways_receipts_tell_what_arrived_and_where_nobody_is(outbox: Outbox, tmp_path: Path) -> None:
    customer = reachable()
    there, back = queue(customer, "a"), queue(customer, "b")
    assert there is not None and back is not None
    delivery.deliver_due()
    folder = tmp_path / "outbox" / "receipts"
    folder.mkdir()
    early = queue(customer, "c")
    assert early is not None
    first, second, third = (delivery.reference_of(message.pk) for message in (there, back, early))
    said = [
        {"reference": first, "state": "delivered"},
        {"reference": second, "state": "undelivered", "detail": "E_UNKNOWN_SUBSCRIBER", "nobody": True},
        {"reference": "<nobody@example.test>", "state": "delivered"},
        {"reference": first, "state": "lost"},
        ["no receipt"],
    ]
    (folder / "1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in said) + "no json\n")
    (folder / "2.jsonl").write_text(json.dumps({"reference": third, "state": "delivered"}) + "\n")
    (folder / "3.part").write_text("half a li")
    assert receipts.read_receipts() == 2
    assert (state(there)[0], state(back)[0], state(early)[0]) == ("delivered", "undelivered", "queued")
    assert sorted(path.name for path in folder.iterdir()) == ["1.jsonl.refused", "2.jsonl", "3.part"]
    put_aside = [json.loads(line) for line in (folder / "1.jsonl.refused").read_text().splitlines()]
    assert put_aside == [
        {"why": "no_reference_of_ours", "line": json.dumps(said[2])},
        {"why": "unknown_state", "line": json.dumps(said[3])},
        {"why": "no_receipt", "line": json.dumps(said[4])},
        {"why": "not_json", "line": "no json"},
    ]
    refused = next(line for line in doctor._work() if line.name == "receipts")
    assert refused.verdict == "warn" and refused.seen.endswith("first 1.jsonl.refused")
    point = ContactPoint.objects.get(kind="MOBILE")
    assert point.do_not_use == "messages came back"
    kinds = list(TimelineLine.objects.filter(customer_id=customer.pk).values_list("kind", flat=True))
    assert kinds.count("message.undelivered") == 1
    # Reached again meanwhile: the same receipt, read once more, does not mark the number anew.
    verify_contact_point(point.pk, actor=UserFactory(role="TEAM_LEAD"))
    (folder / "1.jsonl").write_text(json.dumps(said[1]) + "\n")
    delivery.deliver_due()
    assert receipts.read_receipts() == 1
    assert (state(early)[0], list(folder.glob("*.jsonl"))) == ("delivered", [])
    point.refresh_from_db()
    assert point.do_not_use == ""


@pytest.mark.django_db
def test_receipts_that_come_too_early_hold_up_no_others_and_lose_no_line(outbox: Outbox, tmp_path: Path) -> None:
    customer = reachable()
    sent = queue(customer, "sent")
    assert sent is not None
    delivery.deliver_due()
    folder = tmp_path / "outbox" / "receipts"
    folder.mkdir()
    waiting = queue(customer, "waiting")
    assert waiting is not None
    early = json.dumps({"reference": delivery.reference_of(waiting.pk), "state": "delivered"}) + "\n"
    for number in range(receipts.MOST_FILES):
        (folder / f"a{number:02}.jsonl").write_text(early + "[" * 100_000 + "\n")
    unknown = {"reference": f"<{'z' * 40}.careline@example.test>", "state": "delivered"}
    told = json.dumps({"reference": delivery.reference_of(sent.pk), "state": "delivered"})
    (folder / "b.jsonl").write_text(f"{json.dumps(unknown)}\n\n\ud83d no text\n{told}\n", errors="surrogatepass")
    assert receipts.read_receipts() == 0
    assert receipts.read_receipts() == 1
    assert state(sent)[0] == "delivered"
    assert not (folder / "b.jsonl").exists()
    whys = [json.loads(line)["why"] for line in (folder / "b.jsonl.refused").read_text().splitlines()]
    assert whys == ["no_such_message", "not_json"]
    kept = sorted(folder.glob("a*.jsonl"))
    assert (len(kept), {path.read_text() for path in kept}) == (receipts.MOST_FILES, {early})
    # Read again after a kill between putting aside and shortening: each refused line stands there once.
    kept[0].write_text(early + "[" * 100_000 + "\n")
    delivery.deliver_due()
    assert receipts.read_receipts() == 1
    assert (state(waiting)[0], list(folder.glob("*.jsonl"))) == ("delivered", [])
    assert len((folder / f"{kept[0].name}.refused").read_text().splitlines()) == 1


@pytest.mark.django_db
def test_tries_end_and_a_peer_that_is_away_uses_none_up(settings: Any, peer: Mailbox, travel: Travel) -> None:
    message = queue(reachable(), channel="EMAIL")
    assert message is not None
    there, settings.EMAIL_URL = settings.EMAIL_URL, "smtp://127.0.0.1:1"
    for hour in range(12):
        with travel(MORNING + timedelta(minutes=hour)):
            delivery.deliver_due()
    assert state(message) == ("queued", "temporary")
    assert message.tries == 0
    settings.EMAIL_URL = there
    peer.on_data = lambda _letter: "452 full"
    for hour in range(10):
        with travel(MORNING + timedelta(hours=1 + hour)):
            delivery.deliver_due()
    assert state(message) == ("failed", "too_many_tries")
    assert message.tries == 8
    assert peer.letters == []


@pytest.mark.django_db
def test_an_attempt_cut_in_flight_is_repeated_for_service_and_unknown_for_the_rest(
    peer: Mailbox, travel: Travel
) -> None:
    customer = reachable()
    service = queue(customer, "a", channel="EMAIL")
    survey = queue(customer, "b", channel="EMAIL", message_class="SURVEY", template="callback_promised_any")
    assert service is not None
    assert survey is not None
    claimed = delivery.claim_due(10)
    assert len(claimed) == 2
    OutMessage.objects.filter(pk__in=[service.pk, survey.pk]).update(in_flight_at=MORNING)  # here the worker died
    assert delivery.deliver_due() == 0  # its lease still runs
    with travel(MORNING + delivery.CLAIM_LEASE):
        delivery.deliver_due()
    assert state(service) == ("sent", "")
    assert state(survey) == ("unknown", "cut")
    assert peer.references == [delivery.reference_of(service.pk)]


@pytest.mark.django_db
def test_a_late_answer_of_a_lost_worker_changes_nothing(travel: Travel) -> None:
    message = queue(reachable())
    assert message is not None
    [lost] = delivery.claim_due(10)
    with travel(MORNING + delivery.CLAIM_LEASE):
        delivery.deliver_due()
        sent_at = OutMessage.objects.get(pk=message.pk).sent_at
        delivery.record_findings([delivery.Finding(lost, "failed", "refused")])
    assert state(message) == ("sent", "")
    assert message.sent_at == sent_at
    assert MessageMove.objects.count() == 1


@pytest.mark.django_db
def test_a_full_disk_holds_messages_and_leaves_no_half_line(
    monkeypatch: pytest.MonkeyPatch, travel: Travel, outbox: Outbox
) -> None:
    import os

    first, message = queue(reachable(), "a"), None
    delivery.deliver_due()
    message = queue(reachable(), "b")
    real, told = os.write, []

    def half(handle: int, data: bytes) -> int:
        if told:
            raise OSError(28, "No space left on device")
        told.append(1)
        return real(handle, data[: len(data) // 2])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        delivery.deliver_due()
    assert state(message) == ("queued", "temporary")
    assert len(outbox()) == 1
    with travel(MORNING + timedelta(minutes=1)):
        delivery.deliver_due()
    assert (state(first), state(message)) == (("sent", ""), ("sent", ""))
    assert len(outbox()) == 2
