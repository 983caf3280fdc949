"""What it costs to find birthdays among many people: no scan of the archive, the greetings of a day by their index."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers.birthdays import between, birthday_of, coming_page, greeted_on, keys_of, with_birthday
from customers.copying import copy_rows, ids_at
from customers.models import Customer
from foundation.common import clock
from foundation.common.errors import RuleBroken
from staff.models import User
from tests.customers.test_search_plans import nodes, plan_of, visited
from tests.factories import CustomerFactory, UnitFactory, UserFactory

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
SIZE = 20_000


@pytest.fixture(scope="module")
def many(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, User]]:
    """20,000 people of 100 halls, a tenth with a birthday by the moon."""
    from django.db import transaction

    with django_db_blocker.unblock(), transaction.atomic():
        top = UnitFactory(no=1, last_no=9_999)
        hall = UnitFactory(parent=top, no=1_005, last_no=1_005)
        branch = UnitFactory(parent=top, no=1_000, last_no=1_099)
        users = {
            "company": UserFactory(role="GM", unit=top),
            "branch": UserFactory(role="DEPT_HEAD", unit=branch),
            "hall": UserFactory(role="HALL_CLERK", unit=hall),
        }
        draw, now = random.Random(3), clock.now()
        one = CustomerFactory(unit=hall)
        skip = {"id", "number", "unit_id", "unit_no", "birth_date", "birthday_kind", "lunar_month", "lunar_day"}
        common = {f.attname: getattr(one, f.attname) for f in Customer._meta.concrete_fields if f.attname not in skip}
        common = {name: value for name, value in common.items() if value is not None}
        columns = [*sorted(skip), *common]
        rows = []
        for n, key in enumerate(ids_at([now] * SIZE)):
            born = date(1940, 1, 1) + timedelta(days=draw.randrange(25_000))
            unit_no = 1_000 + draw.randrange(10) * 100 + draw.randrange(10)
            by_moon = n % 10 == 0
            own = {
                "id": key,
                "number": f"CU20250101{n:06d}",
                "unit_id": unit_no,
                "unit_no": unit_no,
                "birth_date": born,
                "birthday_kind": "LUNAR" if by_moon else "SOLAR",
                "lunar_month": born.month if by_moon else None,
                "lunar_day": min(born.day, 29) if by_moon else None,
            }
            rows.append([*(own[name] for name in sorted(skip)), *common.values()])
        copy_rows(Customer, columns, rows)
        with connection.cursor() as cursor:
            cursor.execute(
                """INSERT INTO customers_facts (customer_id, tier, contacts_total) SELECT id, '', 0
                   FROM customers_customer ON CONFLICT DO NOTHING"""
            )
            cursor.execute("ANALYZE customers_customer, customers_facts")
        yield users
        transaction.set_rollback(True)


@pytest.mark.parametrize("scope", ["company", "branch", "hall"])
@pytest.mark.parametrize("days", ["0", "7", "30"])
def test_the_list_scans_no_archive(many: dict[str, User], client_for: ClientFor, scope: str, days: str) -> None:
    client = client_for(many[scope])
    address = reverse("customers:customer-list") + f"?birthday={days}"
    client.get(address)
    with CaptureQueriesContext(connection) as asked:
        page = client.get(address, HTTP_HX_REQUEST="true").content.decode()
    assert "data-row" in page or scope == "hall"
    queries = [query["sql"] for query in asked.captured_queries if "birth_date" in query["sql"]]
    assert 1 <= len(queries) <= 3
    for sql in queries:
        for node in nodes(plan_of(sql)):
            assert not (node["Node Type"] == "Seq Scan" and node["Relation Name"] == "customers_customer"), sql


@pytest.mark.parametrize("scope", ["company", "branch", "hall"])
@pytest.mark.parametrize("days", [0, 7, 30])
def test_the_pages_of_coming_birthdays_hold_everybody_once_the_soonest_first(
    many: dict[str, User], scope: str, days: int
) -> None:
    rows = Customer.objects.in_scope_of(many[scope])
    first = clock.today()
    wanted = sorted(
        (coming[0], row.pk)
        for row in rows
        if (birthday := birthday_of(row)) and (coming := between(birthday, first, first + timedelta(days=days)))
    )
    found, after = [], None
    while True:
        page = coming_page(rows, days, after=after, size=70)
        found += [(row.coming, row.pk) for row in page.items]  # type: ignore[attr-defined]
        after = page.next_cursor
        if after is None:
            break
        assert len(page.items) == 70
    assert found == wanted


def test_a_page_of_the_company_reads_one_day_not_the_month(many: dict[str, User]) -> None:
    """Whatever the span asked for: the first day fills the page, so only its people are read and ordered."""
    rows = Customer.objects.in_scope_of(many["company"])
    today = with_birthday(rows, keys_of(clock.today())).count()
    with CaptureQueriesContext(connection) as asked:
        page = coming_page(rows, 30, after=None, size=20)
    assert len(page.items) == 20 and today > 20
    [query] = [one["sql"] for one in asked.captured_queries if "birth_date" in one["sql"]]
    assert sum(visited(node) for node in nodes(plan_of(query))) <= today + 21
    with CaptureQueriesContext(connection) as asked:
        coming_page(rows, 30, after=page.next_cursor, size=20)
    assert len(asked.captured_queries) <= 3


@pytest.mark.parametrize("cursor", ["x", "WzEsMl0", "W251bGwsIDFd"])
def test_a_damaged_mark_of_a_page_is_refused(many: dict[str, User], cursor: str) -> None:
    with pytest.raises(RuleBroken) as no:
        coming_page(Customer.objects.in_scope_of(many["company"]), 7, after=cursor)
    assert no.value.code == "page.bad_cursor"


def test_the_greetings_of_a_day_are_found_by_their_index(many: dict[str, User]) -> None:
    with CaptureQueriesContext(connection) as asked:
        found = greeted_on(date(2027, 2, 28), most=10_000)
    plan = list(nodes(plan_of(asked.captured_queries[0]["sql"])))
    assert {node["Index Name"] for node in plan if "Index Name" in node} == {"customer_birthday"}
    wanted = [
        row.pk
        for row in Customer.objects.order_by("pk")
        if (birthday := birthday_of(row)) and between(birthday, date(2027, 2, 28), date(2027, 2, 28))
    ]
    assert found == wanted and len(found) > 50
