"""Requests about one's own data: taken at any desk, answered by the officer in time, and what each kind does."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from customers.models import ContactBlock, Customer, ProfileField, Retention, TimelineLine
from customers.services import change_customer, mark_unusable
from foundation.calendars.queries import calendar_for
from foundation.calendars.working_time import working_between
from foundation.common import clock
from foundation.common.errors import NotAllowed
from interactions.models import RightsRequest
from interactions.rights import services
from interactions.rights.watching import notice_if_due
from interactions.tasks import watch_rights_requests
from outreach.delivery import deliver_due
from outreach.models import FollowUp, Notification, OutMessage
from staff.models import User
from tests.factories import ContactPointFactory, CustomerFactory, SubscriptionFactory, UnitFactory, UserFactory
from tests.interactions.rights_making import acts, ask, refused, told
from tests.outreach.making import MORNING, reachable
from tests.racing import race

pytestmark = [pytest.mark.django_db, pytest.mark.covers("ARC-21")]
Travel = Callable[[datetime], AbstractContextManager[None]]
ClientFor = Callable[[User], Client]


def test_a_request_is_due_after_fifteen_working_days_and_belongs_to_the_officer(
    officer: User, agent: User, customer: Customer
) -> None:
    request = ask(customer, agent, how="NONE", details=" Please show me everything. ")
    calendar = calendar_for("STANDARD")
    assert working_between(request.received_at, request.due_at, calendar) == timedelta(minutes=15 * 540)
    assert request.due_at == datetime(2026, 12, 15, 2, 0, tzinfo=UTC)
    assert (request.state, request.owner, request.working_days) == ("RECEIVED", officer, 15)
    assert (request.details, request.calendar_version) == ("Please show me everything.", calendar.version)
    assert acts(request) == ["RECEIVED"]
    assert list(TimelineLine.objects.values_list("kind", flat=True)) == ["rights.received"]
    assert Notification.objects.get().user == officer
    assert customer in Customer.objects.visible_to(officer)


def test_the_officer_with_the_fewest_open_requests_gets_the_next(agent: User) -> None:
    first, second = UserFactory(role="DPO"), UserFactory(role="DPO")
    owners = [ask(reachable(unit=agent.unit, name=f"C{n}"), agent).owner for n in range(3)]
    assert owners == [first, second, first]


def test_a_window_without_the_right_and_bad_input_are_refused(officer: User, agent: User, customer: Customer) -> None:
    guest = UserFactory(role="UNIT_HANDLER")
    with pytest.raises(NotAllowed):
        ask(customer, guest)
    refused("rights.unknown_code", lambda: ask(customer, agent, kind="FORGET"))
    refused("rights.unknown_code", lambda: ask(customer, agent, how="TRUST"))
    refused("rights.too_long", lambda: ask(customer, agent, details="x" * 4_001))
    refused("rights.relative", lambda: ask(customer, agent, requester="RELATIVE"))
    ask(customer, agent)
    refused("rights.open_already", lambda: ask(customer, agent))
    Customer.objects.filter(pk=customer.pk).update(status="ANONYMISED")
    refused("rights.nothing_left", lambda: ask(customer, agent, kind="COPY"))


def test_without_an_officer_nobody_would_answer_and_that_is_said(agent: User, customer: Customer) -> None:
    refused("rights.no_officer", lambda: ask(customer, agent))


def test_only_relatives_ask_for_the_deceased_and_only_access_or_closing(
    officer: User, agent: User, customer: Customer
) -> None:
    Customer.objects.filter(pk=customer.pk).update(status="DECEASED")
    refused("rights.relative", lambda: ask(customer, agent))
    refused("rights.relative", lambda: ask(customer, agent, kind="DELETE", requester="RELATIVE"))
    assert ask(customer, agent, requester="RELATIVE").state == "CHECKED"


def test_nobody_is_answered_before_the_identity_is_checked(officer: User, agent: User, customer: Customer) -> None:
    request = ask(customer, agent, kind="EXPLAIN", how="NONE")
    refused("rights.not_identified", lambda: services.answer_request(request.pk, actor=officer, answer="So"))
    with pytest.raises(NotAllowed):
        services.check_identity(request.pk, actor=agent, how="CODE")
    refused("rights.unknown_code", lambda: services.check_identity(request.pk, actor=officer, how="NONE"))
    services.check_identity(request.pk, actor=officer, how="CODE")
    done = services.answer_request(request.pk, actor=officer, answer="This is why.")
    assert (done.state, done.outcome, done.identity_how, done.identity_by) == ("ANSWERED", "TOLD", "CODE", officer)
    assert acts(request) == ["RECEIVED", "CHECKED", "ANSWERED"]
    refused("rights.closed", lambda: services.withdraw_request(request.pk, actor=officer))


def test_a_refusal_needs_a_ground_and_words(officer: User, agent: User, customer: Customer) -> None:
    request = ask(customer, agent, how="NONE")
    refused(
        "rights.no_reason", lambda: services.refuse_request(request.pk, actor=officer, refusal="REPEATED", reason=" ")
    )
    refused("rights.unknown_code", lambda: services.refuse_request(request.pk, actor=officer, refusal="NO", reason="x"))
    done = services.refuse_request(request.pk, actor=officer, refusal="NOT_IDENTIFIED", reason="Come with a document.")
    assert (done.state, done.refusal, done.closed_by, done.next_notice_at) == (
        "REFUSED",
        "NOT_IDENTIFIED",
        officer,
        None,
    )


def test_a_correction_is_answered_by_having_corrected(officer: User, agent: User, customer: Customer) -> None:
    request = ask(customer, agent, kind="CORRECT")
    refused("rights.nothing_corrected", lambda: services.answer_request(request.pk, actor=officer, answer="Done"))
    customer.refresh_from_db()
    change_customer(customer.pk, actor=agent, version=customer.version, changes={"home_city": "Xian"})
    done = services.answer_request(request.pk, actor=officer, answer="Your city is right now.")
    assert done.outcome == "CORRECTED"
    assert [step["value"] for step in done.grounds] == ["City"]


def test_an_explanation_keeps_what_the_engines_said_and_says_where_there_is_nothing(
    officer: User, agent: User, customer: Customer
) -> None:
    request = ask(customer, agent, kind="EXPLAIN")
    done = services.answer_request(request.pk, actor=officer, answer="As below")
    assert "Messages held back" in [step["value"] for step in done.grounds]
    assert "nothing was decided automatically" in done.grounds[0]["effect"]


def test_closing_waits_for_the_lines_and_then_starts_the_time_of_keeping(
    officer: User, agent: User, customer: Customer
) -> None:
    line = SubscriptionFactory(customer=customer)
    request = ask(customer, agent, kind="CLOSE")
    refused("closing.lines_live", lambda: services.answer_request(request.pk, actor=officer, answer="Closed"))
    line.terminated_on = line.activated_on = clock.today() - timedelta(days=3)
    line.status = "TERMINATED"
    line.save()
    done = services.answer_request(request.pk, actor=officer, answer="Your account is closed.")
    customer.refresh_from_db()
    kept = Retention.objects.get(pk=customer.pk)
    assert (done.outcome, customer.status) == ("CLOSED", "FORMER")
    assert (kept.ended_on, kept.identity_until) == (date(2026, 11, 21), date(2028, 11, 21))


def test_a_running_contract_forbids_deletion_all_other_use_stops_and_the_answer_says_so(
    officer: User, agent: User, customer: Customer
) -> None:
    SubscriptionFactory(customer=customer, contract_end=date(2027, 6, 30))
    ProfileField.objects.create(
        customer=customer, key="INTERESTS", value="chess", source="call", purpose="offers", consent_evidence="form 7"
    )
    request = ask(customer, agent, kind="DELETE", details="Delete me")
    done = services.erase_for(request.pk, actor=officer)
    customer.refresh_from_db()
    assert (done.state, done.outcome, customer.status, customer.name) == (
        "ANSWERED",
        "STORED_ONLY",
        "ACTIVE",
        "Wang Qiang",
    )
    assert not ProfileField.objects.filter(customer=customer).exists()  # kept by consent alone
    assert customer.contact_points.count() == 2
    block = ContactBlock.objects.get(customer=customer)
    assert (block.reason, block.classes, block.ends_at) == ("STORAGE_ONLY", ["CARE", "MARKETING", "SURVEY"], None)
    assert [step["params"].get("until") for step in done.grounds] == ["2027-06-30", None]
    kept = Retention.objects.get(pk=customer.pk)
    assert (kept.held, kept.due_on) == (["SERVED"], clock.today() + timedelta(days=1))


def test_what_was_asked_by_deleting_is_not_answered_in_words(officer: User, agent: User, customer: Customer) -> None:
    deletion, access = ask(customer, agent, kind="DELETE"), ask(customer, agent)
    refused("rights.delete_by_deleting", lambda: services.answer_request(deletion.pk, actor=officer, answer="No"))
    refused("rights.not_a_deletion", lambda: services.erase_for(access.pk, actor=officer))


# --- the clock ------------------------------------------------------------------------------------------------------


def test_the_officer_is_reminded_and_the_director_gets_what_is_overdue_once(
    officer: User, agent: User, customer: Customer, travel: Travel
) -> None:
    director = UserFactory(role="DIRECTOR", unit=UnitFactory(no=40, last_no=99))
    UserFactory(role="DIRECTOR", unit=UnitFactory(no=2_000, last_no=2_099))
    request = ask(customer, agent)
    assert watch_rights_requests() == 0
    with travel(datetime(2026, 12, 10, 2, 0, tzinfo=UTC)):  # 12 working days on
        assert [watch_rights_requests(), watch_rights_requests()] == [1, 0]
        assert list(Notification.objects.filter(kind="rights.due").values_list("user", flat=True)) == [officer.pk]
    with travel(request.due_at):
        assert [watch_rights_requests(), watch_rights_requests()] == [1, 0]
    request.refresh_from_db()
    assert (request.owner, request.handed_to, request.next_notice_at) == (officer, director, None)
    told = Notification.objects.filter(kind="rights.overdue").order_by("user").values_list("user", flat=True)
    assert set(told) == {officer.pk, director.pk}
    assert acts(request) == ["RECEIVED", "CHECKED", "REMINDED", "HANDED_OVER"]
    assert request in RightsRequest.objects.visible_to(director)
    assert TimelineLine.objects.filter(kind="rights.overdue").count() == 1


def test_found_late_it_goes_to_the_director_at_once_and_an_answered_one_to_nobody(
    officer: User, agent: User, customer: Customer, travel: Travel
) -> None:
    director = UserFactory(role="DIRECTOR", unit=UnitFactory(no=40, last_no=99))
    late, answered = ask(customer, agent), ask(customer, agent, kind="EXPLAIN")
    services.answer_request(answered.pk, actor=officer, answer="So")
    with travel(late.due_at + timedelta(days=40)):
        assert watch_rights_requests() == 1
    late.refresh_from_db()
    assert late.handed_to == director
    assert "REMINDED" not in acts(late)


def test_without_a_director_near_the_general_manager_gets_it(
    officer: User, agent: User, customer: Customer, travel: Travel
) -> None:
    manager = UserFactory(role="GM")
    request = ask(customer, agent)
    with travel(request.due_at):
        watch_rights_requests()
    request.refresh_from_db()
    assert request.handed_to == manager


def test_the_customer_is_told_on_receipt_and_on_the_answer_where_a_message_may_go(
    officer: User, agent: User, customer: Customer, tmp_path: Path
) -> None:
    Customer.objects.filter(pk=customer.pk).update(channel_preference="EMAIL", language="en")
    customer.refresh_from_db()
    point = customer.contact_points.get(kind="EMAIL")
    request = ask(customer, agent, kind="EXPLAIN")
    # The preferred way may not be used any more: the other one is.
    mark_unusable(point.pk, actor=agent, reason="moved")
    services.answer_request(request.pk, actor=officer, answer="Because of 1990")
    refused_one = ask(customer, agent, kind="DELETE", how="NONE")
    services.refuse_request(refused_one.pk, actor=officer, refusal="NOT_IDENTIFIED", reason="No document")
    withdrawn = ask(customer, agent, kind="COPY")
    services.withdraw_request(withdrawn.pk, actor=officer)
    assert told(customer) == [
        ("rights_received", "SERVICE", "EMAIL"),
        ("rights_answered", "SERVICE", "SMS"),
        ("rights_received", "SERVICE", "SMS"),
        ("rights_answered", "SERVICE", "SMS"),
        ("rights_received", "SERVICE", "SMS"),
    ]
    services.tell_answered(request, actor=officer)  # a second time says nothing
    assert len(told(customer)) == 5 and not FollowUp.objects.exists()
    deliver_due()
    [letters] = (tmp_path / "outbox").glob("*.jsonl")
    said = [json.loads(line)["body"] for line in letters.read_text().splitlines()]
    assert said[0] == (
        f"Wang Qiang, your request {request.number} is answered."
        " For the details call us or come to any hall and give this number.\n"
    )
    assert "has arrived: " in said[1] and "After a deletion we can no longer write to you" in said[1]
    assert "we cannot do what you asked" in said[2] and "could not make sure who asked" in said[2]
    assert "1990" not in "".join(said) and "No document" not in "".join(said)
    # What was queued for the address marked meanwhile is held back.
    assert OutMessage.objects.get(channel="EMAIL").state == "suppressed"


def test_whom_no_message_reaches_is_told_by_a_person(officer: User, agent: User, client_for: ClientFor) -> None:
    silent = CustomerFactory(unit=agent.unit, name="Wang Qiang")
    barred = ContactPointFactory(customer=silent, value="13900001111")
    mark_unusable(barred.pk, actor=agent, reason="not theirs")
    request = ask(silent, agent, kind="EXPLAIN")
    services.answer_request(request.pk, actor=officer, answer="So")
    services.tell_answered(request, actor=officer)
    assert not OutMessage.objects.filter(customer=silent).exists()
    owed = FollowUp.objects.filter(customer=silent).order_by("pk")
    assert [(one.kind, one.owner, one.source, one.due_at - MORNING) for one in owed] == [
        ("TASK", agent, f"rights:{request.pk}", timedelta(days=1))
    ] * 2
    assert [one.subject for one in owed] == [
        f"Tell by phone or letter that the request {request.number} (Explain an automatic decision) arrived",
        f"Tell by phone or letter that the request {request.number} (Explain an automatic decision) is answered",
    ]
    # Taken by the officer alone, who has no list of work: the bell says it.
    alone = CustomerFactory(unit=agent.unit)
    ask(alone, officer)
    assert Notification.objects.get(kind="rights.untold").user == officer
    assert "no way to write is on file" in client_for(officer).get(reverse("outreach:bell")).content.decode()
    assert not FollowUp.objects.filter(customer=alone).exists()
    # The dead are not written to, and nobody is sent to them.
    Customer.objects.filter(pk=alone.pk).update(status="DECEASED")
    ContactPointFactory(customer=alone, value="13900002222")
    ask(alone, agent, kind="CLOSE", requester="RELATIVE")
    assert told(alone) == [] and not FollowUp.objects.filter(customer=alone).exists()


@pytest.mark.django_db(transaction=True)
def test_two_windows_raise_one_request_and_two_clocks_give_one_notice(
    officer: User, agent: User, customer: Customer, travel: Travel
) -> None:
    told = race(lambda: ask(customer, agent), lambda: ask(customer, agent))
    assert sorted(type(one).__name__ for one in told) == ["RightsRequest", "RuleBroken"]
    request = RightsRequest.objects.get()
    now = request.due_at
    assert sorted(race(*[lambda: notice_if_due(request.pk, now=now)] * 2)) == [False, True]
    assert acts(request).count("HANDED_OVER") == 1
    assert now > MORNING
