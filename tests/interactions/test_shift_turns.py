"""Ownership over the end of a shift: to the named shift lead, and back with the next shift; once per instant."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import pytest

from interactions import tasks
from interactions.models import Matter, MatterMove, ShiftTurn
from interactions.services import turn_shift
from outreach.models import Notification, OutMessage
from staff.models import Shift, User
from tests.factories import UserFactory
from tests.interactions.first_ask_making import Hall, leave_open, make_hall
from tests.outreach.making import MORNING
from tests.racing import race
from tests.workspace.making import away

pytestmark = pytest.mark.django_db
Travel = Callable[[datetime], AbstractContextManager[None]]
EVENING, NEXT_DAY = MORNING + timedelta(hours=8), MORNING + timedelta(days=1)  # 18:00 and 10:00 in Beijing


def shift(user: User, begins: float, ends: float, *, lead: bool = False) -> Shift:
    """A shift from so many hours after this morning to so many."""
    return Shift.objects.create(
        user=user,
        starts_at=MORNING + timedelta(hours=begins),
        ends_at=MORNING + timedelta(hours=ends),
        is_lead=lead,
    )


@pytest.fixture
def hall() -> Hall:
    """The agent works until 18:00 and again next day from 10:00; the night lead from 17:00 to 9:00."""
    hall = make_hall()
    shift(hall.agent, -1, 8)
    shift(hall.agent, 24, 32)
    shift(hall.mate, 7, 23, lead=True)
    return hall


@pytest.mark.covers("HND-05")
def test_at_the_end_of_the_shift_the_shift_lead_answers_and_next_day_the_owner_again(
    hall: Hall, travel: Travel
) -> None:
    own, passed = leave_open(hall), leave_open(hall, handler=hall.lead)
    with travel(EVENING - timedelta(seconds=1)):
        tasks.turn_shifts()
        assert set(Matter.objects.values_list("owner", flat=True)) == {hall.agent.pk}
    with travel(EVENING + timedelta(minutes=3)):
        assert tasks.turn_shifts() == 1
        assert tasks.turn_shifts() == 0
    own.refresh_from_db()
    passed.refresh_from_db()
    assert (own.owner, own.handler, own.returns_to, own.why_owner) == (hall.mate, hall.mate, hall.agent, "SHIFT")
    assert (passed.owner, passed.handler, passed.returns_to) == (hall.mate, hall.lead, hall.agent)
    assert [bell.params["count"] for bell in Notification.objects.filter(user=hall.mate, kind="matter.kept")] == [2]
    with travel(NEXT_DAY):
        assert tasks.turn_shifts() >= 1
        assert tasks.turn_shifts() == 0
    own.refresh_from_db()
    assert (own.owner, own.handler, own.returns_to, own.why_owner) == (hall.agent, hall.agent, None, "RETURNED")
    kinds = MatterMove.objects.filter(matter=own).order_by("pk").values_list("act", flat=True)
    assert list(kinds) == ["OPENED", "KEPT", "RETURNED"]
    assert not OutMessage.objects.filter(template="matter_new_owner").exists()


def test_without_a_named_lead_or_with_a_second_shift_nothing_moves(travel: Travel) -> None:
    hall = make_hall()
    shift(hall.agent, -1, 8)
    leave_open(hall)
    other = make_hall()
    shift(other.agent, -1, 8)
    shift(other.agent, 8, 12)
    shift(other.mate, 7, 20, lead=True)
    kept = leave_open(other)
    with travel(EVENING):
        assert tasks.turn_shifts() == 0
    assert set(Matter.objects.values_list("owner", flat=True)) == {hall.agent.pk, other.agent.pk}
    assert ShiftTurn.objects.filter(edge="END", moved=0).count() == 2
    kept.refresh_from_db()
    assert kept.returns_to is None


def test_an_absent_lead_and_one_of_another_unit_take_nothing(hall: Hall, travel: Travel) -> None:
    shift(UserFactory(role="TEAM_LEAD"), 7, 23, lead=True)
    matter = leave_open(hall)
    away(hall.mate)
    with travel(EVENING):
        tasks.turn_shifts()
    matter.refresh_from_db()
    assert matter.owner == hall.agent


def test_from_lead_to_lead_it_still_goes_back_to_its_owner(hall: Hall, travel: Travel) -> None:
    shift(hall.lead, 22, 30, lead=True)
    matter = leave_open(hall)
    for hours, owner, back in ((8, hall.mate, hall.agent), (23, hall.lead, hall.agent), (24, hall.agent, None)):
        with travel(MORNING + timedelta(hours=hours)):
            tasks.turn_shifts()
        matter.refresh_from_db()
        assert (matter.owner, matter.returns_to) == (owner, back)


def test_a_turn_found_late_happens_in_the_order_of_the_instants(hall: Hall, travel: Travel) -> None:
    matter = leave_open(hall)
    with travel(NEXT_DAY + timedelta(minutes=5)):
        tasks.turn_shifts()
    matter.refresh_from_db()
    assert (matter.owner, matter.returns_to) == (hall.agent, None)
    assert list(ShiftTurn.objects.filter(shift__user=hall.agent).values_list("edge", flat=True).order_by("edge")) == [
        "BEGIN",
        "END",
    ]


def test_a_matter_taken_over_by_order_meanwhile_does_not_go_back(hall: Hall, travel: Travel) -> None:
    from interactions.services import order_matter

    matter = leave_open(hall)
    with travel(EVENING):
        tasks.turn_shifts()
        order_matter(matter.pk, actor=hall.lead, to=hall.lead)
    with travel(NEXT_DAY):
        tasks.turn_shifts()
    matter.refresh_from_db()
    assert matter.owner == hall.lead


@pytest.mark.django_db(transaction=True)
def test_two_workers_turn_a_shift_once(travel: Travel) -> None:
    hall = make_hall()
    ending = shift(hall.agent, -1, 8)
    shift(hall.mate, 7, 23, lead=True)
    matter = leave_open(hall)
    with travel(EVENING):
        got = race(*[lambda: turn_shift(ending.pk, "END", now=EVENING)] * 3)
    assert sorted(got) == [0, 0, 1]
    assert MatterMove.objects.filter(matter=matter, act="KEPT").count() == 1
