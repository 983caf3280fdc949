"""An answer that is not the end: disputed, not solved, reopened; each by whom, with which time, and told to whom."""

from __future__ import annotations

from datetime import timedelta

import pytest

from complaints.lifecycle import State
from complaints.models import Callback, Complaint, Entry
from complaints.services import answering, callbacks, closing, solving, working
from foundation.common import clock
from foundation.common.errors import RuleBroken
from outreach.models import OutMessage
from tests.complaints.cases import cause, moment, office, on, ready
from tests.complaints.seen import clocks, rung, told

pytestmark = pytest.mark.django_db


@pytest.mark.covers("CMP-32")
def test_a_disputed_answer_has_a_lead_a_new_limit_and_a_last_word():
    with on(6, 17):  # a Friday
        at = office()
        one = ready(at, State.DECIDED, measures=({"done_at": None},))
        answering.dispute_complaint(one.pk, actor=at.agent, words="It was three times")
        one.refresh_from_db()
        assert clocks(one)["lead_contact"] == "RUNNING 09 17:00" and clocks(one)["service"] == "RUNNING 13 17:00"
        assert one.service_due_at == moment(13, 17) and one.next_due_at == moment(9, 17)
        assert rung(at.lead) == ["complaint.disputed"]
        assert Entry.objects.get(kind="INBOUND").text == "It was three times"
        working.note_contact(one.pk, actor=at.other, channel="HOTLINE", text="A colleague called")
        assert clocks(one)["lead_contact"] == "RUNNING 09 17:00"  # not a lead
        working.note_contact(one.pk, actor=at.lead, channel="HOTLINE", text="Offered half")
        assert clocks(one)["lead_contact"] == "MET 09 17:00"
    with on(9, 10):
        answering.tell_final_position(one.pk, actor=at.handler, words="We stay with it.")
        one.refresh_from_db()
        last = one.solutions.get(dropped_at=None)
        assert last.final and last.measures.count() == 1 and one.state == "CALLBACK"
        assert clocks(one)["service"] == "MET 13 17:00" and clocks(one)["callback"] == "RUNNING 11 10:00"
        callbacks.record_callback(one.pk, actor=at.agent, solved="NO", told_of_progress=True, satisfaction=1)
        assert Complaint.objects.get(pk=one.pk).state == "CALLBACK"  # the last word stands
        solving.complete_measure(last.measures.get().pk, actor=at.handler, result="explained")
        closing.close_complaint(one.pk, actor=at.handler, cause=cause(), responsible_unit=at.unit, lesson="Ask first")
    assert told(one) == ["disputed", "final", "closed"]


@pytest.mark.covers("CMP-24")
def test_not_solved_goes_back_to_work_and_only_the_unreachable_are_silent():
    with on(3, 10):
        at = office()
        solved_not = ready(at, State.CALLBACK)
        Callback.objects.update(done_at=None, solved="")
        callbacks.record_callback(
            solved_not.pk, actor=at.agent, solved="NO", told_of_progress=False, satisfaction=2, said="Still wrong"
        )
        solved_not.refresh_from_db()
        assert (solved_not.state, solved_not.returned) == ("INVESTIGATING", 1)
        assert clocks(solved_not)["service"] == "RUNNING 04 10:00"  # half of 48 hours
        assert clocks(solved_not)["statutory"] == "RUNNING 18 23:59"
        one = ready(at, State.DECIDED)

        def unreachable() -> str:
            with pytest.raises(RuleBroken) as no:
                callbacks.record_callback(
                    one.pk, actor=at.agent, solved="UNREACHABLE", told_of_progress=None, satisfaction=None
                )
            return no.value.code

        with pytest.raises(RuleBroken) as no:
            answering.agree_complaint(one.pk, actor=None)
        assert no.value.code == "complaint.not_silent"
        assert unreachable() == "complaint.not_tried"
        for _try in range(3):
            callbacks.record_callback_try(one.pk, actor=at.agent, outcome="NO_ANSWER")
        assert unreachable() == "complaint.not_tried"  # all in one morning
    with on(4, 19):
        callbacks.record_callback_try(one.pk, actor=at.agent, outcome="BUSY")
        assert unreachable() == "complaint.not_asked"
        Callback.objects.filter(complaint=one).update(asked_at=clock.now())
        assert unreachable() == "complaint.not_asked"
    with on(7, 20):
        callbacks.record_callback(
            one.pk, actor=at.agent, solved="UNREACHABLE", told_of_progress=None, satisfaction=None
        )
        assert Complaint.objects.get(pk=one.pk).state == "DECIDED"
        assert clocks(one)["silence"] == "RUNNING 10 10:00" and Complaint.objects.get(pk=one.pk).next_due_at is None
        notices = OutMessage.objects.filter(template="complaint_notice").order_by("not_before")
        assert [row.not_before for row in notices] == [moment(7, 20), moment(8, 20)]
        assert answering.silences_over(clock.now()) == []
    with on(10, 10):
        assert answering.silences_over(clock.now()) == [one.pk]
        assert answering.accept_silence_if_due(one.pk, now=clock.now())
        assert not answering.accept_silence_if_due(one.pk, now=clock.now())
    one.refresh_from_db()
    assert (one.state, one.accepted_by_silence, one.solved) == ("CALLBACK", True, "UNREACHABLE")


@pytest.mark.covers("CMP-10", "CMP-33")
def test_reopened_within_thirty_days_with_half_the_time_by_another_and_upgraded_the_second_time():
    with on(2):
        at = office()
        one = ready(at, State.CLOSED)
        late = ready(at, State.CLOSED)
    with on(32, 10):
        closing.reopen_complaint(one.pk, actor=at.agent, words="Again", because_of_handling=True)
        one.refresh_from_db()
        assert (one.state, one.reopened, one.handler, one.last_handler) == ("REOPENED", 1, None, at.handler)
        assert one.service_due_at == moment(33, 10) and one.statutory_due_at == moment(47, 24) - timedelta(seconds=1)
        with pytest.raises(RuleBroken) as no:
            working.assign_complaint(one.pk, actor=at.lead, to=at.handler)
        assert no.value.code == "complaint.same_handling"
        working.assign_complaint(one.pk, actor=at.lead, to=at.other)
        Complaint.objects.filter(pk=one.pk).update(
            state="CLOSED", closed_at=clock.now(), cause=cause(), responsible_unit=at.unit, solved="YES"
        )
        closing.reopen_complaint(one.pk, actor=at.agent, words="And again")
        one.refresh_from_db()
        assert (one.grade, one.grade_reason, one.reopened) == ("UPGRADED", "REOPENED_TWICE", 2)
    with on(32, 10, 1), pytest.raises(RuleBroken) as over:
        closing.reopen_complaint(late.pk, actor=at.agent, words="Again")
    assert over.value.code == "complaint.reopen_late" and late.number in over.value.message
    assert Complaint.objects.get(pk=late.pk).state == "CLOSED"
