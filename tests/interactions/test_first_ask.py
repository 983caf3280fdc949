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
from foundation.common.explain import Explanation
from interactions import tasks
from interactions.lifecycle import Result
from interactions.models import Interaction, Matter, MatterNotice
from interactions.services import (
    NextAction,
    answer_matter,
    quick_log,
    refer_matter,
    secure_matter,
    start_contact,
    tell_customer,
)
from interactions.services.logging import log_contact
from outreach.models import FollowUp
from outreach.services import attempt_and_complete, complete_followup
from tests.factories import UserFactory
from tests.interactions.first_ask_making import Hall, acts, bells, leave_open, make_hall, refused
from tests.outreach.making import MORNING
from tests.racing import race

pytestmark = pytest.mark.django_db
Travel = Callable[[datetime], AbstractContextManager[None]]


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


@pytest.mark.django_db(transaction=True)
def test_two_workers_give_one_notice(travel: Travel) -> None:
    hall = make_hall()
    leave_open(hall)
    with travel(MORNING + timedelta(hours=3)):
        assert sum(race(tasks.remind_matters, tasks.remind_matters)) == 1
    assert MatterNotice.objects.count() == 1
