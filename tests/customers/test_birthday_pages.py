"""Birthdays through the doors: the page, the form's check, the list of those who have one soon."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers import services
from customers.birthday_words import BirthdayLine, birthday_line
from customers.birthdays import between, birthday_of, greeted_on
from customers.models import Customer
from foundation.audit.models import AuditEntry
from foundation.common import clock
from interactions.services import start_contact
from staff.models import User
from tests.customers.people import Operator, customer, operator

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)  # the 14th of the 10th lunar month


@pytest.fixture
def op() -> Iterator[Operator]:
    with clock.travel(NOON):
        yield operator()


def words(response: Any) -> str:
    return response.content.decode()


def listed(client: Client, query: str) -> set[str]:
    page = words(client.get(reverse("customers:customer-list") + query))
    return {row.number for row in Customer.objects.all() if row.number in page}


def by_moon(op: Operator, month: int, day: int, *, leap: bool = False, **more: Any) -> Customer:
    return customer(op.hall, "李四", birthday_kind="LUNAR", lunar_month=month, lunar_day=day, lunar_leap=leap, **more)


# --- the list --------------------------------------------------------------------------------------------------------


def test_the_list_of_coming_birthdays(op: Operator, client_for: ClientFor) -> None:
    today = customer(op.hall, "王一", birth_date=date(1980, 11, 22))
    week = customer(op.hall, "王二", birth_date=date(1980, 11, 29))
    later = customer(op.hall, "王三", birth_date=date(1980, 11, 30))
    month = customer(op.hall, "王四", birth_date=date(1980, 12, 22))
    customer(op.hall, "王五", birth_date=date(1980, 12, 23))
    customer(op.hall, "王六", birth_date=date(1980, 11, 21))
    lunar_today = by_moon(op, 10, 14)
    lunar_week = by_moon(op, 10, 21)
    by_moon(op, 10, 13)
    leap = by_moon(op, 10, 15, leap=True)  # 2026 has no leap 10th month: with the ordinary one
    # By the sun on a day near, by the moon far away: the calendar of the birthday decides.
    by_moon(op, 5, 5, birth_date=date(1980, 11, 22))
    client = client_for(op.clerk)
    assert listed(client, "?birthday=0") == {today.number, lunar_today.number}
    soon = {today, week, lunar_today, lunar_week, leap}
    assert listed(client, "?birthday=7") == {row.number for row in soon}
    assert listed(client, "?birthday=30") == {row.number for row in soon | {later, month}} | {
        row.number
        for row in Customer.objects.all()
        if (birthday := birthday_of(row)) and between(birthday, TODAY, TODAY + timedelta(days=30))
    }
    assert len(listed(client, "")) == Customer.objects.count()
    page = words(client.get(reverse("customers:customer-list") + "?birthday=7"))
    assert "Sun, Nov 22, today" in page and "Sun, Nov 29, in 7 days" in page
    assert "Mon, Nov 23, tomorrow" in page
    assert "1980" not in page
    assert client.get(reverse("customers:customer-list") + "?birthday=9").status_code == 200


def test_nobody_dead_erased_doubtful_or_a_company_is_congratulated(op: Operator, client_for: ClientFor) -> None:
    born = date(1980, 11, 22)
    customer(op.hall, "王一", birth_date=born, status="DECEASED")
    customer(op.hall, "王二", birth_date=born, status="ANONYMISED")
    customer(op.hall, "王三", birth_date=born, quality_marks=["BIRTHDAY_PLACEHOLDER"])
    customer(op.hall, "云图科技", customer_type="ENTERPRISE", birth_date=born)
    former = customer(op.hall, "王四", birth_date=born, status="FORMER", quality_marks=["NAME_MISSING"])
    assert listed(client_for(op.clerk), "?birthday=30") == {former.number}
    assert greeted_on(TODAY) == [former.pk]


def test_another_branch_is_neither_listed_nor_counted(op: Operator, client_for: ClientFor) -> None:
    own = customer(op.hall, "王一", birth_date=date(1980, 11, 23))
    far = customer(op.elsewhere, "王二", birth_date=date(1980, 11, 23), mobile="13900139000")
    for _n in range(55):
        customer(op.elsewhere, "王三", birth_date=date(1980, 11, 24))
    client = client_for(op.clerk)
    page = words(client.get(reverse("customers:customer-list") + "?birthday=7"))
    assert page.count("data-row") == page.count('<tr role="row" data-row>') + 1 == 2
    assert own.number in page and far.number not in page
    assert "after=" not in page  # no page of others behind it
    # A contact opens the customer's page, not the list.
    start_contact(actor=op.clerk, customer=far, channel="HALL_OWN", identifier="13900139000")
    assert listed(client, "?birthday=7") == {own.number}
    assert listed(client_for(op.gm), "?birthday=0") == set() and len(listed(client_for(op.gm), "?birthday=7")) == 50
    assert listed(client_for(op.head), "?birthday=0") == set()


def test_pages_of_the_list_go_on_where_the_last_ended(op: Operator, client_for: ClientFor) -> None:
    for n in range(120):
        customer(op.hall, "王一", birth_date=date(1980, 11, 22) + timedelta(days=n % 8))
    client = client_for(op.clerk)
    address, seen, costs = reverse("customers:customer-list") + "?birthday=7", [], []
    client.get(address)
    after = ""
    while after is not None:
        with CaptureQueriesContext(connection) as queries:
            response = client.get(address + (f"&after={after}" if after else ""), HTTP_HX_REQUEST="true")
        page = response.context["page"]
        seen += [row.pk for row in page.items]
        costs.append(len(queries))
        after = page.next_cursor
    assert seen == sorted(seen, reverse=True) and len(seen) == len(set(seen)) == 120
    assert len(set(costs)) == 1


def test_greetings_of_a_day_come_in_pieces_in_order(op: Operator) -> None:
    rows = [by_moon(op, 12, 30 - n % 2) for n in range(5)]
    eve = date(2024, 2, 9)  # the twelfth month of 2023 has 30 days: day 29 is the day before
    assert greeted_on(eve) == sorted(row.pk for row in rows[::2])
    assert greeted_on(date(2024, 2, 8)) == sorted(row.pk for row in rows[1::2])
    short = date(2025, 1, 28)  # that of 2024 has 29
    everybody = sorted(row.pk for row in rows)
    assert greeted_on(short, most=2) == everybody[:2]
    assert greeted_on(short, after=everybody[1], most=2) == everybody[2:4]
    assert greeted_on(short, after=everybody[3], most=2) == everybody[4:]


# --- the page --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_page_shows_the_birthday_without_its_year(op: Operator, client_for: ClientFor, language: str) -> None:
    op.clerk.language = language
    op.clerk.save()
    row = customer(op.hall, "王小娟", birth_date=date(1990, 12, 3))
    client = client_for(op.clerk)
    page = words(client.get(reverse("customers:customer-detail", args=[row.pk])))
    assert f'<html lang="{"en" if language == "en" else "zh"}' in page
    assert "****-12-03" in page and "1990" not in page
    assert client.get(reverse("customers:customer-list") + "?birthday=30").status_code == 200
    edit = client.get(reverse("customers:customer-edit", args=[row.pk]))
    assert edit.status_code == 200 and 'id="birthday-check"' in words(edit) and "1990" not in words(edit)
    if language == "en":
        assert "Next: Thu, Dec 3, in 11 days" in page
        assert "10th month" not in page  # the lunar form of the date would tell the year


def test_a_lunar_birthday_in_words(op: Operator, client_for: ClientFor) -> None:
    row = by_moon(op, 6, 30, leap=True, birth_date=date(1987, 8, 23))
    page = words(client_for(op.clerk).get(reverse("customers:customer-detail", args=[row.pk])))
    assert "lunar leap 6th month, day 30" in page
    assert "Next: " in page and "2027" in page
    assert "1987" not in page and "08-23" not in page


def test_a_revealed_birthday_is_recorded(op: Operator, client_for: ClientFor) -> None:
    row = customer(op.hall, "王小娟", birth_date=date(1990, 12, 3))
    client = client_for(op.clerk)
    shown = client.post(
        reverse("customers:customer-reveal", args=[row.pk, "birthday"]), {"reason": ""}, HTTP_HX_REQUEST="true"
    )
    assert "1990-12-03" in words(shown)
    entry = AuditEntry.objects.get(verb="customer.revealed")
    assert (entry.customer_id, entry.detail["field"]) == (row.pk, "birthday")
    page = words(client.get(reverse("customers:customer-detail", args=[row.pk])))
    assert "1990-12-03" in page and "lunar 10th month, day 17" in page


def test_in_ones_own_contact_the_birthday_is_clear(op: Operator, client_for: ClientFor) -> None:
    row = customer(op.hall, "王小娟", birth_date=date(1990, 12, 3))
    start_contact(actor=op.clerk, customer=row, channel="HALL_OWN")
    assert "1990-12-03" in words(client_for(op.clerk).get(reverse("customers:customer-detail", args=[row.pk])))
    assert "1990" not in words(client_for(op.head).get(reverse("customers:customer-detail", args=[row.pk])))


def test_the_page_says_when_a_birthday_is_doubtful_or_over(op: Operator, client_for: ClientFor) -> None:
    client = client_for(op.clerk)

    def page(row: Customer) -> str:
        return words(client.get(reverse("customers:customer-detail", args=[row.pk])))

    filler = page(customer(op.hall, "王一", birth_date=date(1970, 1, 1), quality_marks=["BIRTHDAY_PLACEHOLDER"]))
    assert "Birthday looks like a filler" in filler and "Next: " not in filler
    gone = page(customer(op.hall, "王二", birth_date=date(1970, 1, 5), status="DECEASED"))
    assert "****-01-05" in gone and "Next: " not in gone
    unknown = page(customer(op.hall, "王三"))
    assert "Next: " not in unknown
    row = by_moon(op, 1, 1, quality_marks=["BIRTHDAY_OUTSIDE_TABLES"])
    with clock.travel(datetime(2099, 6, 1, tzinfo=UTC)):
        line = birthday_line(row, clear=False)
    assert line == BirthdayLine("1st month, day 1", "", "Lunar birthday beyond the tables")


# --- the form --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, []),
        ({"birth_date": "1990-12-03"}, ["lunar 10th month, day 17", "Next: Thu, Dec 3, in 11 days"]),
        ({"birth_date": "1970-01-01"}, ["often written when nobody knows"]),
        ({"birth_date": "2027-01-01"}, ["This birth date is not possible."]),
        ({"birth_date": "1990-02-30"}, ["Birth date: Enter a valid date."]),
        ({"birthday_kind": "LUNAR"}, []),
        (
            {"birthday_kind": "LUNAR", "lunar_month": "8", "lunar_day": "15"},
            ["8th month, day 15", "Next: Wed, Sep 15, 2027"],
        ),
        (
            {"birthday_kind": "LUNAR", "birth_date": "1990-12-03"},
            ["10th month, day 17", "taken from the birth date", "Next: Wed, Nov 25, in 3 days"],
        ),
        (
            {"birthday_kind": "LUNAR", "birth_date": "1990-12-03", "lunar_month": "12", "lunar_day": "3"},
            ["lunar 12th month, day 3", "The birth date was the lunar 10th month, day 17."],
        ),
        (
            {"birthday_kind": "LUNAR", "lunar_month": "1", "lunar_day": "1", "lunar_leap": "on"},
            ["There is no leap 1st month in any year from 1901 to 2099."],
        ),
        (
            {"birthday_kind": "LUNAR", "lunar_month": "11", "lunar_day": "30", "lunar_leap": "on"},
            ["The leap 11th month never has more than 29 days."],
        ),
        ({"birthday_kind": "LUNAR", "lunar_month": "13", "lunar_day": "1"}, ["less than or equal to 12"]),
        ({"birthday_kind": "LUNAR", "lunar_month": "8"}, ["needs a month to 12 and a day to 30"]),
    ],
)  # fmt: skip
def test_the_form_says_what_is_typed(
    op: Operator, client_for: ClientFor, typed: dict[str, str], said: list[str]
) -> None:
    response = client_for(op.clerk).post(
        reverse("customers:birthday-check"), {"birthday_kind": "SOLAR", **typed}, HTTP_HX_REQUEST="true"
    )
    assert response.status_code == 200
    for one in said:
        assert one in words(response)
    if not said:
        assert words(response).strip() == '<div id="birthday-check" aria-live="polite"></div>'


def test_a_lunar_day_that_never_is_comes_back_in_the_form(op: Operator, client_for: ClientFor) -> None:
    typed = {
        "customer_type": "PERSON", "segment": "PERSON", "name": "李小四", "birthday_kind": "LUNAR", "lunar_month": "12",
        "lunar_day": "8", "lunar_leap": "on",
    }  # fmt: skip
    client = client_for(op.clerk)
    refused = client.post(reverse("customers:customer-new"), typed)
    assert refused.status_code == 422
    assert refused.context["form"].errors["lunar_day"] == [
        "There is no leap 12th month in any year from 1901 to 2099. Compare the calendar."
    ]
    assert 'value="李小四"' in words(refused) and not Customer.objects.exists()
    del typed["lunar_leap"]
    assert client.post(reverse("customers:customer-new"), typed).status_code == 302
    assert birthday_of(Customer.objects.get()) == (True, 12, 8, False)
    row = Customer.objects.get()
    services.change_customer(row.pk, actor=op.clerk, version=1, changes={"lunar_day": 9})
    assert Customer.objects.get().lunar_day == 9


def test_a_hidden_birth_date_left_empty_stays(op: Operator, client_for: ClientFor) -> None:
    row = customer(op.hall, "王小娟", birth_date=date(1990, 12, 3))
    client = client_for(op.clerk)
    typed = {
        "version": 1, "customer_type": "PERSON", "segment": "PERSON", "name": "", "birthday_kind": "SOLAR",
        "status": row.status, "identity_status": row.identity_status, "home_city": "杭州", "birth_date": "",
    }  # fmt: skip
    address = reverse("customers:customer-edit", args=[row.pk])
    assert "Leave empty to keep the date on file." in words(client.get(address))
    assert client.post(address, typed).status_code == 302
    row.refresh_from_db()
    assert (row.home_city, row.birth_date, row.version) == ("杭州", date(1990, 12, 3), 2)
    assert client.post(address, {**typed, "version": 2, "birth_date": "1990-12-04"}).status_code == 302
    row.refresh_from_db()
    assert row.birth_date == date(1990, 12, 4)
    # Where it is seen, emptying it means it.
    start_contact(actor=op.clerk, customer=row, channel="HALL_OWN")
    assert "1990-12-04" in words(client.get(address))
    assert client.post(address, {**typed, "version": 3, "name": row.name}).status_code == 302
    row.refresh_from_db()
    assert (row.birth_date, row.quality_marks) == (None, ["BIRTHDAY_MISSING"])
