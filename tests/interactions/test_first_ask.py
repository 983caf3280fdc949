"""First-ask: who was asked first answers for it until the customer knows; others take over by accepting or by order."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils.translation import override

from customers.models import TimelineLine
from foundation.audit.models import AuditEntry
from foundation.calendars.models import WorkCalendar
from foundation.common import clock
from foundation.common.errors import NotAllowed
from foundation.common.explain import Explanation
from interactions import tasks
from interactions.lifecycle import Result
from interactions.models import Interaction, Matter, MatterMove, MatterNotice, MatterOffer
from interactions.services import (
    NextAction,
    accept_matter,
    answer_matter,
    lapse_offer,
    offer_matter,
    order_matter,
    pass_on_matter,
    quick_log,
    refer_matter,
    refuse_matter,
    secure_matter,
    start_contact,
    tell_customer,
    withdraw_offer,
)
from interactions.services.logging import log_contact
from outreach import delivery
from outreach.models import FollowUp, MessageText, Notification, OutMessage
from outreach.services import attempt_and_complete, complete_followup
from staff.models import RoleAssignment
from staff.services.handover import reassign_all
from tests.factories import CustomerFactory, UserFactory
from tests.interactions.first_ask_making import Hall, leave_open, make_hall, refused
from tests.outreach.making import MORNING
from tests.racing import race
from tests.workspace.making import away

pytestmark = pytest.mark.django_db
Travel = Callable[[datetime], AbstractContextManager[None]]


@pytest.fixture
def hall() -> Hall:
    return make_hall()


def acts(matter: Matter) -> list[str]:
    return list(MatterMove.objects.filter(matter=matter).order_by("pk").values_list("act", flat=True))


def bells(user: Any) -> list[str]:
    return list(Notification.objects.filter(user=user).order_by("pk").values_list("kind", flat=True))


def told(matter: Matter) -> list[tuple[str, str]]:
    return list(
        OutMessage.objects.filter(customer=matter.customer).order_by("pk").values_list("template", "message_class")
    )


@pytest.mark.covers("HND-05", "CON-17")
def test_what_is_not_answered_in_the_contact_has_an_owner_until_the_customer_knows(hall: Hall) -> None:
    matter = leave_open(hall)
    assert matter.number.startswith("FA20261124")
    assert (matter.owner, matter.handler, matter.state, matter.why_owner) == (
        hall.agent,
        hall.agent,
        "OPEN",
        "FIRST_ASKED",
    )
    assert (matter.due_at, matter.subject) == (MORNING + timedelta(hours=4), "roaming fee")
    assert (matter.contact.first_ask_owner, matter.customer) == (hall.agent, hall.customer)
    refused("matter.no_answer", answer_matter, matter.pk, actor=hall.agent, answer=" ")
    answer_matter(matter.pk, actor=hall.agent, answer="It was a call from Japan.")
    matter.refresh_from_db()
    assert (matter.state, matter.closed_at, matter.answered_at) == ("ANSWERED", None, MORNING)
    assert FollowUp.objects.get().state == "OPEN"
    tell_customer(matter.pk, actor=hall.agent, told_how="CALL")
    matter.refresh_from_db()
    assert (matter.state, matter.told_at, matter.told_how, matter.done_by) == ("TOLD", MORNING, "CALL", hall.agent)
    assert FollowUp.objects.get().state == "DONE"
    assert acts(matter) == ["OPENED", "ANSWERED", "TOLD"]
    lines = TimelineLine.objects.filter(customer_id=hall.customer.pk, kind__startswith="matter.").order_by("pk")
    assert [line.kind for line in lines] == ["matter.answered", "matter.told"]
    entries = AuditEntry.objects.filter(verb__startswith="matter.")
    assert entries.count() == 3
    assert "Japan" not in str(list(entries.values("detail")))
    refused("matter.closed", answer_matter, matter.pk, actor=hall.agent, answer="again")


@pytest.mark.covers("HND-07", "CON-17")
def test_what_is_solved_or_answered_at_once_leaves_no_matter(hall: Hall) -> None:
    for result in ("ANSWERED", "RESOLVED", "NO_RESULT"):
        quick_log(actor=hall.agent, customer=hall.customer, summary="fee explained", result=result)
    assert not Matter.objects.exists()
    assert list(Interaction.objects.order_by("pk").values_list("resolved_on_spot", "agreed")) == [
        (False, None),
        (True, True),
        (False, None),
    ]


@pytest.mark.covers("HND-05")
def test_not_my_department_is_no_result_and_no_state() -> None:
    codes = {*Result.values, *(state for state, _label in Matter._meta.get_field("state").choices)}
    assert not [code for code in codes if "DEPART" in code or "NOT_MY" in code]


def test_a_matter_without_a_named_time_is_due_by_working_days_and_says_why(hall: Hall, travel: Travel) -> None:
    friday = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)  # Friday 16:00 in Beijing
    with travel(friday):
        contact = start_contact(actor=hall.agent, customer=None, channel="HOTLINE", caller="UNKNOWN", call_ref="c9")
        log_contact(contact.pk, actor=hall.agent, summary="threatens the hall", result="SECURITY")
        secured = Matter.objects.get(contact=contact)
        assert secured.due_at == friday + timedelta(minutes=30)
        assert [step["input"] for step in leave_open(hall).explanation] == ["named"]
        later = NextAction("CALLBACK", hall.mate, None)
        plain = leave_open(hall, next_action=later)
        hall.agent.unit.calendar_code = "ROUND_THE_CLOCK"
        always = leave_open(hall, next_action=later)
        more: dict[str, Any] = {"actor": hall.agent, "customer": hall.customer, "summary": "x"}
        refused("contact.next_action_needs_owner_and_due", quick_log, next_action=later, **more)
        to_me = NextAction("CALLBACK", hall.agent, None)
        refused("contact.passed_on_to_oneself", quick_log, result="PASSED_ON", next_action=to_me, **more)
    monday = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)  # one working day later: Monday 16:00
    assert (plain.due_at, plain.follow_up.due_at, plain.handler) == (monday, monday, hall.mate)
    why = Explanation.from_json(plain.explanation)
    assert why.in_words() == ["Working days: 1, by the calendar Standard working week, version 1."]
    with override("zh-hans"):
        assert "标准工作周" in why.in_words()[0] and "STANDARD" not in why.in_words()[0]
    WorkCalendar.objects.filter(code="STANDARD").update(code="GONE")  # a calendar that is no more is said by its code
    assert "calendar STANDARD" in why.in_words()[0]
    assert always.due_at == friday + timedelta(days=1)


def test_the_owner_stays_when_a_colleague_works_on_it_and_the_customer_is_told_who(hall: Hall) -> None:
    matter = leave_open(hall, handler=hall.mate)
    assert (matter.owner, matter.handler) == (hall.agent, hall.mate)
    assert bells(hall.mate) == ["followup.given", "matter.to_handle"]
    assert told(matter) == [("matter_passed_on", "SERVICE")]
    delivery.deliver_due()
    text = MessageText.objects.get().body
    assert hall.mate.staff_no in text and matter.number in text and "14:00" in text
    later = MORNING + timedelta(hours=6)
    pass_on_matter(matter.pk, actor=hall.agent, handler=hall.agent, due_at=later, note="I do it myself")
    matter.refresh_from_db()
    assert (matter.owner, matter.handler, matter.due_at) == (hall.agent, hall.agent, later)
    assert told(matter)[1:] == [("matter_passed_on", "SERVICE")]
    refused("matter.same_handler", pass_on_matter, matter.pk, actor=hall.agent, handler=hall.agent)
    refused("matter.bad_due", pass_on_matter, matter.pk, actor=hall.agent, handler=hall.mate, due_at=MORNING)
    refused("matter.cannot_take", pass_on_matter, matter.pk, actor=hall.agent, handler=UserFactory(role="QA"))
    stranger = UserFactory(role="AGENT")
    with pytest.raises(NotAllowed):
        pass_on_matter(matter.pk, actor=stranger, handler=hall.mate)
    assert acts(matter) == ["OPENED", "PASSED_ON"]


@pytest.mark.covers("HND-05")
def test_another_owner_must_accept_and_the_customer_is_told(hall: Hall) -> None:
    matter = leave_open(hall)
    offer = offer_matter(matter.pk, actor=hall.agent, to=hall.mate, note="you know roaming")
    matter.refresh_from_db()
    assert (matter.owner, offer.until) == (hall.agent, MORNING + timedelta(minutes=30))
    refused("matter.offered", offer_matter, matter.pk, actor=hall.agent, to=hall.lead)
    refused("matter.not_offered", accept_matter, matter.pk, actor=hall.lead)
    assert Matter.objects.visible_to(hall.mate).get() == matter
    accept_matter(matter.pk, actor=hall.mate)
    matter.refresh_from_db()
    assert (matter.owner, matter.handler, matter.why_owner) == (hall.mate, hall.mate, "ACCEPTED")
    assert MatterOffer.objects.get().state == "ACCEPTED"
    assert bells(hall.mate) == ["matter.offered"] and bells(hall.agent) == ["matter.accepted"]
    assert told(matter) == [("matter_new_owner", "SERVICE")]
    move = MatterMove.objects.get(act="ACCEPTED")
    assert (move.old_owner, move.new_owner, move.actor) == (hall.agent, hall.mate, hall.mate)
    refused("matter.not_offered", accept_matter, matter.pk, actor=hall.mate)


def test_a_refused_offer_needs_a_reason_and_leaves_the_owner(hall: Hall) -> None:
    matter = leave_open(hall)
    offer_matter(matter.pk, actor=hall.agent, to=hall.mate)
    refused("matter.no_reason", refuse_matter, matter.pk, actor=hall.mate, reason="  ")
    refuse_matter(matter.pk, actor=hall.mate, reason="I am off from three")
    matter.refresh_from_db()
    offer = MatterOffer.objects.get()
    assert (matter.owner, offer.state, offer.reason) == (hall.agent, "REFUSED", "I am off from three")
    assert bells(hall.agent) == ["matter.refused"]
    assert told(matter) == []
    offer_matter(matter.pk, actor=hall.agent, to=hall.lead)
    withdraw_offer(matter.pk, actor=hall.agent)
    assert acts(matter) == ["OPENED", "OFFERED", "REFUSED", "OFFERED", "WITHDRAWN"]
    refused("matter.not_offered", withdraw_offer, matter.pk, actor=hall.agent)


def test_an_offer_nobody_answers_falls_back_and_the_lead_hears_of_it_once(hall: Hall, travel: Travel) -> None:
    matter = leave_open(hall)
    offer = offer_matter(matter.pk, actor=hall.agent, to=hall.mate)
    with travel(MORNING + timedelta(minutes=29)):
        assert tasks.lapse_offers() == 0
    with travel(MORNING + timedelta(minutes=30)):
        refused("matter.offer_lapsed", accept_matter, matter.pk, actor=hall.mate)
        assert tasks.lapse_offers() == 1
        assert tasks.lapse_offers() == 0
        assert not lapse_offer(offer.pk, now=clock.now())
    offer.refresh_from_db()
    matter.refresh_from_db()
    assert (offer.state, matter.owner) == ("LAPSED", hall.agent)
    assert bells(hall.agent) == bells(hall.lead) == ["matter.lapsed"]


def test_a_lead_orders_without_acceptance_within_reach_only(hall: Hall) -> None:
    matter = leave_open(hall)
    offer_matter(matter.pk, actor=hall.agent, to=hall.mate)
    with pytest.raises(NotAllowed):
        order_matter(matter.pk, actor=hall.agent, to=hall.mate)
    elsewhere = UserFactory(role="AGENT")
    with pytest.raises(NotAllowed):
        order_matter(matter.pk, actor=hall.lead, to=elsewhere)
    with pytest.raises(NotAllowed):
        order_matter(matter.pk, actor=UserFactory(role="TEAM_LEAD"), to=elsewhere)
    assert acts(matter) == ["OPENED", "OFFERED"]
    order_matter(matter.pk, actor=hall.lead, to=hall.mate, reason="roaming desk")
    matter.refresh_from_db()
    assert (matter.owner, matter.why_owner) == (hall.mate, "ORDERED")
    assert MatterOffer.objects.get().state == "WITHDRAWN"
    assert told(matter) == [("matter_new_owner", "SERVICE")]
    assert bells(hall.agent) == ["matter.taken_over"]
    assert bells(hall.mate) == ["matter.offered", "matter.given"]
    refused("matter.same_owner", order_matter, matter.pk, actor=hall.lead, to=hall.mate)


def test_an_absent_colleague_is_not_offered_anything_and_a_stand_in_answers(hall: Hall) -> None:
    matter = leave_open(hall)
    away(hall.mate)
    refused("matter.absent", offer_matter, matter.pk, actor=hall.agent, to=hall.mate)
    away(hall.agent, delegate=hall.mate)
    away_too = UserFactory(role="AGENT", unit=hall.lead.unit)
    with pytest.raises(NotAllowed):
        answer_matter(matter.pk, actor=away_too, answer="x")
    # The stand-in is absent too: the lead acts, accountability stays.
    answer_matter(matter.pk, actor=hall.lead, answer="explained", told_how="CALL")
    matter.refresh_from_db()
    assert (matter.owner, matter.done_by) == (hall.agent, hall.lead)
    assert MatterMove.objects.get(act="TOLD").on_behalf_of == hall.agent


def test_a_complaint_about_the_one_asked_belongs_to_the_lead(hall: Hall) -> None:
    action = NextAction("CALLBACK", hall.mate, clock.now() + timedelta(hours=2))
    own = NextAction("CALLBACK", hall.agent, clock.now() + timedelta(hours=2))
    more: dict[str, Any] = {"summary": "rude", "kind": "COMPLAINT", "result": "FOLLOW_UP", "about": hall.agent}
    refused("contact.about_handler", quick_log, actor=hall.agent, customer=hall.customer, next_action=own, **more)
    assert not Interaction.objects.exists()
    contact = quick_log(actor=hall.agent, customer=hall.customer, next_action=action, **more)
    matter = Matter.objects.get(contact=contact)
    assert (matter.owner, matter.handler, matter.why_owner) == (hall.lead, hall.mate, "ABOUT_STAFF")
    assert (contact.about_staff, contact.first_ask_owner) == (hall.agent, hall.lead)
    for act in (
        lambda: answer_matter(matter.pk, actor=hall.agent, answer="x"),
        lambda: offer_matter(matter.pk, actor=hall.agent, to=hall.mate),
    ):
        with pytest.raises(NotAllowed):
            act()
    refused("matter.about_them", order_matter, matter.pk, actor=hall.lead, to=hall.agent)
    alone = UserFactory(role="AGENT")
    refused(
        "matter.no_lead",
        quick_log,
        actor=alone,
        customer=CustomerFactory(unit=alone.unit),
        next_action=NextAction("TASK", UserFactory(role="AGENT", unit=alone.unit), clock.now() + timedelta(hours=1)),
        **more | {"about": alone},
    )
    assert Matter.objects.count() == 1


def test_of_two_asked_together_the_senior_one_answers(hall: Hall) -> None:
    hall.mate.joined_on = hall.agent.joined_on - timedelta(days=400)
    hall.mate.save(update_fields=["joined_on"])
    assert leave_open(hall, asked_with=hall.mate).owner == hall.mate
    assert leave_open(hall, asked_with=hall.mate).why_owner == "SENIOR"
    assert leave_open(hall, by=hall.mate, asked_with=hall.agent).owner == hall.mate
    RoleAssignment.objects.create(user=hall.agent, role="DEPT_HEAD", unit=hall.agent.unit)
    hall.agent.__dict__.pop("_standing", None)
    assert leave_open(hall, asked_with=hall.mate).owner == hall.agent


def test_another_companys_matter_needs_the_right_contact(hall: Hall) -> None:
    say: dict[str, Any] = {"actor": hall.agent, "customer": hall.customer, "summary": "power cut", "result": "REFERRED"}
    refused("contact.needs_referral", quick_log, **say)
    contact = quick_log(**say, referral="State Grid 95598")
    assert (contact.referral, Matter.objects.exists()) == ("State Grid 95598", False)
    matter = leave_open(hall)
    refused("matter.no_referral", refer_matter, matter.pk, actor=hall.agent, referral=" ")
    refer_matter(matter.pk, actor=hall.agent, referral="State Grid 95598")
    matter.refresh_from_db()
    assert (matter.state, matter.referral, matter.closed_at, matter.next_notice_at) == (
        "REFERRED",
        "State Grid 95598",
        MORNING,
        None,
    )


def test_a_threat_goes_to_the_lead_at_once(hall: Hall) -> None:
    contact = start_contact(actor=hall.agent, customer=None, channel="HALL_OWN", caller="UNKNOWN")
    log_contact(contact.pk, actor=hall.agent, summary="threatens to come with a knife", result="SECURITY")
    matter = Matter.objects.get()
    assert (matter.owner, matter.handler, matter.why_owner) == (hall.lead, hall.lead, "SECURITY")
    assert bells(hall.lead) == ["matter.security"]
    refused("matter.not_security", secure_matter, leave_open(hall).pk, actor=hall.lead, note="x")
    refused("matter.no_answer", secure_matter, matter.pk, actor=hall.lead, note=" ")
    secure_matter(matter.pk, actor=hall.lead, note="police informed 10:05")
    matter.refresh_from_db()
    assert (matter.state, matter.answer) == ("SECURED", "police informed 10:05")


def test_an_anonymous_caller_is_recorded_without_a_duty_to_answer(hall: Hall) -> None:
    later = clock.now() + timedelta(hours=2)
    contact = start_contact(actor=hall.agent, customer=None, channel="HOTLINE", caller="UNKNOWN")
    log_contact(
        contact.pk,
        actor=hall.agent,
        summary="complains of noise",
        result="FOLLOW_UP",
        next_action=NextAction("TASK", hall.agent, later),
    )
    assert not Matter.objects.exists()
    by_number = start_contact(actor=hall.agent, customer=None, channel="HOTLINE", caller="UNKNOWN", call_ref="c1")
    log_contact(
        by_number.pk,
        actor=hall.agent,
        summary="asks",
        result="FOLLOW_UP",
        next_action=NextAction("TASK", hall.agent, later),
    )
    assert Matter.objects.get().contact == by_number
    refused(
        "matter.no_customer", answer_matter, Matter.objects.get().pk, actor=hall.agent, answer="x", told_how="MESSAGE"
    )
    assert Matter.objects.get().state == "OPEN"


def test_the_clock_reminds_before_then_brings_it_to_the_lead_then_above_each_once(hall: Hall, travel: Travel) -> None:
    above = UserFactory(role="DEPT_HEAD", unit=hall.lead.unit)
    hall.lead.unit.heads.create(user=above, from_day=MORNING.date())
    matter = leave_open(hall, handler=hall.mate)
    before = [len(bells(person)) for person in (hall.agent, hall.mate, hall.lead, above)]
    with travel(MORNING + timedelta(hours=2, minutes=59)):
        assert tasks.remind_matters() == 0
    for hours, level in ((3, 0), (4, 1), (8, 2)):
        with travel(MORNING + timedelta(hours=hours)):
            assert tasks.remind_matters() == 1
            assert tasks.remind_matters() == 0
        assert MatterNotice.objects.filter(level=level).count() == 1
    with travel(MORNING + timedelta(days=3)):
        assert tasks.remind_matters() == 0
    kinds = [
        bells(person)[count:] for person, count in zip((hall.agent, hall.mate, hall.lead, above), before, strict=True)
    ]
    assert kinds == [["matter.due"], ["matter.due"], ["matter.overdue"], ["matter.overdue"]]
    matter.refresh_from_db()
    assert (matter.owner, matter.escalated_to) == (hall.agent, above)
    assert acts(matter) == ["OPENED", "REMINDED", "ESCALATED", "ESCALATED"]


def test_a_matter_told_in_time_is_never_reminded(hall: Hall, travel: Travel) -> None:
    matter = leave_open(hall)
    answer_matter(matter.pk, actor=hall.agent, answer="explained", told_how="CALL")
    with travel(MORNING + timedelta(days=2)):
        assert tasks.remind_matters() == 0
    assert not MatterNotice.objects.exists()


def test_the_promised_call_closes_the_matter(hall: Hall) -> None:
    reached, written = leave_open(hall), leave_open(hall)
    attempt_and_complete(reached.follow_up_id, actor=hall.agent, outcome="REACHED", note="told her the fee")
    complete_followup(written.follow_up_id, actor=hall.agent, result="looked it up")
    assert tasks.settle_matters() == 2
    assert tasks.settle_matters() == 0
    reached.refresh_from_db()
    written.refresh_from_db()
    assert (reached.state, reached.told_how, reached.done_by, reached.answer) == (
        "TOLD",
        "CALL",
        hall.agent,
        "told her the fee",
    )
    assert (written.state, written.answer, written.closed_at) == ("ANSWERED", "looked it up", None)


def test_all_matters_of_a_person_are_given_away_at_once(hall: Hall) -> None:
    for _n in range(3):
        leave_open(hall)
    moved = reassign_all(hall.agent.pk, actor=hall.lead, to=hall.mate)
    assert moved == {"followups": 3, "matters": 3}
    assert set(Matter.objects.values_list("owner", flat=True)) == {hall.mate.pk}


@pytest.mark.django_db(transaction=True)
def test_accepted_by_one_thread_and_ordered_away_by_another_it_has_one_owner() -> None:
    hall = make_hall()
    third = UserFactory(role="AGENT", unit=hall.lead.unit)
    matter = leave_open(hall)
    offer_matter(matter.pk, actor=hall.agent, to=hall.mate)
    got = race(
        lambda: accept_matter(matter.pk, actor=hall.mate),
        lambda: order_matter(matter.pk, actor=hall.lead, to=third),
    )
    matter.refresh_from_db()
    owners = list(MatterMove.objects.filter(new_owner__isnull=False).order_by("pk").values_list("new_owner", flat=True))
    assert matter.owner_id == owners[-1] == third.pk
    assert MatterOffer.objects.open().count() == 0
    assert len([one for one in got if isinstance(one, Exception)]) == len(acts(matter)) % 2


@pytest.mark.django_db(transaction=True)
def test_two_workers_give_one_notice(travel: Travel) -> None:
    hall = make_hall()
    leave_open(hall)
    with travel(MORNING + timedelta(hours=3)):
        assert sum(race(tasks.remind_matters, tasks.remind_matters)) == 1
    assert MatterNotice.objects.count() == 1
