"""Who has a customer open: named on its pages, an eye in lists, gone after 90 s, and only for those who see it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers.presence import EDIT, VIEW, Present, mark, open_elsewhere, unmark
from foundation.common import clock
from staff.models import User
from tests.customers.people import Operator, customer
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
HTMX = {"HTTP_HX_REQUEST": "true"}


def url(row: Any, name: str) -> str:
    return reverse(f"customers:{name}", args=[row.pk])


def test_colleagues_see_one_another_and_nobody_oneself(op: Operator) -> None:
    assert mark(op.clerk, 7, VIEW) == Present()
    assert mark(op.head, 7, EDIT) == Present(viewing=(op.clerk.name,))
    assert mark(op.clerk, 7, VIEW) == Present(editing=(op.head.name,))
    mark(op.head, 7, VIEW)  # a second window of the same person
    third = mark(op.gm, 7, VIEW)
    assert third == Present(editing=(op.head.name,), viewing=(op.clerk.name,))
    assert third.sentences == [f"{op.head.name} is editing", f"{op.clerk.name} is viewing"]
    unmark(op.head, 7, EDIT)
    assert mark(op.gm, 7, VIEW).viewing == tuple(
        user.name for user in sorted((op.clerk, op.head), key=lambda user: user.pk)
    )
    assert mark(op.gm, 8, VIEW) == Present()


def test_a_mark_is_gone_after_90_seconds(op: Operator, travel: Any) -> None:
    start = clock.now()
    with travel(start):
        mark(op.clerk, 7, VIEW)
    with travel(start + timedelta(seconds=89)):
        assert mark(op.head, 7, VIEW).viewing == (op.clerk.name,)
        assert open_elsewhere(op.head, [7, 8]) == {7}
        assert open_elsewhere(op.clerk, [7, 8]) == {7}
    with travel(start + timedelta(seconds=90)):
        assert mark(op.head, 7, VIEW) == Present()
        assert open_elsewhere(op.head, [7, 8]) == set()
        assert open_elsewhere(op.head, []) == set()


def test_the_page_and_its_edit_form_name_who_is_there(op: Operator, client_for: ClientFor) -> None:
    row = customer(op.hall, "王小娟")
    clerk, head = client_for(op.clerk), client_for(op.head)
    first = clerk.get(url(row, "customer-detail")).content.decode()
    assert "is viewing" not in first and "is editing" not in first
    assert f"{op.clerk.name} is viewing" in head.get(url(row, "customer-edit")).content.decode()
    told = clerk.post(url(row, "customer-presence"), {"doing": "view", "said": "none"}, **HTMX)
    assert f"{op.head.name} is editing" in told.content.decode()
    said = told.context["present"].digest
    assert clerk.post(url(row, "customer-presence"), {"doing": "view", "said": said}, **HTMX).status_code == 204


def test_who_may_not_change_archives_is_never_said_to_edit(op: Operator, client_for: ClientFor) -> None:
    row = customer(op.hall, "王小娟")
    guide = UserFactory(role="HALL_GUIDE", unit=op.hall)
    client_for(guide).post(url(row, "customer-presence"), {"doing": "edit"}, **HTMX)
    assert mark(op.clerk, row.pk, VIEW) == Present(viewing=(guide.name,))


def test_a_customer_out_of_sight_has_no_marks_to_leave_or_read(op: Operator, client_for: ClientFor) -> None:
    row = customer(op.elsewhere, "李四")
    assert client_for(op.clerk).post(url(row, "customer-presence"), {"doing": "view"}, **HTMX).status_code == 404
    assert mark(op.gm, row.pk, VIEW) == Present()


def test_the_list_shows_an_eye_without_another_query(op: Operator, client_for: ClientFor) -> None:
    rows = [customer(op.hall, f"王{n}") for n in range(3)]
    client, page = client_for(op.clerk), reverse("customers:customer-list")
    client.get(page)
    with CaptureQueriesContext(connection) as before:
        assert client.get(page).content.decode().count("Somebody has this open") == 0
    mark(op.head, rows[1].pk, VIEW)
    mark(op.clerk, rows[2].pk, VIEW)
    with CaptureQueriesContext(connection) as after:
        shown = client.get(page).content.decode()
    assert shown.count("Somebody has this open") == 1
    assert shown.index(rows[1].ref) < shown.index("Somebody has this open") < shown.index(rows[0].ref)
    assert len(after) == len(before)
