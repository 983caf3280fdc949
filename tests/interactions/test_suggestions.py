"""Suggestions: received with a contact, decided by a lead, answered in time, told again when they are in effect."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from customers.models import TimelineLine
from foundation.audit.models import AuditEntry
from foundation.common.errors import NotAllowed
from interactions import tasks
from interactions.models import Interaction, Matter, Suggestion, SuggestionMove, SuggestionNotice
from interactions.services import (
    answer_suggestion,
    decide_suggestion,
    finish_suggestion,
    log_contact,
    quick_log,
    review_suggestion,
    start_contact,
)
from outreach import delivery
from outreach.models import MessageText, Notification, OutMessage
from tests.interactions.first_ask_making import Hall, make_hall, refused

pytestmark = pytest.mark.django_db
Travel = Callable[[datetime], AbstractContextManager[None]]
# Received Tuesday 24 November 10:00 in Beijing: seven working days later is Thursday 3 December 10:00.
DUE = datetime(2026, 12, 3, 2, 0, tzinfo=UTC)


@pytest.fixture
def hall() -> Hall:
    return make_hall()


def suggest(hall: Hall, **more: Any) -> Suggestion:
    contact = quick_log(
        actor=hall.agent, customer=hall.customer, summary="Open the hall at eight", kind="SUGGESTION", **more
    )
    return Suggestion.objects.get(contact=contact)


def decided(hall: Hall, verdict: str = "ADOPTED", **more: Any) -> Suggestion:
    suggestion = suggest(hall)
    review_suggestion(suggestion.pk, actor=hall.lead)
    more = more or {"wish": "Hall opens at eight"}
    return decide_suggestion(suggestion.pk, actor=hall.lead, verdict=verdict, **more)


def bells(user: Any) -> list[str]:
    return list(Notification.objects.filter(user=user).order_by("pk").values_list("kind", flat=True))


@pytest.mark.covers("INT-10")
@pytest.mark.covers("INT-03")
def test_a_suggestion_is_taken_up_with_its_contact_and_has_an_answer_clock(hall: Hall) -> None:
    suggestion = suggest(hall)
    assert (suggestion.state, suggestion.owner, suggestion.due_at) == ("RECEIVED", hall.agent, DUE)
    assert suggestion.number.startswith("SG20261124")
    assert suggestion.text == "Open the hall at eight"
    assert not Matter.objects.exists()
    assert "hall" not in str(list(AuditEntry.objects.values("detail")))


@pytest.mark.covers("INT-10")
@pytest.mark.covers("INT-09")
def test_an_adopted_one_is_answered_by_message_and_told_again_when_done(hall: Hall) -> None:
    suggestion = decided(hall)
    answer_suggestion(suggestion.pk, actor=hall.agent, told_how="MESSAGE")
    suggestion.refresh_from_db()
    assert (suggestion.state, suggestion.verdict, suggestion.answered_how) == ("ANSWERED", "ADOPTED", "MESSAGE")
    refused("suggestion.not_yours", finish_suggestion, suggestion.pk, actor=hall.agent)
    finish_suggestion(suggestion.pk, actor=hall.lead)
    refused("suggestion.done", finish_suggestion, suggestion.pk, actor=hall.lead)
    delivery.deliver_due()
    assert list(OutMessage.objects.order_by("pk").values_list("template", "message_class", "state")) == [
        ("suggestion_answered", "SERVICE", "sent"),
        ("suggestion_done", "SERVICE", "sent"),
    ]
    first, second = MessageText.objects.order_by("pk").values_list("body", flat=True)
    assert "We adopt it" in first and suggestion.number in first
    assert "in effect now" in second
    acts = SuggestionMove.objects.order_by("pk").values_list("act", "state")
    assert list(acts) == [
        ("RECEIVED", "RECEIVED"),
        ("REVIEWED", "REVIEWED"),
        ("DECIDED", "ADOPTED"),
        ("ANSWERED", "ANSWERED"),
        ("DONE", "ANSWERED"),
    ]
    kinds = TimelineLine.objects.filter(customer_id=hall.customer.pk, kind__startswith="suggestion.").order_by("pk")
    assert [line.kind.partition(".")[2] for line in kinds] == ["received", "reviewed", "decided", "answered", "done"]
    assert bells(hall.agent) == ["suggestion.decided"]


def test_each_verdict_has_its_words_in_both_languages(hall: Hall) -> None:
    hall.customer.language = "zh-hans"
    hall.customer.save(update_fields=["language"])
    for verdict, more in (("KNOWN", {"reason": "planned"}), ("NOT_ADOPTED", {"why_not": "COST"})):
        suggestion = decided(hall, verdict, **more)
        answer_suggestion(suggestion.pk, actor=hall.agent, told_how="MESSAGE")
    delivery.deliver_due()
    assert OutMessage.objects.filter(state="sent", language="zh-hans").count() == 2


def test_steps_out_of_turn_and_without_their_words_are_refused(hall: Hall) -> None:
    suggestion = suggest(hall)
    act = {"actor": hall.lead}
    refused("suggestion.state", decide_suggestion, suggestion.pk, verdict="KNOWN", **act)
    refused("suggestion.state", answer_suggestion, suggestion.pk, told_how="CALL", answer="x", **act)
    with pytest.raises(NotAllowed):
        review_suggestion(suggestion.pk, actor=hall.agent)
    review_suggestion(suggestion.pk, **act)
    refused("suggestion.unknown_code", decide_suggestion, suggestion.pk, verdict="ANSWERED", **act)
    refused("suggestion.no_wish", decide_suggestion, suggestion.pk, verdict="ADOPTED", wish=" ", **act)
    refused("suggestion.no_reason", decide_suggestion, suggestion.pk, verdict="NOT_ADOPTED", **act)
    refused("suggestion.no_reason", decide_suggestion, suggestion.pk, verdict="NOT_ADOPTED", why_not="OTHER", **act)
    decide_suggestion(suggestion.pk, verdict="NOT_ADOPTED", why_not="OTHER", reason="the rent", **act)
    refused("suggestion.no_answer", answer_suggestion, suggestion.pk, told_how="CALL", **act)
    refused("suggestion.not_adopted", finish_suggestion, suggestion.pk, **act)
    suggestion.refresh_from_db()
    assert (suggestion.state, suggestion.why_not, suggestion.reason) == ("NOT_ADOPTED", "OTHER", "the rent")
    assert not OutMessage.objects.exists()


def test_an_anonymous_author_is_recorded_and_not_awaited(hall: Hall, travel: Travel) -> None:
    contact = start_contact(actor=hall.agent, customer=None, channel="LETTER", caller="UNKNOWN")
    log_contact(contact.pk, actor=hall.agent, summary="Paint it blue", kind="SUGGESTION")
    suggestion = Suggestion.objects.get()
    assert (suggestion.due_at, suggestion.customer) == (None, None)
    review_suggestion(suggestion.pk, actor=hall.lead)
    decide_suggestion(suggestion.pk, actor=hall.lead, verdict="KNOWN")
    refused("suggestion.nobody", answer_suggestion, suggestion.pk, actor=hall.lead, told_how="CALL", answer="x")
    with travel(DUE + timedelta(days=30)):
        assert tasks.remind_suggestions() == 0


@pytest.mark.parametrize(
    ("received", "reminded", "due", "above_told"),
    [
        (24, DUE - timedelta(days=1), DUE, DUE + timedelta(days=1)),
        # A weekend lies between receipt and due in both; it stands before the due moment here ...
        (26, DUE + timedelta(days=1), DUE + timedelta(days=4), DUE + timedelta(days=5)),
        # ... and after it here: neither reminder nor escalation falls on a day nobody works.
        (25, DUE, DUE + timedelta(days=1), DUE + timedelta(days=4)),
    ],
)
def test_an_unanswered_one_is_reminded_then_brought_up_once_each_on_working_days(
    hall: Hall, travel: Travel, received: int, reminded: datetime, due: datetime, above_told: datetime
) -> None:
    above = hall.lead.unit.heads.create(user=make_hall().lead, from_day=DUE.date() - timedelta(days=30)).user
    with travel(datetime(2026, 11, received, 2, 0, tzinfo=UTC)):
        assert suggest(hall).due_at == due
    for moment, level in ((reminded, 0), (due, 1), (above_told, 2)):
        with travel(moment - timedelta(seconds=1)):
            assert tasks.remind_suggestions() == 0
        with travel(moment):
            assert tasks.remind_suggestions() == 1
            assert tasks.remind_suggestions() == 0
        assert SuggestionNotice.objects.filter(level=level).count() == 1
    assert bells(hall.agent) == ["suggestion.due"]
    assert bells(hall.lead) == bells(above) == ["suggestion.overdue"]


def test_an_answered_one_is_not_reminded(hall: Hall, travel: Travel) -> None:
    suggestion = decided(hall)
    answer_suggestion(suggestion.pk, actor=hall.agent, told_how="CALL", answer="We open at eight from May")
    with travel(DUE + timedelta(days=9)):
        assert tasks.remind_suggestions() == 0
    assert Interaction.objects.count() == 1
