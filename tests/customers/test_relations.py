"""Who belongs to whom: relations of every kind, their days, households, the list and the drawing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers import services
from customers.models import Customer, FieldChange, Household, HouseholdMember, Relation, TimelineLine
from customers.relation_map import relation_map
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.common.errors import RuleBroken
from staff.models import User
from tests.customers.people import Operator, customer
from tests.factories import SubscriptionFactory
from tests.racing import race

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]


@pytest.fixture
def row(op: Operator) -> Customer:
    return customer(op.hall, "王小娟", mobile="13800138000")


@pytest.fixture
def other(op: Operator) -> Customer:
    return customer(op.hall, "李国强", mobile="13800138001")


def url(row: Customer, name: str = "relation-list", *more: Any) -> str:
    return reverse(f"customers:{name}", args=[row.pk, *more])


def words(response: Any) -> str:
    return response.content.decode()


def typed(**more: Any) -> dict[str, Any]:
    return {"kind": "FAMILY", "valid_from": clock.today().isoformat(), **more}


def nothing_written() -> bool:
    return not (
        Relation.objects.exists()
        or AuditEntry.objects.filter(customer_id__isnull=False).exists()
        or TimelineLine.objects.exists()
    )


@pytest.mark.covers("ARC-15")
def test_a_relation_is_seen_from_both_sides(op: Operator, client_for: ClientFor, row: Customer) -> None:
    company = customer(op.hall, "远洋科技有限公司", customer_type="ENTERPRISE")
    client = client_for(op.clerk)
    answer = client.post(url(company, "relation-add"), typed(kind="EMPLOYEE", other="138 0013 8000", note="Buyer"))
    assert answer.status_code == 302
    relation = Relation.objects.get()
    assert (relation.customer, relation.other, relation.kind, relation.valid_to) == (company, row, "EMPLOYEE", None)
    assert "王*娟" in words(client.get(url(company))) and "Employee" in words(client.get(url(company)))
    seen = words(client.get(url(row)))
    assert "Employer" in seen and company.number in seen and 'class="relmap"' in seen
    assert list(TimelineLine.objects.order_by("customer_id").values_list("customer_id", flat=True)) == sorted(
        [company.pk, row.pk]
    )
    assert client.post(url(row, "relation-end", relation.pk)).status_code == 302
    relation.refresh_from_db()
    assert relation.valid_to == clock.today()


def test_who_is_no_customer_stands_with_name_and_number(op: Operator, client_for: ClientFor, row: Customer) -> None:
    client = client_for(op.clerk)
    assert (
        client.post(url(row, "relation-add"), typed(other_name="王大明", other_phone="137 0013 7000")).status_code
        == 302
    )
    relation = Relation.objects.get()
    assert (relation.other, relation.other_name, relation.other_phone) == (None, "王大明", "13700137000")
    page = words(client.get(url(row)))
    assert "王*明" in page and "王大明" not in page and "13700137000" not in page
    assert FieldChange.objects.get(entity="relation").new == "王大明"
    assert "王大明" not in str(list(AuditEntry.objects.values_list("detail")))


@pytest.mark.parametrize(
    ("more", "field", "said"),
    [
        ({}, "other", "Say who"),
        ({"other": "13800138000"}, "other", "Nobody is related to themselves."),
        ({"other": "13999999999"}, "other", "No customer has exactly this number."),
        ({"other_name": "甲", "other_phone": "12"}, "other_phone", "no telephone number"),
        ({"other_name": "王\u202e明"}, "other_name", ""),
        ({"kind": "EMPLOYEE", "other": "13800138001"}, "kind", "cannot be related so"),
        ({"kind": "SAME_PERSON", "other": "13800138001"}, "kind", "A person is linked with the trade"),
        ({"kind": "PAYER", "other": "13800138001"}, "line", "Choose a line of this customer"),
        ({"other": "13800138001", "valid_from": "2999-01-01"}, "valid_from", "The day lies in the future."),
    ],
)
def test_what_cannot_be_related_is_said_and_nothing_is_written(
    op: Operator, client_for: ClientFor, row: Customer, other: Customer, more: dict[str, str], field: str, said: str
) -> None:
    answer = client_for(op.clerk).post(url(row, "relation-add"), typed(**more))
    errors = answer.context["relation_form"].errors
    assert answer.status_code == 422 and said in str(errors.get(field) or errors["__all__"])
    assert nothing_written()


def test_the_same_relation_never_holds_twice_on_one_day(op: Operator, row: Customer, other: Customer) -> None:
    first = services.add_relation(row.pk, actor=op.clerk, kind="FAMILY", other_id=other.pk)
    for one, two in ((row, other), (other, row)):
        with pytest.raises(RuleBroken) as no:
            services.add_relation(one.pk, actor=op.clerk, kind="FAMILY", other_id=two.pk)
        assert no.value.code == "relations.there"
    services.end_relation(first.pk, actor=op.clerk)
    services.add_relation(other.pk, actor=op.clerk, kind="FAMILY", other_id=row.pk)
    assert Relation.objects.count() == 2
    # Another kind is another relation; the database has the last word.
    services.add_relation(row.pk, actor=op.clerk, kind="INTRODUCER", other_id=other.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        Relation.objects.create(customer=row, other=other, kind="INTRODUCER")
    with pytest.raises(IntegrityError), transaction.atomic():
        Relation.objects.create(customer=row, other=row, kind="INTRODUCER")


@pytest.mark.django_db(transaction=True)
def test_from_both_sides_at_once_it_is_one(op: Operator, row: Customer, other: Customer) -> None:
    outcomes = race(
        lambda: services.add_relation(row.pk, actor=op.clerk, kind="FAMILY", other_id=other.pk),
        lambda: services.add_relation(other.pk, actor=op.clerk, kind="FAMILY", other_id=row.pk),
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Relation", "RuleBroken"]
    assert Relation.objects.count() == 1


def test_a_line_has_one_payer_and_one_user_at_a_time(op: Operator, row: Customer, other: Customer) -> None:
    line = SubscriptionFactory(customer=row)
    third = customer(op.hall, "赵六")
    for payer in (other, third):
        services.add_relation(row.pk, actor=op.clerk, kind="PAYER", other_id=payer.pk, subscription_id=line.pk)
    services.add_relation(row.pk, actor=op.clerk, kind="USER", other_name="小明", subscription_id=line.pk)
    held = Relation.objects.filter(valid_to=None).order_by("kind")
    assert [(one.kind, one.other_id) for one in held] == [("PAYER", third.pk), ("USER", None)]
    assert Relation.objects.get(other=other).valid_to == clock.today()
    foreign = SubscriptionFactory(customer=other)
    with pytest.raises(RuleBroken) as no:
        services.add_relation(row.pk, actor=op.clerk, kind="PAYER", other_id=third.pk, subscription_id=foreign.pk)
    assert no.value.code == "relations.foreign_line"


def test_a_person_and_the_trade_of_that_person_are_two_linked_customers(op: Operator, row: Customer) -> None:
    trade = customer(op.hall, "小娟便利店", customer_type="ENTERPRISE")
    services.add_relation(row.pk, actor=op.clerk, kind="SAME_PERSON", other_id=trade.pk)
    with pytest.raises(RuleBroken) as no:
        services.add_relation(trade.pk, actor=op.clerk, kind="SAME_PERSON", other_id=row.pk)
    assert no.value.code == "relations.there"


def test_a_household_has_one_head_and_nobody_lives_in_two(
    op: Operator, client_for: ClientFor, row: Customer, other: Customer
) -> None:
    child, far = customer(op.hall, "李明"), customer(op.hall, "赵六", mobile="13800138009")
    client = client_for(op.clerk)
    assert client.post(url(row, "household-join"), {"head": "13800138001", "role": "SPOUSE"}).status_code == 302
    services.join_household(child.pk, actor=op.clerk, head_id=other.pk, role="CHILD")
    roles = dict(HouseholdMember.objects.values_list("customer_id", "role"))
    assert roles == {other.pk: "HEAD", row.pk: "SPOUSE", child.pk: "CHILD"} and Household.objects.count() == 1
    with pytest.raises(RuleBroken) as no:
        services.join_household(child.pk, actor=op.clerk, head_id=far.pk)
    assert no.value.code == "relations.in_household"
    with pytest.raises(RuleBroken) as no:
        services.join_household(far.pk, actor=op.clerk, head_id=row.pk)
    assert no.value.code == "relations.in_household" and HouseholdMember.objects.count() == 3
    services.leave_household(other.pk, actor=op.clerk)
    left = dict(HouseholdMember.objects.filter(valid_to=None).values_list("customer_id", "role"))
    assert left == {row.pk: "HEAD", child.pk: "CHILD"}
    # Nobody is a household alone.
    assert client.post(url(child, "household-leave")).status_code == 302
    assert not HouseholdMember.objects.filter(valid_to=None).exists()
    assert client.post(url(child, "household-leave")).status_code == 422


def test_the_drawing_holds_twelve_at_most() -> None:
    assert relation_map([]) is None
    few = relation_map([("王*", "Family")])
    assert few is not None and [(node.x, node.y) for node in few.nodes] == [(68, 60)] and few.left_out == 0
    many = relation_map([(f"{n}*", "Employee") for n in range(40)])
    assert many is not None and len(many.nodes) == 11 and many.left_out == 29
    assert len({(node.x, node.y) for node in many.nodes}) == 11


def test_the_page_costs_the_same_for_one_and_for_sixty(op: Operator, client_for: ClientFor) -> None:
    company = customer(op.hall, "远洋科技有限公司", customer_type="ENTERPRISE")
    client = client_for(op.clerk)

    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            assert client.get(url(company)).status_code == 200
        return len(counted)

    people = [customer(op.hall, f"职员{n}") for n in range(61)]
    Relation.objects.create(customer=company, other=people[0], kind="EMPLOYEE")
    client.get(url(company))
    first = queries()
    Relation.objects.bulk_create(Relation(customer=company, other=one, kind="EMPLOYEE") for one in people[1:])
    assert queries() == first <= 15


def test_somebody_of_another_branch_stays_masked_and_without_a_link(
    op: Operator, client_for: ClientFor, row: Customer
) -> None:
    far = customer(op.elsewhere, "赵子龙", mobile="13500135000")
    services.add_relation(row.pk, actor=op.clerk, kind="FAMILY", other_id=far.pk)
    page = words(client_for(op.clerk).get(url(row)))
    assert "赵*龙" in page and "赵子龙" not in page and reverse("customers:customer-detail", args=[far.pk]) not in page
    assert client_for(op.clerk).post(url(far, "relation-add"), typed(other_name="甲乙")).status_code == 404
    assert services.add_relation(
        row.pk, actor=op.clerk, kind="INTRODUCER", other_id=far.pk, valid_from=clock.today() - timedelta(days=5)
    ).valid_from == clock.today() - timedelta(days=5)
