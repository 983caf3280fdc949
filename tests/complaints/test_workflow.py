"""A complaint from receipt to closing by its services: every clock, every word to the customer, every date exact."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from complaints.lifecycle import Act, State
from complaints.models import Callback, ComplainerFlag, Complaint, ComplaintMove, Entry, Seat
from complaints.services import answering, assessing, callbacks, closing, grading, ground, solving, working
from complaints.services.approving import deny_approval, grant_approval
from customers.models import ContactBlock
from foundation.calendars.clock_queries import faults_of_clocks
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.policies.services import set_policy
from interactions.models import Topic
from outreach.lifecycle import FollowUpState
from outreach.models import FollowUp, OutMessage
from staff.models import User
from tests.complaints.cases import case, cause, moment, office, on, ready
from tests.complaints.seen import assess, clocks, measure, rung, told

pytestmark = pytest.mark.django_db


@pytest.mark.covers("CMP-07", "CMP-09", "CMP-14", "CMP-24", "CMP-28", "CMP-29", "CMP-33")
def test_a_complaint_is_heard_answered_called_back_and_closed_and_the_customer_told_each_step():
    with on(2, 10):
        at = office()
        one = case(at)
        running = ground.clocks_for(one, None, new=True)
        running.begin()
        ground.save_case(one)
        assert clocks(one) == {"statutory": "RUNNING 17 23:59"}
        assessing.acknowledge_complaint(one.pk, actor=at.agent)
        assert clocks(one)["assess"] == "RUNNING 02 12:00"
    with on(2, 11):
        assess(one, at.handler)
        one.refresh_from_db()
        assert one.service_due_at == one.next_due_at == moment(4, 11)
        working.assign_complaint(one.pk, actor=at.lead, to=at.handler, note="knows the billing")
        assert clocks(one)["accept"] == "RUNNING 02 13:00" and rung(at.handler) == ["complaint.given"]
    with on(2, 12):
        working.accept_work(one.pk, actor=at.handler)
        assert clocks(one)["accept"] == "MET 02 13:00" and clocks(one)["first_contact"] == "RUNNING 03 12:00"
    with on(2, 15):
        working.note_contact(one.pk, actor=at.handler, channel="HOTLINE", text="Two items named")
        assert clocks(one)["first_contact"] == "MET 03 12:00" and clocks(one)["progress"] == "RUNNING 04 15:00"
    with on(3, 10):
        package = [measure(at.handler), measure(at.other, "REFUND", "30.00")]
        solution = solving.propose_solution(one.pk, actor=at.handler, finding="Charged twice", measures=package)
        assert Seat.objects.get().user == at.other and not solution.approvals.exists()  # a refund needs no authority
        with pytest.raises(RuleBroken) as no:
            answering.decide_complaint(one.pk, actor=at.handler, words=" ")
        assert no.value.code == "complaint.no_words"
        answering.decide_complaint(one.pk, actor=at.handler, words="You get 30 CNY back by 6 March.")
        one.refresh_from_db()
        assert (one.state, one.answered_at, one.decided_at) == ("DECIDED", moment(3, 10), moment(3, 10))
        assert clocks(one) == {
            "statutory": "MET 17 23:59",
            "assess": "MET 02 12:00",
            "service": "MET 04 11:00",
            "accept": "MET 02 13:00",
            "first_contact": "MET 03 12:00",
            "progress": "MET 04 15:00",
            "callback": "RUNNING 05 10:00",
        }
        assert one.next_due_at == moment(5, 10) and not (one.service_late or one.statutory_late)
        entry, answer = Entry.objects.get(kind="REPLY"), OutMessage.objects.get(template="complaint_answered")
        assert entry.text == answer.params["words"] and entry.message_id == answer.pk
        owed = FollowUp.objects.get()
        assert (owed.kind, owed.owner, owed.due_at) == ("CALLBACK", at.agent, moment(5, 10))
    with on(4, 9):
        ask = {"solved": "YES", "told_of_progress": True, "satisfaction": 5}
        with pytest.raises(NotAllowed) as forbidden:
            callbacks.record_callback(one.pk, actor=at.handler, **ask)
        assert forbidden.value.code == "complaint.not_caller"
        callbacks.record_callback(one.pk, actor=at.agent, **ask)
        one.refresh_from_db()
        assert (one.state, one.solved, one.satisfaction) == ("CALLBACK", "YES", 5)
        assert FollowUp.objects.get().state == FollowUpState.DONE and clocks(one)["callback"] == "MET 05 10:00"
        for done in solution.measures.all():
            solving.complete_measure(done.pk, actor=done.owner, result="done")
        closing.close_complaint(one.pk, actor=at.handler, cause=cause(), responsible_unit=at.unit, lesson="Check runs")
    one.refresh_from_db()
    assert (one.state, one.closed_at, one.next_due_at) == ("CLOSED", moment(4, 9), None)
    assert ComplainerFlag.objects.get().until == moment(4 + 180).date() and not Seat.objects.exists()
    acts = [row.act for row in ComplaintMove.objects.order_by("pk")]
    assert acts == [
        "ACKNOWLEDGE", "ASSESS", "ASSIGN", "INVESTIGATE", "CONTACTED", "PROPOSE", "DECIDE", "CALLED_BACK", "AGREE",
        "CALL_BACK", "MEASURE_DONE", "MEASURE_DONE", "CLOSE",
    ]  # fmt: skip
    assert told(one) == [
        "acknowledged", "assessed", "assigned", "in_work", "proposed", "answered", "accepted", "closed",
    ]  # fmt: skip
    decided = ComplaintMove.objects.get(act="DECIDE")
    assert decided.readings["service"] == {"elapsed": 23 * 60, "remaining": 25 * 60}
    assert list(faults_of_clocks()) == []


@pytest.mark.covers("CMP-10", "CMP-36")
def test_closing_is_refused_for_every_loose_end_each_by_its_name():
    with on(3):
        at = office()
        one = ready(at, State.CALLBACK, measures=({"kind": "COMPENSATION", "amount": "80", "done_at": None},))
        solution, callback = one.solutions.get(), Callback.objects.get()

        def refused(**how: object) -> str:
            given = {"cause": cause(), "responsible_unit": at.unit, "lesson": "", **how}
            with pytest.raises(RuleBroken) as no:
                closing.close_complaint(one.pk, actor=at.handler, **given)
            assert Complaint.objects.get(pk=one.pk).state == "CALLBACK"
            return no.value.code

        part = one.parts.create(unit=at.unit, unit_no=at.unit.no, ask="Look", budget_minutes=60)
        assert refused() == "complaint.open_part"
        part.delete()
        Callback.objects.update(done_at=None, solved="")
        assert refused() == "complaint.no_callback"
        Callback.objects.update(done_at=clock.now(), solved="NO")
        assert refused() == "complaint.not_solved"
        Callback.objects.update(solved="UNREACHABLE", reached_at=None)
        assert refused() == "complaint.unapproved"  # 80 CNY are above what a handler may settle
        solution.approvals.create(amount=80, matter_amount=80, asked_by=at.handler, state="GRANTED", decided_by=at.lead)
        assert refused() == "complaint.open_measure"
        solution.measures.update(done_at=clock.now())
        assert refused() == "complaint.uninformed"
        working.note_contact(one.pk, actor=at.handler, channel="HOTLINE", text="Told them the answer")
        assert refused(cause=None) == "complaint.no_cause"
        assert refused(responsible_unit=None) == "complaint.no_unit"
        assert refused() == "complaint.no_lesson"
        assert refused(lesson="x" * 401) == "complaint.too_long"
        # The operator may let ordinary ones go that gave no trouble.
        set_policy("complaints.close.ordinary_lesson", False, actor=at.boss)
        assert not closing.needs_lesson(one)
        for column in ("returned", "reopened", "service_late", "statutory_late"):
            assert closing.needs_lesson(Complaint(work_unit=at.unit, grade="ORDINARY", **{column: 1})), column
        assert closing.needs_lesson(Complaint(work_unit=at.unit, grade="MAJOR"))
        closing.close_complaint(
            one.pk, actor=at.handler, cause=cause(), responsible_unit=at.unit, lesson="Do not charge twice"
        )
        callback.refresh_from_db()
        assert Complaint.objects.get(pk=one.pk).solved == callback.solved == "UNREACHABLE"


@pytest.mark.covers("CMP-07")
def test_money_above_the_own_limit_waits_for_another_with_enough_and_splitting_is_seen():
    with on(3):
        at = office()
        one = ready(at, State.INVESTIGATING)
        pay = [measure(at.handler, "COMPENSATION", "60")]
        first = solving.propose_solution(one.pk, actor=at.lead, finding="So", measures=pay)
        assert not first.approvals.exists()  # within the lead's 200
        again = ready(at, State.INVESTIGATING, customer=one.customer)
        pay = [measure(at.handler, "WAIVER", "90"), measure(at.handler, "COMPENSATION", "60")]
        second = solving.propose_solution(again.pk, actor=at.lead, finding="So", measures=pay)
        asked = second.approvals.get()  # 60 there and 150 here
        assert (asked.amount, asked.matter_amount, asked.asked_of) == (Decimal(150), Decimal(210), at.head)
        assert rung(at.head) == ["complaint.approval"]
        with pytest.raises(RuleBroken) as no:
            answering.decide_complaint(again.pk, actor=at.lead, words="150 CNY for you")
        assert no.value.code == "complaint.unapproved"
        for person, code in (
            (at.lead, "complaint.own_request"),
            (at.handler, "complaint.no_right"),
        ):
            with pytest.raises(NotAllowed) as forbidden:
                grant_approval(asked.pk, actor=person)
            assert forbidden.value.code == code
        deny_approval(asked.pk, actor=at.head, reason="too much")
        with pytest.raises(RuleBroken, match="not approved yet"):
            answering.decide_complaint(again.pk, actor=at.lead, words="150 CNY for you")
        with pytest.raises(RuleBroken) as gone:
            grant_approval(asked.pk, actor=at.head)
        assert gone.value.code == "complaint.approval_decided"
        solving.rework_complaint(again.pk, actor=at.lead, reason="less")
        pay = [measure(at.handler, "COMPENSATION", "145")]
        third = solving.propose_solution(again.pk, actor=at.lead, finding="So", measures=pay)
        grant_approval(third.approvals.get().pk, actor=at.head)
        answering.decide_complaint(again.pk, actor=at.lead, words="145 CNY for you")
        assert Complaint.objects.get(pk=again.pk).state == "DECIDED" and "complaint.approved" in rung(at.lead)
        huge = ready(at, State.INVESTIGATING)
        pay = [measure(at.handler, "COMPENSATION", "1200")]
        fourth = solving.propose_solution(huge.pk, actor=at.lead, finding="So", measures=pay)
        with pytest.raises(NotAllowed) as over:
            grant_approval(fourth.approvals.get().pk, actor=at.head)
        assert over.value.code == "complaint.over_limit"
        for bad in ("0", "-5", "1.234", "NaN", "x", None):
            with pytest.raises(RuleBroken) as wrong:
                solving.propose_solution(
                    one.pk, actor=at.lead, finding="So", measures=[measure(at.handler, "REFUND", bad)]
                )
            assert wrong.value.code in ("complaint.bad_amount", "complaint.illegal")


@pytest.mark.covers("CMP-09")
def test_a_grade_rises_at_any_time_carries_the_clock_and_falls_only_by_the_coordinator():
    with on(3, 10):
        at = office()
        one = ready(at, State.INVESTIGATING)
    with on(3, 13):
        grading.change_grade(one.pk, actor=at.lead, grade="MAJOR", reason_code="SAFETY")
        one.refresh_from_db()
        assert one.service_due_at == moment(6, 10)  # 72 hours from the start, three of them used
        block = ContactBlock.objects.get(customer=one.customer)
        assert (block.reason, block.classes, block.ends_at) == ("MAJOR_COMPLAINT", ["MARKETING"], None)
        with pytest.raises(NotAllowed):
            grading.change_grade(one.pk, actor=at.lead, grade="ORDINARY", reason_code="", reason="calm again")
        with pytest.raises(RuleBroken) as no:
            grading.change_grade(one.pk, actor=at.boss, grade="ORDINARY", reason_code="")
        assert no.value.code == "complaint.no_reason"
        two = ready(at, State.INVESTIGATING, customer=one.customer, grade="MAJOR", grade_reason="MEDIA")
    with on(5, 13):
        grading.change_grade(one.pk, actor=at.boss, grade="ORDINARY", reason_code="", reason="no danger")
        one.refresh_from_db()
        assert (one.grade, one.grade_reason) == ("ORDINARY", "LOWERED")
        # 48 hours from the start are over: due a day from now, and late.
        assert one.service_due_at == moment(6, 13) and one.service_late
        assert ContactBlock.objects.get().ends_at is None  # another major one is open
        closing.withdraw_complaint(two.pk, actor=at.agent, reason="settled with the neighbour")
        assert ContactBlock.objects.get().ends_at == moment(5, 13)


def test_the_handler_alone_works_and_never_the_one_complained_of():
    with on(2):
        at = office()
        one = ready(at, State.ASSIGNED, about_staff=at.other)
        for wrong, code in ((at.other, "complaint.about_you"), (at.agent, "complaint.no_right")):
            with pytest.raises(NotAllowed) as no:
                working.accept_work(one.pk, actor=wrong)
            assert no.value.code == code
        with pytest.raises(RuleBroken) as accused:
            working.assign_complaint(one.pk, actor=at.lead, to=at.other)
        assert accused.value.code == "complaint.about_them"
        working.accept_work(one.pk, actor=at.handler)
        stranger = ready(at, State.INVESTIGATING)
        with pytest.raises(NotAllowed) as not_mine:
            solving.propose_solution(stranger.pk, actor=at.other, finding="So", measures=[measure(at.other)])
        assert not_mine.value.code == "complaint.not_handler"
        with pytest.raises(RuleBroken) as by_accused:
            solving.propose_solution(one.pk, actor=at.handler, finding="So", measures=[measure(at.other)])
        assert by_accused.value.code == "complaint.about_them"
        back = working.assign_complaint  # nobody accepted in time: the clock puts it back into the pool
        waiting = ready(at, State.ASSIGNED)
        back(waiting.pk, actor=None, unit=at.unit)
        waiting.refresh_from_db()
        assert (waiting.handler, waiting.last_handler, waiting.state) == (None, at.handler, "ASSIGNED")
        assert ComplaintMove.objects.get(complaint=waiting, act=Act.ASSIGN).actor is None


@pytest.mark.covers("CMP-35")
def test_a_fee_for_an_order_nobody_can_prove_is_refunded(client_for: Callable[[User], Client]) -> None:
    fee = Topic.objects.get(code="BILLING.VAS_FEE")
    with on(2):
        at = office()
        one = ready(at, "INVESTIGATING", topic=fee, amount=Decimal("18.00"), disputed_fee=True)

        def proposed(*measures: dict[str, object], **proof: str) -> str:
            with pytest.raises(RuleBroken) as no:
                solving.propose_solution(one.pk, actor=at.handler, finding="So", measures=measures, **proof)
            assert not one.solutions.exists() and Complaint.objects.get(pk=one.pk).state == "INVESTIGATING"
            return no.value.code

        assert proposed(measure(at.handler)) == "complaint.no_proof"
        assert proposed(measure(at.handler, "REFUND", "17.99")) == "complaint.no_proof"  # not the whole fee
        assert proposed(measure(at.handler, "COMPENSATION", "18")) == "complaint.no_proof"
        assert proposed(measure(at.handler), proof="SMS", proof_note=" ") == "complaint.proof_where"
        assert proposed(measure(at.handler), proof="HEARSAY", proof_note="They said so") == "complaint.unknown_code"
        # By the page: the form asks for it, and keeps what was typed.
        page = client_for(at.handler)
        address = reverse("complaints:case", args=[one.pk])
        assert "How the customer confirmed the order" in page.get(address, {"do": "propose"}).content.decode()
        sent = {
            "finding": "Ordered by text message",
            "kind_1": "EXPLAIN",
            "text_1": "Tell her",
            "owner_1": at.handler.pk,
        }
        answer = page.post(reverse("complaints:act-propose", args=[one.pk]), sent)
        shown = " ".join(answer.content.decode().split())
        assert answer.status_code == 422 and "Nothing proves that the customer confirmed this order: refund" in shown, (
            answer.context["act_form"].errors
        )
        assert "Ordered by text message" in answer.content.decode()
        proven = {"proof": "SMS", "proof_note": "Reply of 1 Feb, 09:12, order system no. 7"}
        assert page.post(reverse("complaints:act-propose", args=[one.pk]), sent | proven).status_code == 302
        assert "Reply of 1 Feb, 09:12" in page.get(address).content.decode()
        answering.decide_complaint(one.pk, actor=at.handler, words="You confirmed it by text message.")
        solution = one.solutions.get()
        assert (solution.proof, solution.told_at) == ("SMS", moment(2))
        # What becomes a matter of proof after the proposal is looked at before the answer.
        two = ready(at, "SOLUTION_PROPOSED")
        Complaint.objects.filter(pk=two.pk).update(topic=fee)
        with pytest.raises(RuleBroken) as no:
            answering.decide_complaint(two.pk, actor=at.handler, words="No")
        assert no.value.code == "complaint.no_proof" and Complaint.objects.get(pk=two.pk).answered_at is None
        three = ready(at, "INVESTIGATING", topic=fee)
        solving.propose_solution(
            three.pk, actor=at.handler, finding="So", measures=[measure(at.handler, "REFUND", "6")]
        )
        answering.decide_complaint(three.pk, actor=at.handler, words="You get it back.")
        # Its last word keeps the proof; other topics ask for none.
        final = ready(at, "DISPUTED", topic=fee)
        with pytest.raises(RuleBroken) as no:
            answering.tell_final_position(final.pk, actor=at.handler, words="No")
        assert no.value.code == "complaint.no_proof"
        final.solutions.update(proof="CODE", proof_note="Code of 3 Feb")
        answering.tell_final_position(final.pk, actor=at.handler, words="Here is the proof")
        assert final.solutions.get(dropped_at=None).proof == "CODE"
        assert (
            "How the customer confirmed"
            not in page.get(
                reverse("complaints:case", args=[ready(at, "INVESTIGATING").pk]), {"do": "propose"}
            ).content.decode()
        )
