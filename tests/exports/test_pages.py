"""The pages about exports, from the button on a list to the file."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from foundation.audit.models import AuditEntry
from foundation.policies.services import set_policy
from staff.exports.models import Export
from staff.models import User
from tests.customers.people import customer
from tests.exports.conftest import House
from tests.exports.making import ask, work
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db
Signed = Callable[[User], Client]
NEW = "/exports/new/customers/"


def send(client: Client, query: str = "", **given: object) -> Export:
    data = {"columns": ["number", "name"], "file_format": "CSV", "purpose": "Review", "token": "abc"} | given
    answer = client.post(f"{NEW}{query}", data)
    assert answer.status_code == 302, answer.content.decode()
    return Export.objects.get(pk=int(Export.objects.values_list("pk", flat=True).latest("pk")))


@pytest.mark.covers("CLS-20")
def test_from_the_button_to_the_file(client_for: Signed, house: House) -> None:
    client = client_for(house.head)
    customer(house.branch, "Other", home_city="Ningbo")
    page = client.get("/customers/?city=Ningbo").content.decode()
    assert f'href="{NEW}?city=Ningbo"' in page
    form = client.get(f"{NEW}?city=Ningbo").content.decode()
    assert "Ningbo" in form and "<dd>1</dd>" in form
    export = send(client, "?city=Ningbo")
    shown = client.get(reverse("exports:export-detail", args=[export.pk])).content.decode()
    assert export.number in shown and "Ningbo" in shown and "Download" not in shown
    work(export)
    shown = client.get(reverse("exports:export-detail", args=[export.pk])).content.decode()
    file_page = reverse("exports:export-file", args=[export.pk])
    assert f'href="{file_page}"' in shown
    answer = client.get(file_page)
    content = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()  # type: ignore[attr-defined]
    assert len(content) == 2 and content[1].endswith(",O***")
    assert answer["Content-Disposition"] == f'attachment; filename="{export.number}.csv"'
    assert AuditEntry.objects.filter(verb="export.downloaded", actor_id=house.head.pk).count() == 1


def test_those_who_may_not_export_see_no_button_and_no_form(client_for: Signed, house: House) -> None:
    client = client_for(house.agent)
    assert NEW not in client.get("/customers/").content.decode()
    assert client.get(NEW).status_code == client.post(NEW, {}).status_code == 403
    assert client_for(house.head).get("/exports/new/secrets/").status_code == 404


def test_a_wrong_form_keeps_what_was_typed(client_for: Signed, house: House) -> None:
    answer = client_for(house.head).post(NEW, {"columns": ["city"], "file_format": "CSV", "token": "t", "purpose": ""})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'value="city" id="id_columns_6" checked' in page
    assert not Export.objects.exists()


def test_an_officer_approves_on_the_page(client_for: Signed, house: House) -> None:
    export = send(client_for(house.manager), columns=["number"], clear=["name"])
    assert (export.approval, export.columns) == ("ASKED", ["number", "name"])
    officer = client_for(house.officer)
    listed = officer.get("/exports/approvals/").content.decode()
    assert export.number in listed and house.manager.name in listed
    page = reverse("exports:export-detail", args=[export.pk])
    assert "Approve" in officer.get(page).content.decode()
    assert "Approve" not in client_for(house.manager).get(page).content.decode()
    decide = reverse("exports:approval-decide", args=[export.pk])
    assert client_for(house.manager).post(decide, {"approve": "yes"}).status_code == 403
    refused = officer.post(decide, {"approve": "no", "note": ""})
    assert refused.status_code == 422 and "Say why" in refused.content.decode()
    assert officer.post(decide, {"approve": "yes", "note": "Only for the mailing"}).status_code == 302
    work(export)
    file_page = reverse("exports:export-file", args=[export.pk])
    assert officer.get(file_page).status_code == 404
    assert client_for(house.manager).get(file_page).status_code == 200
    assert export.number not in officer.get("/exports/approvals/").content.decode()


def test_the_page_says_that_a_large_list_needs_approval(client_for: Signed, house: House) -> None:
    set_policy("exports.rows_alone", 1, actor=None)
    CustomerFactory(unit=house.branch)
    page = client_for(house.head).get(NEW).content.decode()
    assert "This file is large" in page and "<dd>1+</dd>" in page


def test_somebody_elses_export_is_not_there(client_for: Signed, house: House) -> None:
    export = work(ask(house.head))
    client = client_for(house.lead)
    for name in ("export-detail", "export-file"):
        assert client.get(reverse(f"exports:{name}", args=[export.pk])).status_code == 404
    assert client.post(reverse("exports:export-stop", args=[export.pk])).status_code == 404
    assert export.number not in client.get("/exports/").content.decode()


def test_the_page_of_runs_gives_no_exported_file(client_for: Signed, house: House) -> None:
    export = work(ask(house.head))
    assert export.run is not None
    client = client_for(house.head)
    assert client.get(reverse("workspace:run-file", args=[export.run.pk, "result"])).status_code == 404
    shown = client.get(reverse("workspace:run-detail", args=[export.run.pk])).content.decode()
    assert reverse("exports:export-detail", args=[export.pk]) in shown


def test_a_waiting_request_is_taken_back(client_for: Signed, house: House) -> None:
    export = send(client_for(house.manager), columns=["name"], clear=["name"])
    assert client_for(house.manager).post(reverse("exports:export-stop", args=[export.pk])).status_code == 302
    assert Export.objects.get(pk=export.pk).approval == "WITHDRAWN"


@pytest.mark.parametrize("address", ["/exports/", "/exports/approvals/"])
def test_lists_cost_the_same_with_many(client_for: Signed, house: House, address: str) -> None:
    client = client_for(house.officer)
    ask(house.manager, clear=["name"])
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for _n in range(20):
        ask(house.manager, clear=["name"])
    with CaptureQueriesContext(connection) as many:
        assert client.get(address).status_code == 200
    assert len(many) == len(few) <= 15


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_pages_in_both_languages(client_for: Signed, house: House, language: str) -> None:
    export = ask(house.manager, clear=["name"])
    client = client_for(house.officer)
    User.objects.update(language=language)
    for path in ("/exports/", "/exports/approvals/", reverse("exports:export-detail", args=[export.pk])):
        assert client.get(path).status_code == 200
