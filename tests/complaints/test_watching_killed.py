"""Many marks at once, two sweeps side by side, one of them killed again and again: each row and message once."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
from django.db.models import Count

from complaints.lifecycle import OWNER_KIND, ClockKind
from complaints.models import Complaint, ComplaintMove, Escalation, EscalationTold, Seat
from complaints.watching import sweeping
from foundation.calendars.clocks import NewClock, start_clocks
from foundation.calendars.limits import Runs, Target
from foundation.calendars.models import ClockMark
from foundation.common import clock
from outreach.models import Notification, OutMessage
from tests.complaints.cases import case, office
from tests.complaints.forking import Forked
from tests.conftest import DEEP
from tests.factories import UserFactory
from tests.racing import held

MORNING = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)
CASES = 500 if DEEP else 60
PIECE = 6
SHARES = (50, 75, 100, 150)


def due_marks(now: datetime) -> int:
    return ClockMark.objects.filter(owner_kind=OWNER_KIND, passed_at=None, due_at__lt=now).count()


def sweep_all(now: datetime) -> None:
    """As the tick does, in small pieces so that a kill meets one on its way."""
    while sweeping.sweep_chunk(now, PIECE) or due_marks(now):
        pass


@pytest.mark.covers("CMP-09")
@pytest.mark.django_db(transaction=True)
def test_two_sweeps_one_killed_at_random_leave_each_escalation_and_message_once() -> None:
    with clock.travel(MORNING):
        at = office()
        UserFactory(role="QA")
        people = {person.pk for person in (at.lead, at.head, at.boss)}
        cases = [case(at, "INVESTIGATING") for _one in range(CASES)]
        clocks = [
            NewClock(OWNER_KIND, one.pk, ClockKind.SERVICE.value, Target.hours(48), Runs.CALENDAR) for one in cases
        ]
        start_clocks(clocks, at=clock.now(), actor=None)
    now = MORNING + timedelta(hours=75)  # Friday, 13:00
    chance, kills = random.Random(20260303), 0
    with clock.travel(now):
        while due_marks(now):
            steady, doomed = Forked(lambda: sweep_all(now)), Forked(lambda: sweep_all(now))
            Event().wait(chance.uniform(0.01, 0.25))
            kills += not doomed.ended()
            doomed.kill()
            if chance.random() < 0.5:  # both die now and then
                steady.kill()
            assert steady.wait() in (0, -9)
        assert not sweeping.sweep(now)
    assert kills
    found = Escalation.objects.values_list("mark").annotate(rows=Count("pk"), cases=Count("complaint", distinct=True))
    assert {mark: (rows, whole) for mark, rows, whole in found} == dict.fromkeys(SHARES, (CASES, CASES))
    tellings = EscalationTold.objects.values_list("role").annotate(rows=Count("pk"))
    roles = ("HANDLER", "TEAM_LEAD", "DEPT_HEAD", "QA", "DIRECTOR")
    assert dict(tellings) == dict.fromkeys(roles, CASES)
    rung = Notification.objects.values_list("kind").annotate(rows=Count("pk"))
    # The reminder at 50 % is of no use after the miss: recorded, not rung.
    assert dict(rung) == {"complaint.escalated": CASES, "complaint.missed": 3 * CASES}
    acts = ComplaintMove.objects.values_list("act").annotate(rows=Count("pk"))
    assert dict(acts) == {"REMINDED": CASES, "ESCALATED": 3 * CASES, "GRADED": CASES}
    assert Seat.objects.filter(user__in=people).count() == 3 * CASES
    assert OutMessage.objects.filter(template="complaint_late").count() == CASES
    assert OutMessage.objects.values("customer").distinct().count() == CASES
    assert Complaint.objects.filter(level=3, escalated_to=at.boss, grade="UPGRADED", service_late=True).count() == CASES


@pytest.mark.django_db(transaction=True)
def test_a_case_somebody_holds_is_left_to_the_next_sweep_and_nobody_waits_for_another() -> None:
    with clock.travel(MORNING):
        at = office()
        busy, free = case(at, "INVESTIGATING"), case(at, "INVESTIGATING")
        clocks = [
            NewClock(OWNER_KIND, one.pk, ClockKind.SERVICE.value, Target.hours(48), Runs.CALENDAR)
            for one in (busy, free)
        ]
        start_clocks(clocks, at=clock.now(), actor=None)
    with clock.travel(MORNING + timedelta(hours=25)):
        with held(Complaint, busy.pk):
            assert sweeping.sweep(clock.now()) == 1
            assert [row.complaint_id for row in Escalation.objects.all()] == [free.pk]
            assert sweeping.sweep(clock.now()) == 0
        assert sweeping.sweep(clock.now()) == 1
        assert Escalation.objects.filter(complaint=busy).count() == 1
