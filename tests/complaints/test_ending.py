"""Ended without an answer, and taken up again."""

from __future__ import annotations

import pytest

from complaints.lifecycle import State
from complaints.models import Complaint
from complaints.services import closing
from foundation.calendars.models import Clock
from foundation.common.errors import RuleBroken
from tests.complaints.cases import moment, office, on, ready
from tests.complaints.test_handing import refused

pytestmark = pytest.mark.django_db


@pytest.mark.covers("CMP-10")
def test_withdrawn_ends_all_that_is_owed_and_is_taken_up_again_within_thirty_days():
    with on(2):
        at = office()
        one = ready(at, State.SOLUTION_PROPOSED)
        one.solutions.get().approvals.create(amount=9, matter_amount=9, asked_by=at.handler)
        part = one.parts.create(unit=at.unit, unit_no=at.unit.no, ask="Look", budget_minutes=60)
        refused("complaint.too_long", closing.withdraw_complaint, one.pk, actor=at.agent, reason="x" * 401)
        assert Complaint.objects.get(pk=one.pk).closed_at is None
        closing.withdraw_complaint(one.pk, actor=at.agent, reason="Found it")
        part.refresh_from_db()
        assert part.state == "CANCELLED" and one.solutions.get().approvals.get().state == "LAPSED"
        assert set(Clock.objects.filter(owner_id=one.pk).values_list("state", flat=True)) == {"STOPPED"}
        one.refresh_from_db()
        assert (one.next_due_at, one.reason) == (None, "Found it")
        lost = ready(at, State.WITHDRAWN)
    with on(20, 10):
        closing.take_up_again(one.pk, actor=at.lead, to=at.other)
        one.refresh_from_db()
        assert (one.state, one.handler, one.reason, one.closed_at) == ("ASSIGNED", at.other, "", None)
        assert one.service_due_at == moment(22, 10) and not one.solutions.filter(dropped_at=None).exists()
    with on(32, 11), pytest.raises(RuleBroken) as no:
        closing.take_up_again(lost.pk, actor=at.lead, to=at.other)
    assert no.value.code == "complaint.take_up_late"
