"""How and when the customer wants to hear from us: the services and the page (D§5.7)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from customers.models import ContactBlock, ContactTime, Customer, FieldChange
from customers.services import add_contact_time, block_contact, change_wishes, drop_contact_time
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from staff.models import User
from tests.customers.people import Operator, customer, operator
from tests.factories import ContactPointFactory, UserFactory
from tests.racing import race

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
NOON = {"wish": "AVOID", "days": "WORKDAYS", "starts": time(12), "ends": time(14)}


def in_force(row: Customer) -> list[tuple[str, list[str]]]:
    return [(b.reason, b.classes) for b in ContactBlock.objects.filter(customer=row) if b.holds(clock.now())]


@pytest.mark.covers("ARC-21")
def test_channel_language_and_reminders_are_changed_at_once_and_only_once(op: Operator) -> None:
    row = customer(op.hall, "Li")
    change_wishes(row.pk, actor=op.clerk, channel="EMAIL", language="en", reminders=False)
    row.refresh_from_db()
    assert (row.channel_preference, row.language, in_force(row)) == ("EMAIL", "en", [("ASKED", ["REMINDER"])])
    changes = FieldChange.objects.filter(customer_id=row.pk).order_by("field").values_list("field", "old", "new")
    assert list(changes) == [("channel_preference", "", "EMAIL"), ("language", "zh-hans", "en")]
    version, entries = row.version, AuditEntry.objects.count()
    change_wishes(row.pk, actor=op.clerk, channel="EMAIL", language="en", reminders=False)
    row.refresh_from_db()
    assert (row.version, AuditEntry.objects.count()) == (version, entries)
    change_wishes(row.pk, actor=op.clerk, channel="EMAIL", language="en", reminders=True)
    assert in_force(row) == []


def test_what_else_the_customer_asked_for_stays_when_reminders_come_back(op: Operator) -> None:
    row = customer(op.hall, "Li")
    block_contact(row.pk, actor=None, reason="ASKED", classes=["REMINDER", "SURVEY"])
    block_contact(row.pk, actor=None, reason="MOURNING", classes=["REMINDER"])
    change_wishes(row.pk, actor=op.clerk, channel="", language="en", reminders=True)
    assert sorted(in_force(row)) == [("ASKED", ["SURVEY"]), ("MOURNING", ["REMINDER"])]


@pytest.mark.parametrize("wrong", [{"channel": "PIGEON"}, {"language": "tlh"}])
def test_what_is_not_offered_is_refused_and_changes_nothing(op: Operator, wrong: dict[str, str]) -> None:
    row = customer(op.hall, "Li")
    with pytest.raises(RuleBroken) as no:
        change_wishes(row.pk, actor=op.clerk, **({"channel": "", "language": "en", "reminders": False} | wrong))  # type: ignore[arg-type]
    assert no.value.code == "customers.bad_code"
    assert in_force(row) == [] and not FieldChange.objects.exists()


def test_who_may_not_edit_is_refused(op: Operator) -> None:
    row, reader = customer(op.hall, "Li"), UserFactory(role="QA", unit=op.hall)
    time_on_file = add_contact_time(row.pk, actor=op.clerk, **NOON)  # type: ignore[arg-type]
    for act in (
        lambda: change_wishes(row.pk, actor=reader, channel="", language="en", reminders=False),
        lambda: add_contact_time(row.pk, actor=reader, **(NOON | {"days": "WEEKEND"})),  # type: ignore[arg-type]
        lambda: drop_contact_time(time_on_file.pk, actor=reader),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert list(ContactTime.objects.all()) == [time_on_file] and in_force(row) == []


@pytest.mark.covers("ARC-21")
def test_a_time_is_kept_once_remembered_and_taken_back(op: Operator) -> None:
    row = customer(op.hall, "Li")
    first = add_contact_time(row.pk, actor=op.clerk, **NOON)  # type: ignore[arg-type]
    assert add_contact_time(row.pk, actor=op.clerk, **NOON).pk == first.pk  # type: ignore[arg-type]
    best = add_contact_time(row.pk, actor=op.clerk, **(NOON | {"wish": "PREFER"}))  # type: ignore[arg-type]
    assert ContactTime.objects.count() == 2 and best.pk != first.pk
    drop_contact_time(first.pk, actor=op.clerk)
    drop_contact_time(first.pk, actor=op.clerk)
    assert list(ContactTime.objects.all()) == [best]
    changes = FieldChange.objects.filter(entity_id=first.pk).order_by("pk").values_list("field", "old", "new")
    assert list(changes) == [
        ("contact_times", None, "WORKDAYS 12:00-14:00"),
        ("contact_times", "WORKDAYS 12:00-14:00", None),
    ]
    verbs = AuditEntry.objects.filter(customer_id=row.pk).order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["wish.time_added", "wish.time_added", "wish.time_dropped"]


@pytest.mark.parametrize(
    ("before", "last", "code"),
    [
        ([], {"days": "EVERY", "starts": time(8), "ends": time(8)}, "customers.no_time_left"),
        (
            [("WORKDAYS", time(0), time(0)), ("WEEKEND", time(0), time(12))],
            {"days": "WEEKEND", "starts": time(12), "ends": time(0)},
            "customers.no_time_left",
        ),
        ([], {"days": "SOMEDAY"}, "customers.bad_code"),
        ([], {"wish": "HATE"}, "customers.bad_code"),
        ([("EVERY", time(n), time(n, 30)) for n in range(10)], {}, "customers.too_many_times"),
    ],
)
def test_times_that_cannot_be_are_refused(
    op: Operator, before: list[tuple[str, time, time]], last: dict[str, Any], code: str
) -> None:
    row = customer(op.hall, "Li")
    for days, starts, ends in before:
        add_contact_time(row.pk, actor=op.clerk, wish="AVOID", days=days, starts=starts, ends=ends)
    with pytest.raises(RuleBroken) as no:
        add_contact_time(row.pk, actor=op.clerk, **(NOON | last))
    assert no.value.code == code
    assert ContactTime.objects.count() == len(before)


@pytest.mark.django_db(transaction=True)
def test_the_same_wish_from_two_desks_at_once_is_kept_once() -> None:
    op = operator()
    row = customer(op.hall, "Li")

    def act() -> None:
        add_contact_time(row.pk, actor=None, **NOON)  # type: ignore[arg-type]
        change_wishes(row.pk, actor=None, channel="SMS", language="en", reminders=False)

    assert race(*[act] * 4) == [None] * 4
    assert ContactTime.objects.count() == 1
    assert in_force(row) == [("ASKED", ["REMINDER"])]


@pytest.mark.covers("ARC-21")
def test_the_page_notes_shows_and_takes_back(op: Operator, client_for: ClientFor) -> None:
    row = customer(op.hall, "Li")
    ContactPointFactory(customer=row, value="13900001111", do_not_use="Came back")
    client = client_for(op.clerk)
    page = reverse("customers:customer-wishes", args=[row.pk])
    answer = client.post(
        reverse("customers:wishes-set", args=[row.pk]), {"channel": "SMS", "language": "en", "reminders": ""}
    )
    assert (answer.status_code, answer.headers["Location"]) == (302, page)
    new = {"wish": "AVOID", "days": "WORKDAYS", "starts": "12:00", "ends": "14:00"}
    assert client.post(reverse("customers:time-add", args=[row.pk]), new).status_code == 302
    text = client.get(page).content.decode()
    assert "Monday to Friday 12:00–14:00" in text and "Came back" in text and "13900001111" not in text
    assert "checked" not in text.split('name="reminders"')[1].split(">")[0]
    [kept] = ContactTime.objects.all()
    assert client.post(reverse("customers:time-drop", args=[row.pk, kept.pk])).status_code == 302
    assert not ContactTime.objects.exists()


def test_the_page_gives_back_what_was_typed_with_the_refusal(op: Operator, client_for: ClientFor) -> None:
    row = customer(op.hall, "Li")
    client = client_for(op.clerk)
    whole = {"wish": "AVOID", "days": "EVERY", "starts": "08:00", "ends": "08:00"}
    answer = client.post(reverse("customers:time-add", args=[row.pk]), whole)
    assert answer.status_code == 422 and "no time at all" in answer.content.decode()
    for wrong in ({}, whole | {"starts": "25:61"}, whole | {"days": "x"}, whole | {"ends": "\x00"}):
        answer = client.post(reverse("customers:time-add", args=[row.pk]), wrong)
        assert answer.status_code == 422
    assert client.post(reverse("customers:wishes-set", args=[row.pk]), {"channel": "x"}).status_code == 422
    assert not ContactTime.objects.exists() and in_force(row) == []


def test_a_time_of_another_customer_is_not_found(op: Operator, client_for: ClientFor) -> None:
    mine, other = customer(op.hall, "Li"), customer(op.elsewhere, "Wang")
    kept = add_contact_time(other.pk, actor=None, **NOON)  # type: ignore[arg-type]
    client = client_for(op.clerk)
    for pk in (mine.pk, other.pk):
        assert client.post(reverse("customers:time-drop", args=[pk, kept.pk])).status_code == 404
    assert client.get(reverse("customers:customer-wishes", args=[other.pk])).status_code == 404
    assert ContactTime.objects.count() == 1


def test_who_may_only_read_sees_the_wishes_without_a_form(op: Operator, client_for: ClientFor) -> None:
    row = customer(op.hall, "Li", channel_preference="EMAIL")
    change_wishes(row.pk, actor=op.clerk, channel="EMAIL", language="en", reminders=False)
    text = client_for(UserFactory(role="QA", unit=op.hall, language="en")).get(
        reverse("customers:customer-wishes", args=[row.pk])
    )
    shown = text.content.decode()
    assert "switched off" in shown and "E-mail" in shown and "wishes/set" not in shown


def test_the_page_costs_few_queries(op: Operator, client_for: ClientFor, django_assert_max_num_queries: Any) -> None:
    row = customer(op.hall, "Li")
    for n in range(8):
        add_contact_time(row.pk, actor=op.clerk, wish="AVOID", days="EVERY", starts=time(n), ends=time(n, 30))
    client, page = client_for(op.clerk), reverse("customers:customer-wishes", args=[row.pk])
    client.get(page)
    with django_assert_max_num_queries(8):
        assert client.get(page).status_code == 200
