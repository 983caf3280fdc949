"""One field changed where it stands: saved, refused, in conflict, taken back; and its history."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from customers import services
from customers.models import Customer, FieldChange
from foundation.common import clock
from interactions.services import start_contact
from staff.models import User
from tests.customers.people import Operator, customer
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def row(op: Operator) -> Customer:
    return customer(op.hall, "王小娟", home_city="杭州", gender="F", birth_date=date(1990, 3, 7))


def at(row: Customer, field: str) -> str:
    return reverse("customers:inline-edit", args=[row.pk, field])


def opened(client: Client, row: Customer, field: str) -> dict[str, str]:
    """What the form of the field carries when it is opened."""
    answer = client.get(at(row, field), **HTMX)
    assert answer.status_code == 200
    form = answer.context["form"]
    return {name: form[name].value() or "" for name in ("version", "copy", "back")}


def toast_of(answer: Any) -> dict[str, str]:
    told: dict[str, str] = json.loads(answer.headers["HX-Trigger"])["toast"]
    return told


@pytest.mark.covers("ARC-17")
@pytest.mark.parametrize(
    ("field", "posted", "stored"),
    [
        ("home_city", "宁波", "宁波"),
        ("area_type", "RURAL", "RURAL"),
        ("language", "en", "en"),
        ("channel_preference", "SMS", "SMS"),
        ("segment", "SENIOR", "SENIOR"),
        ("gender", "M", "M"),
    ],
)
def test_a_field_is_changed_in_its_place_and_taken_back(
    op: Operator, row: Customer, client_for: ClientFor, field: str, posted: str, stored: str
) -> None:
    client, before = client_for(op.clerk), getattr(row, field)
    carried = opened(client, row, field)
    answer = client.post(at(row, field), {**carried, field: posted}, **HTMX)
    assert answer.status_code == 200
    row.refresh_from_db()
    assert (getattr(row, field), row.version) == (stored, 2)
    change = FieldChange.objects.get(field=field)
    assert (change.old, change.new, change.actor_id) == (before, stored, op.clerk.pk)
    toast = toast_of(answer)
    assert toast["undo"] == reverse("customers:inline-undo", args=[row.pk, change.pk])
    back = client.post(toast["undo"], **HTMX)
    assert back.status_code == 200
    assert f'<div class="kv" hx-swap-oob="true" id="inline-{field}">' in back.content.decode()
    row.refresh_from_db()
    assert (getattr(row, field), row.version) == (before, 3)
    assert list(FieldChange.objects.order_by("pk").values_list("source", flat=True)) == ["", "undo"]


def test_the_manager_is_chosen_among_those_whose_work_it_is(op: Operator, row: Customer, client_for: ClientFor) -> None:
    manager = UserFactory(role="ACCOUNT_MANAGER", unit=op.hall, name="周立")
    client = client_for(op.clerk)
    carried = opened(client, row, "manager_id")
    refused = client.post(at(row, "manager_id"), {**carried, "manager": op.clerk.pk}, **HTMX)
    assert refused.status_code == 422
    answer = client.post(at(row, "manager_id"), {**carried, "manager": manager.pk}, **HTMX)
    assert "周立" in answer.content.decode()
    row.refresh_from_db()
    assert row.manager == manager
    client.post(toast_of(answer)["undo"], **HTMX)
    row.refresh_from_db()
    assert row.manager is None


def test_the_birthday_opens_only_where_it_is_clear(op: Operator, row: Customer, client_for: ClientFor) -> None:
    client = client_for(op.clerk)
    assert client.get(at(row, "birth_date"), **HTMX).status_code == 404
    start_contact(actor=op.clerk, customer=row, channel="HALL_OWN")
    carried = opened(client, row, "birth_date")
    for wrong in ("2999-01-01", "1790-01-01", "x"):
        refused = client.post(at(row, "birth_date"), {**carried, "birth_date": wrong}, **HTMX)
        assert refused.status_code == 422, wrong
        assert f'value="{wrong}"' in refused.content.decode()
    answer = client.post(at(row, "birth_date"), {**carried, "birth_date": "1991-04-08"}, **HTMX)
    assert answer.status_code == 200
    client.post(toast_of(answer)["undo"], **HTMX)
    row.refresh_from_db()
    assert row.birth_date == date(1990, 3, 7)


def test_anothers_change_of_another_field_is_no_conflict_of_the_same_one_it_is(
    op: Operator, row: Customer, client_for: ClientFor
) -> None:
    client = client_for(op.clerk)
    city, area = opened(client, row, "home_city"), opened(client, row, "area_type")
    services.change_customer(row.pk, actor=op.head, version=1, changes={"home_city": "温州"})
    assert client.post(at(row, "area_type"), {**area, "area_type": "URBAN"}, **HTMX).status_code == 200
    stale = client.post(at(row, "home_city"), {**city, "home_city": "宁波"}, **HTMX)
    assert stale.status_code == 422
    page = stale.content.decode()
    assert 'value="宁波"' in page and "On file now: 温州" in page and op.clerk.name in page
    row.refresh_from_db()
    assert (row.home_city, row.area_type) == ("温州", "URBAN")
    form = stale.context["form"]
    again = {"version": form["version"].value(), "copy": form["copy"].value(), "home_city": "宁波"}
    assert client.post(at(row, "home_city"), again, **HTMX).status_code == 200
    row.refresh_from_db()
    assert row.home_city == "宁波"


def test_a_copy_that_was_tampered_with_helps_nobody_past_a_conflict(
    op: Operator, row: Customer, client_for: ClientFor
) -> None:
    client = client_for(op.clerk)
    city = opened(client, row, "home_city")
    services.change_customer(row.pk, actor=op.head, version=1, changes={"home_city": "温州"})
    for copy in ("", "x", city["copy"][:-4], opened(client, customer(op.hall, "李四"), "home_city")["copy"]):
        answer = client.post(at(row, "home_city"), {**city, "copy": copy, "home_city": "宁波"}, **HTMX)
        assert answer.status_code == 422
    row.refresh_from_db()
    assert row.home_city == "温州"


def test_an_undo_never_undoes_what_came_after(op: Operator, row: Customer, client_for: ClientFor, travel: Any) -> None:
    client = client_for(op.clerk)
    answer = client.post(at(row, "home_city"), {**opened(client, row, "home_city"), "home_city": "宁波"}, **HTMX)
    undo = toast_of(answer)["undo"]
    assert client_for(op.head).post(undo, **HTMX).status_code == 404  # another's change
    services.change_customer(row.pk, actor=op.head, version=2, changes={"home_city": "温州"})
    late = client.post(undo, **HTMX)
    assert toast_of(late)["tone"] == "danger"
    row.refresh_from_db()
    assert (row.home_city, row.version) == ("温州", 3)
    services.change_customer(row.pk, actor=op.head, version=3, changes={"home_city": "宁波"})
    with travel(clock.now() + timedelta(minutes=61)):
        assert client_for(op.clerk).post(undo, **HTMX).status_code == 404
    row.refresh_from_db()
    assert row.home_city == "宁波"


def test_nothing_opens_without_the_right_nor_sensitive_fields_nor_out_of_sight(
    op: Operator, row: Customer, client_for: ClientFor
) -> None:
    client = client_for(op.clerk)
    for field in ("name", "id_number", "status", "identity_status", "quality_marks", "INCOME_BAND"):
        assert client.get(at(row, field), **HTMX).status_code == 404, field
        assert client.post(at(row, field), {"version": 1, field: "x"}, **HTMX).status_code == 404, field
    far = customer(op.elsewhere, "李四")
    assert client.get(at(far, "home_city"), **HTMX).status_code == 404
    qa = client_for(UserFactory(role="QA", unit=op.branch))
    assert qa.get(at(row, "home_city"), **HTMX).status_code == 403
    page = qa.get(reverse("customers:customer-detail", args=[row.pk])).content.decode()
    assert 'id="inline-home_city"' in page and "/inline/" not in page
    row.refresh_from_db()
    assert (row.version, row.name) == (1, "王小娟")


def test_without_script_the_value_leads_to_its_field_on_the_edit_page(
    op: Operator, row: Customer, client_for: ClientFor
) -> None:
    client = client_for(op.clerk)
    edit = reverse("customers:customer-edit", args=[row.pk]) + "#id_home_city"
    assert f'href="{edit}"' in client.get(reverse("customers:customer-detail", args=[row.pk])).content.decode()
    assert client.get(at(row, "home_city"))["Location"] == edit


@pytest.mark.covers("ARC-03")
def test_the_history_is_filtered_by_field_person_and_day(
    op: Operator, row: Customer, client_for: ClientFor, travel: Any
) -> None:
    first = clock.now()
    services.change_customer(row.pk, actor=op.clerk, version=1, changes={"home_city": "宁波"})
    with travel(first + timedelta(days=3)):
        services.change_customer(row.pk, actor=op.head, version=2, changes={"home_city": "温州", "gender": "M"})
        services.change_customer(row.pk, actor=None, version=3, changes={"area_type": "RURAL"}, source="import")
    client, page = client_for(op.clerk), reverse("customers:customer-history", args=[row.pk])

    def found(query: str = "") -> list[tuple[str, str, str]]:
        rows = client.get(page + query).context["page"].items
        return [(one.label, one.before, one.after) for one in rows]

    city = [("City", "宁波", "温州"), ("City", "杭州", "宁波")]
    assert len(found()) == 4
    assert found("?field=home_city") == city
    assert found("?field=gender") == [("Gender", "Female", "Male")]
    assert found(f"?field=home_city&who={op.clerk.pk}") == city[1:]
    assert found("?who=system") == [("Area", "", "Rural")]
    day = (first + timedelta(days=2)).date().isoformat()
    assert found(f"?field=home_city&since={day}") == city[:1]
    assert found(f"?field=home_city&until={day}") == city[1:]
    assert found("?field=segment") == []
    assert "No change fits these filters." in client.get(page + "?field=segment").content.decode()
    for odd in ("?field=%00", "?who=x", "?since=2026-13-01", "?after=!!"):
        assert client.get(page + odd).status_code == 200
    detail = client.get(reverse("customers:customer-detail", args=[row.pk])).content.decode()
    assert f'href="{page}?field=home_city"' in detail


def test_the_history_masks_what_the_page_masks(op: Operator, row: Customer, client_for: ClientFor) -> None:
    card = "33010619900307017X"
    services.change_customer(row.pk, actor=op.clerk, version=1, changes={"name": "王大娟"}, id_number=card)
    page = reverse("customers:customer-history", args=[row.pk])
    shown = client_for(op.clerk).get(page).content.decode()
    for hidden in ("王小娟", "王大娟", card):
        assert hidden not in shown
    assert "王*娟" in shown and "****017X" in shown


def test_the_timeline_keeps_its_filter_in_the_address(op: Operator, row: Customer, client_for: ClientFor) -> None:
    client, page = client_for(op.clerk), reverse("customers:customer-detail", args=[row.pk])
    services.change_customer(row.pk, actor=op.clerk, version=1, changes={"home_city": "宁波"})
    services.add_need(row.pk, actor=op.clerk, text="千兆")
    pills = client.get(page + "?group=changes").context["timeline"]["pills"]
    assert [(pill.href, pill.current) for pill in pills if pill.current] == [(f"{page}?group=changes", True)]
    whole = client.get(page + "?group=changes").content.decode()
    part = client.get(page + "?group=changes", **HTMX).content.decode()
    assert "<html" in whole and "<html" not in part
    assert part.count('class="tl-h"') == whole.count('class="tl-h"') == 1
    assert 'hx-push-url="true"' in part
