"""Many others: people and companies with common names, numbers, documents and cities, spread over branches."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from django.db import connection

from customers.copying import copy_rows, ids_at
from customers.finding import find_rows_sql
from customers.models import ContactPoint, Customer, FindName, FindNumber, NameGram, Subscription
from customers.sample import words_zh as words
from foundation.common import clock
from tests.factories import CustomerFactory

TABLES = (Customer, ContactPoint, Subscription, FindName, FindNumber, NameGram)
OWN = ("id", "number", "name", "short_name", "customer_type", "unit_id", "unit_no", "home_city", "id_last4")
GIVEN = words.GIVEN_FEMALE + words.GIVEN_MALE + words.GIVEN_EITHER


def add_crowd(size: int, *, units: Sequence[int]) -> None:
    """`size` customers, one in thirty a company, each with a mobile number, a line and the end of a document number;
    `units`: the numbers of the units they belong to. The planner is told."""
    draw, keys = random.Random(11), ids_at([clock.now()] * size * 3)
    weights = list(accumulate(words.SURNAMES.values()))
    customers, points, lines = [], [], []
    for n in range(size):
        key, unit, firm = keys[n], draw.choice(units), n % 30 == 0
        if firm:
            word, (trade, short) = draw.choice(words.COMPANY_WORDS), draw.choice(words.COMPANY_TRADES)
            city = draw.choice(words.CITIES)[0]
            name, short_name = f"{city}{word}{trade}", word + short
        else:
            [surname] = draw.choices(list(words.SURNAMES), cum_weights=weights)
            name, short_name = surname + "".join(draw.choices(GIVEN, k=draw.choice([1, 2, 2, 2]))), ""
        kind = "ENTERPRISE" if firm else "PERSON"
        last4 = f"{draw.randrange(1000):03d}{draw.choice('0123456789X')}"
        number = f"CU20240101{n:06d}"
        customers.append([key, number, name, short_name, kind, unit, unit, draw.choice(words.CITIES)[0], last4])
        points.append([keys[size + n], key, "MOBILE", f"1{draw.choice('35789')}{draw.randrange(10**9):09d}"])
        lines.append([keys[2 * size + n], key, f"19{n:06d}{draw.randrange(1000):03d}"])
    plain = CustomerFactory.build(unit_id=units[0])
    fields = [field for field in Customer._meta.concrete_fields if field.attname not in OWN]
    common = {field.column: _plain(getattr(plain, field.attname)) for field in fields}
    common = {name: value for name, value in common.items() if value is not None}
    copy_rows(Customer, [*OWN, *common], ([*row, *common.values()] for row in customers))
    point = ["id", "customer_id", "kind", "value", "label", "is_primary", "valid_from", "do_not_use"]
    copy_rows(ContactPoint, point, ([*row, "", True, clock.today(), ""] for row in points))
    line = ["id", "customer_id", "service_no", "product_line", "status", "user_name", "version"]
    copy_rows(Subscription, line, ([*row, "MOBILE", "ACTIVE", "", 1] for row in lines))
    find_rows_sql(f"SELECT id FROM {Customer._meta.db_table}")
    with connection.cursor() as cursor:
        for model in TABLES:
            cursor.execute(f"ANALYZE {model._meta.db_table}")


def _plain(value: Any) -> Any:
    return value if not hasattr(value, "value") else value.value
