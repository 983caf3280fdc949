"""Customers handed from one manager to another: nobody loses one before it is accepted (D§3.3, D§26)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from customers.models import Customer, CustomerFacts
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from outreach.models import FollowUp, ManagerTransfer, Notification, OutMessage
from outreach.services import (
    accept_transfer,
    claim_customer,
    offer_customer,
    owe_followup,
    refuse_transfer,
    withdraw_transfer,
)
from outreach.wording import render_words, template_called
from staff.models import Absence, User
from staff.rights import forget_cached
from staff.services.handover import reassign_all
from tests.customers.people import customer
from tests.factories import TeamFactory, TeamMemberFactory, UnitFactory, UserFactory
from tests.racing import race

pytestmark = pytest.mark.django_db
Signed = Callable[[User], Client]


@dataclass
class Desk:
    head: User
    old: User
    new: User
    third: User
    row: Customer


def desk() -> Desk:
    unit = UnitFactory(no=100, last_no=199)
    old, new, third = (UserFactory(role="ACCOUNT_MANAGER", unit=unit, extension=f"80{n}") for n in range(3))
    return Desk(
        head=UserFactory(role="DEPT_HEAD", unit=unit),
        old=old,
        new=new,
        third=third,
        row=customer(unit, "王小明", mobile="13800138000", manager=old),
    )


@pytest.fixture
def d(db: None) -> Desk:
    return desk()


def owed(d: Desk) -> FollowUp:
    return owe_followup(
        customer=d.row,
        kind="CALLBACK",
        owner=d.old,
        due_at=clock.now() + timedelta(days=1),
        subject="Ring",
        actor=d.old,
    )


def manager_of(d: Desk) -> User | None:
    return Customer.objects.get(pk=d.row.pk).manager


def rung(user: User) -> list[str]:
    return list(Notification.objects.filter(user=user, kind__startswith="transfer.").values_list("kind", flat=True))


@pytest.mark.covers("ARC-15")
def test_an_offer_changes_nothing_until_it_is_accepted(d: Desk) -> None:
    follow_up = owed(d)
    transfer = offer_customer(d.row.pk, actor=d.old, to=d.new, reason="Moves to the north")
    assert manager_of(d) == d.old and rung(d.new) == ["transfer.offered"]
    assert not OutMessage.objects.exists()
    accept_transfer(transfer.pk, actor=d.new)
    assert manager_of(d) == d.new
    assert CustomerFacts.objects.get(pk=d.row.pk).manager_id == d.new.pk
    follow_up.refresh_from_db()
    assert follow_up.owner == d.new
    assert rung(d.old) == ["transfer.accepted"]
    message = OutMessage.objects.get()
    assert (message.message_class, message.template) == ("SERVICE", "manager_changed")
    assert message.params == {"manager": d.new.pk}
    words = render_words(template_called("manager_changed"), language="en", params=message.params, recipient=d.row)
    assert words.body == f"王小明, {d.new.name} looks after you from now on. Extension: 801.\n"


def test_who_may_offer_and_accept(d: Desk) -> None:
    with pytest.raises(NotAllowed):
        offer_customer(d.row.pk, actor=d.third, to=d.new)
    with pytest.raises(RuleBroken) as no:
        offer_customer(d.row.pk, actor=d.old, to=UserFactory(role="AGENT", unit=d.old.unit))
    assert no.value.code == "customers.cannot_manage"
    with pytest.raises(RuleBroken, match="already"):
        offer_customer(d.row.pk, actor=d.old, to=d.old)
    transfer = offer_customer(d.row.pk, actor=d.old, to=d.new)
    with pytest.raises(RuleBroken, match="waits for its answer"):
        offer_customer(d.row.pk, actor=d.old, to=d.new)
    for person in (d.old, d.third, d.head):
        with pytest.raises(NotAllowed):
            accept_transfer(transfer.pk, actor=person)
    assert manager_of(d) == d.old and ManagerTransfer.objects.get().state == "OPEN"


def test_a_stand_in_and_the_head_may_offer(d: Desk) -> None:
    Absence.objects.create(
        user=d.old, reason="LEAVE", starts_at=clock.now(), ends_at=clock.now() + timedelta(days=5), delegate=d.third
    )
    assert offer_customer(d.row.pk, actor=d.third, to=d.new).asked_by == d.third
    assert offer_customer(d.row.pk, actor=d.head, to=d.third).asked_by == d.head


@pytest.mark.covers("ARC-15")
def test_two_managers_claim_one_customer_and_the_head_decides(d: Desk) -> None:
    first = claim_customer(d.row.pk, actor=d.new, reason="I serve the parent company")
    second = claim_customer(d.row.pk, actor=d.third, reason="Lives in my street")
    assert manager_of(d) == d.old
    assert rung(d.head) == ["transfer.claimed"] * 2
    for person in (d.new, d.third, d.old):
        with pytest.raises(NotAllowed):
            accept_transfer(first.pk, actor=person)
    accept_transfer(second.pk, actor=d.head)
    assert manager_of(d) == d.third
    assert dict(ManagerTransfer.objects.values_list("to_manager", "state")) == {
        d.new.pk: "SUPERSEDED",
        d.third.pk: "ACCEPTED",
    }
    assert rung(d.new) == ["transfer.superseded"] and rung(d.third) == ["transfer.accepted"]
    with pytest.raises(RuleBroken, match="answered already"):
        accept_transfer(first.pk, actor=d.head)
    with pytest.raises(RuleBroken, match="Say why"):
        claim_customer(d.row.pk, actor=d.new, reason=" ")


def test_the_head_of_another_branch_decides_nothing(d: Desk) -> None:
    far = UserFactory(role="DEPT_HEAD", unit=UnitFactory(no=500, last_no=599))
    transfer = claim_customer(d.row.pk, actor=d.new, reason="Mine")
    with pytest.raises(NotAllowed):
        accept_transfer(transfer.pk, actor=far)
    assert rung(far) == []


def test_refusing_and_withdrawing_leave_the_customer(d: Desk) -> None:
    transfer = offer_customer(d.row.pk, actor=d.old, to=d.new)
    with pytest.raises(RuleBroken, match="Say why not"):
        refuse_transfer(transfer.pk, actor=d.new, answer="")
    refuse_transfer(transfer.pk, actor=d.new, answer="Too far away")
    assert rung(d.old) == ["transfer.refused"]
    again = offer_customer(d.row.pk, actor=d.old, to=d.new)
    with pytest.raises(NotAllowed):
        withdraw_transfer(again.pk, actor=d.new)
    withdraw_transfer(again.pk, actor=d.old)
    assert set(ManagerTransfer.objects.values_list("state", flat=True)) == {"REFUSED", "WITHDRAWN"}
    assert manager_of(d) == d.old and not OutMessage.objects.exists()


def test_an_offer_of_a_manager_who_has_it_no_more_is_stale(d: Desk) -> None:
    transfer = offer_customer(d.row.pk, actor=d.old, to=d.new)
    Customer.objects.filter(pk=d.row.pk).update(manager=d.third)
    with pytest.raises(RuleBroken) as no:
        accept_transfer(transfer.pk, actor=d.new)
    assert no.value.code == "transfer.stale" and manager_of(d) == d.third


def test_a_manager_who_left_is_emptied_by_the_lead_and_every_customer_is_told(d: Desk) -> None:
    team = TeamFactory(lead=UserFactory(role="TEAM_LEAD", unit=d.old.unit), unit=d.old.unit)
    for person in (d.old, d.new):
        TeamMemberFactory(team=team, user=person)
    more = [customer(d.old.unit, f"N{n}", manager=d.old) for n in range(3)]
    gone = customer(d.old.unit, "Gone", manager=d.old, status="FORMER")
    follow_up = owed(d)
    User.objects.filter(pk=d.old.pk).update(is_active=False)
    moved = reassign_all(d.old.pk, actor=team.lead, to=d.new)
    assert moved == {"customers": 5, "followups": 0} or moved == {"customers": 5}
    assert not Customer.objects.filter(manager=d.old).exists()
    follow_up.refresh_from_db()
    assert follow_up.owner == d.new
    told = set(OutMessage.objects.filter(template="manager_changed").values_list("customer", flat=True))
    assert told == {d.row.pk, *(row.pk for row in more)} and gone.pk not in told
    agent = UserFactory(role="AGENT", unit=d.old.unit)
    TeamMemberFactory(team=team, user=agent)
    forget_cached(team.lead)
    with pytest.raises(RuleBroken, match="may not do this kind of work"):
        reassign_all(d.new.pk, actor=team.lead, to=agent)


@pytest.mark.django_db(transaction=True)
def test_two_answers_at_once_give_one_manager() -> None:
    d = desk()
    first = claim_customer(d.row.pk, actor=d.new, reason="Mine")
    second = claim_customer(d.row.pk, actor=d.third, reason="Mine")
    other = UserFactory(role="DEPT_HEAD", unit=d.head.unit)
    found = race(
        lambda: accept_transfer(first.pk, actor=d.head).to_manager,
        lambda: accept_transfer(second.pk, actor=other).to_manager,
    )
    refused = [one for one in found if isinstance(one, RuleBroken)]
    assert [one.code for one in refused] == ["transfer.closed"], found
    (winner,) = [one for one in found if isinstance(one, User)]
    assert manager_of(d) == winner
    assert OutMessage.objects.count() == 1


def test_pages(client_for: Signed, d: Desk) -> None:
    new = f"{reverse('outreach:transfer-new')}?customer={d.row.ref}"
    offers = client_for(d.old)
    page = offers.get(new).content.decode()
    assert "Hand a customer over" in page and "王*明" in page and d.new.name in page
    assert offers.post(new, {"to": d.new.pk, "reason": ""}).status_code == 422
    assert offers.post(new, {"to": d.new.pk, "reason": "Moves"}).status_code == 302
    transfer = ManagerTransfer.objects.get()
    listed = client_for(d.new).get("/transfers/").content.decode()
    assert "Accept" in listed and "Moves" in listed
    assert "Accept" not in offers.get("/transfers/").content.decode()
    accept = reverse("outreach:transfer-answer", args=[transfer.pk, "accept"])
    assert offers.post(accept).status_code == 403
    refused = client_for(d.new).post(reverse("outreach:transfer-answer", args=[transfer.pk, "refuse"]), {"answer": ""})
    assert refused.status_code == 422 and "Say why not" in refused.content.decode()
    assert client_for(d.new).post(accept).status_code == 302
    assert manager_of(d) == d.new
    head = UserFactory(role="DEPT_HEAD", unit=UnitFactory(no=500, last_no=599))
    assert client_for(head).post(accept).status_code == 404
    assert client_for(head).get(new).status_code == 404


def test_a_manager_of_the_unit_claims_on_the_page(client_for: Signed, d: Desk) -> None:
    # A claim needs the customer in sight: a contact of one's own opens it.
    from interactions.services import start_contact

    start_contact(actor=d.new, customer=d.row, channel="HOTLINE", identifier="13800138000")
    client = client_for(d.new)
    new = f"{reverse('outreach:transfer-new')}?customer={d.row.ref}"
    assert "Claim a customer" in client.get(new).content.decode()
    assert client.post(new, {"reason": "Serves the parent"}).status_code == 302
    head = client_for(d.head)
    listed = head.get("/transfers/").content.decode()
    assert "Serves the parent" in listed and "Accept" in listed
    accept = reverse("outreach:transfer-answer", args=[ManagerTransfer.objects.get().pk, "accept"])
    assert head.post(accept).status_code == 302
    assert manager_of(d) == d.new


def test_the_list_costs_the_same_with_many(client_for: Signed, d: Desk, django_assert_max_num_queries: Any) -> None:
    for n in range(12):
        row = customer(d.old.unit, f"N{n}", manager=d.old)
        claim_customer(row.pk, actor=d.new, reason="x")
    client = client_for(d.head)
    client.get("/transfers/")
    with django_assert_max_num_queries(10):
        client.get("/transfers/")
