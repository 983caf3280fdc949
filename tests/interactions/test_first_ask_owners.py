"""Whose a first-ask matter is: given on, offered, ordered, taken for somebody absent; always exactly one owner."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest

from foundation.common import clock
from foundation.common.errors import NotAllowed
from interactions import tasks
from interactions.models import Interaction, Matter, MatterMove, MatterOffer
from interactions.services import (
    NextAction,
    accept_matter,
    answer_matter,
    lapse_offer,
    offer_matter,
    order_matter,
    pass_on_matter,
    quick_log,
    refuse_matter,
    withdraw_offer,
)
from outreach import delivery
from outreach.models import MessageText
from staff.models import RoleAssignment
from staff.services.handover import reassign_all
from tests.factories import CustomerFactory, UserFactory
from tests.interactions.first_ask_making import Hall, acts, bells, leave_open, make_hall, refused, told
from tests.outreach.making import MORNING
from tests.racing import race
from tests.workspace.making import away

pytestmark = pytest.mark.django_db
Travel = Callable[[datetime], AbstractContextManager[None]]


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
