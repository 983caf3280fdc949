"""What search costs in the database: no sequential scan, and few rows visited for each one shown."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.copying import copy_rows, ids_at
from customers.finding import find_rows_sql, search
from customers.finding.pinyin import letters_of
from customers.models import ContactPoint, Customer, FindName, FindNumber, NameGram, Subscription
from foundation.common import clock, crypto
from staff.models import User
from tests.factories import UnitFactory, UserFactory

SIZE = 20_000
# Rows visited: so many for each row shown, and so many besides. What a tenth of the company sees is picked out of an
# order of all, so ten are passed for each; a manager's own book (61 customers here) is read whole for each meaning.
ALLOWED = {"company": (10, 10), "branch": (14, 10), "hall": (10, 10), "own": (10, 61 * 4)}
SURNAMES = [chr(0x4E00 + n * 37) for n in range(100)]
GIVEN = [chr(0x5E00 + n * 11) for n in range(300)]
TABLES = (Customer, ContactPoint, Subscription, FindName, FindNumber, NameGram)


def _analyze() -> None:
    with connection.cursor() as cursor:
        for model in TABLES:
            cursor.execute(f"ANALYZE {model._meta.db_table}")


class World:
    """20,000 customers of 100 halls in 10 branches; one manager has 60 of them."""

    def __init__(self) -> None:
        top = UnitFactory(no=1, last_no=9_999)
        branch = UnitFactory(parent=top, no=1_000, last_no=1_099)
        hall = UnitFactory(parent=branch, no=1_005, last_no=1_005)
        self.users: dict[str, User] = {
            "company": UserFactory(role="GM", unit=top),
            "branch": UserFactory(role="DEPT_HEAD", unit=branch),
            "hall": UserFactory(role="AGENT", unit=hall),
            "own": UserFactory(role="ACCOUNT_MANAGER", unit=hall),
        }
        draw = random.Random(7)
        now = clock.now()
        keys = ids_at([now] * SIZE * 3)
        customers, points, lines = [], [], []
        for n in range(SIZE):
            key = keys[n]
            unit_no = 1_000 + draw.randrange(10) * 100 + draw.randrange(10)
            surname = SURNAMES[int(draw.random() ** 2 * len(SURNAMES))]
            given = "".join(GIVEN[int(draw.random() ** 2 * len(GIVEN))] for _ in range(draw.choice([1, 2, 2])))
            manager = self.users["own"].pk if n % 333 == 0 else None
            id_number = f"99{n:016d}"
            sealed = (b"k:x", crypto.blind_index(id_number)) if n % 100 == 0 else (None, None)
            city = f"City {n % 20}"
            called = "".join(draw.choices(GIVEN, k=4)) if n % 30 == 0 else ""
            number = f"CU20260101{n:06d}"
            last4 = id_number[-4:]
            customers.append([key, number, surname + given, called, unit_no, unit_no, manager, city, last4, *sealed])
            points.append([keys[SIZE + n], key, "MOBILE", f"13{draw.randrange(10)}{n:05d}{draw.randrange(1000):03d}"])
            lines.append([keys[2 * SIZE + n], key, f"18{draw.randrange(10)}{draw.randrange(1000):03d}{n:05d}"])
        self.names = [row[2] for row in customers]
        self.called = next(row[3] for row in reversed(customers) if row[3])
        self.mobile = points[4_000][3]
        common = {
            "customer_type": "PERSON",
            "segment": "PERSON",
            "status": "ACTIVE",
            "gender": "",
            "birthday_kind": "SOLAR",
            "lunar_leap": False,
            "id_type": "",
            "identity_status": "UNVERIFIED",
            "source": "",
            "source_no": "",
            "area_type": "",
            "language": "zh-hans",
            "channel_preference": "",
            "quality_marks": [],
            "is_sample": False,
            "version": 1,
            "created_at": now,
            "updated_at": now,
        }
        own = ["id", "number", "name", "short_name", "unit_id", "unit_no", "manager_id", "home_city", "id_last4"]
        columns = [*own, "id_sealed", "id_hash", *common]
        copy_rows(Customer, columns, ([*row, *common.values()] for row in customers))
        point = ["id", "customer_id", "kind", "value", "label", "is_primary", "valid_from", "do_not_use"]
        copy_rows(ContactPoint, point, ([*row, "", True, clock.today(), ""] for row in points))
        line = ["id", "customer_id", "service_no", "product_line", "status", "user_name", "version"]
        copy_rows(Subscription, line, ([*row, "MOBILE", "ACTIVE", "", 1] for row in lines))
        # What the planner knew of tables that others emptied would make the joins nested loops of hours.
        _analyze()
        find_rows_sql(f"SELECT id FROM {Customer._meta.db_table}")
        _analyze()

    def texts(self) -> dict[str, str]:
        """One text for every way of finding, most of them common ones."""
        [(commonest, _times)] = Counter(self.names).most_common(1)
        long = next(name for name in self.names if len(name) == 3)
        first = SURNAMES[0]
        return {
            "full number": self.mobile,
            "business number": "CU20260101000123",
            "ID": f"99{100:016d}",
            "unknown number": "19999999999",
            "first digits": "138",
            "more digits": self.mobile[:6],
            "last 4": self.mobile[-4:],
            "last 4 of an ID": "0100",
            "two characters": commonest[:2],
            "a common piece": GIVEN[0] + GIVEN[1],
            "three characters": long,
            "three from within": long[1:] + GIVEN[0],
            "a surname and a sign": first + GIVEN[0],
            "pinyin": "yi",
            "more pinyin": "wang",
            "initials": "yy",
            "city": "City 7",
            "a surname and letters": commonest[0] + "".join(letters_of(commonest, is_person=True)[1][1:]),
            "a surname and syllables": long[0] + letters_of(long[1:], is_person=False)[0],
            "a rare surname and letters": SURNAMES[-1] + "".join(letters_of(commonest, is_person=True)[1][1:]),
            "initials of a short name": letters_of(self.called, is_person=False)[1],
            "pinyin of a short name": letters_of(self.called[:2], is_person=False)[0],
            "the given name first": " ".join(letters_of(part, is_person=False)[0] for part in (long[1:], long[0])),
            "nobody": "zzzzzz",
        }


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    from django.db import transaction

    with django_db_blocker.unblock(), transaction.atomic():
        yield World()
        transaction.set_rollback(True)


def plan_of(sql: str) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
        return cursor.fetchone()[0][0]["Plan"]  # type: ignore[no-any-return]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def visited(node: dict[str, Any]) -> float:
    if "Relation Name" not in node:
        return 0
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return (node["Actual Rows"] + removed) * node["Actual Loops"]


@pytest.mark.django_db
@pytest.mark.parametrize("scope", ["company", "branch", "hall", "own"])
def test_every_search_walks_indexes_and_visits_few_rows(world: World, scope: str) -> None:
    user = world.users[scope]
    search(user, "warm up")  # the user's roles
    faults = []
    for name, text in world.texts().items():
        with CaptureQueriesContext(connection) as asked:
            hits = search(user, text)
        spent = 0.0
        for query in asked.captured_queries:
            if "staff_" in query["sql"]:
                continue
            plan = plan_of(query["sql"])
            for node in nodes(plan):
                if node["Node Type"] == "Seq Scan" and node["Relation Name"].startswith("customer"):
                    faults.append(f"{name}: sequential scan of {node['Relation Name']}: {query['sql'][:300]}")
                spent += visited(node)
        for_each, besides = ALLOWED[scope]
        if spent > for_each * max(len(hits), 1) + besides:
            faults.append(f"{name}: {spent:.0f} rows visited for {len(hits)} shown")
    assert not faults, "\n".join(faults)
