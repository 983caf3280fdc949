"""The command palette: nothing the menus and the search box would not show."""

from __future__ import annotations

import re

import pytest

from customers.finding import rebuild_find_rows
from customers.models import SearchLink
from customers.panels import actions_for
from interactions.services import start_contact
from staff.models import User
from tests.complaints.making import case_in
from tests.factories import CustomerFactory, SubscriptionFactory
from tests.workspace.making import enter, person, queries

pytestmark = pytest.mark.django_db
NAME, MASKED = "\u738b\u5c0f\u5a1f", "\u738b*\u5a1f"


def ask(user: User, text: str = "", *, page: str = "/") -> str:
    """What the palette answers to `text` on `page`."""
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{page}"}
    response = enter(user).post("/palette/", {"q": text}, headers=headers)
    assert response.status_code == 200 and response.headers["Cache-Control"] == "no-store"
    return response.content.decode()


def links(html: str) -> list[str]:
    return re.findall(r'href="([^"]*)"', html)


def a_customer(**fields):
    customer = CustomerFactory(name=NAME, **fields)
    line = SubscriptionFactory(customer=customer)
    rebuild_find_rows([customer.pk])
    return customer, line.service_no


def test_customers_of_the_own_scope_are_found_by_number_and_name_and_masked():
    agent = person("AGENT")
    customer, number = a_customer(unit=agent.unit)
    for text in (number, number[-4:], NAME[:2], "wangxiaojuan", customer.number):
        html = ask(agent, text)
        assert f"/customers/{customer.ref}/" in links(html), text
        assert MASKED in html and NAME not in html and number not in html


def test_another_branchs_customer_is_found_by_a_full_number_only_and_leads_to_the_results():
    agent = person("AGENT")
    customer, number = a_customer()
    for text in (number[-4:], NAME, number[:6]):
        assert MASKED not in ask(agent, text)
    assert not SearchLink.objects.exists()
    html = ask(agent, number)
    link = SearchLink.objects.get()
    assert links(html)[0] == f"/search/{link.token}/"
    assert "Looked after by another unit" in html and MASKED in html
    assert customer.ref not in html and customer.number not in html and NAME not in html
    assert link.user_id == agent.pk and link.query == number


def test_one_character_and_a_role_that_finds_nobody_search_nothing():
    agent = person("AGENT")
    customer, number = a_customer(unit=agent.unit)
    assert customer.ref not in ask(agent, NAME[0])
    assert customer.ref not in ask(person("SYS_ADMIN", unit=agent.unit), number)
    assert "Nothing found" in ask(agent, "zzzzzz nothing of this kind")


def test_actions_belong_to_the_customer_whose_page_is_open_and_visible():
    agent = person("AGENT")
    customer, _number = a_customer(unit=agent.unit)
    stranger, _other = a_customer()
    expected = [action.url(customer) for action in actions_for(agent)]
    assert expected and set(expected) <= set(links(ask(agent, page=f"/customers/{customer.ref}/")))
    for page in ("/", f"/customers/{stranger.ref}/", "/customers/zzzzzzzzzzzzz/", "http://[", "/no/such/page/"):
        assert "On this page" not in ask(agent, page=page), page


def test_places_are_those_of_the_menu():
    agent, lead, admin = person("AGENT"), person("TEAM_LEAD"), person("SYS_ADMIN")
    for user in (agent, lead, admin):
        menu = set(re.findall(r'class="nav-a" href="([^"]+)"', enter(user).get("/").content.decode()))
        assert menu and menu <= set(links(ask(user)))
    assert "/team/" not in links(ask(agent)) and "/team/" in links(ask(lead))
    assert "/admin/audit/" not in links(ask(lead)) and "/admin/audit/" in links(ask(admin))
    assert links(ask(lead, "team board")) == ["/team/"]
    assert "/customers/new/" not in links(ask(admin)) and "/customers/new/" in links(ask(agent))


def test_an_own_contact_opens_the_customer_to_the_palette_too():
    agent = person("AGENT")
    customer, number = a_customer()
    start_contact(actor=agent, customer=customer, channel="HOTLINE", identifier=number)
    assert f"/customers/{customer.ref}/" in links(ask(agent, number))


def test_it_is_a_post_for_those_with_a_desk_and_its_cost_is_bounded():
    agent = person("AGENT")
    client = enter(agent)
    assert client.get("/palette/").status_code == 405
    assert enter(person("VENDOR")).post("/palette/").status_code == 403
    for _ in range(12):
        a_customer(unit=agent.unit)
    client.post("/palette/", {"q": NAME})
    with queries() as seen:
        html = client.post("/palette/", {"q": NAME}).content.decode()
    assert html.count(MASKED) == 6
    assert len(seen) <= 12


def test_a_full_case_number_opens_the_case_or_shows_one_masked_line():
    agent = person("AGENT")
    own = case_in(owner=agent, handler=agent, subject="Signal weak at home")
    stranger = person("COMPLAINT_HANDLER")
    customer, _number = a_customer()
    far = case_in(owner=stranger, handler=stranger, customer=customer, subject="Secret words")
    html = ask(agent, own.number)
    assert links(html)[0] == f"/complaints/{own.ref}/" and "Signal weak at home" in html
    assert f"/complaints/{own.ref}/" not in links(ask(agent, own.number[:-1]))
    html = ask(agent, far.number.lower())
    link = SearchLink.objects.get()
    assert links(html)[0] == f"/search/{link.token}/" and "Looked after by another unit" in html
    page = enter(agent).get(f"/search/{link.token}/").content.decode()
    assert far.number in page and MASKED in page and stranger.unit.name in page
    assert NAME not in page and "Secret words" not in page and far.ref not in page
    answer = enter(agent).post("/search/", {"q": own.number})
    assert answer.status_code == 302 and answer["Location"] == f"/complaints/{own.ref}/"
    # One complained of learns nothing of it.
    accused = case_in(owner=stranger, handler=stranger, about_staff=agent)
    assert accused.number not in ask(agent, accused.number)
