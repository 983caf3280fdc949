"""Messages on their way out: once each, by the gate at that moment, whoever asks and sends at once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisCase

from customers.models import ContactBlock, ContactPoint, TimelineLine
from foundation.common import clock
from foundation.common.errors import RuleBroken
from outreach import delivery
from outreach.models import MessageKey, MessageMove, MessageText, OutMessage
from outreach.services import queue_message, queue_messages
from tests.factories import CustomerFactory
from tests.outreach.making import MORNING, queue, reachable, state
from tests.outreach.peer import Mailbox
from tests.racing import race

pytestmark = pytest.mark.usefixtures("morning")

Travel = Callable[[datetime], AbstractContextManager[None]]
Outbox = Callable[[], list[dict[str, Any]]]


@pytest.mark.django_db
@pytest.mark.covers("INT-01")
def test_an_sms_leaves_once_and_is_kept_as_sent(outbox: Outbox) -> None:
    customer = reachable(name="Li Na", language="en")
    message = queue(customer)
    assert queue(customer) is None
    assert delivery.deliver_due() == 1
    assert delivery.deliver_due() == 0
    assert state(message) == ("sent", "")
    assert message is not None
    assert [(line["to"], line["channel"], line["class"]) for line in outbox()] == [("13900001111", "SMS", "SERVICE")]
    text = MessageText.objects.get(pk=message.pk)
    assert text.body == ("Li Na, we will call you back by Tue, Nov 24 12:00. Your reference: CB1.\n")
    assert outbox()[0]["body"] == text.body
    assert (message.template_version, message.language, message.carrier) == (1, "en", "file")
    assert [(m.old, m.new) for m in MessageMove.objects.filter(message_id=message.pk)] == [("sending", "sent")]
    assert list(TimelineLine.objects.values_list("kind", flat=True)) == ["message.sent"]
    assert message.explanation[-1]["source"] == "D§5.8"


@pytest.mark.django_db
def test_an_email_leaves_by_smtp_in_the_customers_language(peer: Mailbox) -> None:
    message = queue(reachable(language="en"), channel="EMAIL")
    assert message is not None
    delivery.deliver_due()
    [letter] = peer.letters
    assert letter["To"] == "li@example.test"
    assert letter["Subject"] == "We will call you back"
    assert letter["Message-ID"] == delivery.reference_of(message.pk)
    assert "Your reference: CB1." in letter.get_content()
    assert state(message) == ("sent", "")


@pytest.mark.django_db
def test_many_letters_share_one_connection(peer: Mailbox) -> None:
    customer = reachable()
    for number in range(7):
        queue(customer, f"k{number}", channel="EMAIL")
    delivery.deliver_due()
    assert (len(peer.letters), len(peer.sessions)) == (7, 1)


@pytest.mark.django_db
def test_the_gate_is_asked_when_it_leaves_not_when_it_is_queued(outbox: Outbox) -> None:
    customer = reachable()
    message = queue(customer, message_class="REMINDER", template="callback_promised_any")
    ContactBlock.objects.create(customer=customer, reason="ASKED", classes=["REMINDER"])
    delivery.deliver_due()
    assert state(message) == ("suppressed", "blocked")
    assert outbox() == []
    assert not MessageText.objects.exists()
    assert message is not None
    assert [step["rule"] for step in message.explanation] == ["block"]
    assert list(TimelineLine.objects.values_list("kind", "params__reason")) == [("message.held", "blocked")]


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["CARE", "MARKETING", "SURVEY"])
def test_without_consent_nothing_but_service_and_reminders_leaves(outbox: Outbox, kind: str) -> None:
    message = queue(reachable(), message_class=kind, template="callback_promised_any")
    delivery.deliver_due()
    assert state(message) == ("suppressed", "no_consent")
    assert outbox() == []


@pytest.mark.django_db
def test_a_night_message_waits_and_an_expired_one_is_dropped(travel: Travel, outbox: Outbox) -> None:
    customer = reachable()
    with travel(MORNING + timedelta(hours=13)):  # 23:00
        waiting = queue(customer, "a")
        dropped = queue(customer, "b", expires_at=clock.now() + timedelta(hours=1))
        late = queue(customer, "c", expires_at=clock.now() + timedelta(hours=9))
        assert delivery.deliver_due() == 3
        assert state(waiting) == ("queued", "waiting")
        assert state(dropped) == ("suppressed", "expires_before_window")
        assert delivery.deliver_due() == 0
    with travel(MORNING + timedelta(hours=23)):  # nobody delivered before 09:00
        delivery.deliver_due()
        assert state(waiting) == ("sent", "")
        assert state(late) == ("suppressed", "expired")
        assert len(outbox()) == 1


@pytest.mark.django_db
def test_a_customer_who_died_or_has_no_usable_number_is_left_alone(outbox: Outbox) -> None:
    dead, bare, bounced = reachable(status="DECEASED"), CustomerFactory(), reachable()
    ContactPoint.objects.filter(customer=bounced, kind="MOBILE").update(do_not_use="bounced")
    messages = [queue(customer, f"k{customer.pk}") for customer in (dead, bare, bounced)]
    delivery.deliver_due()
    assert [state(message) for message in messages] == [
        ("suppressed", "status"),
        ("suppressed", "no_address"),
        ("suppressed", "no_address"),
    ]
    assert outbox() == []


@pytest.mark.django_db
def test_an_unknown_wording_and_a_wrong_class_are_refused_at_the_door() -> None:
    customer = reachable()
    for fields, code in [
        ({"template": "nonsense"}, "message.unknown_template"),
        ({"message_class": "MARKETING"}, "message.wrong_class"),
        ({"expires_at": MORNING}, "message.never_leaves"),
        ({"to_contact_point": reachable().contact_points.first()}, "message.foreign_contact_point"),
    ]:
        with pytest.raises(RuleBroken) as refused:
            queue(customer, **fields)
        assert refused.value.code == code
    assert not OutMessage.objects.exists()
    assert not MessageKey.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_twenty_askers_with_one_key_make_one_message() -> None:
    customer = reachable()
    made = race(*[lambda: queue(customer)] * 8)
    assert len([message for message in made if isinstance(message, OutMessage)]) == 1
    assert [message for message in made if isinstance(message, Exception)] == []
    assert OutMessage.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_workers_at_the_same_time_send_each_letter_once(peer: Mailbox) -> None:
    customer = reachable()
    wanted = {delivery.reference_of(queue(customer, f"k{n}", channel="EMAIL").pk) for n in range(120)}  # type: ignore[union-attr]
    done = race(*[lambda: delivery.deliver_due()] * 3)
    assert sum(done) == 120
    assert len(peer.references) == 120
    assert set(peer.references) == wanted
    assert set(OutMessage.objects.values_list("state", flat=True)) == {"sent"}


@pytest.mark.django_db(transaction=True)
def test_what_another_has_locked_is_skipped_not_waited_for() -> None:
    customer = reachable()
    for number in range(30):
        queue(customer, f"k{number}")
    first, second = race(lambda: delivery.claim_due(20), lambda: delivery.claim_due(20))
    assert not {m.pk for m in first} & {m.pk for m in second}
    assert len(first) + len(second) == 30


class SetsEqualSingles(HypothesisCase):
    """`queue_messages` over a select writes the rows `queue_message` writes one by one."""

    @settings(max_examples=15, deadline=None)
    @given(
        wishes=st.lists(
            st.tuples(
                st.integers(0, 3),
                st.sampled_from(["a", "b", "c"]),
                st.one_of(st.none(), st.integers(0, 90)),
                st.one_of(st.none(), st.integers(100, 200)),
            ),
            max_size=8,
        )
    )
    def test_equal(self, wishes: list[tuple[int, str, int | None, int | None]]) -> None:
        with clock.travel(MORNING):
            customers = [CustomerFactory() for _ in range(4)]

            def moment(minutes: int | None) -> datetime | None:
                return None if minutes is None else MORNING + timedelta(minutes=minutes)

            seen: dict[str, tuple[int, str, int | None, int | None]] = {}
            for wish in wishes:
                seen.setdefault(f"{wish[0]}-{wish[1]}", wish)
            single = [
                queue_message(
                    customer=customers[who],
                    message_class="SERVICE",
                    template="callback_promised",
                    params={"number": word},
                    dedupe_key=f"one-{key}",
                    not_before=moment(early),
                    expires_at=moment(late),
                )
                for key, (who, word, early, late) in seen.items()
            ]
            assert all(single)
            if wishes:
                rows = " UNION ALL ".join(
                    "(SELECT %s::bigint AS customer_id, %s::int AS unit_no, %s AS dedupe_key, %s::jsonb AS params,"
                    " %s::timestamptz AS not_before, %s::timestamptz AS expires_at)"
                    for _ in seen
                )
                values: dict[str, Any] = {}
                named = []
                for index, (key, (who, word, early, late)) in enumerate(seen.items()):
                    row = (
                        customers[who].pk,
                        customers[who].unit_no,
                        f"set-{key}",
                        f'{{"number": "{word}"}}',
                        moment(early),
                        moment(late),
                    )
                    named += [f"%(v{index}_{place})s" for place in range(len(row))]
                    values |= {f"v{index}_{place}": value for place, value in enumerate(row)}
                select = rows
                for name in named:
                    select = select.replace("%s", name, 1)
                more = {"message_class": "SERVICE", "template": "callback_promised"}
                assert queue_messages(select, values, **more) == len(seen)
                assert queue_messages(select, values, **more) == 0
            columns = [field.name for field in OutMessage._meta.concrete_fields if field.name != "id"]
            made = {message.pk for message in single if message}
            one = [
                tuple(str(value) for value in row)
                for row in OutMessage.objects.filter(pk__in=made).values_list(*columns)
            ]
            sets = [
                tuple(str(value) for value in row)
                for row in OutMessage.objects.exclude(pk__in=made).values_list(*columns)
            ]
            assert sorted(one) == sorted(sets)
            assert MessageKey.objects.count() == 2 * len(seen)
