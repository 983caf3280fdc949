"""The data put together for who asked for them, and the pages from the window to the answer."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from customers.models import Customer, Retention
from foundation.common.errors import NotAllowed
from foundation.jobs.models import JobRun
from foundation.jobs.running import claim_and_run
from interactions.models import RightsRequest
from interactions.rights import services
from interactions.rights.export import fetch, start_export
from staff.models import User
from tests.factories import SubscriptionFactory, UserFactory
from tests.interactions.rights_making import acts, ask, refused
from tests.outreach.making import queue, reachable

pytestmark = [pytest.mark.django_db, pytest.mark.covers("ARC-21")]
ClientFor = Callable[[User], Client]


def exported(officer: User, agent: User, customer: Customer) -> tuple[RightsRequest, zipfile.ZipFile]:
    request = ask(customer, agent)
    run = start_export(request.pk, actor=officer)
    assert claim_and_run(run.pk)
    request.refresh_from_db()
    name, file = fetch(request.pk, actor=officer)
    assert name == f"{request.number}.zip"
    return request, zipfile.ZipFile(file)


def test_the_data_are_put_together_for_machines_and_for_people(officer: User, agent: User, customer: Customer) -> None:
    SubscriptionFactory(customer=customer, service_no="13800001111")
    queue(customer)
    Customer.objects.filter(pk=customer.pk).update(birth_date=date(1980, 2, 3), language="en")
    stranger = reachable(unit=agent.unit, name="Somebody Else")
    request, pack = exported(officer, agent, customer)
    data = json.loads(pack.read("data.json"))
    assert (data["format"], data["customer"]) == ("careline-personal-data-1", customer.number)
    assert data["data"]["customers.Customer"][0]["birth_date"] == "1980-02-03"
    assert {row["value"] for row in data["data"]["customers.ContactPoint"]} == {"13900001111", "li@example.test"}
    assert [row["service_no"] for row in data["data"]["customers.Subscription"]] == ["13800001111"]
    assert "interactions.RightsRequest" in data["data"] and data["decisions"] and data["received_by"]
    assert not {"customers.NameGram", "customers.FindName"} & set(data["data"])
    page = pack.read("data.html").decode()
    assert "Wang Qiang" in page and "13800001111" in page and "What we hold about you" in page
    assert stranger.name not in page and stranger.number not in json.dumps(data)
    done = services.answer_request(request.pk, actor=officer, answer="Here is all we hold.")
    assert (done.outcome, acts(request)[-3:]) == ("HANDED_OVER", ["EXPORTED", "FETCHED", "ANSWERED"])


def test_the_data_go_to_the_officer_alone(
    officer: User, agent: User, customer: Customer, client_for: ClientFor
) -> None:
    request, _pack = exported(officer, agent, customer)
    address = reverse("interactions:rights-fetch", args=[request.pk])
    with pytest.raises(NotAllowed):
        fetch(request.pk, actor=agent)
    director = UserFactory(role="DIRECTOR", unit=agent.unit)
    admin = UserFactory(role="SYS_ADMIN")
    for person in (agent, director, admin):
        assert client_for(person).get(address).status_code == 403
    run = JobRun.objects.get(pk=request.export_run_id)
    page = client_for(admin).get(reverse("workspace:run-file", args=[run.pk, "result"]))
    assert page.status_code == 404
    assert client_for(officer).get(address).status_code == 200
    run.result_file.delete(save=True)
    assert client_for(officer).get(address).status_code == 404


def test_only_who_was_identified_and_asked_for_data_gets_them_put_together(
    officer: User, agent: User, customer: Customer
) -> None:
    unknown, closing = ask(customer, agent, how="NONE"), ask(customer, agent, kind="CLOSE")
    refused("rights.not_identified", lambda: start_export(unknown.pk, actor=officer))
    refused("rights.no_data_asked", lambda: start_export(closing.pk, actor=officer))
    services.check_identity(unknown.pk, actor=officer, how="CODE")
    refused("rights.not_put_together", lambda: services.answer_request(unknown.pk, actor=officer, answer="Here"))
    start_export(unknown.pk, actor=officer)
    refused("rights.export_runs", lambda: start_export(unknown.pk, actor=officer))


def test_the_way_over_the_pages_from_the_window_to_the_answer(
    officer: User, agent: User, customer: Customer, client_for: ClientFor
) -> None:
    desk, office = client_for(agent), client_for(officer)
    new = reverse("interactions:rights-new")
    assert desk.get(f"{new}?customer={customer.ref}").status_code == 200
    bad = desk.post(new, {"customer": customer.ref, "kind": "ACCESS"})
    assert bad.status_code == 422
    form = {"kind": "EXPLAIN", "requester": "CUSTOMER", "channel": "HOTLINE", "identity_how": "NONE", "details": "Why?"}
    sent = desk.post(new, form | {"customer": customer.ref})
    assert sent.status_code == 302
    request = RightsRequest.objects.get()
    assert request.number in desk.get(sent["Location"]).content.decode()
    again = desk.post(new, form | {"customer": customer.ref})
    assert again.status_code == 422 and "open already" in again.content.decode()
    assert desk.get(reverse("interactions:rights-list")).status_code == 403

    listed = office.get(reverse("interactions:rights-list")).content.decode()
    assert request.number in listed and "Wang Qiang" not in listed
    page = reverse("interactions:rights-detail", args=[request.pk])
    seen = office.get(page).content.decode()
    assert "Why?" in seen and "Wang Qiang" in seen  # open in clear while the request is
    assert office.post(reverse("interactions:rights-identify", args=[request.pk]), {"how": "CODE"}).status_code == 302
    empty = office.post(reverse("interactions:rights-answer", args=[request.pk]), {"answer": ""})
    assert empty.status_code == 422
    done = office.post(reverse("interactions:rights-answer", args=[request.pk]), {"answer": "Because."})
    assert done.status_code == 302 and "Because." in office.get(page).content.decode()
    assert request.number in office.get(f"{reverse('interactions:rights-list')}?view=closed").content.decode()


def test_a_deletion_is_looked_at_before_it_is_done(
    officer: User, agent: User, customer: Customer, client_for: ClientFor
) -> None:
    request = ask(customer, agent, kind="DELETE", how="NONE")
    office = client_for(officer)
    address = reverse("interactions:rights-erasure", args=[request.pk])
    page = office.get(address).content.decode()
    assert "Check first" in page and not Retention.objects.exists()
    refused_page = office.post(address)
    assert refused_page.status_code == 422
    services.check_identity(request.pk, actor=officer, how="ID_DOCUMENT")
    assert office.post(address).status_code == 302
    customer.refresh_from_db()
    assert customer.status == "ANONYMISED"  # never had a line: no law keeps the identity
    assert "Deleted" in office.get(reverse("interactions:rights-detail", args=[request.pk])).content.decode()
    assert client_for(agent).get(address).status_code == 403


def test_a_page_of_requests_asks_the_same_however_many_there_are(
    officer: User, agent: User, client_for: ClientFor, django_assert_max_num_queries: Any
) -> None:
    office = client_for(officer)
    for number in range(12):
        ask(reachable(unit=agent.unit, name=f"Customer {number}"), agent)
    office.get(reverse("interactions:rights-list"))
    with django_assert_max_num_queries(15):
        office.get(reverse("interactions:rights-list"))
    request = RightsRequest.objects.first()
    assert request is not None
    with django_assert_max_num_queries(15):
        office.get(reverse("interactions:rights-detail", args=[request.pk]))
    deletion = ask(request.customer, agent, kind="DELETE")
    with django_assert_max_num_queries(16):  # three of them the savepoint that a test's own transaction makes
        office.get(reverse("interactions:rights-erasure", args=[deletion.pk]))
    with django_assert_max_num_queries(15):
        office.get(reverse("interactions:rights-retention"))
