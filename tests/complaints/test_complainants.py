"""Complainants who are no customers hear of each step by the way they named, and are forgotten in time (D§12, 26)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from complaints.complainants import due_to_forget, forget_complainants
from complaints.lifecycle import State
from complaints.models import Complaint, ComplaintMove, Entry
from complaints.services import closing, ground
from customers.erasure.keeping import holds_on
from foundation.common import clock
from outreach.bounces import report_undelivered
from outreach.delivery import deliver_due
from outreach.models import FollowUp, MessageText, OutMessage, RescueStep
from outreach.tasks import rescue_messages
from tests.complaints.cases import case, office, on

pytestmark = pytest.mark.django_db
SOMEBODY = {"customer": None, "contact_name": "Rosa Quiz", "contact_phone": "13812340000", "language": "en"}


@pytest.fixture(autouse=True)
def _own_outbox(settings: Any, tmp_path: Path) -> None:
    settings.CARELINE_STATE_DIR, settings.EMAIL_URL = tmp_path, ""


def last() -> OutMessage:
    return OutMessage.objects.latest("pk")


@pytest.mark.covers("CMP-13", "CMP-14")
def test_who_is_no_customer_is_written_to_within_the_hours_and_nothing_is_left_when_forgotten() -> None:
    with on(2, 10):
        at = office()
        one = case(at, State.INVESTIGATING, **SOMEBODY)
        ground.tell_customer(one, "complaint_in_work", key="1", actor=at.handler)
        assert ground.tell_customer(one, "complaint_in_work", key="1", actor=at.handler) is None
        assert (last().outsider, last().channel, last().customer) == (f"complaint:{one.pk}", "SMS", None)
        by_mail = case(at, State.INVESTIGATING, **SOMEBODY | {"contact_email": "rosa@quiz.example"}, channel="EMAIL")
        ground.tell_customer(by_mail, "complaint_in_work", key="1", actor=at.handler)
        assert last().channel == "EMAIL"
        silent = case(at, State.INVESTIGATING, **SOMEBODY | {"contact_phone": ""})
        assert ground.tell_customer(silent, "complaint_in_work", key="1", actor=at.handler) is None
        assert deliver_due() == 2
        text = MessageText.objects.get(address="13812340000")
        assert "Rosa Quiz, our colleague" in text.body and text.customer_id is None
        Entry.objects.create(complaint=one, kind="INBOUND", text="Rosa says")
        closing.withdraw_complaint(one.pk, actor=at.agent, reason="Rosa is content")
    with on(2, 23):  # night: it waits for the morning
        ground.tell_customer(by_mail, "complaint_resumed", key="2", actor=at.handler)
        deliver_due()
        assert (last().state, last().reason) == ("queued", "waiting")
    with on(2 + 731, 10):
        assert due_to_forget() == [one.pk]
        assert forget_complainants([one.pk, by_mail.pk]) == 2  # whoever asks may be forgotten earlier
        assert due_to_forget() == []
    one.refresh_from_db()
    assert (one.contact_name, one.contact_phone, one.text, one.reason) == ("", "", "", "")
    assert not Entry.objects.exclude(text="").exists() and not ComplaintMove.objects.exclude(reason="").exists()
    assert not MessageText.objects.exists() and {row.state for row in OutMessage.objects.all()} <= {
        "sent",
        "suppressed",
    }
    assert Complaint.objects.get(pk=silent.pk).contact_name == "Rosa Quiz"


def test_the_page_of_such_a_message_keeps_its_words_masked(client_for: Callable[[Any], Client]) -> None:
    with on(2, 10):
        at = office()
        one = case(at, State.INVESTIGATING, **SOMEBODY)
        ground.tell_customer(one, "complaint_in_work", key="1", actor=at.lead)
        deliver_due()
        client = client_for(at.lead)
        page = client.get(f"/messages/{last().ref}/").content.decode()
        assert "Not a customer" in page and "Rosa Quiz" not in page and "13812340000" not in page
        assert "Not a customer" in client.get("/messages/").content.decode()


def test_a_customer_is_not_erased_while_a_complaint_is_open() -> None:
    with on(2, 10):
        at = office()
        one = case(at, State.INVESTIGATING)
        key, day = one.customer_id or 0, clock.today()
        assert [(held.hold.code, held.until) for held in holds_on([key], day)[key]] == [("COMPLAINT", None)]
        closing.withdraw_complaint(one.pk, actor=at.agent, reason="content")
        assert holds_on([key], day) == {}


@pytest.mark.covers("CMP-14", "INT-13")
def test_what_does_not_reach_who_is_no_customer_goes_the_second_way_and_is_then_one_persons_call() -> None:
    with on(2, 10):
        at = office()
        both = case(at, State.INVESTIGATING, **SOMEBODY | {"contact_email": "rosa@quiz.example"})
        alone = case(at, State.INVESTIGATING, **SOMEBODY | {"handler": None})
        forgotten = case(at, State.INVESTIGATING, **SOMEBODY)
        for one in (both, alone, forgotten):
            assert ground.tell_customer(one, "complaint_in_work", key="1", actor=None)
        deliver_due()
        texts = list(OutMessage.objects.order_by("pk"))
        for text in texts:
            report_undelivered(text.pk)
        forget_complainants([forgotten.pk])
        assert [rescue_messages() for _tick in range(3)] == [3, 1, 0]
        letter = last()
        assert (letter.channel, letter.outsider, letter.params) == ("EMAIL", f"complaint:{both.pk}", texts[0].params)
        deliver_due()
        report_undelivered(letter.pk)
        assert [rescue_messages() for _tick in range(2)] == [1, 0]
    owed = FollowUp.objects.order_by("pk")
    assert [(call.kind, call.customer, call.owner, call.source) for call in owed] == [
        ("CALLBACK", None, at.agent, f"message:{texts[1].pk}"),
        ("CALLBACK", None, at.handler, f"message:{texts[0].pk}"),
    ]
    assert [call.subject.split(" · ")[0] for call in owed] == [alone.number, both.number]
    outcomes = RescueStep.objects.filter(message_id=texts[2].pk).values_list("step", "outcome")
    assert list(outcomes) == [("CHANNEL", "POINTLESS")]
