"""What a message centre says of text messages, in every way real ones do: early, late, twice, in part, over another
line, in other words for the same id, to a process that dies. Each receipt counts for its message, once; a message no
receipt tells of becomes somebody's work."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import pytest
from django.db import connection

from outreach.models import FollowUp, MessageMove, OutMessage, RescueStep, SmsPart, SmsReply
from outreach.sms import conversation
from outreach.sms.matching import kept_id, spellings
from outreach.tasks import rescue_messages
from staff.models import UnitHead, User
from tests.factories import UserFactory
from tests.jobs.processes import wait_until
from tests.outreach.making import MORNING, reachable
from tests.outreach.smsc import Smsc, gateway, message_centre, own_centre
from tests.outreach.test_smpp import gateway_child, mass, number_at, states, url
from tests.racing import held

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.covers("INT-13")]
Travel = Callable[[datetime], AbstractContextManager[None]]
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def centre() -> Iterator[Smsc]:
    with message_centre() as one:
        one.receipt = lambda _got: ""  # the tests tell
        yield one


def left(centre: Smsc, count: int, text: str = "Short {n}") -> list[int]:
    """Ids of that many messages that left and of which nothing was told yet."""
    ids = list(mass(reachable(), count, text).values())
    with gateway(url(centre)):
        wait_until(lambda: states() == {"sent": count})
    return ids


def state_of(pk: int) -> str:
    return OutMessage.objects.get(pk=pk).state


def test_ids_are_one_however_they_are_spelled() -> None:
    assert [kept_id(told) for told in ("0000A1F3", "a1f3", "000", "aB3", "m17", "")] == [
        "a1f3",
        "a1f3",
        "0",
        "aB3",
        "m17",
        "",
    ]
    assert spellings("0000A1F3") == ["0000A1F3", "a1f3", "41459"]
    assert spellings("41459") == ["41459", "267353", "a1f3"]
    assert spellings("m17") == ["m17"]
    assert spellings("f" * 40) == ["f" * 40]


def test_ids_given_in_hexadecimal_and_told_in_decimal_find_their_own_messages(centre: Smsc, travel: Travel) -> None:
    centre.given = lambda n: f"{n:08X}"
    with travel(MORNING):
        ids = left(centre, 20)
        by_part = dict(SmsPart.objects.values_list("reference", "message_id"))
        assert set(by_part) == {f"{n:x}" for n in range(1, 21)}
        numbers = {pk: number_at(n) for n, pk in enumerate(ids)}
        with gateway(url(centre)):
            for n in range(1, 21):  # "10" is what the sixteenth was called, and the tenth is meant
                state = "UNDELIV" if n == 10 else "DELIVRD"
                centre.tell(str(n), state, number="86" + numbers[by_part[f"{n:x}"]])
            wait_until(lambda: "sent" not in states())
        assert states() == {"delivered": 19, "undelivered": 1}
        assert state_of(by_part["a"]) == "undelivered"
    assert centre.statuses == [0] * 20


def test_our_own_centre_tells_in_decimal_too(travel: Travel) -> None:
    with travel(MORNING), own_centre("--decimal") as centre:
        mass(reachable(), 30, "Short {n}")
        with gateway(f"smpp://careline:secret@127.0.0.1:{centre.port}"):
            wait_until(lambda: states() == {"delivered": 30})


def test_a_receipt_over_another_line_counts_when_it_names_the_number(centre: Smsc, travel: Travel) -> None:
    with travel(MORNING):
        here, there = left(centre, 2)
        parts = {part.message_id: part for part in SmsPart.objects.all()}
        with gateway(url(centre).replace("me:", "other:")):
            centre.tell(parts[here].reference, "DELIVRD", number=number_at(0))
            centre.tell(parts[there].reference, "DELIVRD", number=number_at(5))
            wait_until(lambda: centre.statuses == [0, 0])
        assert (state_of(here), state_of(there)) == ("delivered", "sent")


def test_faster_than_the_answer_to_their_parts_they_are_put_off_and_not_lost(
    centre: Smsc, travel: Travel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "EARLY_SECONDS", 0.2)
    centre.receipt, centre.slow = lambda _got: "DELIVRD", True
    with travel(MORNING):
        mass(reachable(), 3, "Short {n}")
        with gateway(url(centre)):
            wait_until(lambda: len(centre.statuses) >= 6)
            assert set(centre.statuses) == {0x64}  # "later"
            assert not SmsPart.objects.exists()
            centre.tell("of-nobody", "DELIVRD")
            centre.slow = False
            centre.answer()
            wait_until(lambda: states() == {"delivered": 3})
            wait_until(lambda: centre.statuses.count(0) == 4)
    assert len(centre.parts) == 3


def test_told_to_a_process_that_dies_before_it_is_written_down_it_is_told_again(centre: Smsc, travel: Travel) -> None:
    with travel(MORNING):
        [pk] = left(centre, 1)
        part = SmsPart.objects.get()
        with held(SmsPart, part.pk):
            reader = gateway_child(url(centre))
            centre.tell(part.reference, "DELIVRD")
            wait_until(waits_for_a_lock)
            os.kill(reader, signal.SIGKILL)
            os.waitpid(reader, 0)
        assert (state_of(pk), centre.statuses) == ("sent", [])
        with gateway(url(centre)):
            wait_until(lambda: state_of(pk) == "delivered")
    assert MessageMove.objects.filter(message_id=pk, new="delivered").count() == 1


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def test_in_part_twice_and_days_late_they_count_once_and_what_nobody_tells_becomes_one_call(
    centre: Smsc, travel: Travel
) -> None:
    lead: User = UserFactory(role="TEAM_LEAD")  # type: ignore[assignment]  # the factory gives the model
    with travel(MORNING):
        long, silent = left(centre, 2, "Long {n} " + "x" * 160)
        customer = OutMessage.objects.get(pk=long).customer
        assert customer is not None
        customer.contact_points.filter(kind="EMAIL").delete()
        UnitHead.objects.create(unit_id=customer.unit_id, user=lead, from_day="2026-01-01")
        first, second = SmsPart.objects.filter(message_id=long).order_by("number")
        with gateway(url(centre)):
            for _twice in range(2):
                centre.tell(first.reference, "DELIVRD")
            centre.tell(second.reference, "ENROUTE", esm_class=0x20)
            centre.tell(second.reference, "UNDELIV", esm_class=0x20)  # not its last word
            wait_until(lambda: centre.statuses == [0] * 4)
        assert states() == {"sent": 2}
        assert not SmsReply.objects.exists()
    with travel(MORNING + 49 * MINUTE):
        assert rescue_messages() == 0
    with travel(MORNING + 50 * MINUTE):
        assert (rescue_messages(), rescue_messages(), rescue_messages(), rescue_messages()) == (2, 2, 2, 0)
    assert sorted(FollowUp.objects.values_list("source", "kind")) == [
        (f"message:{pk}", "CALLBACK") for pk in sorted((long, silent))
    ]
    with travel(MORNING + 3 * DAY), gateway(url(centre)):
        for _twice in range(2):
            centre.tell(second.reference, "DELIVRD")
        wait_until(lambda: state_of(long) == "delivered")
        centre.tell(second.reference, "UNDELIV")  # too late: the first last word stands
        wait_until(lambda: centre.statuses == [0] * 7)
    with travel(MORNING + 40 * DAY), gateway(url(centre)):
        centre.tell(SmsPart.objects.filter(message_id=silent)[0].reference, "UNDELIV")
        wait_until(lambda: centre.statuses == [0] * 8)
        assert rescue_messages() == 0
    assert (state_of(long), state_of(silent)) == ("delivered", "sent")
    assert list(MessageMove.objects.filter(new__in=["delivered", "undelivered"]).values_list("message_id", "new")) == [
        (long, "delivered")
    ]
    assert FollowUp.objects.count() == 2
    assert set(RescueStep.objects.values_list("message_id", "step", "outcome")) == {
        (pk, step, "DONE") for pk in (long, silent) for step in ("RECEIPT", "CHANNEL", "CALL")
    }


def test_all_of_whose_parts_were_taken_before_the_cut_has_left_though_its_time_is_over(
    centre: Smsc, travel: Travel
) -> None:
    with travel(MORNING):
        whole, half = left(centre, 2, "Long {n} " + "x" * 160)
        both = OutMessage.objects.filter(pk__in=[whole, half])
        # The process died after the last answer and before the note that they left.
        both.update(state="sending", sent_at=None, in_flight_at=MORNING, expires_at=MORNING + MINUTE)
        SmsPart.objects.filter(message_id=half, number=2).delete()
        RescueStep.objects.all().delete()
    with travel(MORNING + 10 * MINUTE):
        both.update(not_before=MORNING)
        with gateway(url(centre)):
            wait_until(lambda: not both.filter(state="sending").exists())
        assert (state_of(whole), state_of(half)) == ("sent", "unknown")
    assert len(centre.parts) == 4
    assert set(RescueStep.objects.values_list("message_id", "step")) == {(whole, "RECEIPT"), (half, "CHANNEL")}
