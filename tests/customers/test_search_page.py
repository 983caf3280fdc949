"""The search box and its page: nothing typed stands in an address, others' customers are one masked line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from customers.models import FindNumber, SearchLink
from foundation.common import clock
from outreach.services import owe_followup
from staff.models import User
from tests.customers.people import Operator, customer
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
WANG = "\u738b\u5c0f\u660e"


def ask(client: Client, text: str) -> tuple[str, str]:
    """The address a search leads to, and its page without the marks of what matched."""
    answer = client.post("/search/", {"q": text})
    assert answer.status_code == 302, answer.content[:300]
    page = client.get(answer["Location"]).content.decode()
    return answer["Location"], page.replace("<mark>", "").replace("</mark>", "")


def test_one_visible_match_opens_the_customer(op: Operator, client_for: ClientFor) -> None:
    row = customer(op.hall, WANG, mobile="13800138000")
    client = client_for(op.clerk)
    assert client.post("/search/", {"q": "138 0013 8000"})["Location"] == f"/customers/{row.ref}/"
    assert not SearchLink.objects.exists()
    first = client.post("/search/", {"q": WANG})
    link = SearchLink.objects.get()
    assert first["Location"] == f"/search/{link.token}/"
    assert (link.user_id, link.query) == (op.clerk.pk, WANG)
    assert client.get(first["Location"])["Location"] == f"/customers/{row.ref}/"


def test_a_number_of_two_customers_is_listed_though_the_newer_has_it_twice(op: Operator, client_for: ClientFor) -> None:
    one = customer(op.hall, WANG, mobile="13800138000")
    two = customer(op.hall, "\u738b\u5c0f\u7ea2", mobile="13800138000", source="BOSS", source_no="13800138000")
    assert FindNumber.objects.filter(customer_id=two.pk, value="13800138000").count() == 2
    address, page = ask(client_for(op.clerk), "13800138000")
    assert address.startswith("/search/")
    for row in (one, two):
        assert f'href="/customers/{row.ref}/"' in page


def test_several_matches_are_listed_masked_with_how_they_were_found(op: Operator, client_for: ClientFor) -> None:
    one = customer(op.hall, WANG, home_city="Sanya")
    two = customer(op.hall, "\u738b\u5c0f\u7ea2")
    _address, page = ask(client_for(op.clerk), "\u738b\u5c0f")
    for row, masked in ((one, "\u738b*\u660e"), (two, "\u738b*\u7ea2")):
        assert f'href="/customers/{row.ref}/"' in page
        assert masked in page and row.number in page
    assert WANG not in page
    assert "Sanya" in page and "Active" in page and "beginning of the name" in page
    assert "Start contact" not in page


def test_another_units_customer_is_one_masked_line_with_start_contact(op: Operator, client_for: ClientFor) -> None:
    other = customer(op.elsewhere, WANG, mobile="13800138000", home_city="Sanya", number="CU20260105000099")
    _address, page = ask(client_for(op.clerk), "13800138000")
    assert "\u738b*\u660e" in page and "Start contact" in page
    assert f'name="customer" value="{other.ref}"' in page
    assert f"/customers/{other.ref}/" not in page
    for hidden in (WANG, "Sanya", other.number):
        assert hidden not in page


def test_start_contact_opens_the_customer(op: Operator, client_for: ClientFor) -> None:
    other = customer(op.elsewhere, WANG, mobile="13800138000")
    client = client_for(op.clerk)
    assert client.get(f"/customers/{other.ref}/").status_code == 404
    form = {"customer": other.ref, "identifier": "13800138000", "caller": "CUSTOMER", "channel": "HALL_OWN"}
    assert client.post("/interactions/start/", form).status_code == 302
    assert client.post("/search/", {"q": "13800138000"})["Location"] == f"/customers/{other.ref}/"


def test_who_takes_no_contacts_sees_the_line_without_the_button(op: Operator, client_for: ClientFor) -> None:
    manager = UserFactory(role="FINANCE_DUNNING", unit=op.hall, language="en")
    customer(op.elsewhere, WANG)
    customer(op.elsewhere, "\u738b\u5c0f\u7ea2")
    _address, page = ask(client_for(manager), "\u738b\u5c0f")
    assert "\u738b*\u660e" in page and "Start contact" not in page
    _address, page = ask(client_for(manager), "zzzz")
    assert "Nobody was found." in page and "/interactions/start/" not in page


def test_nobody_found_offers_an_anonymous_contact(op: Operator, client_for: ClientFor) -> None:
    customer(op.elsewhere, WANG)
    _address, page = ask(client_for(op.clerk), "\u738b\u5c0f")
    assert "Nobody was found." in page and 'href="/interactions/start/"' in page
    assert "\u738b*\u660e" not in page


def test_a_long_list_ends_and_says_so(op: Operator, client_for: ClientFor) -> None:
    for n in range(26):
        customer(op.hall, f"\u674e\u5f3a{n:02d}")
    _address, page = ask(client_for(op.clerk), "\u674e\u5f3a")
    assert page.count('data-main href="/customers/') == 25
    assert "The first 25 are shown." in page


@pytest.mark.parametrize(("text", "words"), [("", "Type a number"), ("   ", "Type a number"), ("x" * 81, "At most 80")])
def test_what_cannot_be_kept_is_refused_in_words(op: Operator, client_for: ClientFor, text: str, words: str) -> None:
    answer = client_for(op.clerk).post("/search/", {"q": text})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not SearchLink.objects.exists()


def test_one_character_is_refused_in_words(op: Operator, client_for: ClientFor) -> None:
    client = client_for(op.clerk)
    answer = client.get(client.post("/search/", {"q": "\u738b"})["Location"])
    assert answer.status_code == 422
    assert "One character finds too many" in answer.content.decode()


def test_a_link_is_its_owners_alone_and_lives_an_hour(op: Operator, client_for: ClientFor, travel) -> None:  # type: ignore[no-untyped-def]
    customer(op.hall, WANG)
    customer(op.hall, "\u738b\u5c0f\u7ea2")
    start = clock.now()
    client = client_for(op.clerk)
    address, page = ask(client, "\u738b\u5c0f")
    assert "\u738b*\u660e" in page
    stranger = client_for(op.head).get(address)
    assert stranger.status_code == 404 and "\u738b*\u660e" not in stranger.content.decode()
    with travel(start + timedelta(minutes=59)):
        assert client_for(op.clerk).get(address).status_code == 200
    with travel(start + timedelta(minutes=61)):
        late = client_for(op.clerk).get(address)
    assert late.status_code == 404 and "no longer kept" in late.content.decode()
    assert client.get("/search/unknown/").status_code == 404


def test_the_box_is_closed_to_those_who_find_nobody(op: Operator, client_for: ClientFor) -> None:
    marketing = client_for(UserFactory(role="MARKETING", unit=op.hall, language="en"))
    assert marketing.post("/search/", {"q": WANG}).status_code == 403
    assert marketing.get("/search/x/").status_code == 403
    assert not SearchLink.objects.exists()


def test_a_long_result_costs_as_many_queries_as_a_short_one(op: Operator, client_for: ClientFor) -> None:
    client = client_for(op.clerk)
    customer(op.hall, "\u674e\u5f3a00")
    customer(op.hall, "\u674e\u5f3a01")
    address, _page = ask(client, "\u674e\u5f3a")
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for n in range(2, 27):
        customer(op.hall, f"\u674e\u5f3a{n:02d}")
    with CaptureQueriesContext(connection) as many:
        client.get(address)
    assert len(many) <= len(few)


def test_customers_opened_outside_the_scope_cost_one_query_however_many(op: Operator, client_for: ClientFor) -> None:
    client = client_for(op.clerk)

    def opened(low: int, high: int) -> None:
        for n in range(low, high):
            row = customer(op.elsewhere, f"\u674e\u5f3a{n:02d}")
            owe_followup(owner=op.clerk, customer=row, kind="CALLBACK", subject="x", due_at=clock.now(), actor=None)

    opened(0, 2)
    address, page = ask(client, "\u674e\u5f3a")
    assert page.count("data-main") == 2
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    opened(2, 9)
    with CaptureQueriesContext(connection) as many:
        page = client.get(address).content.decode()
    assert page.count("data-main") == 9
    assert len(many) <= len(few)
