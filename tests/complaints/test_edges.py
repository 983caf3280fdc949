"""What complaints meet at their edges: holidays, people who speak for others, who leaves on either side (D§26)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from complaints import tasks
from complaints.complainants import due_to_forget, find
from complaints.forgetting import erase_outside
from complaints.lifecycle import ClockKind
from complaints.models import AppealCase, ComplainerFlag, Complaint, ComplaintMove, Seat
from complaints.services import (
    answering,
    assessing,
    closing,
    ground,
    identifying,
    joining,
    mediating,
    ordering,
    parts,
    promising,
    solving,
    urging,
    working,
)
from complaints.services.intake import register_complaint
from customers.erasure.keeping import holds_on
from customers.models import Customer
from foundation.calendars.models import Clock
from foundation.calendars.services import set_day
from foundation.common import clock
from interactions.models import Topic
from interactions.services import start_contact
from outreach.models import OutMessage
from staff.models import User
from staff.services.handover import reassign_all
from tests.complaints.cases import Office, case, cause, moment, office, on, ready
from tests.complaints.test_handing import kinds, refused
from tests.complaints.test_parts import support
from tests.factories import ContactPointFactory, CustomerFactory, SubscriptionFactory

pytestmark = pytest.mark.django_db
DETAILS = {"channel": "HOTLINE", "text": "No signal at home since Sunday."}
DAY = timedelta(days=1)


@pytest.fixture
def at() -> Iterator[Office]:
    with on(3):
        yield office()


def customer_of(at: Office, **more: Any) -> Customer:
    found: Customer = CustomerFactory(unit=at.unit, **more)
    ContactPointFactory(customer=found)
    return found


def told(one: Complaint) -> list[str]:
    rows = OutMessage.objects.filter(customer_id=one.customer_id).order_by("pk")
    return [row.template.removeprefix("complaint_") for row in rows]


@pytest.mark.covers("CMP-09", "CMP-28", "CMP-34")
def test_over_a_holiday_the_hours_of_day_and_night_run_on_and_working_hours_wait(at: Office) -> None:
    # Thursday and Friday are a holiday in the calendar of the unit; it is Wednesday, four in the afternoon.
    for day in (5, 6):
        set_day(at.unit.calendar_code, date(2026, 3, day), "HOLIDAY", actor=at.boss, name_en="Feast")
    with on(4, 16):
        topic = Topic.objects.get(code="OTHER")
        one = register_complaint(actor=at.agent, customer=customer_of(at), **DETAILS)
        assessing.assess_complaint(one.pk, actor=at.handler, topic=topic, grade="ORDINARY")
        working.assign_complaint(one.pk, actor=at.lead, to=at.handler)
        due = dict(Clock.objects.filter(owner_id=one.pk).values_list("kind", "due_at"))
    # Service 48 hours and the law by the calendar; accepting two working hours, of which two are left today.
    assert due["service"] == moment(6, 16) and due[ClockKind.ACCEPT] == moment(4, 18)
    with on(4, 17):
        two = register_complaint(actor=at.agent, customer=customer_of(at), **DETAILS)
    assert Clock.objects.get(owner_id=two.pk, kind="assess").due_at == moment(9, 10)  # Monday: one hour was left
    assert Clock.objects.get(owner_id=two.pk, kind="statutory").due_at.astimezone(clock.BUSINESS_ZONE).day == 19


def test_several_lines_are_one_case_and_their_causes_parts_of_it(at: Office) -> None:
    customer = customer_of(at)
    lines = [SubscriptionFactory(customer=customer) for _n in range(3)]
    one = register_complaint(actor=at.agent, customer=customer, lines=lines, **DETAILS)
    assert Complaint.objects.count() == 1 and one.lines.count() == 3 and told(one) == ["acknowledged"]
    foreign = SubscriptionFactory(customer=customer_of(at))
    refused("complaint.foreign_line", register_complaint, actor=at.agent, customer=customer, lines=[foreign], **DETAILS)
    Complaint.objects.filter(pk=one.pk).update(state="INVESTIGATING", handler=at.handler)
    for ask in ("Look at the cell", "Look at the bill"):
        parts.give_part(one.pk, actor=at.handler, unit=support(ask).unit, ask=ask)
    assert one.parts.count() == 2 and Complaint.objects.count() == 1


@pytest.mark.covers("CMP-13")
def test_who_speaks_for_another_gets_no_data_of_theirs_without_authority(
    at: Office, client_for: Callable[[User], Client]
) -> None:
    page = client_for(at.agent)
    company = customer_of(at, customer_type="ENTERPRISE", name="Orient Shipping Ltd")
    sent = {
        "token": "t", "text": "The line of my desk is dead.", "channel": "HALL_OWN", "customer": company.ref,
        "topic": "OTHER", "contact_name": "Li Lei", "contact_phone": "13900001111",
    }  # fmt: skip
    assert page.post(reverse("complaints:intake"), sent).status_code == 302
    one = Complaint.objects.get()
    assert (one.contact_name, one.authority) == ("Li Lei", "")
    shown = page.get(reverse("complaints:case", args=[one.pk])).content.decode()
    assert "complains for the customer" in shown and "Without authority" in shown and "authorised key person" in shown
    # What is written goes to the customer; the other one hears number and next step, without the code of the page.
    message = OutMessage.objects.get(template="complaint_acknowledged", customer=company)
    other = OutMessage.objects.get(template="complaint_acknowledged", outsider=f"complaint:{one.pk}")
    assert message.params["code"] and "code" not in other.params
    assert page.post(reverse("complaints:intake"), {**sent, "token": "u", "authority": "PAPER"}).status_code == 302
    two = Complaint.objects.latest("pk")
    shown = page.get(reverse("complaints:case", args=[two.pk])).content.decode()
    assert two.authority == "PAPER" and "written authority seen" in shown and "Without authority" not in shown
    assert page.post(reverse("complaints:intake"), {**sent, "token": "v", "authority": "FRIEND"}).status_code == 422
    own = register_complaint(actor=at.agent, customer=company, authority="PAPER", **DETAILS)
    assert own.authority == ""  # nobody else speaks


@pytest.mark.covers("CMP-24")
def test_who_has_left_may_complain_for_two_years_and_gets_no_care(at: Office) -> None:
    lately, long_ago = (customer_of(at, status="FORMER") for _n in range(2))
    SubscriptionFactory(customer=lately, activated_on=date(2020, 1, 1), terminated_on=date(2024, 3, 3))
    SubscriptionFactory(customer=long_ago, activated_on=date(2020, 1, 1), terminated_on=date(2024, 3, 2))
    one = register_complaint(actor=at.agent, customer=lately, **DETAILS)
    assert one.is_open and told(one) == ["acknowledged"]
    refused("complaint.former_over", register_complaint, actor=at.agent, customer=long_ago, **DETAILS)
    brought = register_complaint(
        actor=at.agent, customer=long_ago, grade="SKIP_LEVEL", grade_reason="AUTHORITY", **DETAILS
    )
    assert brought.is_open
    # Who leaves while a case runs still hears everything; only the care afterwards does not follow.
    leaving = ready(at, "CALLBACK")
    Customer.objects.filter(pk=leaving.customer_id).update(status="FORMER")
    closing.close_complaint(leaving.pk, actor=at.handler, cause=cause(), responsible_unit=at.unit, lesson="Ask first")
    assert told(leaving) == ["closed"] and not ComplainerFlag.objects.exists()


@pytest.mark.covers("CMP-08", "CMP-14")
def test_when_a_handler_leaves_all_they_owed_is_anothers_and_customers_hear_who(at: Office) -> None:
    mine, others = case(at, "INVESTIGATING"), case(at, "INVESTIGATING", handler=at.lead)
    promise = promising.make_promise(others.pk, actor=at.lead, text="Call", due_at=moment(6), owner=at.handler)
    order = ordering.order_reply(others.pk, actor=at.lead, to=at.handler, text="Say why", due_at=moment(6))
    solution = solving.propose_solution(
        others.pk,
        actor=at.lead,
        finding="So",
        measures=[{"kind": "FIX", "text": "Fix it", "owner": at.handler, "due_at": moment(6)}],
    )
    history = ComplaintMove.objects.filter(complaint=mine).count()
    moved = reassign_all(at.handler.pk, actor=at.head, to=at.other)
    assert moved["complaints"] == 4
    mine.refresh_from_db()
    assert mine.handler == at.other and told(mine) == ["new_handler"]
    message = OutMessage.objects.get(template="complaint_new_handler")
    assert message.params["colleague"] == at.other.staff_no
    assert ComplaintMove.objects.filter(complaint=mine).count() == history + 1  # what was stays, one step more
    promise.refresh_from_db()
    order.refresh_from_db()
    assert (promise.owner, order.to, solution.measures.get().owner) == (at.other,) * 3
    seats = Seat.objects.filter(complaint=others, user=at.other).values_list("why", flat=True)
    assert set(seats) == {"MEASURE", "ORDER"}
    assert not Seat.objects.filter(user=at.handler).exists()
    assert Complaint.objects.visible_to(at.other).filter(pk=others.pk).exists()


def test_what_an_authority_or_a_mediator_deals_with_is_neither_erased_nor_forgotten(at: Office) -> None:
    one = ready(at, "DISPUTED")
    found = mediating.request_mediation(one.pk, actor=at.handler, body="Council")
    key, day = one.customer_id or 0, clock.today()
    assert [held.hold.code for held in holds_on([key], day)[key]] == ["COMPLAINT", "DISPUTE"]
    mediating.move_mediation(found.pk, actor=at.handler, state="REFUSED", party="OPERATOR")
    mediating.move_mediation(found.pk, actor=at.handler, state="CLOSED")
    assert [held.hold.code for held in holds_on([key], day)[key]] == ["COMPLAINT"]
    stranger = case(at, "CLOSED", customer=None, contact_name="Rosa", contact_phone="13812340000")
    now = clock.now()
    appeal = AppealCase.objects.create(
        complaint=stranger, body="12300", reference="SH-1", received_at=now, due_on=day, internal_due_at=now
    )
    with on(3 + 731):
        assert due_to_forget() == []
        appeal.closed_at = clock.now()
        appeal.save()
        assert due_to_forget() == [stranger.pk]


@pytest.mark.covers("CMP-04", "CMP-28")
def test_a_customer_who_asks_for_the_manager_is_contacted_by_one_within_four_working_hours(
    at: Office, client_for: Callable[[User], Client]
) -> None:
    one = case(at, "INVESTIGATING")
    address = reverse("complaints:act-manager", args=[one.pk])
    assert client_for(at.agent).post(address, {"words": ""}).status_code == 422
    assert client_for(at.agent).post(address, {"words": "Let me speak with your boss."}).status_code == 302
    duty = Clock.objects.get(owner_id=one.pk, kind="manager")
    assert duty.due_at == moment(3, 14) and "manager_asked" in kinds(at.lead) and "manager_asked" in kinds(at.handler)
    message = OutMessage.objects.get(template="complaint_manager")
    assert message.params["contact_by_at"] == duty.due_at.isoformat()
    urging.ask_for_manager(one.pk, actor=at.agent, words="Where is he?")  # the same duty
    assert Clock.objects.filter(owner_id=one.pk, kind="manager").count() == 1
    working.note_contact(one.pk, actor=at.handler, channel="HOTLINE", text="I am not the manager")
    assert Clock.objects.get(owner_id=one.pk, kind="manager").state == "RUNNING"
    with on(3, 13):
        working.note_contact(one.pk, actor=at.lead, channel="HOTLINE", text="Spoke with her")
    assert Clock.objects.get(owner_id=one.pk, kind="manager").state == "MET"
    late = case(at, "INVESTIGATING")
    urging.ask_for_manager(late.pk, actor=at.agent, words="Your boss, please.")
    with on(3, 15):
        tasks.watch_complaints()
        tasks.watch_complaints()
    assert kinds(at.head).count("missed") == 1


def test_a_complaint_registered_long_after_it_was_told_is_known_to_the_lead(at: Office) -> None:
    for minutes, late in ((15, False), (16, True)):
        customer = customer_of(at)
        contact = start_contact(actor=at.agent, customer=customer, channel="HALL_OWN")
        with clock.travel(moment(3) + timedelta(minutes=minutes)):
            register_complaint(actor=at.agent, customer=customer, contact=contact, **DETAILS | {"channel": "HALL_OWN"})
        assert ("registered_late" in kinds(at.lead)) == late


def test_the_limit_one_may_settle_stands_in_the_form_of_a_solution(
    at: Office, client_for: Callable[[User], Client]
) -> None:
    one = case(at, "INVESTIGATING")
    form = reverse("complaints:case", args=[one.pk])
    # A handler is not among the roles with a limit of their own (D§3.4): every compensation of theirs is approved.
    assert "you may settle 0 CNY" in client_for(at.handler).get(form, {"do": "propose"}).content.decode()
    assert "you may settle 200 CNY" in client_for(at.lead).get(form, {"do": "propose"}).content.decode()


@pytest.mark.covers("CMP-13", "CMP-24")
def test_who_complains_for_the_customer_is_told_too_and_without_authority_nothing_of_the_customer(
    at: Office, client_for: Callable[[User], Client]
) -> None:
    def outside(one: Complaint) -> list[OutMessage]:
        return list(OutMessage.objects.filter(outsider=f"complaint:{one.pk}").order_by("pk"))

    speaker = {"contact_name": "Li Lei", "contact_phone": "13900001111"}
    cases = {}
    for authority in ("PAPER", ""):
        one = register_complaint(actor=at.agent, customer=customer_of(at), authority=authority, **speaker, **DETAILS)
        Complaint.objects.filter(pk=one.pk).update(state="SOLUTION_PROPOSED", handler=at.handler)
        ready_solution = Complaint.objects.get(pk=one.pk)
        ready_solution.solutions.create(finding="So", by=at.handler)
        answering.decide_complaint(one.pk, actor=at.handler, words="Your bill of March is 80 CNY too high.")
        cases[authority] = one
    for one in cases.values():
        assert told(one) == ["acknowledged", "answered"]  # the customer hears the same either way
    allowed, strange = outside(cases["PAPER"]), outside(cases[""])
    assert [row.template for row in allowed] == ["complaint_acknowledged", "complaint_answered"]
    assert allowed[0].params["code"] and allowed[1].params["words"] == "Your bill of March is 80 CNY too high."
    assert [row.template for row in strange] == ["complaint_acknowledged", "complaint_behalf"]
    assert not any({"code", "words"} & set(row.params) for row in strange)
    assert {row.message_class for row in [*allowed, *strange]} == {"SERVICE"}
    known = find([one.pk for one in cases.values()])
    assert {(who.name, who.phone) for who in known.values()} == {("Li Lei", "13900001111")}
    # The page says who hears what; the other matter split off has the same authority.
    page = client_for(at.handler)
    shown = page.get(reverse("complaints:case", args=[cases["PAPER"].pk])).content.decode()
    assert "Both are told at each step." in shown
    assert (
        "our answer goes to the customer alone"
        in page.get(reverse("complaints:case", args=[cases[""].pk])).content.decode()
    )
    topic = Topic.objects.get(code="OTHER")
    assert joining.split_complaint(cases["PAPER"].pk, actor=at.boss, text="And the rest", topic=topic).authority
    # An apology for lateness goes to both; a customer with another number of their own is nobody else.
    late = register_complaint(actor=at.agent, customer=customer_of(at), authority="CODE", **speaker, **DETAILS)
    Complaint.objects.filter(pk=late.pk).update(state="INVESTIGATING", handler=at.handler)
    clocks = ground.clocks_for(Complaint.objects.get(pk=late.pk), None)
    clocks.start(clocks.service())
    own = register_complaint(actor=at.agent, customer=customer_of(at), contact_phone="13900002222", **DETAILS)
    assert not outside(own)
    with on(5, 10, 1):
        tasks.watch_complaints()
        tasks.watch_complaints()
    assert [row.template for row in outside(late)] == ["complaint_acknowledged", "complaint_late"]
    # Who turns out to be the customer spoke for themself.
    found = register_complaint(actor=at.agent, customer=None, **speaker, **DETAILS)
    customer = customer_of(at)
    identifying.name_customer(found.pk, actor=at.boss, number=customer.number)
    working.note_contact(found.pk, actor=at.agent, channel="HOTLINE", text="Called")
    before = len(outside(found))
    urging.ask_for_manager(found.pk, actor=at.agent, words="Your boss, please.")
    assert len(outside(found)) == before and "manager" in told(Complaint.objects.get(pk=found.pk))
    # Erasing the customer takes the words to the other one away too.
    erase_outside([cases["PAPER"].customer_id or 0], clock.now())
    assert {row.params == {} for row in outside(cases["PAPER"])} == {True}
