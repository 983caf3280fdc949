"""Prepared statements: the same rows as the plain ones, planned once, never counted, never behind a pooler."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from foundation.common.prepared import prepared

pytestmark = pytest.mark.django_db
NAMED = "SELECT %(low)s::int + n, '100 %%' FROM generate_series(1, 9) n WHERE n = ANY(%(some)s) AND n > %(low)s"


def rows(sql, params):
    with connection.cursor() as cursor:
        cursor.execute(*prepared(sql, params))
        return cursor.fetchall()


def plain(sql, params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        (NAMED, {"low": 2, "some": [1, 3, 5]}),
        ("SELECT n FROM generate_series(%s::int, %s) n LIMIT %s", [1, 9, 2]),
        ("SELECT 7", []),
        ("SELECT %s::text, %s::text", ["it's", "100 % $1 %s"]),
    ],
)
def test_the_rows_are_those_of_the_plain_statement(sql, params):
    assert rows(sql, params) == rows(sql, params) == plain(sql, params)


def test_it_is_prepared_once_and_that_is_no_query():
    with CaptureQueriesContext(connection) as sent:
        first, second = rows(NAMED, {"low": 0, "some": [1]}), rows(NAMED, {"low": 0, "some": [2]})
    assert (first, second) == ([(1, "100 %")], [(2, "100 %")])
    assert len(sent) == 2
    name = prepared(NAMED, {"low": 0, "some": [1]})[0].split()[1]
    assert plain("SELECT count(*) FROM pg_prepared_statements WHERE name = %s", [name]) == [(1,)]


def test_behind_a_pooler_nothing_is_prepared(monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    asked = "SELECT %s::int", [5]
    assert prepared(*asked) == asked


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_prepares_anew():
    asked = "SELECT %s::int + 1", [1]
    assert rows(*asked) == [(2,)]
    connection.close()
    assert rows(*asked) == [(2,)]
