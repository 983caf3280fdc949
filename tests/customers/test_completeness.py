"""How complete an archive is (D§5.4): weights, what does not count, targets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import translation

from customers.completeness import Completeness, below_target, completeness_of, with_completeness
from customers.models import Address, ContactPoint, Customer, Need, ProfileField
from customers.queries import customer_page
from foundation.common import clock
from foundation.policies.services import set_policy
from staff.models import User
from tests.customers.people import customer
from tests.factories import ContactPointFactory, CustomerFactory, UnitFactory, UserFactory

pytestmark = pytest.mark.django_db
ID = "110101199003070011"


def fresh(row: Customer) -> Completeness:
    found = with_completeness(Customer.objects.filter(pk=row.pk)).select_related("facts").get()
    return completeness_of(found, found.facts.tier)


def missing(row: Customer) -> list[str]:
    """The missing parts, in the order they are named."""
    return [part.code for part in fresh(row).missing]


def fact(row: Customer, key: str, **more: object) -> ProfileField:
    common = {"value": "x", "source": "desk", "purpose": "Advice", "consent_evidence": "Form 12"}
    return ProfileField.objects.create(customer=row, key=key, **common, **more)


@pytest.mark.covers("ARC-01")
def test_an_archive_fills_up_part_by_part() -> None:
    row = CustomerFactory()
    assert (fresh(row).percent, fresh(row).target, fresh(row).is_low) == (10, 50, True)
    everything = ["id", "contact", "interests", "spending", "needs", "address", "birthday", "channel"]
    assert missing(row) == everything
    row = customer(UnitFactory(), "A B", id_number=ID)
    assert fresh(row).percent == 30
    ContactPointFactory(customer=row)
    assert (fresh(row).percent, fresh(row).is_low) == (50, False)
    Address.objects.create(customer=row, kind="HOME", city="Sanya")
    assert fresh(row).percent == 58
    Customer.objects.filter(pk=row.pk).update(birth_date="1990-03-07", channel_preference="SMS")
    assert fresh(row).percent == 70
    fact(row, "INTERESTS")
    fact(row, "SPENDING_HABIT")
    with translation.override("en"):
        assert [str(part.label) for part in fresh(row).missing] == ["Needs"]
    Need.objects.create(customer=row, text="Faster")
    assert fresh(row) == Completeness(100, 50, [])


def test_what_does_not_hold_does_not_count() -> None:
    row = CustomerFactory(quality_marks=["NAME_MISSING"])
    assert fresh(row).percent == 0
    ContactPointFactory(customer=row, verified_at=None, is_primary=False)
    ContactPointFactory(customer=row, do_not_use="Bounced", is_primary=False)
    ContactPointFactory(customer=row, valid_to=clock.today(), is_primary=False)
    Address.objects.create(customer=row, kind="HOME", valid_to=clock.today())
    fact(row, "INTERESTS", expires_on=clock.today())
    assert fresh(row).percent == 0
    ProfileField.objects.update(expires_on=clock.today() + timedelta(days=1))
    assert fresh(row).percent == 10
    ContactPoint.objects.update(verified_at=clock.now(), do_not_use="", valid_to=None)
    assert fresh(row).percent == 30


def test_a_company_has_no_birthday_and_a_target_of_its_own() -> None:
    row = CustomerFactory(customer_type="ENTERPRISE", channel_preference="EMAIL")
    assert "birthday" not in missing(row)
    assert (fresh(row).percent, fresh(row).target) == (17, 85)  # (10 + 6) of 94


def test_a_company_with_a_birth_date_is_never_more_than_complete(client_for: Callable[[User], Client]) -> None:
    unit = UnitFactory()
    company = customer(unit, "Full Works", id_number=ID, customer_type="ENTERPRISE", channel_preference="SMS")
    ContactPointFactory(customer=company)
    Address.objects.create(customer=company, kind="WORK", city="Sanya")
    for key in ("INTERESTS", "SPENDING_HABIT"):
        fact(company, key)
    Need.objects.create(customer=company, text="Faster")
    clerk = UserFactory(role="HALL_CLERK", unit=unit, language="en")
    for born in (None, "1990-03-07"):  # as an import or a change of the type may leave it
        Customer.objects.filter(pk=company.pk).update(birth_date=born)
        assert (fresh(company).percent, fresh(company).missing) == (100, [])
        assert below_target(Customer.objects.filter(pk=company.pk)).count() == 0
        page = client_for(clerk).get(f"/customers/{company.ref}/").content.decode()
        assert "100 % of 85 % wanted" in page


@pytest.mark.parametrize(("tier", "target"), [("", 50), ("SILVER", 70), ("GOLD", 70), ("DIAMOND", 85), ("NEW", 50)])
def test_the_target_follows_the_tier(tier: str, target: int) -> None:
    row = CustomerFactory()
    row.facts.tier = tier
    row.facts.save()
    assert fresh(row).target == target


def test_the_operator_weighs() -> None:
    row = CustomerFactory()
    zero = dict.fromkeys(("id", "address", "birthday", "channel", "interests", "spending", "needs"), 0)
    set_policy("customers.completeness_weights", {"name": 1, "contact": 2, **zero}, actor=UserFactory())
    assert fresh(row).percent == 33 and missing(row)[0] == "contact"


def test_the_list_of_data_to_improve_holds_those_below_their_target(django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    bare = CustomerFactory()
    whole = customer(UnitFactory(), "A B", id_number=ID, mobile="13800138000")
    asked_more = customer(UnitFactory(), "C D", id_number="110101199003070038", mobile="13800138001")
    asked_more.facts.tier = "GOLD"
    asked_more.facts.save()
    with django_assert_num_queries(1):
        rows = list(below_target(Customer.objects.order_by("pk")))
    assert [row.pk for row in rows] == [bare.pk, asked_more.pk]
    assert whole.pk not in [row.pk for row in rows]


@pytest.mark.parametrize("customer_type", ["PERSON", "ENTERPRISE"])
@pytest.mark.parametrize("full", [False, True])
def test_the_page_weighs_as_the_query_does(customer_type: str, full: bool) -> None:
    user = UserFactory(role="GM")
    row = customer(UnitFactory(), "A B", id_number=ID if full else "", customer_type=customer_type)
    if full:
        ContactPointFactory(customer=row)
        Address.objects.create(customer=row, kind="HOME", city="Sanya")
        fact(row, "INTERESTS")
        fact(row, "SPENDING_HABIT", expires_on=clock.today())
        Need.objects.create(customer=row, text="Faster")
    page = customer_page(row.pk, user=user, opened=set())
    assert page is not None
    assert page.completeness == fresh(row)
