"""The pause ledger (D§10.6): reasons with limits, the statutory clock never stands, the customer hears of both ends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from complaints.lifecycle import State
from complaints.models import Complaint, ComplaintMove
from complaints.services import pausing, working
from complaints.services.ground import locked_case
from foundation.calendars.clock_queries import faults_of_clocks
from foundation.calendars.models import Clock, ClockEvent
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from outreach.models import Notification, OutMessage
from tests.complaints.cases import case, moment, office, on, ready

pytestmark = [pytest.mark.django_db, pytest.mark.covers("CMP-09")]
HOUR = timedelta(hours=1)


def test_a_pause_takes_out_running_time_ends_by_the_clock_and_the_customer_hears_of_both():
    with on(2, 10):
        at = office()
        one = ready(at, State.INVESTIGATING)  # simple: due on the 4th at 10:00
    with on(2, 15):
        with pytest.raises(NotAllowed) as no:
            pausing.pause_complaint(one.pk, actor=at.other, reason="CUSTOMER_INFO", evidence="asked for the bill")
        assert no.value.code == "complaint.not_handler"
        pausing.pause_complaint(
            one.pk, actor=at.handler, reason="CUSTOMER_INFO", evidence="asked for the bill", until=moment(3, 15)
        )
        one.refresh_from_db()
        assert (one.state, one.pause_reason, one.pause_until) == ("PAUSED", "CUSTOMER_INFO", moment(3, 15))
        assert one.service_due_at is None and one.next_due_at == one.statutory_due_at
        said = OutMessage.objects.get(template="complaint_paused")
        assert (said.params["why"], said.expires_at) == ("CUSTOMER_INFO", moment(3, 15))
        assert ComplaintMove.objects.get(act="PAUSE").reason == "asked for the bill"
        assert ClockEvent.objects.get(type="PAUSE").evidence == ""  # what was said stands where it can be erased
    with on(3, 14):
        assert pausing.pauses_over(clock.now()) == [] and not pausing.resume_if_due(one.pk, now=clock.now())
    with on(3, 16):  # the clock comes an hour late
        assert pausing.pauses_over(clock.now()) == [one.pk]
        assert pausing.resume_if_due(one.pk, now=clock.now())
        assert not pausing.resume_if_due(one.pk, now=clock.now())
        one.refresh_from_db()
        assert (one.state, one.pause_reason, one.pause_until) == ("INVESTIGATING", "", None)
        assert one.service_due_at == moment(5, 11)  # 25 hours later
        assert ComplaintMove.objects.get(act="RESUME").actor is None
        assert Notification.objects.get(user=at.handler).kind == "complaint.resumed"
        assert OutMessage.objects.filter(template="complaint_resumed").count() == 1
    with on(4, 16):
        pausing.pause_complaint(one.pk, actor=at.handler, reason="CUSTOMER_INFO", evidence="asked again")
        assert Complaint.objects.get(pk=one.pk).pause_until == moment(7, 16)  # three days each
    with on(7, 17):
        pausing.resume_complaint(one.pk, actor=at.handler)
        pausing.pause_complaint(one.pk, actor=at.handler, reason="CUSTOMER_INFO", evidence="and again")
        # 25 and 73 of the five days are used up.
        assert Complaint.objects.get(pk=one.pk).pause_until == moment(7, 17) + 22 * HOUR
    with on(8, 9):
        assert pausing.end_pause(locked_case(one.pk))  # the customer wrote
        assert not pausing.end_pause(locked_case(one.pk))
    assert list(faults_of_clocks()) == []


def test_every_reason_has_its_limit_and_none_comes_too_near_to_the_statutory_day():
    with on(2, 10):
        at = office()
        one = ready(at, State.INVESTIGATING)

        def refused(**how: object) -> str:
            given = {"reason": "THIRD_PARTY", "evidence": "the other operator", **how}
            with pytest.raises(RuleBroken) as no:
                pausing.pause_complaint(one.pk, actor=at.handler, **given)
            assert Complaint.objects.get(pk=one.pk).state == "INVESTIGATING"
            return no.value.code

        assert refused(evidence=" ") == "complaint.no_evidence"
        assert refused(reason="HOLIDAY") == "complaint.unknown_code"
        assert refused(until=moment(2, 9)) == "complaint.pause_no_time"
        assert refused(until=moment(9, 11)) == "complaint.pause_too_long"  # five working days end on the 9th at 10:00
        assert refused(reason="APPOINTMENT") == "complaint.pause_no_time"
        assert refused(reason="APPOINTMENT", until=moment(16)) == "complaint.pause_statutory"
        assert refused(reason="CUSTOMER_INFO", until=moment(5, 11)) == "complaint.pause_too_long"
        assert refused(reason="UNREACHABLE") == "complaint.not_tried"
        for _try in range(3):
            working.note_contact(one.pk, actor=at.handler, channel="HOTLINE", text="No answer", reached=False)
        assert Complaint.objects.get(pk=one.pk).first_contact_at is None
        pausing.pause_complaint(one.pk, actor=at.handler, reason="UNREACHABLE", evidence="three calls")
        assert Complaint.objects.get(pk=one.pk).pause_until == moment(4, 10)
        late = ready(at, State.INVESTIGATING, received_at=moment(2) - timedelta(days=11))
        with pytest.raises(RuleBroken) as no:  # to be answered by the 6th: 48 hours and the longest pause go too far
            pausing.pause_complaint(late.pk, actor=at.handler, reason="CUSTOMER_INFO", evidence="asked for the bill")
        assert no.value.code == "complaint.pause_statutory"
        assert not Clock.objects.filter(owner_id=late.pk, state="PAUSED").exists()


def test_the_record_of_the_past_has_no_clocks():
    with on(2, 10):
        at = office()
        one = case(at, State.ASSIGNED, source="CSV", source_no="9")
        working.accept_work(one.pk, actor=at.handler)
        assert Complaint.objects.get(pk=one.pk).state == "INVESTIGATING"
        assert not Clock.objects.exists() and not OutMessage.objects.exists()
