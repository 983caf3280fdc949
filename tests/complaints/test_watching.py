"""Escalation: every mark once, to whom the tree says, in the hours it may; what the customer hears is true."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from complaints import tasks
from complaints.lifecycle import OWNER_KIND, ClockKind
from complaints.models import (
    Complaint,
    ComplaintMove,
    Escalation,
    EscalationTold,
    Handover,
    Order,
    Part,
    Promise,
    Seat,
)
from complaints.services.assessing import assess_complaint
from complaints.services.working import assign_complaint
from foundation.calendars.clocks import start_clock, stop_clock
from foundation.calendars.limits import Runs, Target
from foundation.calendars.marks import Marks
from foundation.calendars.models import Clock, ClockMark
from foundation.common import clock
from outreach.delivery import deliver_due
from outreach.models import Notification, OutMessage
from staff.models import Absence, User
from tests.complaints.cases import Office, case, office
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
MORNING = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)  # Tuesday, 10:00 in Beijing
STATUTORY = Marks(percents=(100,), days=(10, 13))


@pytest.fixture
def at() -> Iterator[Office]:
    with clock.travel(MORNING):
        yield office()


def running(one: Complaint, kind: str = ClockKind.SERVICE, **more: Any) -> Clock:
    """A clock of the case: 48 hours by the calendar unless said otherwise; the copies in the case set."""
    given = {"target": Target.hours(48), "runs": Runs.CALENDAR, "at": clock.now(), "actor": None, **more}
    found = start_clock(OWNER_KIND, one.pk, kind, **given)
    if kind in (ClockKind.SERVICE, ClockKind.STATUTORY):
        Complaint.objects.filter(pk=one.pk).update(**{f"{kind}_due_at": found.due_at})
    return found


def bells(person: User) -> list[tuple[str, int]]:
    """Kinds and marks of a person's bell, oldest first."""
    rows = Notification.objects.filter(user=person).order_by("pk")
    return [(row.kind.partition(".")[2], row.params["mark"]) for row in rows]


def later(hours: float) -> Any:
    """That long after the morning."""
    return clock.travel(MORNING + timedelta(hours=hours))


def rows() -> list[tuple[str, str, int, list[str]]]:
    found = Escalation.objects.order_by("due_at", "mark").values_list("clock_kind", "unit", "mark", "levels")
    return [tuple(row) for row in found]


@pytest.mark.covers("CMP-05", "CMP-28")
def test_what_nobody_assesses_in_time_goes_to_the_coordinator_once_and_the_lead_hears_of_it(at: Office) -> None:
    one = case(at, "ACKNOWLEDGED")
    running(one, ClockKind.ASSESS, target=Target.hours(2), marks=Marks(percents=(100,)))
    late, early = case(at, "ACKNOWLEDGED"), case(at, "ACKNOWLEDGED")
    running(early, ClockKind.ASSESS, target=Target.hours(2), marks=Marks(percents=(100,)))
    with later(1):
        assess_complaint(early.pk, actor=at.handler, topic=early.topic, grade="ORDINARY")
    with later(2.1):
        assert tasks.watch_complaints() == 1
        assert tasks.watch_complaints() == 0
    one.refresh_from_db()
    assert (one.state, one.handler, one.owner) == ("ACKNOWLEDGED", at.boss, at.agent)
    assert [row.kind for row in Notification.objects.filter(user=at.boss)] == ["complaint.to_assess"]
    assert ("missed", 100) in bells(at.lead) and Seat.objects.filter(complaint=one, user=at.boss, why="RAISED").exists()
    clocks = Clock.objects.filter(owner_id=one.pk, kind="assess").order_by("pk")
    assert [row.state for row in clocks] == ["MISSED", "RUNNING"] and one.next_due_at == clocks[1].due_at
    with later(24):  # not assessed again: brought up again, but it stays with the coordinator
        tasks.watch_complaints()
        tasks.watch_complaints()
    one.refresh_from_db()
    assert one.handler == at.boss and Clock.objects.filter(owner_id=one.pk).count() == 2
    assert Notification.objects.filter(user=at.boss, kind="complaint.to_assess").count() == 1
    for untouched in (late, early):
        untouched.refresh_from_db()
        assert untouched.handler is None
    with later(25):
        assess_complaint(one.pk, actor=at.boss, topic=one.topic, grade="ORDINARY")
        assign_complaint(one.pk, actor=at.boss, to=at.other)
    assert Complaint.objects.get(pk=one.pk).handler == at.other


@pytest.mark.covers("CMP-09")
def test_marks_go_up_the_tree_each_once_and_a_late_customer_gets_a_true_date(at: Office) -> None:
    qa, gm = UserFactory(role="QA"), UserFactory(role="GM")
    one = case(at, "INVESTIGATING")
    running(one)
    with later(23.9):
        assert tasks.watch_complaints() == 0
    with later(25):  # Wednesday, 11:00
        assert tasks.watch_complaints() == 1
        assert tasks.watch_complaints() == 0
    assert bells(at.handler) == [("reminded", 50)] and not bells(at.lead)
    with later(37):  # Wednesday, 23:00: the row at once, the bell in working hours
        assert tasks.watch_complaints() == 1
        told = EscalationTold.objects.get(person=at.lead)
        assert told.tell_at == MORNING + timedelta(hours=47) and told.told_at is None and not bells(at.lead)
        assert Seat.objects.filter(complaint=one, user=at.lead, why="RAISED").exists()
    with later(47.5):
        tasks.watch_complaints()
        tasks.watch_complaints()
    assert bells(at.lead) == [("escalated", 75)]
    with later(58):  # Thursday, 20:00: a miss rings at once
        tasks.watch_complaints()
        assert bells(at.head) == bells(qa) == [("missed", 100)]
        one.refresh_from_db()
        assert (one.service_late, one.grade, one.grade_reason) == (True, "UPGRADED", "BREACH")
        assert (one.level, one.escalated_to) == (2, at.head)
        assert Clock.objects.get().missed_at == MORNING + timedelta(hours=48)
        message = OutMessage.objects.get(template="complaint_late")
        assert message.customer_id == one.customer_id
        assert message.expires_at == MORNING + timedelta(hours=72) and message.params["number"] == one.number
        assert message.params["due_at"] == message.expires_at.isoformat()
    with later(73):
        tasks.watch_complaints()
    assert bells(at.boss) == [("missed", 150)] and not bells(gm)
    assert rows() == [
        ("service", "P", 50, ["HANDLER"]),
        ("service", "P", 75, ["TEAM_LEAD"]),
        ("service", "P", 100, ["DEPT_HEAD", "QA"]),
        ("service", "P", 150, ["DIRECTOR"]),
    ]
    acts = list(ComplaintMove.objects.filter(complaint=one).order_by("pk").values_list("act", flat=True))
    assert acts == ["REMINDED", "ESCALATED", "ESCALATED", "GRADED", "ESCALATED"]
    assert OutMessage.objects.filter(template="complaint_late").count() == 1


@pytest.mark.covers("CMP-09")
def test_a_sweep_after_days_of_silence_records_its_real_time_and_says_nothing_false(at: Office) -> None:
    UserFactory(role="QA")
    late, answered = case(at, "INVESTIGATING"), case(at, "INVESTIGATING")
    running(late)
    clocks = running(answered)
    with later(60):  # the answer came late, the system was down meanwhile
        stop_clock(clocks.pk, at=clock.now(), actor=at.handler)
        Complaint.objects.filter(pk=answered.pk).update(state="DECIDED")
    with later(100):
        tasks.watch_complaints()
        assert {row.at for row in Escalation.objects.all()} == {clock.now()}
        assert [row[2] for row in rows()] == [50, 50, 75, 75, 100, 100, 150]
        # A reminder before the miss is of no use any more; the lead and those above hear of it all the same.
        assert not bells(at.handler)
        waits = EscalationTold.objects.get(person=at.lead, tell_at__isnull=False)  # it is Saturday
        assert waits.tell_at == datetime(2026, 3, 9, 1, 0, tzinfo=UTC) and bells(at.boss) == [("missed", 150)]
        # What is answered needs neither alert nor apology.
        assert not EscalationTold.objects.filter(escalation__complaint=answered, tell_at__isnull=False).exists()
        message = OutMessage.objects.get(template="complaint_late")
        assert message.customer_id == late.customer_id
        # 150 % are over: a working day from Saturday 14:00 ends on Monday at 18:00.
        assert message.expires_at == datetime(2026, 3, 9, 10, 0, tzinfo=UTC)
        # Answered before it leaves: dropped.
        Complaint.objects.filter(pk=late.pk).update(state="DECIDED")
        deliver_due()
        message.refresh_from_db()
        assert (message.state, message.reason) == ("suppressed", "expired")


@pytest.mark.covers("CMP-09")
def test_law_grave_cases_delegates_and_the_accused(at: Office) -> None:
    gm, qa = UserFactory(role="GM"), UserFactory(role="QA")
    lawful = case(at, "INVESTIGATING", about_staff=at.head)
    running(lawful, ClockKind.STATUTORY, target=Target.end_of_day(15), marks=STATUTORY)
    with later(24 * 9 + 15):
        tasks.watch_complaints()
        assert bells(at.boss) == [] and EscalationTold.objects.get(person=at.boss).told_at is None
    stand_in = UserFactory(unit=at.unit, role="DIRECTOR")
    Absence.objects.create(user=at.boss, reason="LEAVE", starts_at=MORNING + timedelta(days=14), delegate=stand_in)
    with later(24 * 13 + 1):
        tasks.watch_complaints()
    assert bells(at.boss) == [("escalated", 10)] and bells(gm) == [("escalated", 13)]
    with later(24 * 15 + 23):  # the head is complained of, the director away: their delegate, at once
        tasks.watch_complaints()
    assert bells(stand_in) == [("missed", 100)] and ("missed", 100) in bells(gm) and bells(qa) == [("missed", 100)]
    assert not bells(at.head)
    lawful.refresh_from_db()
    assert lawful.statutory_late and not lawful.service_late and lawful.level == 4

    with later(24 * 20):
        grave = case(at, "INVESTIGATING", grade="MAJOR")
        running(grave, target=Target.hours(72))
        assert tasks.watch_complaints() == 1
        assert tasks.watch_complaints() == 0
        assert ("brought_up", 0) in bells(stand_in)
        grave.refresh_from_db()
        assert grave.raised_at == clock.now() and grave.level == 3
    with later(24 * 20 + 37):  # at night, a grave case rings at once
        tasks.watch_complaints()
        assert bells(gm)[-1] == ("escalated", 50) and bells(at.handler)[-1] == ("escalated", 50)


@pytest.mark.covers("CMP-09")
def test_a_group_carries_its_own_clock_and_a_held_case_waits(at: Office) -> None:
    UserFactory(role="QA")
    parent = case(at, "INVESTIGATING", customer=None, is_parent=True, grade="GROUP")
    member = case(at, "INVESTIGATING", parent=parent, grade="GROUP")
    running(parent)
    running(member, ClockKind.STATUTORY, target=Target.end_of_day(1), marks=STATUTORY)
    with later(49):
        tasks.watch_complaints()
    assert [row[:3] for row in rows()] == [
        ("service", "P", 50), ("service", "P", 75), ("statutory", "P", 100), ("service", "P", 100),
    ]  # fmt: skip
    assert not EscalationTold.objects.filter(escalation__complaint=member).exists()
    assert EscalationTold.objects.filter(escalation__complaint=parent).count() == 4
    # The member hears of its own date by law and of the group's.
    assert OutMessage.objects.filter(template="complaint_late", customer=member.customer).count() == 2
    member.refresh_from_db()
    assert member.statutory_late and member.grade == "GROUP"
    assert not ClockMark.objects.filter(passed_at=None, due_at__lt=MORNING + timedelta(hours=49)).exists()


def test_a_sweep_costs_what_is_due_not_what_is_open(at: Office) -> None:
    def cost() -> int:
        one = case(at, "INVESTIGATING")
        running(one, at=MORNING - timedelta(hours=25))
        with CaptureQueriesContext(connection) as queries:
            assert tasks.watch_complaints() == 1
        return len(queries)

    cost()  # the first one fills caches
    few = cost()
    for _one in range(40):
        running(case(at, "INVESTIGATING"))
    assert cost() == few
    # Each look is one into a partial index on what is due, whatever the planner thinks of a small table.
    looks = {
        "clock_mark_due": ClockMark.objects.filter(owner_kind=OWNER_KIND, passed_at=None, due_at__lt=MORNING).order_by(
            "due_at", "pk"
        ),
        "complaint_to_bring_up": Complaint.objects.to_bring_up().order_by("pk"),
        "complaint_alert_due": EscalationTold.objects.alert_due(MORNING).order_by("tell_at", "pk"),
        "complaint_handover_until": Handover.objects.open().filter(until__lte=MORNING).order_by("until", "pk"),
        "promise_due": Promise.objects.due(MORNING).order_by("due_at", "pk"),
        "complaint_order_due": Order.objects.filter(replied_at=None, due_at__lte=MORNING).order_by("due_at", "pk"),
        "complaint_pause_ends": Complaint.objects.filter(state="PAUSED", pause_until__lte=MORNING),
        "complaint_part_due": Part.objects.open().filter(due_at__lte=MORNING).order_by("due_at", "pk"),
    }
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off")
    for index, rows in looks.items():
        assert index in rows.explain(), rows.explain()


@pytest.mark.covers("CMP-14")
def test_who_complains_without_being_a_customer_hears_of_lateness_too(at: Office) -> None:
    one = case(at, "INVESTIGATING", customer=None, contact_phone="13900001234", contact_name="Wang")
    running(one)
    with later(49):
        tasks.watch_complaints()
        tasks.watch_complaints()
    assert OutMessage.objects.filter(template="complaint_late", customer=None).count() == 1
