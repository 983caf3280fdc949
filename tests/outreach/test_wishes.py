"""What the customer wished, at the gate: as a table, and for messages really due (D§5.2, D§5.7, D§5.9, D§26)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from customers.models import ContactPoint, Customer
from customers.services import add_contact_time, block_contact, change_wishes, give_consent, mark_unusable
from foundation.calendars.windows import read_windows
from foundation.common.clock import BUSINESS_ZONE
from foundation.policies.services import set_policy
from outreach import delivery
from outreach.gate import GateInput, Unwanted, decide
from outreach.models import OutMessage
from outreach.wording import MessageTemplate, register_template
from tests.outreach.making import MORNING, queue, reachable
from tests.outreach.test_consent import agree, offer, state
from tests.outreach.test_gate import WINDOWS, beijing

Travel = Callable[[datetime], AbstractContextManager[None]]
Outbox = Callable[[], list[dict[str, Any]]]
EVERY, WORKDAYS, WEEKEND = frozenset(range(7)), frozenset(range(5)), frozenset({5, 6})
NOON = Unwanted(EVERY, 12 * 60, 14 * 60)
LEGAL = register_template(
    MessageTemplate("legal_notice_any", "Legal", version=1, classes=frozenset({"REMINDER"}), legal=True)
)


def ask(kind: str, at: str, *unwanted: Unwanted, **more: Any) -> tuple[str, str, str]:
    given = GateInput(kind, beijing(at), **({"windows": WINDOWS, "consent": "GRANTED", "unwanted": unwanted} | more))
    decision = decide(given)
    until = decision.until.astimezone(BUSINESS_ZONE).strftime("%m-%d %H:%M") if decision.until else ""
    rules = [step.rule for step in decision.why.steps]
    return decision.verdict.value, until or decision.reason, "wish" if "wish" in rules else ""


# 24 November 2026 is a Tuesday.
@pytest.mark.covers("ARC-21")
@pytest.mark.parametrize(
    ("kind", "at", "unwanted", "more", "expected"),
    [
        ("REMINDER", "2026-11-24T12:00", [NOON], {}, ("WAIT", "11-24 14:00", "wish")),
        ("REMINDER", "2026-11-24T11:59", [NOON], {}, ("ALLOWED", "", "")),
        ("REMINDER", "2026-11-24T14:00", [NOON], {}, ("ALLOWED", "", "")),
        ("SERVICE", "2026-11-24T12:30", [NOON], {}, ("ALLOWED", "", "")),
        ("REMINDER", "2026-11-24T12:30", [NOON], {"legal": True}, ("ALLOWED", "", "")),
        ("MARKETING", "2026-11-24T12:30", [NOON], {}, ("WAIT", "11-24 14:00", "wish")),
        ("SURVEY", "2026-11-24T12:30", [NOON], {}, ("WAIT", "11-24 14:00", "wish")),
        ("CARE", "2026-11-24T12:30", [NOON], {}, ("WAIT", "11-24 14:00", "wish")),
        # A wish that ends outside the allowed hours: the next window.
        ("CARE", "2026-11-24T19:00", [Unwanted(EVERY, 18 * 60, 22 * 60)], {}, ("WAIT", "11-25 08:30", "wish")),
        # Two that touch, and one over midnight.
        ("CARE", "2026-11-24T12:30", [NOON, Unwanted(EVERY, 840, 900)], {}, ("WAIT", "11-24 15:00", "wish")),
        ("CARE", "2026-11-24T09:00", [Unwanted(EVERY, 1200, 600)], {}, ("WAIT", "11-24 10:00", "wish")),
        ("CARE", "2026-11-24T20:30", [Unwanted(EVERY, 1200, 600)], {}, ("WAIT", "11-25 10:00", "wish")),
        # Only on other days; the whole weekend; from Friday's evening into Saturday.
        ("CARE", "2026-11-24T12:30", [Unwanted(WEEKEND, 720, 840)], {}, ("ALLOWED", "", "")),
        ("CARE", "2026-11-28T12:30", [Unwanted(WEEKEND, 0, 0)], {}, ("WAIT", "11-30 08:30", "wish")),
        ("CARE", "2026-11-28T09:00", [Unwanted(WORKDAYS, 1200, 600)], {}, ("WAIT", "11-28 10:00", "wish")),
        ("CARE", "2026-11-29T09:00", [Unwanted(WORKDAYS, 1200, 600)], {}, ("ALLOWED", "", "")),
        # Without windows only the wish is minded.
        ("REMINDER", "2026-11-24T03:00", [Unwanted(EVERY, 0, 360)], {"windows": {}}, ("WAIT", "11-24 06:00", "wish")),
        ("REMINDER", "2026-11-24T03:00", [NOON], {"windows": {}}, ("ALLOWED", "", "")),
        # It would lose its meaning meanwhile; no moment is left at all.
        (
            "REMINDER",
            "2026-11-24T12:30",
            [NOON],
            {"expires_at": beijing("2026-11-24T14:00")},
            ("SUPPRESSED", "expires_before_window", "wish"),
        ),
        ("CARE", "2026-11-24T12:30", [Unwanted(EVERY, 480, 1320)], {}, ("SUPPRESSED", "no_window", "wish")),
    ],
)
def test_times_not_wanted(
    kind: str, at: str, unwanted: list[Unwanted], more: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    assert ask(kind, at, *unwanted, **more) == expected


def test_the_next_moment_is_the_first_one_no_rule_forbids() -> None:
    """Against a walk over every minute."""
    wishes = [NOON, Unwanted(WEEKEND, 600, 1140), Unwanted(WORKDAYS, 1170, 555)]
    windows = {"CARE": read_windows("08:30-12:30, 13:00-20:00")}
    for start in ("2026-11-27T12:10", "2026-11-27T19:31", "2026-11-28T11:00", "2026-11-24T12:00", "2026-11-25T21:15"):
        moment = beijing(start)
        while (
            decide(GateInput("CARE", moment, windows=windows, consent="GRANTED", unwanted=tuple(wishes))).verdict.value
            != "ALLOWED"
        ):
            moment += timedelta(minutes=1)
        verdict, until, _wish = ask("CARE", start, *wishes, windows=windows)
        assert verdict == "WAIT" and until == moment.strftime("%m-%d %H:%M")


@pytest.mark.parametrize(
    ("reason", "stops"),
    [
        ("MAJOR_COMPLAINT", {"MARKETING"}),
        ("PORT_LOCK", {"MARKETING"}),
        ("MOURNING", {"MARKETING"}),
        ("PROTECTIVE", {"MARKETING", "CARE"}),
        ("ASKED", set()),
    ],
)
def test_a_block_stops_what_the_rule_says_whatever_it_names(reason: str, stops: set[str]) -> None:
    """D§5.9, and care under a protective hold D§5.3; what it names besides is held back too."""
    from outreach.gate import Block

    for kind in WINDOWS:
        expected = ("SUPPRESSED", "blocked", "") if kind in stops | {"SURVEY"} else ("ALLOWED", "", "")
        assert ask(kind, "2026-11-24T10:00", blocks=(Block(reason, frozenset({"SURVEY"})),)) == expected


@pytest.fixture
def _words(settings: Any, tmp_path: Path) -> None:
    folder = tmp_path / "words" / "outreach" / "messages"
    folder.mkdir(parents=True)
    for name in ("callback_promised_any", "legal_notice_any"):
        (folder / f"{name}.txt").write_text("Words {{ number }}")
        (folder / f"{name}.subject.txt").write_text("Words")
    [engine] = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "DIRS": [*engine["DIRS"], tmp_path / "words"]}]


def remind(customer: Customer, key: str, template: str = "callback_promised_any") -> OutMessage:
    message = queue(customer, key, message_class="REMINDER", template=template)
    assert message is not None
    return message


@pytest.mark.covers("ARC-21")
@pytest.mark.django_db
@pytest.mark.usefixtures("morning", "_words")
def test_reminders_switched_off_hold_back_all_but_what_the_law_demands(outbox: Outbox) -> None:
    """D§5.7: at the next send, for messages queued before, too."""
    customer = reachable()
    bill, notice, service = remind(customer, "bill"), remind(customer, "law", LEGAL.name), queue(customer, "service")
    assert service is not None
    change_wishes(customer.pk, actor=None, channel="", language="en", reminders=False)
    delivery.deliver_due()
    assert state(bill) == ("suppressed", "blocked")
    assert state(notice) == state(service) == ("sent", "")
    assert [step["value"] for step in bill.explanation if step["rule"] == "block"] == ["ASKED"]
    change_wishes(customer.pk, actor=None, channel="", language="en", reminders=True)
    later = remind(customer, "later")
    delivery.deliver_due()
    assert state(later) == ("sent", "")
    assert sorted(line["class"] for line in outbox()) == ["REMINDER", "REMINDER", "SERVICE"]


@pytest.mark.covers("ARC-21")
@pytest.mark.django_db
@pytest.mark.usefixtures("_words")
def test_a_message_waits_until_the_time_not_wanted_is_over(outbox: Outbox, travel: Travel) -> None:
    with travel(MORNING):
        customer, other = reachable(), reachable(name="B")
        for wish, hours in (("AVOID", (9, 11)), ("PREFER", (10, 12))):
            add_contact_time(
                customer.pk, actor=None, wish=wish, days="EVERY", starts=time(hours[0]), ends=time(hours[1])
            )
        waiting, service, free = remind(customer, "a"), queue(customer, "b"), remind(other, "c")
        assert service is not None
        delivery.deliver_due()
        assert state(waiting) == ("queued", "waiting")
        assert waiting.not_before == MORNING + timedelta(hours=1)
        assert "wish" in [step["rule"] for step in waiting.explanation]
        assert state(service) == state(free) == ("sent", "")
    with travel(MORNING + timedelta(minutes=59, seconds=30)):
        delivery.deliver_due()
        assert state(waiting)[0] == "queued"
    with travel(MORNING + timedelta(hours=1)):
        delivery.deliver_due()
        assert state(waiting) == ("sent", "")
        assert len(outbox()) == 3


@pytest.mark.covers("ARC-21")
@pytest.mark.django_db
@pytest.mark.usefixtures("morning", "_words")
def test_an_address_marked_not_to_be_used_is_passed_by_and_the_answer_says_so(outbox: Outbox) -> None:
    customer = reachable()
    [number] = ContactPoint.objects.filter(customer=customer, kind="MOBILE")
    mark_unusable(number.pk, actor=None, reason="Belongs to a neighbour")
    message = remind(customer, "a")
    named = queue(customer, "b", to_contact_point=number)
    assert named is not None
    delivery.deliver_due()
    assert state(message) == state(named) == ("suppressed", "no_address")
    steps = [(step["rule"], step["value"]) for step in message.explanation]
    assert ("address", "BARRED") in steps
    assert "neighbour" not in str(message.explanation)
    ContactPoint.objects.create(customer=customer, kind="MOBILE", value="13900002222")
    after = remind(customer, "c")
    delivery.deliver_due()
    assert state(after) == ("sent", "")
    assert [line["to"] for line in outbox()] == ["13900002222"]


@pytest.mark.covers("ARC-21")
@pytest.mark.django_db
@pytest.mark.usefixtures("morning", "_words")
def test_every_offer_by_text_names_its_sender_and_how_to_refuse(outbox: Outbox) -> None:
    """D§5.6; a service message carries neither (D§5.7: no advertising in it, open or disguised)."""
    set_policy("outreach.offer.sender", "Blue Bay Telecom", actor=None)
    customer = reachable(language="en")
    agree(customer)
    give_consent(
        customer.pk, actor=None, purpose="MARKETING", channel="EMAIL", evidence_kind="FORM", evidence="Form 12"
    )
    offer(customer, "a")
    remind(customer, "b")
    delivery.deliver_due()
    bodies = {line["class"]: line["body"].strip() for line in outbox()}
    assert bodies == {"MARKETING": "[Blue Bay Telecom] Words CB1 Reply TD to refuse.", "REMINDER": "Words CB1"}


@pytest.mark.django_db
@pytest.mark.usefixtures("morning", "_words")
def test_opting_out_of_offers_leaves_care_service_and_reminders(outbox: Outbox) -> None:
    """D§26 Opt-out of marketing: care is asked separately; service and reminder stay."""
    from customers.services import refuse_consent

    customer = reachable()
    agree(customer)
    agree(customer, "CARE_GREETING")
    refuse_consent(customer.pk, actor=None, purpose="MARKETING", channel="SMS")
    sent = [offer(customer, kind, message_class=kind) for kind in ("CARE", "REMINDER", "SERVICE")]
    held = offer(customer, "MARKETING")
    delivery.deliver_due()
    assert [state(message) for message in sent] == [("sent", "")] * 3
    assert state(held) == ("suppressed", "no_consent")


@pytest.mark.django_db
@pytest.mark.usefixtures("morning", "_words")
def test_opting_out_after_the_message_was_queued_drops_it_at_the_send_and_logs_it(outbox: Outbox) -> None:
    """D§26 Opt-out after message queued: recheck at send, dropped, logged."""
    from customers.services import withdraw_consent

    customer = reachable()
    agree(customer)
    message = offer(customer)
    withdraw_consent(customer.pk, actor=None, purpose="MARKETING", channel="SMS")
    delivery.deliver_due()
    assert state(message) == ("suppressed", "no_consent")
    assert [step["value"] for step in message.explanation if step["rule"] == "consent"] == ["WITHDRAWN"]
    assert outbox() == []


@pytest.mark.django_db
@pytest.mark.usefixtures("morning", "_words")
@pytest.mark.parametrize(
    ("fields", "allowed"),
    [
        ({"status": "DECEASED"}, set()),
        ({"status": "FORMER"}, {"SERVICE", "REMINDER", "SURVEY"}),
        ({"birth_date": "2012-05-01"}, {"SERVICE", "REMINDER", "SURVEY", "CARE"}),
    ],
)
def test_former_dead_and_minor_customers_get_no_offer_though_they_agreed(
    outbox: Outbox, fields: dict[str, Any], allowed: set[str]
) -> None:
    """D§5.2, D§5.9, D§5.13, D§26: consents on file, the gate decides."""
    customer = reachable()
    for purpose in ("MARKETING", "SURVEY", "CARE_GREETING"):
        agree(customer, purpose)
    Customer.objects.filter(pk=customer.pk).update(**fields)
    messages = {kind: offer(customer, kind, message_class=kind) for kind in WINDOWS}
    delivery.deliver_due()
    assert {kind for kind, message in messages.items() if state(message) == ("sent", "")} == allowed
    assert {line["class"] for line in outbox()} == allowed
    assert all(message.state in {"sent", "suppressed"} for message in messages.values())


@pytest.mark.django_db
@pytest.mark.usefixtures("morning", "_words")
def test_a_major_complaint_stops_offers_whatever_its_block_names(outbox: Outbox) -> None:
    customer = reachable()
    agree(customer)
    block_contact(customer.pk, actor=None, reason="MAJOR_COMPLAINT", classes=["SURVEY"])
    message = offer(customer)
    delivery.deliver_due()
    assert state(message) == ("suppressed", "blocked")
    assert outbox() == []
