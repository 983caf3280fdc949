"""Recently viewed customers on the desk: who was opened last, by whom, and only as long as they may be seen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers.models import Customer, RecentlyViewed
from customers.recent import note_viewed, recently_viewed
from foundation.audit.models import AuditEntry
from foundation.common import clock
from interactions.services import end_contact, start_contact
from staff.models import User
from tests.customers.people import Operator, customer, operator
from tests.factories import UserFactory
from tests.racing import race

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
HOME = "/"


@pytest.fixture
def op() -> Operator:
    return operator()


def page(row: Customer) -> str:
    return reverse("customers:customer-detail", args=[row.pk])


def shown(client: Client) -> list[str]:
    return [row.name for row in client.get(HOME).context["viewed"]]


def test_the_desk_shows_whom_i_opened_last_masked_and_nobody_else(op: Operator, client_for: ClientFor) -> None:
    rows = [customer(op.hall, name) for name in ("王小娟", "李四光", "赵六七")]
    client = client_for(op.clerk)
    assert "Customers whose page you open appear here." in client.get(HOME).content.decode()
    for row in (*rows, rows[0]):
        assert client.get(page(row)).status_code == 200
    assert shown(client) == ["王小娟", "赵六七", "李四光"]
    html = client.get(HOME).content.decode()
    assert "王*娟" in html and "王小娟" not in html
    assert f'href="{page(rows[0])}"' in html
    assert shown(client_for(op.head)) == []
    assert list(RecentlyViewed.objects.values_list("user_id", "customer_ids")) == [
        (op.clerk.pk, [rows[0].pk, rows[2].pk, rows[1].pk])
    ]


def test_who_is_no_longer_visible_disappears(op: Operator, client_for: ClientFor) -> None:
    near, moved = customer(op.hall, "王小娟"), customer(op.hall, "李四光")
    client = client_for(op.clerk)
    for row in (near, moved):
        client.get(page(row))
    Customer.objects.filter(pk=moved.pk).update(unit_id=op.elsewhere.pk, unit_no=op.elsewhere.no)
    assert shown(client) == ["王小娟"]
    assert moved.number not in client.get(HOME).content.decode()


def test_a_customer_of_another_branch_stays_as_long_as_the_contact_opens_it(
    op: Operator, client_for: ClientFor, travel: Callable
) -> None:
    far = customer(op.elsewhere, "李四光", mobile="13900139000")
    client = client_for(op.clerk)
    assert client.get(page(far)).status_code == 404
    assert shown(client) == []
    contact = start_contact(actor=op.clerk, customer=far, channel="HALL_OWN", identifier="13900139000")
    client.get(page(far))
    assert shown(client) == ["李四光"]
    end_contact(contact.pk, actor=op.clerk)
    with travel(clock.now() + timedelta(hours=25)):
        assert recently_viewed(User.objects.get(pk=op.clerk.pk), most=6) == []


def test_a_fragment_and_a_refused_page_note_nobody(op: Operator, client_for: ClientFor) -> None:
    row = customer(op.hall, "王小娟")
    client = client_for(op.clerk)
    client.get(reverse("customers:customer-timeline", args=[row.pk]), HTTP_HX_REQUEST="true")
    client.get("/customers/0/")
    assert not RecentlyViewed.objects.exists()
    client.get(page(row))
    assert not AuditEntry.objects.filter(customer_id=row.pk).exists()


def test_twelve_are_kept_and_six_shown(op: Operator) -> None:
    rows = [customer(op.hall, f"Kind {n}") for n in range(15)]
    for row in rows:
        note_viewed(op.clerk, row.pk)
    newest = [row.pk for row in reversed(rows)]
    assert RecentlyViewed.objects.get().customer_ids == newest[:12]
    assert [row.pk for row in recently_viewed(op.clerk, most=6)] == newest[:6]


def test_one_statement_notes_and_one_reads_however_many(op: Operator) -> None:
    rows = [customer(op.hall, f"Kind {n}") for n in range(12)]
    recently_viewed(op.clerk, most=6)
    for count in (1, 12):
        with CaptureQueriesContext(connection) as queries:
            for row in rows[:count]:
                note_viewed(op.clerk, row.pk)
        assert len(queries) == count
        with CaptureQueriesContext(connection) as queries:
            assert len(recently_viewed(op.clerk, most=12)) == count
        assert len(queries) == 1


@pytest.mark.django_db(transaction=True)
def test_two_tabs_at_once_lose_nobody(op: Operator) -> None:
    one, other = customer(op.hall, "A B"), customer(op.hall, "C D")
    outcomes = race(*(lambda pk=pk: note_viewed(op.clerk, pk) for pk in (one.pk, other.pk)))
    assert outcomes == [None, None]
    assert sorted(RecentlyViewed.objects.get().customer_ids) == sorted([one.pk, other.pk])


def test_who_sees_no_customers_has_no_such_part(client_for: ClientFor) -> None:
    answer = client_for(UserFactory(role="POLICY_ADMIN", language="en")).get(HOME)
    assert answer.context["viewed"] is None
    assert "Recently viewed" not in answer.content.decode()
