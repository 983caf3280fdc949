"""The pages of contacts through the door: start, note, write up, find out who it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from customers.models import Customer
from customers.panels import rendered_panels
from customers.services import add_contact_time
from foundation.audit.models import AuditEntry
from foundation.common import clock
from interactions.models import Interaction
from interactions.services import quick_log, start_contact
from outreach.models import FollowUp
from staff.models import User
from tests.customers.people import customer as with_document
from tests.factories import UnitFactory, UserFactory
from tests.interactions.test_contacts import PHONE, known, own_customer
from tests.outreach.making import queries

ClientFor = Callable[[User], Client]
HX = {"HX-Request": "true"}
CARD_15, CARD_18 = "510681880112031", "510681198801120318"


def local(minutes: int) -> str:
    return (clock.now() + timedelta(minutes=minutes)).astimezone(clock.BUSINESS_ZONE).strftime("%Y-%m-%dT%H:%M")


@pytest.mark.django_db
@pytest.mark.covers("INT-04")
def test_a_note_on_the_customers_page_is_one_field_and_one_key(client_for: ClientFor) -> None:
    agent = UserFactory(role="AGENT", language="en")
    customer = own_customer(agent)
    client, url = client_for(agent), f"/interactions/note/{customer.ref}/"
    assert "Save note" in client.get(url).content.decode()
    answer = client.post(url, {"summary": "asked about the bill"}, headers=HX)
    assert answer.headers["HX-Redirect"] == f"/customers/{customer.ref}/"
    assert Interaction.objects.get().summary == "asked about the bill"
    empty = client.post(url, {"summary": " "}, headers=HX)
    assert empty.status_code == 422
    assert Interaction.objects.count() == 1


@pytest.mark.django_db
def test_the_panel_of_the_note_fetches_its_other_fields_when_unfolded(client_for: ClientFor) -> None:
    agent = UserFactory(role="AGENT", language="en")
    customer = own_customer(agent)
    client, url = client_for(agent), f"/interactions/note/{customer.ref}/"
    panel = client.get(f"/customers/{customer.ref}/").content.decode()
    assert f'hx-get="{url}" hx-trigger="toggle once"' in panel
    assert f'<a href="{url}">' in panel  # the way without script
    assert 'name="topic"' not in panel
    more = client.get(url, headers=HX).content.decode()
    for name in ("topic", "result", "kind", "channel", "next_kind", "next_owner", "next_due", "tell_customer"):
        assert f'name="{name}"' in more
    assert "<form" not in more
    assert 'name="summary"' not in more
    base = f'id="note-{customer.pk % 1_000_000}-'
    assert f"{base}summary" in panel
    assert f"{base}topic" in more


@pytest.mark.django_db
def test_a_refused_note_keeps_every_word_and_saves_nothing(client_for: ClientFor) -> None:
    agent = UserFactory(role="AGENT", language="en")
    customer = own_customer(agent)
    url = f"/interactions/note/{customer.ref}/"
    fields = {"summary": "will ring back", "next_kind": "CALLBACK", "next_subject": "roaming fee"}
    for more in ({"next_owner": agent.pk}, {"next_due": local(60)}, {"next_owner": agent.pk, "next_due": local(-5)}):
        page = client_for(agent).post(url, fields | more, headers=HX)
        assert page.status_code == 422
        assert "will ring back" in page.content.decode()
        assert "roaming fee" in page.content.decode()
    assert not Interaction.objects.exists()
    assert not FollowUp.objects.exists()
    assert not AuditEntry.objects.filter(verb__startswith="contact.").exists()
    kept = client_for(agent).post(url, fields | {"next_owner": agent.pk, "next_due": local(60)})
    assert kept.status_code == 302
    assert FollowUp.objects.get().subject == "roaming fee"
    # A call at a time the customer does not want is asked about once more, for the note and for the write-up alike.
    add_contact_time(customer.pk, actor=agent, wish="AVOID", days="EVERY", starts=time(12), ends=time(14))
    contact = start_contact(actor=agent, customer=customer, channel="HOTLINE")
    noon = (clock.today() + timedelta(days=1)).isoformat() + "T12:30"
    unwanted = {**fields, "next_owner": agent.pk, "next_due": noon}
    for address in (url, f"/interactions/{contact.ref}/log/"):
        page = client_for(agent).post(address, unwanted)
        assert page.status_code == 422 and 'name="despite_wish"' in page.content.decode()
        assert "does not want to be reached then" in page.content.decode() and "will ring back" in page.content.decode()
    assert (FollowUp.objects.count(), Interaction.objects.filter(logged_at__isnull=False).count()) == (1, 1)
    assert client_for(agent).post(url, {**unwanted, "next_kind": "TASK"}).status_code == 302
    assert client_for(agent).post(url, {**unwanted, "despite_wish": "on"}).status_code == 302
    assert FollowUp.objects.filter(kind="CALLBACK").count() == 2


@pytest.mark.django_db
@pytest.mark.covers("INT-06")
def test_starting_a_contact_opens_the_customer_and_guessed_ids_open_nothing(client_for: ClientFor) -> None:
    agent = UserFactory(role="AGENT", language="en")
    customer = known()
    client = client_for(agent)
    fields = {"customer": customer.ref, "channel": "HALL_OWN", "caller": "ON_BEHALF", "verified_by": "ID_DOCUMENT"}
    assert client.get(f"/interactions/start/?customer={customer.ref}").status_code == 404
    assert client.post("/interactions/start/", fields).status_code == 404
    assert client.post("/interactions/start/", fields | {"identifier": "0001111"}).status_code == 404
    assert client.post("/interactions/start/", fields | {"customer": "zzz"}).status_code == 404
    assert client.post("/interactions/start/", fields | {"caller": "UNKNOWN", "identifier": PHONE}).status_code == 422
    assert not Interaction.objects.exists()
    answer = client.post("/interactions/start/", fields | {"identifier": PHONE})
    assert answer.headers["Location"] == f"/customers/{customer.ref}/"
    contact = Interaction.objects.get()
    assert (contact.channel, contact.caller, contact.verified_how) == ("HALL_OWN", "ON_BEHALF", "ID_DOCUMENT")
    assert client.get(f"/interactions/note/{customer.ref}/").status_code == 200
    assert client_for(UserFactory(role="AGENT")).get(f"/interactions/note/{customer.ref}/").status_code == 404


@pytest.mark.django_db
def test_an_old_document_number_of_15_digits_opens_the_customer_the_search_shows(client_for: ClientFor) -> None:
    agent = UserFactory(role="AGENT", language="en")
    customer = with_document(UnitFactory(), "An Old Card", id_number=CARD_18)
    client = client_for(agent)
    found = client.post("/search/", {"q": CARD_15})
    page = client.get(found.headers["Location"]) if found.status_code == 302 else found
    assert f'value="{customer.ref}"' in page.content.decode()
    fields = {"customer": customer.ref, "channel": "HOTLINE", "caller": "CUSTOMER"}
    other = CARD_15[:-1] + "4"
    assert client.post("/interactions/start/", fields | {"identifier": other}).status_code == 404
    assert not Interaction.objects.exists()
    answer = client.post("/interactions/start/", fields | {"identifier": CARD_15})
    assert answer.headers["Location"] == f"/customers/{customer.ref}/"
    assert Interaction.objects.get().out_of_scope

    client.post("/interactions/start/", {"channel": "HOTLINE", "caller": "UNKNOWN"})
    unknown = Interaction.objects.get(customer=None)
    linked = client.post(f"/interactions/{unknown.ref}/customer/", {"identifier": CARD_15, "caller": "CUSTOMER"})
    assert linked.headers["Location"] == f"/customers/{customer.ref}/"


@pytest.mark.django_db
def test_an_unknown_caller_is_noted_found_verified_written_up(client_for: ClientFor) -> None:
    agent = UserFactory(role="AGENT", language="en")
    customer = known()
    client = client_for(agent)
    client.post("/interactions/start/", {"channel": "HOTLINE", "caller": "UNKNOWN"})
    contact = Interaction.objects.get()
    url = f"/interactions/{contact.ref}/"
    assert "Who is it?" in client.get(url).content.decode()
    assert client.post(f"{url}customer/", {"identifier": "13000000000", "caller": "CUSTOMER"}).status_code == 422
    found = client.post(f"{url}customer/", {"identifier": PHONE, "caller": "CUSTOMER"})
    assert found.headers["Location"] == f"/customers/{customer.ref}/"
    assert client.post(f"{url}verify/", {"how": "QUESTIONS"}).status_code == 302
    assert client.post(f"{url}end/").status_code == 302
    assert client.post(f"{url}end/").status_code == 422
    assert "to log" in client.get("/interactions/?view=to-log").content.decode()
    assert client.post(f"{url}log/", {"summary": "", "result": "ANSWERED"}).status_code == 422
    assert client.post(f"{url}log/", {"summary": "told her", "result": "RESOLVED"}).status_code == 302
    assert client.post(f"{url}log/", {"summary": "again"}).status_code == 422
    contact.refresh_from_db()
    assert (contact.customer, contact.resolved_on_spot, contact.summary) == (customer, True, "told her")
    stranger = client_for(UserFactory(role="AGENT"))
    assert stranger.get(url).status_code == 404
    assert stranger.post(f"{url}log/", {"summary": "x"}).status_code == 404


@pytest.mark.django_db
def test_the_customers_page_shows_next_actions_and_the_contact_that_goes_on() -> None:
    agent = UserFactory(role="AGENT", language="en")
    customer = own_customer(agent)
    with translation.override("en"):
        _check_panels(customer, agent)


def _check_panels(customer: Customer, agent: User) -> None:
    panels = rendered_panels(customer, agent)
    assert any('id="contact-note"' in html for html in panels["main"])
    assert not panels["top"]
    start_contact(actor=agent, customer=customer, channel="HOTLINE", verified_by="CODE")
    [strip] = rendered_panels(Customer.objects.get(pk=customer.pk), agent)["top"]
    assert "You are in contact with this customer." in strip
    assert ">verified<" in strip


@pytest.mark.django_db
def test_the_list_costs_the_same_with_ten_contacts_and_with_many(client_for: ClientFor) -> None:
    agent = UserFactory(role="AGENT")
    customer = own_customer(agent)
    client = client_for(agent)

    def take(number: int) -> Any:
        for n in range(number):
            quick_log(actor=agent, customer=customer, summary=f"note {n}")

    take(10)
    few = [queries(client, f"/interactions/?view={view}") for view in ("mine", "to-log", "all", "foreign")]
    take(60)
    many = [queries(client, f"/interactions/?view={view}") for view in ("mine", "to-log", "all", "foreign")]
    assert few == many
    assert max(few) <= 8


@pytest.mark.django_db
def test_the_data_protection_officer_sees_who_opened_customers_of_other_units(client_for: ClientFor) -> None:
    agent, officer = UserFactory(role="AGENT"), UserFactory(role="DPO")
    foreign = start_contact(actor=agent, customer=known(), channel="HOTLINE", identifier=PHONE)
    own = start_contact(actor=agent, customer=own_customer(agent), channel="HOTLINE")
    page = client_for(officer).get("/interactions/?view=foreign").content.decode()
    assert foreign.number in page
    assert own.number not in page
    assert (
        client_for(officer).post("/interactions/start/", {"channel": "HOTLINE", "caller": "UNKNOWN"}).status_code == 403
    )
