"""Marks that pass while sweeps and senders are killed and the house stands still for a day: what reaches the customers,
by real SMTP and SMPP, comes once and is true when it comes; what nobody told us of becomes one call (issue 4, done when
3; D§24)."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
from django.db.models import Count, Q, QuerySet

from complaints.lifecycle import OWNER_KIND, ClockKind
from complaints.models import Complaint, Escalation
from complaints.watching import sweeping
from foundation.calendars.clocks import NewClock, start_clocks
from foundation.calendars.limits import Runs, Target
from foundation.calendars.models import ClockMark
from foundation.common import clock
from foundation.ui.wording import say_moment
from outreach import delivery
from outreach.channels.smpp.address import read_line
from outreach.lifecycle import MESSAGE_OPEN
from outreach.models import FollowUp, OutMessage, RescueStep, SmsPart
from outreach.services.rescuing import steps_due
from outreach.sms.gateway import Gateway
from outreach.tasks import rescue_messages
from tests.complaints.cases import Office, case, office
from tests.complaints.forking import Forked
from tests.conftest import DEEP
from tests.factories import ContactPointFactory, CustomerFactory, UserFactory
from tests.jobs.processes import wait_until
from tests.outreach.peer import Mailbox, smtp_peer
from tests.outreach.smsc import Got, Smsc, gateway, message_centre

MORNING = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)  # Tuesday, 10:00 in Beijing
CASES = 500 if DEEP else 24
PIECE = 6
EARLY = timedelta(0)
LATER = timedelta(hours=26)  # when the clocks of every second case begin
STEP = timedelta(minutes=5)  # longer than any lease of a killed sender


@pytest.fixture
def mails() -> Iterator[Mailbox]:
    with smtp_peer() as box:
        yield box


@pytest.fixture
def texts() -> Iterator[Smsc]:
    with message_centre() as centre:
        yield centre


class Outside:
    """What reached the customers, and when: (address, words) of each, with the moment of the house."""

    def __init__(self, mails: Mailbox, texts: Smsc) -> None:
        self.mails, self.texts = mails, texts
        self.seen: list[tuple[str, str, datetime]] = []
        self._read = [0, 0]

    def count(self) -> int:
        """How many letters and parts of texts reached anybody."""
        return len(self.mails.letters) + len(self.texts.parts)

    def arrived(self) -> Counter[str]:
        """How often something reached each address; what is new is noted with this moment."""
        letters, parts = self.mails.letters[self._read[0] :], self.texts.parts[self._read[1] :]
        self._read = [self._read[0] + len(letters), self._read[1] + len(parts)]
        now = clock.now()
        self.seen += [(str(letter["To"]), letter.get_content(), now) for letter in letters]
        self.seen += [(part.to, part.text, now) for part in parts]
        return Counter(address for address, _words, _at in self.seen)


def complaining(at: Office, begin: timedelta) -> Iterator[Complaint]:
    """Cases whose service clock begins so much later, one by mail and one by telephone in turn."""
    for n in range(CASES // 2):
        number = f"{13900000000 + (1_000 if begin else 0) + n}"
        customer = CustomerFactory(unit=at.unit, language="en")
        if n % 2:
            ContactPointFactory(customer=customer, kind="EMAIL", value=f"{number}@example.test")
            yield case(at, "INVESTIGATING", customer=customer, channel="EMAIL")
        else:
            ContactPointFactory(customer=customer, value=number)
            yield case(at, "INVESTIGATING", customer=customer)


def due_marks(now: datetime) -> int:
    return ClockMark.objects.filter(owner_kind=OWNER_KIND, passed_at=None, due_at__lt=now).count()


def sweep_all(now: datetime) -> None:
    while sweeping.sweep_chunk(now, PIECE) or due_marks(now):
        pass


def is_silent(number: str) -> bool:
    """Whether the message centre never tells what became of messages there: every second of those it gets."""
    return not int(number[-3:]) % 4


def due_now() -> QuerySet[OutMessage]:
    """What waits for now, or is under way."""
    open_ = Q(state="sending", in_flight_at__isnull=False) | Q(state="queued", not_before__lte=clock.now())
    return OutMessage.objects.filter(open_)


def settled() -> int:
    return OutMessage.objects.exclude(state__in=MESSAGE_OPEN).count()


def addresses() -> dict[int, str]:
    """Where each message of the outbox goes."""
    found = {}
    for message in OutMessage.objects.filter(customer__isnull=False):
        kind = "EMAIL" if message.channel == "EMAIL" else "MOBILE"
        points = message.customer.contact_points.filter(kind=kind)  # type: ignore[union-attr]  # asked above
        found[message.pk] = points.get().value
    return found


def calls_for_what_nobody_told_of(at: datetime, sent_to: dict[int, str]) -> None:
    """Two clocks at once, one of them killed now and then: each message without a word is one call, unless its time is
    over; every other is settled."""
    quiet = OutMessage.objects.filter(state="sent", channel="SMS")
    assert {is_silent(sent_to[message.pk]) for message in quiet} == {True}
    alive = {f"message:{message.pk}" for message in quiet if message.expires_at and message.expires_at > at}
    assert alive
    with clock.travel(at):
        while steps_due(at, 1):
            one, other = Forked(rescue_messages), Forked(rescue_messages)
            Event().wait(0.05)
            one.kill()
            assert other.wait() == 0
    assert sorted(FollowUp.objects.filter(kind="CALLBACK", source__startswith="message:").values_list(
        "source", flat=True
    )) == sorted(alive)  # fmt: skip
    assert not RescueStep.objects.filter(done_at=None).exists()


@pytest.mark.covers("CMP-09", "CMP-14")
@pytest.mark.django_db(transaction=True)
def test_through_kills_and_a_day_of_silence_each_customer_hears_once_and_only_what_is_true(
    mails: Mailbox, texts: Smsc, settings: Any
) -> None:
    settings.EMAIL_URL = f"smtp://127.0.0.1:{mails.port}"
    texts.receipt = lambda got: "" if is_silent(got.to) else "DELIVRD"
    settings.SMS_URL = line = f"smpp://me:secret@127.0.0.1:{texts.port}?from=10086&window=4"
    chance, outside = random.Random(20260303), Outside(mails, texts)
    with clock.travel(MORNING):
        at = office()
        UserFactory(role="QA")
        for begin in (EARLY, LATER):
            with clock.travel(MORNING + begin):
                given = (OWNER_KIND, ClockKind.SERVICE.value, Target.hours(48), Runs.CALENDAR)
                kind, name, target, runs = given
                new = [NewClock(kind, one.pk, name, target, runs) for one in complaining(at, begin)]
                start_clocks(new, at=clock.now(), actor=None)
    kills = 0

    def a_while(moment: datetime, most: int) -> None:
        """Two sweeps and two senders for a moment, then a kill for most of them; nothing on record leaves again."""
        nonlocal kills
        with clock.travel(moment):
            known = addresses()
            on_record = {
                known[pk]
                for pk in OutMessage.objects.filter(pk__in=known, state__in=["sent", "delivered"]).values_list(
                    "pk", flat=True
                )
            }
            before, now, full = outside.arrived(), clock.now(), threading.Event()
            out, done = outside.count(), settled()
            end = len(texts.parts) + most

            def enough(_got: Got) -> None:
                if len(texts.parts) + 1 >= end:
                    full.set()

            texts.on_submit = enough  # type: ignore[assignment]  # it refuses nothing
            sweeps = [Forked(lambda: sweep_all(now)) for _one in range(2)]
            senders = [
                Forked(lambda: delivery.deliver_due(limit=most)),
                Forked(lambda: Gateway(read_line(line), threading.Event()).run()),
            ]
            try:
                if chance.random() < 0.8:  # the others die before they begin
                    wait_until(
                        lambda: outside.count() > out or settled() > done or not due_now().exists(), what="a sender"
                    )
                full.wait(chance.uniform(0.0, 0.3))
            finally:
                for one in senders[::-1]:
                    kills += not one.ended()
                    one.kill()
            for one in sweeps:
                if chance.random() < 0.7:
                    one.kill()
                assert one.wait() in (0, -9)
            after = outside.arrived()
            assert {address for address in on_record if after[address] != before[address]} == set()

    def until_swept(moment: datetime, most: int) -> datetime:
        for _round in range(200):
            a_while(moment, most)
            if not due_marks(moment):
                return moment
            moment += STEP
        raise AssertionError("the sweeps do not come to an end")

    for hours in (25, 37, 49):
        last = until_swept(MORNING + timedelta(hours=hours), CASES // 16)
    half = CASES // 2
    told = OutMessage.objects.filter(template="complaint_late")
    assert told.count() == half
    while (some := len({address for address, _words, _at in outside.seen})) < half // 4:
        last += STEP
        a_while(last, CASES // 16)
    assert some < half  # the house stands still now, with apologies on their way

    back = MORNING + timedelta(hours=75)  # the moment those name is over; the marks of the others are, too
    last = until_swept(back, CASES // 16) + STEP
    for _round in range(3):
        a_while(last, CASES // 16)
        last += STEP
    sent_to = addresses()
    with clock.travel(last):
        with gateway(line):
            wait_until(lambda: not delivery.deliver_due() and not due_now().exists())
            heard = [part.reference for part in SmsPart.objects.all() if not is_silent(sent_to[part.message_id])]
            wait_until(lambda: not SmsPart.objects.filter(reference__in=heard, state="TAKEN").exists(), what="receipts")
        outside.arrived()
    calls_for_what_nobody_told_of(last + timedelta(hours=1), sent_to)

    assert kills
    found = Escalation.objects.values_list("mark").annotate(rows=Count("pk"), cases=Count("complaint", distinct=True))
    assert {mark: (rows, whole) for mark, rows, whole in found} == {
        50: (CASES, CASES), 75: (CASES, CASES), 100: (CASES, CASES), 150: (half, half)
    }  # fmt: skip
    assert told.count() == CASES == told.values("customer").distinct().count()

    known = {address: OutMessage.objects.get(pk=pk) for pk, address in addresses().items()}
    came = Counter(address for address, _words, _at in outside.seen)
    for address, words, moment in outside.seen:
        due = datetime.fromisoformat(known[address].params["due_at"])
        assert due > moment, (address, words, moment)
        assert known[address].params["number"] in words
        assert say_moment(due) in words, words
    unsaid = {address for address in known if not came[address]}
    late = {address for address, one in known.items() if one.params["due_at"] < back.isoformat()}
    assert unsaid <= late  # everybody else heard of it
    # "cut": a sender was killed before the letter went, and nobody can know that.
    assert {(known[address].state, known[address].reason) for address in unsaid} <= {
        ("suppressed", "expired"), ("unknown", "cut")
    }  # fmt: skip
    # What a killed sender had on the way left a second time, each at most once a kill; no other did.
    assert sum(came.values()) - len(came) <= kills * 4
