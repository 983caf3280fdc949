"""The smallest valid thing of each kind."""

from __future__ import annotations

from typing import Any

import factory
from factory.django import DjangoModelFactory

from customers.models import ContactPoint, Customer, CustomerFacts, Plan, Subscription
from foundation.common import clock
from staff.models import OrgUnit, RoleAssignment, Team, TeamMember, User

PASSWORD = "a-long-test-password"


class UnitFactory(DjangoModelFactory):
    class Meta:
        model = OrgUnit

    code = factory.Sequence(lambda n: f"U{n}")
    name = factory.Sequence(lambda n: f"Unit {n}")
    function = OrgUnit.Function.HALL
    no = factory.Sequence(lambda n: 1000 + n * 10)
    last_no = factory.LazyAttribute(lambda unit: unit.no)


class UserFactory(DjangoModelFactory):
    """`UserFactory(role="AGENT")` also holds the role in the user's unit."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user{n}")
    name = factory.Sequence(lambda n: f"Staff {n}")
    staff_no = factory.Sequence(lambda n: f"S{n:05d}")
    language = "en"
    unit = factory.SubFactory(UnitFactory)

    @factory.post_generation
    def role(self: Any, create: bool, extracted: str | None, **_kwargs: Any) -> None:
        if extracted:
            RoleAssignment.objects.create(user=self, role=extracted, unit=self.unit)

    @factory.post_generation
    def password(self: Any, create: bool, extracted: str | None, **_kwargs: Any) -> None:
        if extracted:
            self.set_password(extracted)
            self.save(update_fields=["password"])


class TeamFactory(DjangoModelFactory):
    class Meta:
        model = Team

    name = factory.Sequence(lambda n: f"Team {n}")
    lead = factory.SubFactory(UserFactory, role="TEAM_LEAD")
    unit = factory.SelfAttribute("lead.unit")


class TeamMemberFactory(DjangoModelFactory):
    class Meta:
        model = TeamMember

    team = factory.SubFactory(TeamFactory)
    user = factory.SubFactory(UserFactory, role="AGENT")


class PlanFactory(DjangoModelFactory):
    class Meta:
        model = Plan

    code = factory.Sequence(lambda n: f"P{n}")
    name = factory.Sequence(lambda n: f"Plan {n}")
    product_line = "MOBILE"
    monthly_fee = "59.00"


class CustomerFactory(DjangoModelFactory):
    """A bare archive row with its facts; searchable only after `customers.finding` built its find rows."""

    class Meta:
        model = Customer
        skip_postgeneration_save = True

    class Params:
        unit = factory.SubFactory(UnitFactory)

    number = factory.Sequence(lambda n: f"CU20260101{n:06d}")
    name = factory.Sequence(lambda n: f"Customer {n}")
    unit_id = factory.LazyAttribute(lambda row: row.unit.pk)
    unit_no = factory.LazyAttribute(lambda row: row.unit.no)

    @factory.post_generation
    def with_facts(self: Any, create: bool, extracted: Any, **_kwargs: Any) -> None:
        if create:
            CustomerFacts.objects.create(customer=self)


class ContactPointFactory(DjangoModelFactory):
    class Meta:
        model = ContactPoint

    customer = factory.SubFactory(CustomerFactory)
    kind = ContactPoint.Kind.MOBILE
    value = factory.Sequence(lambda n: f"139{n:08d}")
    verified_at = factory.LazyFunction(clock.now)
    is_primary = True


class SubscriptionFactory(DjangoModelFactory):
    class Meta:
        model = Subscription

    customer = factory.SubFactory(CustomerFactory)
    service_no = factory.Sequence(lambda n: f"138{n:08d}")
    product_line = "MOBILE"
    plan = factory.SubFactory(PlanFactory)
    activated_on = factory.LazyFunction(clock.today)
