"""Who belongs to whom: relations between customers, or with somebody who is none, and households (D§4, D§5.2, D§26)."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models.archive import Customer
from customers.models.subscriptions import Subscription
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal


def _just(column: str, kind: str = "int8range") -> Func:
    """A column as the range of itself: an exclusion by equality without an extension of the database."""
    return Func(F(column), F(column), Value("[]"), function=kind)


_PERIOD = Func(F("valid_from"), F("valid_to"), Value("[)"), function="daterange")
_KIND = Func(
    Func(F("kind"), function="hashtext"), Func(F("kind"), function="hashtext"), Value("[]"), function="int4range"
)


class RelationKind(models.TextChoices):
    """What the second is to the first."""

    FAMILY = "FAMILY", _("Family")
    GUARDIAN = "GUARDIAN", _("Guardian")
    EMPLOYEE = "EMPLOYEE", _("Employee")
    HANDLER = "HANDLER", _("Handler of the company")
    PAYER = "PAYER", _("Payer of a line")
    USER = "USER", _("User of a line")
    INTRODUCER = "INTRODUCER", _("Introduced by")
    SAME_PERSON = "SAME_PERSON", _("Same person as sole trader")


# What the first is to the second, read from the other side.
REVERSE: dict[str, object] = {
    RelationKind.FAMILY: _("Family"),
    RelationKind.GUARDIAN: _("Ward"),
    RelationKind.EMPLOYEE: _("Employer"),
    RelationKind.HANDLER: _("Company handled"),
    RelationKind.PAYER: _("Pays for a line of"),
    RelationKind.USER: _("Uses a line of"),
    RelationKind.INTRODUCER: _("Has introduced"),
    RelationKind.SAME_PERSON: _("Same person as sole trader"),
}
# The same from both sides: kept once, with the lower id first.
BOTH_WAYS = frozenset({RelationKind.FAMILY, RelationKind.SAME_PERSON})
OF_A_LINE = frozenset({RelationKind.PAYER, RelationKind.USER})
OF_A_COMPANY = frozenset({RelationKind.EMPLOYEE, RelationKind.HANDLER})


class Relation(Row):
    """`other` is `kind` to `customer`, from a day to a day (the last one not included). Who is no customer stands here
    with name and number."""

    on_merge: ClassVar = {"customer": OnMerge.MOVE, "other": OnMerge.MOVE}
    personal: ClassVar = Personal(of="customer", delete=True)

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="relations")
    kind = models.CharField(max_length=12, choices=RelationKind.choices)
    other = models.ForeignKey(Customer, null=True, on_delete=models.CASCADE, related_name="related_to")
    other_name = models.CharField(max_length=200, blank=True)
    other_phone = models.CharField(max_length=32, blank=True)
    subscription = models.ForeignKey(Subscription, null=True, on_delete=models.CASCADE, related_name="parties")
    note = models.CharField(max_length=120, blank=True)
    consent_evidence = models.CharField(max_length=200, blank=True)
    valid_from = models.DateField(default=clock.today)
    valid_to = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    created_by_id = models.BigIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(other__isnull=True) | ~Q(other=F("customer")), name="relation_not_to_oneself"
            ),
            models.CheckConstraint(
                condition=Q(other__isnull=False, other_name="", other_phone="")
                | (Q(other__isnull=True) & ~Q(other_name="")),
                name="relation_with_somebody",
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")), name="relation_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["PAYER", "USER"], subscription__isnull=False)
                | (~Q(kind__in=["PAYER", "USER"]) & Q(subscription__isnull=True)),
                name="relation_line_fits",
            ),
            # The same relation to the same customer never twice on one day; of a line one payer and one user.
            ExclusionConstraint(
                name="relation_once_at_a_time",
                index_type="GIST",
                expressions=[
                    (_just("customer_id"), RangeOperators.OVERLAPS),
                    (_just("other_id"), RangeOperators.OVERLAPS),
                    (_KIND, RangeOperators.OVERLAPS),
                    (_PERIOD, RangeOperators.OVERLAPS),
                ],
                condition=Q(other__isnull=False, subscription__isnull=True),
            ),
            ExclusionConstraint(
                name="relation_one_party_a_line",
                index_type="GIST",
                expressions=[
                    (_just("subscription_id"), RangeOperators.OVERLAPS),
                    (_KIND, RangeOperators.OVERLAPS),
                    (_PERIOD, RangeOperators.OVERLAPS),
                ],
                condition=Q(subscription__isnull=False),
            ),
        ]


class Household(Row):
    """Customers who live together; its members say who, and which of them is the head."""

    personal: ClassVar = Personal(of=None)

    created_at = models.DateTimeField(default=clock.now)
    created_by_id = models.BigIntegerField(null=True)


class HouseholdMember(Row):
    """Who belongs to a household, from a day to a day (the last one not included); nobody to two on one day."""

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(of="customer", delete=True)

    class Role(models.TextChoices):
        HEAD = "HEAD", _("Head of the household")
        SPOUSE = "SPOUSE", _("Spouse")
        CHILD = "CHILD", _("Child")
        PARENT = "PARENT", _("Parent")
        OTHER = "OTHER", pgettext_lazy("household", "Other member")

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="members")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="household_memberships")
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.OTHER)
    valid_from = models.DateField(default=clock.today)
    valid_to = models.DateField(null=True, blank=True)

    class Meta:
        db_table = "customers_household_member"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")), name="member_ends_after_start"
            ),
            models.UniqueConstraint(
                fields=["household"], condition=Q(role="HEAD", valid_to__isnull=True), name="household_one_head"
            ),
            ExclusionConstraint(
                name="member_of_one_household",
                index_type="GIST",
                expressions=[
                    (_just("customer_id"), RangeOperators.OVERLAPS),
                    (_PERIOD, RangeOperators.OVERLAPS),
                ],
            ),
        ]
