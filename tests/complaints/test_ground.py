"""The ground every act stands on: who may, what follows, what is written down."""

from __future__ import annotations

import pytest

from complaints.lifecycle import Act, SeatWhy, State
from complaints.models import Complaint, ComplaintMove, Seat
from complaints.services import ground
from customers.models import TimelineLine
from foundation.audit.models import AuditEntry
from foundation.common.errors import NotAllowed, RuleBroken
from outreach.models import Notification, OutMessage
from tests.complaints.cases import case, office
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.mark.covers("CMP-07")
def test_a_move_writes_state_history_audit_and_timeline_and_an_illegal_one_nothing():
    at = office()
    one = case(at, State.ACKNOWLEDGED)
    held = ground.case_to(one.pk, Act.ASSESS, at.handler)
    ground.move(held, Act.ASSESS, actor=at.handler, reason="two bills", grade="ORDINARY")
    one.refresh_from_db()
    assert (one.state, one.version, one.closed_at) == ("ASSESSED", 2, None)
    row = ComplaintMove.objects.get()
    assert (row.act, row.old, row.new, row.actor, row.reason) == (
        "ASSESS",
        "ACKNOWLEDGED",
        "ASSESSED",
        at.handler,
        "two bills",
    )
    assert AuditEntry.objects.get(verb="complaint.assess").target_id == str(one.pk)
    line = TimelineLine.objects.get(customer_id=one.customer_id)
    assert (line.kind, line.params) == ("complaint.assess", {"number": one.number, "state": "ASSESSED"})
    with pytest.raises(RuleBroken) as no:
        ground.case_to(one.pk, Act.CLOSE, at.handler)
    assert no.value.code == "complaint.illegal"
    assert no.value.message == "A case that is \u201cAssessed\u201d does not allow: Close."
    with pytest.raises(RuleBroken, match="does not allow"):
        ground.case_to(one.pk, Act.ASSIGN, None)  # not the clock's
    assert Complaint.objects.get(pk=one.pk).version == 2 and ComplaintMove.objects.count() == 1


@pytest.mark.covers("CMP-07")
def test_who_may_act_is_the_table_of_roles_scope_and_seats_never_the_one_complained_of():
    at = office()
    one = case(at, State.REGISTERED, about_staff=at.other)
    far = UserFactory(role="COMPLAINT_HANDLER")

    def refused(person, right="complaints.work"):
        with pytest.raises(NotAllowed) as no:
            ground.case_for(one.pk, person, right)
        return no.value.code

    assert refused(at.other) == "complaint.about_you"
    assert refused(far) == "complaint.not_yours"
    assert refused(at.agent) == "complaint.no_right"
    assert refused(at.handler, "complaints.approve") == "complaint.no_right"
    assert ground.case_for(one.pk, at.handler, "complaints.work").pk == one.pk
    ground.seat(one, far, SeatWhy.CALLBACK)
    ground.seat(one, far, SeatWhy.CALLBACK)
    assert ground.case_for(one.pk, far, "complaints.take").pk == one.pk and Seat.objects.count() == 1
    ground.unseat(one, SeatWhy.CALLBACK)
    assert refused(far) == "complaint.not_yours"
    assert not ComplaintMove.objects.exists()


def test_the_customer_and_colleagues_are_told_once_per_key_and_nobody_of_the_past():
    at = office()
    one = case(at, State.INVESTIGATING, about_staff=at.other)
    for _twice in range(2):
        ground.tell_customer(one, "complaint_in_work", key="1", actor=at.handler)
        ground.ring(one, at.lead, "given", "1")
        ground.ring(one, at.other, "given", "1")
    message = OutMessage.objects.get()
    assert (message.customer_id, message.message_class) == (one.customer_id, "SERVICE")
    assert message.params == {"number": one.number, "colleague": at.handler.staff_no, "due_at": ""}
    assert Notification.objects.get().user == at.lead
    assert Complaint.objects.get(pk=one.pk).last_told_at is not None
    past = case(at, State.CLOSED, source="CSV", source_no="7")
    assert ground.tell_customer(past, "complaint_closed", key="1", actor=None) is None
    ground.ring(past, at.lead, "closed", "1")
    assert OutMessage.objects.count() == 1 and Notification.objects.count() == 1
