"""The pages about archives of one person, as people use them: look, propose, decide, take apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers.merging import batch, services
from customers.models import Customer, DuplicatePair, Merge, Need
from customers.services import add_need
from tests.customers.people import Operator, customer, operator
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
Clients = Callable[..., Client]


@pytest.fixture
def world() -> Operator:
    return operator()


def pair(world: Operator) -> tuple[Customer, Customer]:
    one = customer(world.hall, "王小明", mobile="13800000001", home_city="杭州")
    return one, customer(world.hall, "王小明", mobile="13800000001", gender="M")


def url(name: str, *args: Any) -> str:
    return reverse(f"customers:{name}", args=args)


def test_from_the_list_of_pairs_to_one_archive_and_back(world: Operator, client_for: Clients) -> None:
    keeps, goes = pair(world)
    need = add_need(goes.pk, actor=world.clerk, text="wants fibre")
    batch.find_all(1)
    clerk, lead = client_for(world.clerk), client_for(UserFactory(role="TEAM_LEAD", unit=world.hall))
    page = clerk.get(url("pair-list")).content.decode()
    compare = url("merge-compare", keeps.pk, goes.pk)
    assert compare in page and "The same verified number (60 points)." in page and "王小明" not in page
    page = clerk.get(compare).content.decode()
    assert "Needs" in page and 'name="take_gender" value="theirs" checked' in page
    answer = clerk.post(compare, {"reason": "one person", "take_gender": "theirs"})
    merge = Merge.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, url("merge-detail", merge.pk))
    assert merge.choices == ["gender"] and url("merge-detail", merge.pk) in lead.get(url("merge-list")).content.decode()
    seen = lead.get(url("merge-detail", merge.pk)).context["versions"]
    assert lead.post(url("merge-approve", merge.pk), {"versions": seen}).status_code == 302
    assert Need.objects.get(pk=need.pk).customer_id == keeps.pk
    assert clerk.get(url("pair-list")).context["page"].items == []
    page = lead.get(url("merge-detail", merge.pk)).content.decode()
    assert "Nothing happened since" in page
    later = add_need(keeps.pk, actor=world.clerk, text="wants tv")
    page = lead.get(url("merge-detail", merge.pk)).content.decode()
    assert f'value="customers_need:{later.pk}"' in page
    answer = lead.post(url("merge-undo", merge.pk), {"reason": "two", "hand_over": [f"customers_need:{later.pk}"]})
    assert answer.status_code == 302
    assert set(Need.objects.filter(customer=goes).values_list("pk", flat=True)) == {need.pk, later.pk}
    assert DuplicatePair.objects.get().state == "OPEN"


def test_the_approver_is_sent_back_with_the_words_of_the_refusal(world: Operator, client_for: Clients) -> None:
    keeps, goes = pair(world)
    lead = UserFactory(role="TEAM_LEAD", unit=world.hall)
    client_for(lead).post(url("merge-compare", keeps.pk, goes.pk), {"reason": "one person"})
    merge = Merge.objects.get()
    answer = client_for(lead).post(url("merge-approve", merge.pk), {"versions": "1,1"})
    assert answer.status_code == 422 and "A merge takes two people" in answer.content.decode()
    head = client_for(world.head)
    answer = head.post(url("merge-approve", merge.pk), {"versions": "7,1"})
    assert answer.status_code == 422 and "changed meanwhile" in answer.content.decode()
    answer = head.post(url("merge-refuse", merge.pk), {"reason": ""})
    assert answer.status_code == 422 and "Say why." in answer.content.decode()
    assert client_for(world.clerk).post(url("merge-approve", merge.pk), {"versions": "1,1"}).status_code == 403
    merge.refresh_from_db()
    assert merge.state == "PROPOSED"
    assert head.post(url("merge-refuse", merge.pk), {"reason": "father and son"}).status_code == 302
    assert "father and son" in head.get(url("merge-detail", merge.pk)).content.decode()


def test_two_set_apart_are_not_proposed_again(world: Operator, client_for: Clients) -> None:
    keeps, goes = pair(world)
    batch.find_all(1)
    clerk = client_for(world.clerk)
    apart = url("merge-apart", keeps.pk, goes.pk)
    assert clerk.post(apart, {"reason": " "}).status_code == 422
    assert DuplicatePair.objects.get().state == "OPEN"
    assert clerk.post(apart, {"reason": "father and son"}).status_code == 302
    batch.find_all(2)
    found = DuplicatePair.objects.get()
    assert (found.state, found.why, found.decided_by) == ("SET_ASIDE", "father and son", world.clerk)
    assert clerk.get(url("pair-list")).context["page"].items == []


def test_pages_of_an_absorbed_archive_lead_to_its_survivor(world: Operator, client_for: Clients) -> None:
    keeps, goes = pair(world)
    Customer.objects.filter(pk=goes.pk).update(merged_into=keeps, status="MERGED")
    clerk = client_for(world.clerk)
    for name in ("customer-detail", "customer-edit", "customer-profile", "customer-history"):
        answer = clerk.get(url(name, goes.pk) + "?a=1")
        assert (answer.status_code, answer["Location"]) == (302, url(name, keeps.pk) + "?a=1")
    form = {"text": "wants fibre", "category": ""}
    answer = clerk.post(reverse("customers:need-add", args=[goes.pk]), form, follow=True)
    assert answer.redirect_chain[0] == (reverse("customers:need-add", args=[keeps.pk]), 307)
    assert Need.objects.get().customer_id == keeps.pk
    stranger = client_for(UserFactory(role="HALL_CLERK", unit=world.elsewhere))
    assert stranger.get(url("customer-detail", goes.pk)).status_code == 404


def test_with_whom_to_merge_is_found_by_likeness_or_by_a_number(world: Operator, client_for: Clients) -> None:
    keeps, goes = pair(world)
    far = customer(world.elsewhere, "王小明", mobile="13800000001")
    clerk = client_for(world.clerk)
    page = clerk.get(url("merge-start", keeps.pk))
    assert [one["customer"] for one in page.context["found"]] == [goes]
    answer = clerk.get(url("merge-start", keeps.pk), {"other": goes.number})
    assert answer["Location"] == url("merge-compare", keeps.pk, goes.pk)
    for typed, words in ((keeps.number, "That is this customer."), (far.number, "No customer you see")):
        assert words in clerk.get(url("merge-start", keeps.pk), {"other": typed}).content.decode()
    assert clerk.get(url("merge-compare", keeps.pk, far.pk)).status_code == 404
    assert clerk.get(url("merge-compare", keeps.pk, keeps.pk)).status_code == 404


@pytest.mark.parametrize(
    "name", ["pair-list", "merge-list", "merge-start", "merge-compare", "merge-detail", "merge-undo"]
)
def test_pages_cost_the_same_whatever_there_is(name: str, world: Operator, client_for: Clients) -> None:
    keeps, goes = pair(world)
    merge = Merge.objects.create(number="MG1", survivor=keeps, absorbed=goes, reason="x", proposed_by=world.clerk)
    args = {
        "merge-start": [keeps.pk],
        "merge-compare": [keeps.pk, goes.pk],
        "merge-detail": [merge.pk],
        "merge-undo": [merge.pk],
    }.get(name, [])
    lead = client_for(UserFactory(role="TEAM_LEAD", unit=world.hall))
    shown = "merge-detail" if name == "merge-undo" else name
    lead.get(url(shown, *args))

    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert lead.get(url(shown, *args)).status_code == 200
        return len(asked)

    if name == "merge-undo":
        services.approve_merge(merge.pk, actor=world.head)
    before = cost()
    for number in range(5):
        one, other = pair(world)
        Merge.objects.create(number=f"MG2{number}", survivor=one, absorbed=other, reason="x", proposed_by=world.clerk)
        add_need(keeps.pk, actor=world.clerk, text="x")
    batch.find_all(3)
    assert cost() == before <= 15
