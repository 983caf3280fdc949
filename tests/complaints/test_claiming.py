"""Several take a case out of the pool at once: one has it, the others are told who (issue 4, done when 4)."""

from __future__ import annotations

from functools import partial

import pytest

from complaints.models import Complaint, ComplaintMove
from complaints.services import ground, working
from foundation.common.errors import RuleBroken
from tests.complaints.cases import case, office
from tests.conftest import DEEP
from tests.racing import race

ROUNDS = 200 if DEEP else 8


@pytest.mark.django_db(transaction=True)
@pytest.mark.covers("CMP-12")
def test_of_two_who_take_a_case_at_once_one_has_it_and_the_other_is_told_who():
    at = office()
    people = (at.handler, at.other)
    for number in range(ROUNDS):
        one = case(at, "ASSIGNED", handler=None)
        held = ground.clocks_for(one, None, new=True)
        held.start(held.service())
        acts = (working.claim_complaint, working.accept_work) if number % 2 else (working.claim_complaint,) * 2
        jobs = [partial(act, one.pk, actor=who) for act, who in zip(acts, people, strict=True)]
        outcomes = race(*jobs)
        won = [who for who, outcome in zip(people, outcomes, strict=True) if isinstance(outcome, Complaint)]
        lost = [outcome for outcome in outcomes if isinstance(outcome, RuleBroken)]
        assert len(won) == len(lost) == 1, outcomes
        said = f"{won[0].name} (no. {won[0].staff_no}) has it."
        assert (lost[0].code, lost[0].message) == ("complaint.claimed", said)
        one.refresh_from_db()
        assert (one.handler_id, one.state) == (won[0].pk, "INVESTIGATING")
        assert ComplaintMove.objects.filter(complaint=one, act="CLAIMED").count() == 1
