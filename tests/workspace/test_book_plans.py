"""What a manager's list costs in the database: every order walks an index, and no page reads a big table whole."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from customers.book import SORTS, BookFilter, book_page, customers_in
from customers.copying import copy_rows, ids_at
from customers.models import Customer, CustomerFacts, FindName
from foundation.common import clock
from staff.models import User
from tests.customers.test_search_plans import nodes, plan_of, visited
from tests.factories import UnitFactory, UserFactory
from workspace.books import book_figures

SIZE = 40_000
PAGE = 20
TABLES = (Customer, CustomerFacts, FindName)
BIG = {model._meta.db_table for model in TABLES}


class World:
    """40,000 customers; one manager has 100 of them, another 4,000; a lead sees the branch they lie in."""

    def __init__(self) -> None:
        top = UnitFactory(no=1, last_no=9_999)
        branch = UnitFactory(parent=top, no=1_000, last_no=1_099)
        self.manager: User = UserFactory(role="ACCOUNT_MANAGER", unit=branch)
        self.head: User = UserFactory(role="DEPT_HEAD", unit=branch)
        self.big: User = UserFactory(role="ACCOUNT_MANAGER", unit=branch)
        draw, now = random.Random(5), clock.now()
        keys = ids_at([now] * SIZE)
        customers, facts, names = [], [], []
        for n, key in enumerate(keys):
            person = self.manager if n % 400 == 0 else self.big if n % 10 == 1 else None
            unit_no = branch.no if n % 4 == 0 else 5_000
            owner = person.pk if person else None
            name = "".join(chr(97 + draw.randrange(26)) for _ in range(6))
            customers.append([key, f"CU20260101{n:06d}", name, unit_no, unit_no, owner])
            last = now - timedelta(days=draw.randrange(400)) if n % 5 else None
            end = clock.today() + timedelta(days=draw.randrange(-200, 900)) if n % 2 else None
            facts.append([key, "", last, 0, end, owner])
            names.append([key, unit_no, owner, name, "", name, name[:2], ""])
        common = {
            "customer_type": "PERSON",
            "segment": "PERSON",
            "short_name": "",
            "status": "ACTIVE",
            "gender": "",
            "birthday_kind": "SOLAR",
            "lunar_leap": False,
            "id_type": "",
            "id_last4": "",
            "identity_status": "UNVERIFIED",
            "source": "",
            "source_no": "",
            "home_city": "",
            "area_type": "",
            "language": "zh-hans",
            "channel_preference": "",
            "quality_marks": [],
            "is_sample": False,
            "version": 1,
            "created_at": now,
            "updated_at": now,
        }
        own = ["id", "number", "name", "unit_id", "unit_no", "manager_id"]
        copy_rows(Customer, [*own, *common], ([*row, *common.values()] for row in customers))
        columns = ["customer_id", "tier", "last_contact_at", "contacts_total", "contract_end", "manager_id"]
        copy_rows(CustomerFacts, columns, facts)
        found = ["customer_id", "unit_no", "manager_id", "name", "short_name", "pinyin", "initials", "id_last4"]
        copy_rows(FindName, found, names)
        with connection.cursor() as cursor:
            for model in TABLES:
                cursor.execute(f"ANALYZE {model._meta.db_table}")


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield World()
        transaction.set_rollback(True)


def spent(run: Any) -> float:
    """Rows visited by all statements of `run`; fails for a sequential scan of a table of customers."""
    with CaptureQueriesContext(connection) as asked:
        run()
    total = 0.0
    for query in asked.captured_queries:
        if "customers_customer" not in query["sql"] and "customer_find" not in query["sql"]:
            continue
        for node in nodes(plan_of(query["sql"])):
            relation = node.get("Relation Name", "")
            whole = node["Node Type"] == "Seq Scan" and relation in BIG
            assert not whole, f"sequential scan of {relation}: {query['sql'][:300]}"
            total += visited(node)
    return total


def two_pages(user: User, manager: User, sort: str) -> None:
    found = BookFilter({}, customers_in(user, manager.pk))
    page = book_page(user, found, manager.pk, sort=sort, after=None, size=PAGE)
    assert len(page.items) == PAGE and page.next_cursor
    more = book_page(user, found, manager.pk, sort=sort, after=page.next_cursor, size=PAGE)
    assert len(more.items) == PAGE and not {row.pk for row in page.items} & {row.pk for row in more.items}


@pytest.mark.django_db
@pytest.mark.parametrize("sort", list(SORTS))
def test_a_page_of_a_big_book_is_read_in_its_order(world: World, sort: str) -> None:
    two_pages(world.big, world.big, sort)  # the user's roles
    assert spent(lambda: two_pages(world.big, world.big, sort)) < 2 * PAGE * 12


@pytest.mark.django_db
@pytest.mark.parametrize("viewer", ["manager", "head"])
@pytest.mark.parametrize("sort", list(SORTS))
def test_a_page_reads_no_more_than_the_book(world: World, viewer: str, sort: str) -> None:
    user: User = getattr(world, viewer)
    two_pages(user, world.manager, sort)
    assert spent(lambda: two_pages(user, world.manager, sort)) < 2 * 100 * 4


@pytest.mark.django_db
@pytest.mark.parametrize("viewer", ["manager", "head"])
@pytest.mark.parametrize("asked", [{"quiet": "90"}, {"ends": "60"}, {"complete": "low"}, {"birthday": "7"}])
def test_filters_and_figures_stay_inside_the_book(world: World, viewer: str, asked: dict[str, str]) -> None:
    user: User = getattr(world, viewer)
    found = BookFilter(asked, customers_in(user, world.manager.pk), manager=world.manager.pk)
    for sort in SORTS:
        page = partial(book_page, user, found, world.manager.pk, sort=sort, after=None, size=PAGE)
        assert spent(page) < 100 * 8
    assert spent(lambda: book_figures(user, world.manager)) < 5 * 100 * 4
