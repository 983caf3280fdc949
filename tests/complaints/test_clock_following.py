"""A work calendar gets another version: what lists copy from the clocks of cases and parts moves with them."""

from __future__ import annotations

from datetime import date

import pytest

from complaints.lifecycle import ClockKind, State
from complaints.models import Complaint, Part
from complaints.services import grading, parts
from complaints.services.ground import clocks_for
from foundation.calendars import services as calendars
from foundation.calendars.clock_queries import faults_of_clocks, open_clock
from foundation.calendars.clock_words import explain_clock
from foundation.calendars.moving import move_to_newest
from foundation.calendars.queries import STANDARD
from foundation.common import clock
from tests.complaints.cases import moment, office, on, ready
from tests.factories import UnitFactory

COPIES = ("service_due_at", "statutory_due_at", "next_due_at", "service_late", "statutory_late")


@pytest.mark.django_db
@pytest.mark.covers("CMP-09")
def test_copies_follow_the_clocks_that_move() -> None:
    with on(2, 10):
        at = office()
        cross = ready(at, State.INVESTIGATING, path="CROSS_UNIT")  # five working days: the 9th, 10:00
        assigned = ready(at, State.ASSIGNED)  # accept within two working hours
        grave = ready(at, State.INVESTIGATING, path="CROSS_UNIT")
        part = parts.give_part(cross.pk, actor=at.handler, unit=UnitFactory(function="DEPARTMENT"), ask="Measure")
        grading.change_grade(grave.pk, actor=at.boss, grade="MAJOR", reason_code="SAFETY")
        assert (cross.service_due_at, cross.next_due_at) == (moment(9, 10), moment(9, 10))
        assert (assigned.next_due_at, part.due_at) == (moment(2, 12), moment(4, 10))
    with on(2, 11):
        calendars.set_day(STANDARD, date(2026, 3, 3), "CLOSED", actor=at.boss)
        calendars.set_day(STANDARD, date(2026, 3, 2), "OPEN", actor=at.boss, windows=[(540, 660)])
        assert move_to_newest(STANDARD, at=clock.now(), actor=at.boss) == 4
        moved = Complaint.objects.get(pk=cross.pk)
        due = open_clock("CASE", cross.pk, "service").due_at
        assert moved.service_due_at == moved.next_due_at == due > moment(10)
        assert moved.version == Complaint.objects.get(pk=cross.pk).version > cross.version
        assert Complaint.objects.get(pk=assigned.pk).next_due_at == moment(4, 10)  # an hour on the 2nd, none on the 3rd
        assert Part.objects.get(pk=part.pk).due_at == open_clock("PART", part.pk, parts.CLOCK).due_at > part.due_at
        for one in Complaint.objects.all():  # as its own services would write them
            copies = clocks_for(one, None).copies()
            assert {name: getattr(one, name) for name in COPIES} == copies
        why = explain_clock(open_clock("CASE", grave.pk, ClockKind.SERVICE.value), clock.now()).in_words()
        assert "Reason of the change: another grade." in why
        why = explain_clock(open_clock("CASE", cross.pk, ClockKind.SERVICE.value), clock.now()).in_words()
        assert "Reason of the change: another version of the work calendar." in why
        assert list(faults_of_clocks()) == []
