"""What waits for somebody's yes: who decides, by when, and what happens when nobody does (D§1.1, 3.4, 10.7, 26)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from complaints import tasks
from complaints.models import AppealCase, Approval, ComplaintMove, Part, Rejection, Seat
from complaints.queries import VIEW_WORDS, counts_of, view_of
from complaints.services import approving, deciding, outside, parts, rejecting, solving
from outreach.models import Notification, OutMessage
from staff.models import User
from staff.services.users import deactivate_user
from tests.complaints.cases import Office, moment, office, on, ready
from tests.complaints.test_handing import kinds
from tests.complaints.test_parts import support
from tests.factories import UserFactory
from tests.racing import race

WHY = {"reason": "A water pipe", "referral": "City water works, 12345"}


@pytest.fixture
def at() -> Iterator[Office]:
    with on(2):
        yield office()


def asked(at: Office, amount: str = "80", **columns: object) -> Approval:
    """A solution of the handler that waits for the lead's approval."""
    one = ready(at, "INVESTIGATING", **columns)
    measure = {"kind": "COMPENSATION", "text": "Pay", "amount": Decimal(amount), "owner": at.handler}
    solving.propose_solution(one.pk, actor=at.handler, finding="Our fault", measures=[{**measure, "due_at": moment(9)}])
    return Approval.objects.get(solution__complaint=one)


@pytest.mark.django_db
@pytest.mark.covers("CMP-10", "CMP-28", "CMP-32")
def test_what_nobody_decides_goes_up_step_by_step_until_the_general_manager_knows(at: Office) -> None:
    gm = UserFactory(unit=at.unit, role="GM")
    waits = asked(at)
    assert (waits.asked_of, waits.decide_by) == (at.lead, moment(2, 14))  # four working hours from ten o'clock
    with on(2, 13, 59):
        tasks.settle_dues()
    waits.refresh_from_db()
    assert waits.asked_of == at.lead and waits.undecided_at is None
    with on(2, 15):  # an hour late, and twice: once
        tasks.settle_dues()
        tasks.settle_dues()
    waits.refresh_from_db()
    assert (waits.asked_of, waits.decide_by, waits.undecided_at) == (at.head, moment(3, 10), moment(2, 15))
    assert kinds(at.head).count("to_approve") == 1 and kinds(at.lead) == ["approval", "approval_passed"]
    assert "approval_passed" in kinds(at.handler)
    assert {one.user for one in Seat.objects.filter(why="APPROVAL")} == {at.lead, at.head}
    approving_case = waits.solution.complaint
    assert ComplaintMove.objects.filter(complaint=approving_case, act="ESCALATED").count() == 1
    for day in (4, 5, 6, 9):
        with on(day):
            tasks.settle_dues()
    waits.refresh_from_db()
    assert waits.at_top and waits.undecided_at == moment(2, 15) and waits.state == "ASKED"
    late = Notification.objects.filter(kind="complaint.approval_late")
    assert {one.user for one in late} >= {gm, at.handler} and late.filter(user=gm).count() == 1
    approving.grant_approval(waits.pk, actor=at.lead)  # who was asked first may still say yes
    assert not Seat.objects.filter(why="APPROVAL").exists()


@pytest.mark.django_db
@pytest.mark.covers("CMP-28")
def test_a_rejection_and_a_response_to_the_authority_have_their_moment_too(at: Office) -> None:
    one = ready(at, "ASSESSED")
    waits = rejecting.ask_rejection(one.pk, actor=at.handler, **WHY)
    grave = ready(at, "ASSESSED", grade="MAJOR")
    soon = rejecting.ask_rejection(grave.pk, actor=at.handler, **WHY)
    assert (waits.decide_by, soon.decide_by) == (moment(2, 14), moment(2, 12))  # a grave one: two hours
    appeal = outside.open_appeal(actor=at.boss, body="12300", reference="SH-9", text="Complains about us")
    appeal = outside.link_appeal(appeal.pk, actor=at.boss, case_id=ready(at, "INVESTIGATING").pk)
    appeal = outside.draft_response(appeal.pk, actor=at.handler, text="We have looked at it.")
    assert (appeal.asked_of, appeal.decide_by) == (at.head, moment(2, 12))  # skip-level by the appeal
    Rejection.objects.filter(pk=waits.pk).update(decide_by=None)  # asked before there was a moment
    with on(2, 17):
        tasks.settle_dues()
    for row in (waits, soon, appeal):
        row.refresh_from_db()
    assert (waits.asked_of, soon.asked_of) == (at.head, at.head)
    assert appeal.asked_of == at.boss and appeal.undecided_at == moment(2, 17)  # the director
    rejecting.deny_rejection(waits.pk, actor=at.lead, reason="Ours")
    outside.deny_response(appeal.pk, actor=at.boss, reason="Friendlier")
    with on(4):
        tasks.settle_dues()
    waits.refresh_from_db()
    assert (waits.state, waits.asked_of) == ("DENIED", at.head)
    assert not deciding.undecided(AppealCase, moment(9)).exists()  # nothing waits until it is written anew


@pytest.mark.django_db
def test_what_is_to_be_decided_stands_in_the_queue_of_who_decides_and_its_page_says_so(
    at: Office, client_for: Callable[[User], Client]
) -> None:
    waits, mine = asked(at), rejecting.ask_rejection(ready(at, "ASSESSED").pk, actor=at.handler, **WHY)
    keys = [key for key in VIEW_WORDS if key != "closed"]
    for person, number in ((at.lead, 2), (at.head, 0), (at.handler, 0)):
        assert counts_of(person, keys)["decide"] == number == view_of(person, "decide").seen.count()
    lead, handler, head = (client_for(one) for one in (at.lead, at.handler, at.head))
    assert "?view=decide" in lead.get(reverse("complaints:queue")).content.decode()
    assert "?view=decide" not in handler.get(reverse("complaints:queue")).content.decode()
    key = waits.solution.complaint_id
    page = reverse("complaints:case", args=[key])
    shown = handler.get(page)
    assert shown.context["primary"] is None and "act-approve" not in shown.content.decode()
    assert f"waits for the approval of {at.lead.name}" in shown.content.decode()
    assert "decide" not in [verb.name for verb in [*shown.context["buttons"], *shown.context["menu"]]]
    first = lead.get(page)
    assert (
        first.context["decides"][0].name == "approve" and 'class="btn -primary" type="submit"' in first.content.decode()
    )
    other = lead.get(reverse("complaints:case", args=[mine.complaint_id]))
    assert other.context["decides"][0].name == "reject-approve"
    assert lead.post(reverse("complaints:act-approve", args=[key]), {"item": waits.ref}).status_code == 302
    assert handler.get(page).context["primary"].name == "decide"
    # Above the lead's limit of 200 only the head's button is loud; the lead reads who is waited for.
    big = asked(at, "500")
    page = reverse("complaints:case", args=[big.solution.complaint_id])
    assert big.asked_of == at.head and lead.get(page).context["decides"] is None
    assert head.get(page).context["decides"][0].name == "approve"
    assert (
        head.post(
            reverse("complaints:act-deny", args=[big.solution.complaint_id]), {"item": big.ref, "reason": "Too much"}
        ).status_code
        == 302
    )
    shown = handler.get(page)
    assert shown.context["primary"].name == "rework"


@pytest.mark.django_db
@pytest.mark.covers("CMP-08", "CMP-13")
def test_parts_and_decisions_of_who_leaves_are_anothers_by_the_same_door(
    at: Office, client_for: Callable[[User], Client]
) -> None:
    worker = support()
    colleague = UserFactory(role="UNIT_HANDLER", unit=worker.unit)
    head = User.objects.get(unit=worker.unit, role_assignments__role="DEPT_HEAD")
    mine, about = ready(at, "INVESTIGATING"), ready(at, "INVESTIGATING", about_staff=colleague)
    given = [
        parts.accept_part(parts.give_part(one.pk, actor=at.handler, unit=worker.unit, ask="Measure").pk, actor=worker)
        for one in (mine, about)
    ]
    before = ComplaintMove.objects.filter(complaint=mine).count()
    door, page = reverse("staff:user-handover", args=[worker.pk]), client_for(head)
    assert page.get(door).context["total"] == 2
    assert page.post(door, {"to": colleague.staff_no}).status_code == 302
    for one in given:
        one.refresh_from_db()
    assert (given[0].handler, given[0].state, given[0].due_at is not None) == (colleague, "ACCEPTED", True)
    assert (given[1].handler, given[1].state) == (None, "OPEN")  # it is about the colleague: the unit's again
    assert "part_given" in kinds(colleague) and ComplaintMove.objects.filter(complaint=mine).count() >= before + 1
    deactivate_user(worker.pk, actor=at.boss)
    assert not Part.objects.open().filter(handler=worker).exists()
    parts.finish_part(given[0].pk, actor=colleague, answer="40 Mbit/s")
    # A lead who leaves: what is within the other one's authority is theirs, the rest goes up.
    small, large = asked(at), asked(at, "900", customer=None, contact_name="R", contact_phone="13812340000")
    Approval.objects.filter(pk=large.pk).update(asked_of=at.lead)
    Seat.objects.filter(user=at.head, why="APPROVAL").delete()
    second = UserFactory(unit=at.unit, role="TEAM_LEAD")
    moved = client_for(at.head).post(reverse("staff:user-handover", args=[at.lead.pk]), {"to": second.staff_no})
    assert moved.status_code == 302
    small.refresh_from_db()
    large.refresh_from_db()
    assert (small.asked_of, large.asked_of) == (second, at.head) and "to_approve" in kinds(second)
    assert not OutMessage.objects.filter(template="complaint_new_handler").exists()


@pytest.mark.django_db(transaction=True)
def test_a_decision_and_its_clock_at_once_leave_one_of_both() -> None:
    with on(2):
        at = office()
    now = moment(2, 15)
    for _round in range(4):
        with on(2):
            waits = asked(at, customer=None, contact_name="R", contact_phone="13812340000")
        with on(2, 15):
            done = race(
                lambda key=waits.pk: approving.grant_approval(key, actor=at.lead),
                lambda key=waits.pk: deciding.pass_up(Approval, key, now),
                lambda key=waits.pk: deciding.pass_up(Approval, key, now),
            )
        assert not [one for one in done if isinstance(one, BaseException)], done
        waits.refresh_from_db()
        assert waits.state == "GRANTED" and done[1:].count(True) <= 1
        assert (waits.asked_of == at.head) == (True in done[1:])
