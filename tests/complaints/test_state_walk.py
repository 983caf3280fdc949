"""Every state times every act, by the services people call: what the table allows happens, the rest is refused with one
code and changes nothing (D§10.3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from complaints.lifecycle import MOVES, Act, State, move_for
from complaints.models import Complaint, ComplaintMove
from complaints.services import answering, assessing, callbacks, closing, pausing, rejecting, solving, working
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.common.errors import RuleBroken
from interactions.models import Topic
from outreach.models import OutMessage
from outreach.wording import render_words, template_called
from tests.complaints.cases import Office, cause, office, ready

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
# Registering makes a case, merging joins two, a group ends together: their services are tested beside them.
ELSEWHERE = (Act.REGISTER, Act.MERGE, Act.CLOSE_GROUP)


def measures(at: Office) -> list[dict[str, Any]]:
    return [{"kind": "EXPLAIN", "text": "Explain the bill", "owner": at.handler, "due_at": clock.now() + DAY}]


# One call for each act, by whoever may do everything: `boss`, who is not the handler.
CALLS: dict[str, Callable[[int, Office], Any]] = {
    Act.ACKNOWLEDGE: lambda key, at: assessing.acknowledge_complaint(key, actor=at.boss),
    Act.ASSESS: lambda key, at: assessing.assess_complaint(
        key, actor=at.boss, topic=Topic.objects.get(code="BILLING.AMOUNT"), grade="ORDINARY"
    ),
    Act.ASSIGN: lambda key, at: working.assign_complaint(key, actor=at.boss, to=at.other),
    Act.INVESTIGATE: lambda key, at: working.accept_work(key, actor=at.handler),
    Act.PAUSE: lambda key, at: pausing.pause_complaint(key, actor=at.boss, reason="THIRD_PARTY", evidence="asked"),
    Act.RESUME: lambda key, at: pausing.resume_complaint(key, actor=at.boss),
    Act.PROPOSE: lambda key, at: solving.propose_solution(key, actor=at.boss, finding="So", measures=measures(at)),
    Act.REWORK: lambda key, at: solving.rework_complaint(key, actor=at.boss, reason="new facts"),
    Act.DECIDE: lambda key, at: answering.decide_complaint(key, actor=at.boss, words="You are right."),
    Act.AGREE: lambda key, at: answering.agree_complaint(key, actor=at.boss),
    Act.DISPUTE: lambda key, at: answering.dispute_complaint(key, actor=at.boss, words="No."),
    Act.FINAL: lambda key, at: answering.tell_final_position(key, actor=at.boss, words="This is final."),
    Act.CALL_BACK: lambda key, at: callbacks.start_callback(key, actor=at.boss),
    Act.RETURN: lambda key, at: callbacks.return_complaint(key, actor=at.boss, reason="not solved"),
    Act.CLOSE: lambda key, at: closing.close_complaint(
        key, actor=at.boss, cause=cause(), responsible_unit=at.unit, lesson="Look twice"
    ),
    Act.REOPEN: lambda key, at: closing.reopen_complaint(key, actor=at.boss, words="Again."),
    Act.WITHDRAW: lambda key, at: closing.withdraw_complaint(key, actor=at.boss, reason="settled"),
    Act.TAKE_UP: lambda key, at: closing.take_up_again(key, actor=at.boss, to=at.other),
    Act.REJECT: lambda key, at: rejecting.grant_rejection(
        rejecting.ask_rejection(key, actor=at.boss, reason="not ours", referral="City water works").pk, actor=at.lead
    ),
}


# After which nothing is next but what the customer may do themselves, which is said.
ENDING = (Act.CLOSE, Act.WITHDRAW, Act.REJECT)
# What the customer is told of each act, whatever the state it is done in (D§10.3, 24).
TOLD: dict[str, str] = {
    Act.ACKNOWLEDGE: "acknowledged",
    Act.ASSESS: "assessed",
    Act.ASSIGN: "assigned",
    Act.INVESTIGATE: "in_work",
    Act.PAUSE: "paused",
    Act.RESUME: "resumed",
    Act.PROPOSE: "proposed",
    Act.REWORK: "rework",
    Act.DECIDE: "answered",
    Act.AGREE: "accepted",
    Act.DISPUTE: "disputed",
    Act.FINAL: "final",
    Act.CALL_BACK: "",  # the message of agreeing announced it, and it is a call itself
    Act.RETURN: "not_solved",
    Act.CLOSE: "closed",
    Act.REOPEN: "reopened",
    Act.WITHDRAW: "withdrawn",
    Act.TAKE_UP: "taken_up",
    Act.REJECT: "rejected",
}


def traces() -> tuple[int, ...]:
    return ComplaintMove.objects.count(), AuditEntry.objects.count(), OutMessage.objects.count()


@pytest.mark.covers("CMP-10", "CMP-26", "CMP-28")
@pytest.mark.parametrize("state", State.values)
def test_of_a_state_what_the_table_allows_happens_and_the_rest_changes_nothing(state):
    at = office()
    one = ready(at, state)
    before = Complaint.objects.values().get(pk=one.pk)
    allowed = []
    for act in Act:
        if act in ELSEWHERE:
            continue
        if move_for(state, act) is not None:
            allowed.append(act)
            continue
        seen = traces()
        with pytest.raises(RuleBroken) as no:
            CALLS[act](one.pk, at)
        assert no.value.code == "complaint.illegal", (state, act, no.value.message)
        assert traces() == seen and Complaint.objects.values().get(pk=one.pk) == before
    for act in allowed:
        case_of = ready(at, state)
        CALLS[act](case_of.pk, at)
        step = move_for(state, act)
        assert step is not None
        case_of.refresh_from_db()
        row = ComplaintMove.objects.get(complaint=case_of, act=act)
        assert (row.old, row.new, case_of.state) == (state, step.new, step.new)
        assert (case_of.closed_at is None) == case_of.is_open
        told = OutMessage.objects.filter(customer_id=case_of.customer_id)
        assert [row.template for row in told] == [f"complaint_{TOLD[act]}"] * bool(TOLD[act]), (state, act)
        for row in told:  # what happened and to which, what is next, and whom to ask
            words = render_words(
                template_called(row.template), language="en", params=row.params, recipient={"name": "Li"}
            )
            who = (case_of.handler or case_of.owner).staff_no
            assert case_of.number in words.subject and words.body.startswith("Li, ") and who in words.body, words
            assert "Next:" in words.body or act in ENDING, words


def test_the_walk_is_complete():
    assert set(TOLD) == set(CALLS)
    acts = {move.act for move in MOVES}
    assert acts - set(ELSEWHERE) == set(CALLS)
    assert set(Act.values) - acts == {Act.REGISTER}
