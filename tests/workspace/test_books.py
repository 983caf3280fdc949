"""My customers: whose they are, in what order, which of them, and what it costs (D§3.3, D§21.4)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from customers.finding import find_rows_sql, rebuild_find_rows
from customers.models import Customer, CustomerFacts, Need, ProfileField
from customers.services import change_customer
from foundation.common import clock
from outreach.services import owe_followup
from staff.models import Absence, OrgUnit, User
from tests.customers.people import customer
from tests.exports.making import ask, rows_of, work
from tests.factories import CustomerFactory, TeamFactory, TeamMemberFactory, UnitFactory, UserFactory

pytestmark = pytest.mark.django_db
Signed = Callable[[User], Client]
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=clock.BUSINESS_ZONE)


@pytest.fixture(autouse=True)
def _monday(travel: Any) -> Any:
    with travel(NOW):
        yield


@pytest.fixture(autouse=True)
def _files_here(settings: Any, tmp_path: Any) -> None:
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "files")},
        }
    }


@pytest.fixture
def branch() -> OrgUnit:
    return UnitFactory(no=100, last_no=199)


@pytest.fixture
def manager(branch: OrgUnit) -> User:
    return UserFactory(role="ACCOUNT_MANAGER", unit=branch, name="Manager Ma")


def managed(manager: User, name: str, *, quiet: int | None = None, ends: int | None = None, **more: Any) -> Customer:
    """A customer of `manager`: last contact so many days ago, contract ending in so many."""
    row = customer(manager.unit, name, manager=manager, **more)
    CustomerFacts.objects.filter(pk=row.pk).update(
        last_contact_at=None if quiet is None else NOW - timedelta(days=quiet),
        contract_end=None if ends is None else NOW.date() + timedelta(days=ends),
    )
    return row


def listed(client: Client, query: str = "") -> list[str]:
    """Numbers of the customers on the page, in its order."""
    answer = client.get(f"/my-customers/{query}")
    assert answer.status_code == 200, answer.status_code
    return re.findall(r"<span>(CU\d+)</span>", answer.content.decode())


@pytest.mark.covers("ARC-15")
def test_the_list_says_what_a_manager_looks_at(client_for: Signed, manager: User) -> None:
    row = managed(manager, "王小明", quiet=100, ends=20, birth_date=date(1980, 11, 25))
    CustomerFacts.objects.filter(pk=row.pk).update(tier="GOLD")
    Need.objects.create(customer=row, text="Second line", state="NEW")
    Need.objects.create(customer=row, text="Old wish", state="MET")
    owe_followup(
        customer=row, kind="VISIT", owner=manager, due_at=NOW + timedelta(days=9), subject="Later", actor=manager
    )
    first = owe_followup(
        customer=row, kind="CALLBACK", owner=manager, due_at=NOW + timedelta(days=1), subject="Soon", actor=manager
    )
    page = client_for(manager).get("/my-customers/").content.decode()
    assert "王*明" in page and "王小明" not in page
    for words in ("Gold", "20 days left", "Callback", "26 %", "Target 70 %"):
        assert words in page, words
    assert f"/followups/{first.ref}/" in page or first.ref in page
    assert page.count(">1</td>") == 1  # one open need
    assert '<button class="btn -s" form="call" name="customer"' in page
    assert page.index('form="call"') < page.index(f"customer={row.ref}") < page.index("/interactions/note/")


def test_calling_starts_a_contact_that_opens_the_number(client_for: Signed, manager: User) -> None:
    row = managed(manager, "王小明", mobile="13800138000")
    client = client_for(manager)
    data = {"customer": row.ref, "channel": "HOTLINE", "direction": "OUTBOUND", "caller": "CUSTOMER"}
    answer = client.post("/interactions/start/", data)
    assert answer.status_code == 302
    assert "13800138000" in client.get(answer["Location"]).content.decode().replace(" ", "")


def test_orders(client_for: Signed, manager: User) -> None:
    a = managed(manager, "赵一", quiet=5, ends=10)
    b = managed(manager, "王二", quiet=50, ends=None)
    c = managed(manager, "李三", quiet=None, ends=300)
    client = client_for(manager)
    assert listed(client) == [c.number, b.number, a.number]
    assert listed(client, "?sort=contract") == [a.number, c.number, b.number]
    assert listed(client, "?sort=name") == [c.number, b.number, a.number]


@pytest.mark.parametrize("sort", ["contact", "contract", "name"])
def test_pages_of_every_order_hold_each_customer_once(client_for: Signed, manager: User, sort: str) -> None:
    numbers = {managed(manager, f"N{n % 7}", quiet=n % 5 or None, ends=n % 4 or None).number for n in range(120)}
    client, found, query = client_for(manager), [], f"?sort={sort}"
    while query:
        page = client.get(f"/my-customers/{query}").content.decode()
        found += re.findall(r"<span>(CU\d+)</span>", page)
        nexts = re.findall(r'href="(\?[^"]*after=[^"]*)"', page)
        query = nexts[0].replace("&amp;", "&") if nexts else ""
    assert len(found) == 120 and set(found) == numbers


def test_filters_and_figures_open_the_rows_behind(client_for: Signed, manager: User) -> None:
    quiet = managed(manager, "Quiet", quiet=95)
    never = managed(manager, "Never")
    ends = managed(manager, "Ends", quiet=1, ends=59)
    managed(manager, "Ended", quiet=1, ends=-1)
    born = managed(manager, "Born", quiet=1, birth_date=date(1990, 11, 28))
    ProfileField.objects.create(
        customer=born, key="INTERESTS", value="Chess", source="talk", purpose="care", consent_evidence="asked"
    )
    client = client_for(manager)
    expected = {
        "quiet=90": {quiet.number, never.number},
        "ends=60": {ends.number},
        "birthday=7": {born.number},
        "complete=low": set(Customer.objects.values_list("number", flat=True)),
    }
    for query, numbers in expected.items():
        assert set(listed(client, f"?{query}")) == numbers, query
    page = client.get("/my-customers/").content.decode()
    figures = re.findall(r'<a class="card kpi[^"]*" href="([^"]+)">.*?<span class="kpi-v">(\d+)', page, re.S)
    assert len(figures) == 5
    for href, number in figures:
        rows = listed(client, href.removeprefix("/my-customers/").replace("&amp;", "&"))
        assert len(rows) == int(number), href
    assert listed(client, "?quiet=90&ends=60") == []
    assert "No customer fits these filters." in client.get("/my-customers/?quiet=90&ends=60").content.decode()


def test_only_the_own_customers(client_for: Signed, manager: User) -> None:
    mine = managed(manager, "Mine")
    other = UserFactory(role="ACCOUNT_MANAGER", unit=manager.unit)
    managed(other, "Other")
    client = client_for(manager)
    assert listed(client) == [mine.number]
    assert client.get(f"/my-customers/?manager={other.pk}").status_code == 404
    assert client.get("/my-customers/?manager=999999").status_code == 404


@pytest.mark.covers("ARC-15")
def test_while_a_manager_is_absent_the_substitute_sees_the_list(client_for: Signed, manager: User) -> None:
    row = managed(manager, "Theirs")
    stand_in = UserFactory(role="ACCOUNT_MANAGER", unit=UnitFactory(no=300, last_no=300))
    client = client_for(stand_in)
    assert client.get(f"/my-customers/?manager={manager.pk}").status_code == 404
    away = Absence.objects.create(
        user=manager,
        reason="LEAVE",
        starts_at=NOW - timedelta(days=1),
        ends_at=NOW + timedelta(days=5),
        delegate=stand_in,
    )
    assert listed(client) == []
    page = client.get(f"/my-customers/?manager={manager.pk}").content.decode()
    assert row.number in page and "You stand in for Manager Ma until Sat, Nov 28" in page
    file = work(ask(stand_in, "my-customers", query={"manager": str(manager.pk)}, columns=["number", "manager"]))
    assert rows_of(file) == [[row.number, "Manager Ma"]]
    Absence.objects.filter(pk=away.pk).update(ends_at=NOW - timedelta(hours=1))
    assert client.get(f"/my-customers/?manager={manager.pk}").status_code == 404


def test_a_stand_in_who_manages_nobody_sees_the_list_too(client_for: Signed, manager: User) -> None:
    row = managed(manager, "Theirs")
    agent = UserFactory(role="AGENT", unit=UnitFactory(no=300, last_no=300))
    assert "You manage no customers" in client_for(agent).get("/my-customers/").content.decode()
    Absence.objects.create(user=manager, reason="RESIGNED", starts_at=NOW - timedelta(days=1), delegate=agent)
    assert listed(client_for(agent)) == [row.number]


def test_a_lead_sees_the_managers_and_their_lists(client_for: Signed, manager: User) -> None:
    row = managed(manager, "Theirs", quiet=200)
    lead = UserFactory(role="TEAM_LEAD", unit=manager.unit)
    TeamMemberFactory(team=TeamFactory(lead=lead), user=manager)
    head = UserFactory(role="DEPT_HEAD", unit=manager.unit)
    far = UserFactory(role="DEPT_HEAD", unit=UnitFactory(no=500, last_no=599))
    for person in (lead, head):
        client = client_for(person)
        assert client.get("/my-customers/").status_code == 302
        page = client.get("/my-customers/managers/").content.decode()
        assert "Manager Ma" in page and f"manager={manager.pk}&amp;quiet=90" in page
        assert listed(client, f"?manager={manager.pk}") == [row.number]
    assert "Manager Ma" not in client_for(far).get("/my-customers/managers/").content.decode()
    assert client_for(far).get(f"/my-customers/?manager={manager.pk}").status_code == 404


@pytest.mark.covers("ARC-15")
def test_a_lead_sees_by_when_the_customers_of_one_who_left_need_another(client_for: Signed, manager: User) -> None:
    managed(manager, "Theirs")
    head = UserFactory(role="DEPT_HEAD", unit=manager.unit)
    Absence.objects.create(user=manager, reason="RESIGNED", starts_at=NOW - timedelta(hours=1))
    page = client_for(head).get("/my-customers/managers/").content.decode()
    assert "Fri, Nov 27 18:00" in page and "new manager by" in page and f"/admin/people/{manager.pk}/work/" in page
    with clock.travel(NOW + timedelta(days=8)):
        assert "new manager overdue" in client_for(head).get("/my-customers/managers/").content.decode()


def test_the_facts_follow_the_manager(manager: User) -> None:
    other = UserFactory(role="ACCOUNT_MANAGER", unit=manager.unit)
    row = managed(manager, "Moves")
    assert CustomerFacts.objects.get(pk=row.pk).manager_id == manager.pk
    change_customer(row.pk, actor=manager, version=row.version, changes={"manager_id": other.pk})
    assert CustomerFacts.objects.get(pk=row.pk).manager_id == other.pk
    Customer.objects.filter(pk=row.pk).update(manager=None)
    find_rows_sql(f"SELECT {row.pk}")
    assert CustomerFacts.objects.get(pk=row.pk).manager_id is None
    Customer.objects.filter(pk=row.pk).update(manager=manager)
    rebuild_find_rows([row.pk])
    assert CustomerFacts.objects.get(pk=row.pk).manager_id == manager.pk


def test_the_page_costs_the_same_with_many(client_for: Signed, manager: User) -> None:
    client = client_for(manager)
    managed(manager, "One", quiet=3)
    client.get("/my-customers/")
    counts = []
    for more in (0, 60):
        for n in range(more):
            row = managed(manager, f"N{n}", quiet=n)
            owe_followup(
                customer=row, kind="TASK", owner=manager, due_at=NOW + timedelta(days=1), subject="x", actor=manager
            )
        with CaptureQueriesContext(connection) as asked:
            assert client.get("/my-customers/").status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 12, counts


def test_a_damaged_place_leads_to_the_beginning(client_for: Signed, manager: User) -> None:
    managed(manager, "One")
    answer = client_for(manager).get("/my-customers/?after=xxx")
    assert answer.status_code == 302 and answer["Location"] == "/my-customers/"


def test_bad_filters_are_said(client_for: Signed, manager: User) -> None:
    managed(manager, "One")
    page = client_for(manager).get("/my-customers/?quiet=soon").content.decode()
    assert "Select a valid choice" in page


def test_customers_without_a_manager_are_nobodys(client_for: Signed, manager: User) -> None:
    CustomerFactory(unit=manager.unit)
    assert listed(client_for(manager)) == []
