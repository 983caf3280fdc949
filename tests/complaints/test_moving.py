"""A policy gets another value: every open clock is shown before and after, and moved unless unticked (D§1.2, 26)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from complaints.lifecycle import State
from complaints.models import Complaint
from complaints.services import closing, parts
from foundation.audit.models import AuditEntry
from foundation.calendars import services as calendars
from foundation.calendars.clock_queries import faults_of_clocks, open_clock
from foundation.calendars.clock_words import explain_clock
from foundation.calendars.clocks import mark_missed
from foundation.calendars.models import Clock, ClockEvent
from foundation.calendars.queries import STANDARD
from foundation.calendars.windows import read_windows
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.policies.drafting import (
    activate_draft,
    day_edit,
    draft_calendar,
    draft_policy,
    drop_draft,
    untick,
    week_edit,
)
from foundation.policies.moving import count_draft, drafts_to_move, move_clocks, shifts_of
from foundation.policies.reading import policy
from tests.complaints.cases import cause, moment, office, on, ready
from tests.factories import UnitFactory
from tests.racing import race

SIMPLE = "complaints.limit.simple"
HOUR = timedelta(hours=1)
pytestmark = pytest.mark.covers("CMP-09", "CMP-28")


def service(case_id: int) -> Clock:
    found = open_clock("CASE", case_id, "service")
    assert found is not None
    return found


@pytest.mark.django_db
def test_open_clocks_go_with_a_policy_unless_unticked_and_a_miss_stays_one(django_assert_num_queries: Any):
    with on(2, 10):
        at = office()
        simple, kept, cross = (ready(at, State.INVESTIGATING, path=path) for path in ("SIMPLE", "SIMPLE", "CROSS_UNIT"))
        paused = ready(at, State.PAUSED)
        back = ready(at, State.CALLBACK)
    with on(2, 12):
        at_law = ready(at, State.INVESTIGATING, received_at=moment(1))
        closing.close_complaint(
            back.pk, actor=at.handler, cause=cause(), responsible_unit=at.unit, lesson="Check first"
        )
        closing.reopen_complaint(back.pk, actor=at.agent, words="Again")  # half of 48 h
    with on(4, 12):  # those of the 2nd, 10:00, are late, the paused one has 48 h left
        mark_missed(clock.now(), owner_kind="CASE")
        longer = draft_policy(SIMPLE, 96 * HOUR, actor=at.boss, note="Give them four days")
        with django_assert_num_queries(9):  # one of them looks whether policies changed
            page = shifts_of(longer, now=clock.now())
        seen = {one.clock.owner_id: (one.before, one.after) for one in page.shifts}
        assert page.after is None and set(seen) == {simple.pk, kept.pk, paused.pk, back.pk, at_law.pk}
        assert (seen[simple.pk][0].due, seen[simple.pk][1].due) == (moment(4, 10), moment(6, 10))
        assert (seen[simple.pk][1].state, seen[paused.pk][1].remaining) == ("breached", 96 * HOUR)
        assert (seen[back.pk][0].due, seen[back.pk][1].due) == (moment(3, 12), moment(4, 12))
        first = shifts_of(longer, now=clock.now(), size=2)
        rest = shifts_of(longer, now=clock.now(), size=50, after=first.after)
        assert [one.clock.pk for one in (*first.shifts, *rest.shifts)] == [one.clock.pk for one in page.shifts]
        counts = count_draft(longer, now=clock.now())
        assert (counts["clocks"], counts["later"], counts["sooner"], counts["refused"]) == (5, 5, 0, 0)
        assert policy(SIMPLE) == 48 * HOUR and not ClockEvent.objects.filter(reason="POLICY_VERSION").exists()

        untick(longer.pk, [service(kept.pk).pk], keep=True)
        activate_draft(longer.pk, actor=at.boss)
        assert policy(SIMPLE) == 96 * HOUR and drafts_to_move(clock.now()) == [longer.pk]
        assert move_clocks(longer.pk, actor=at.boss) == 4
        dues = {one.pk: one.service_due_at for one in Complaint.objects.all()}
        assert (dues[simple.pk], dues[kept.pk], dues[cross.pk], dues[paused.pk], dues[at_law.pk]) == (
            moment(6, 10), moment(4, 10), moment(9, 10), None, moment(6, 12),
        )  # fmt: skip
        moved = service(simple.pk)
        assert (moved.missed_at, moved.policy_version) == (
            moment(4, 10),
            ClockEvent.objects.last().rule["policy_version"],
        )
        assert service(back.pk).due_at == moment(4, 12) and service(back.pk).missed_at == moment(3, 12)
        why = explain_clock(moved, clock.now()).in_words()
        assert "Reason of the change: another value of the policy." in why
        # Nothing is left to do; again moves nothing; it is decided once.
        assert drafts_to_move(clock.now()) == [] and move_clocks(longer.pk, actor=at.boss) == 4
        assert ClockEvent.objects.filter(reason="POLICY_VERSION").count() == 4
        entry = AuditEntry.objects.get(verb="draft.clocks_moved")
        assert (entry.detail["clocks"], entry.detail["kept"]) == (4, 1)
        for act in (activate_draft, drop_draft):
            with pytest.raises(RuleBroken) as no:
                act(longer.pk, actor=at.boss)
            assert no.value.code == "policies.draft_decided"
        assert list(faults_of_clocks()) == []


@pytest.mark.django_db
def test_a_later_beginning_moves_them_when_it_comes_and_parts_of_others_stay():
    with on(2, 10):
        at = office()
        one = ready(at, State.INVESTIGATING)
        elsewhere = ready(
            at, State.INVESTIGATING, work_unit=(hall := UnitFactory(function="HALL")), work_unit_no=hall.no
        )
        draft = draft_policy(
            SIMPLE, 24 * HOUR, actor=at.boss, scope="UNIT", scope_ref=at.unit.pk, effective_from=moment(2, 18)
        )
        assert [shift.clock.owner_id for shift in shifts_of(draft, now=clock.now()).shifts] == [one.pk]
        activate_draft(draft.pk, actor=at.boss)
        assert drafts_to_move(clock.now()) == [] and move_clocks(draft.pk, actor=at.boss) == 0
    with on(2, 19):
        assert drafts_to_move(clock.now()) == [draft.pk]
        assert move_clocks(draft.pk, actor=None) == 1
        assert Complaint.objects.get(pk=one.pk).service_due_at == moment(3, 10)
        assert Complaint.objects.get(pk=elsewhere.pk).service_due_at == moment(4, 10)


@pytest.mark.django_db
def test_a_calendar_made_shorter_shows_all_clocks_first_and_refuses_to_close_for_ever():
    with on(2, 10):
        at = office()
        cross = ready(at, State.INVESTIGATING, path="CROSS_UNIT")
        part = parts.give_part(cross.pk, actor=at.handler, unit=UnitFactory(function="DEPARTMENT"), ask="Measure")
        shorter = draft_calendar(
            STANDARD, week_edit([read_windows("09:00-12:00")] * 5 + [(), ()]), actor=at.boss, note="Mornings only"
        )
        shifts = {one.clock.owner_kind: one for one in shifts_of(shorter, now=clock.now()).shifts}
        assert (shifts["CASE"].before.due, shifts["CASE"].after.due) == (moment(9, 10), moment(23, 10))
        assert shifts["PART"].after.due > part.due_at
        with pytest.raises(RuleBroken, match="no working time left"):
            draft_calendar(STANDARD, week_edit([()] * 7), actor=at.boss)
        # Somebody else edits the calendar meanwhile.
        calendars.set_day(STANDARD, date(2026, 3, 5), "CLOSED", actor=at.boss)
        with pytest.raises(RuleBroken) as no:
            activate_draft(shorter.pk, actor=at.boss)
        assert no.value.code == "policies.draft_old"
        shorter = draft_calendar(STANDARD, day_edit(date(2026, 3, 6), "CLOSED"), actor=at.boss, note="Stocktaking")
        activate_draft(shorter.pk, actor=at.boss)
        assert move_clocks(shorter.pk, actor=at.boss) == 2
        assert Complaint.objects.get(pk=cross.pk).service_due_at == moment(11, 10)  # the 5th and the 6th
        assert list(faults_of_clocks()) == []


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_move_each_clock_once():
    with on(2, 10):
        at = office()
        for _one in range(12):
            ready(at, State.INVESTIGATING)
        draft = draft_policy(SIMPLE, 24 * HOUR, actor=at.boss)
        activate_draft(draft.pk, actor=at.boss)
        race(*[lambda: move_clocks(draft.pk, actor=at.boss)] * 2)
        events = ClockEvent.objects.filter(reason="POLICY_VERSION")
        assert events.count() == 12 == len(set(events.values_list("clock_id", flat=True)))
        assert set(Complaint.objects.values_list("service_due_at", flat=True)) == {moment(3, 10)}
        assert list(faults_of_clocks()) == []
