"""The customer, and who may see which (D§3.1, D§4)."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers import visibility
from customers.models.birthday_key import BIRTHDAY_KEY
from foundation.common import clock, crypto
from foundation.common.ids import Row
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal
from staff.models import User
from staff.rights import sight_of

if TYPE_CHECKING:
    from customers.models.subscriptions import Subscription


class CustomerQuerySet(models.QuerySet["Customer"]):
    def visible_to(self, user: User, opened: Collection[int] | None = None) -> CustomerQuerySet:
        """Customers in the user's own scope, and those the user's own contacts and promises open now (D§3.1).

        `opened`: their ids, when the caller has asked `visibility.opened_ids` already; else asked here.
        """
        seen = sight_of(user, "customers.view").rows(unit_no="unit_no", owner="manager_id")
        if seen and user.has_perm("customers.find"):
            seen |= Q(pk__in=visibility.opened_ids(user) if opened is None else opened)
        return self.filter(seen, merged_into=None)

    def in_scope_of(self, user: User) -> CustomerQuerySet:
        """Customers in the user's own scope alone: what lists, counts and exports show (D§3.1)."""
        seen = sight_of(user, "customers.view").rows(unit_no="unit_no", owner="manager_id")
        return self.filter(seen, merged_into=None)


class Customer(Row):
    """The legal party to contracts: a person or an enterprise."""

    on_merge: ClassVar = {"parent": OnMerge.MOVE, "merged_into": OnMerge.MOVE}
    personal: ClassVar = Personal(
        of="id",
        token=("name",),
        empty=("source_no", "short_name", "gender", "id_last4", "quality_marks"),
        null=("birth_date", "lunar_month", "lunar_day", "id_sealed", "id_hash"),
        fixed={"birthday_kind": "SOLAR", "lunar_leap": False},
        plain=(
            "number",
            "source",
            "customer_type",
            "segment",
            "status",
            "id_type",
            "identity_status",
            "home_city",
            "area_type",
            "language",
            "channel_preference",
        ),
        kept="identity",
        kept_columns=("name", "birth_date", "id_sealed", "id_hash", "id_last4"),
        unread=("id_hash",),
    )

    class Type(models.TextChoices):
        PERSON = "PERSON", pgettext_lazy("customer", "Person")
        ENTERPRISE = "ENTERPRISE", _("Enterprise")

    class Status(models.TextChoices):
        PROSPECT = "PROSPECT", _("Prospect")
        ACTIVE = "ACTIVE", _("Active")
        DORMANT = "DORMANT", _("Dormant")
        FORMER = "FORMER", _("Former")
        DECEASED = "DECEASED", _("Deceased")
        ANONYMISED = "ANONYMISED", _("Anonymised")
        MERGED = "MERGED", _("Merged into another")

    class IdType(models.TextChoices):
        ID_CARD = "ID_CARD", _("Resident ID card")
        PASSPORT = "PASSPORT", _("Passport")
        LICENCE = "LICENCE", _("Business licence")
        OTHER = "OTHER", _("Other document")

    class IdentityStatus(models.TextChoices):
        UNVERIFIED = "UNVERIFIED", _("Not verified")
        VERIFIED = "VERIFIED", _("Verified")
        REJECTED = "REJECTED", _("Rejected")
        RECHECK = "RECHECK", _("To be verified again")

    class Segment(models.TextChoices):
        PERSON = "PERSON", _("Ordinary person")
        STUDENT = "STUDENT", _("Student")
        FAMILY = "FAMILY", _("Family")
        SENIOR = "SENIOR", _("Senior (65+)")
        ENTERPRISE = "ENTERPRISE", _("Enterprise")

    class AreaType(models.TextChoices):
        URBAN = "URBAN", _("Urban")
        RURAL = "RURAL", _("Rural")

    class BirthdayKind(models.TextChoices):
        SOLAR = "SOLAR", _("Solar")
        LUNAR = "LUNAR", _("Lunar")

    number = models.CharField(max_length=20, unique=True)
    source = models.CharField(max_length=32, blank=True)
    source_no = models.CharField(max_length=64, blank=True)
    customer_type = models.CharField(max_length=12, choices=Type.choices, default=Type.PERSON)
    segment = models.CharField(max_length=12, choices=Segment.choices, default=Segment.PERSON)
    name = models.CharField(max_length=200)
    short_name = models.CharField(max_length=80, blank=True)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ACTIVE)
    gender = models.CharField(max_length=1, blank=True, choices=[("F", _("Female")), ("M", _("Male"))])
    birthday_kind = models.CharField(max_length=8, choices=BirthdayKind.choices, default=BirthdayKind.SOLAR)
    birth_date = models.DateField(null=True, blank=True)
    lunar_month = models.PositiveSmallIntegerField(null=True, blank=True)
    lunar_day = models.PositiveSmallIntegerField(null=True, blank=True)
    lunar_leap = models.BooleanField(default=False)
    id_type = models.CharField(max_length=12, blank=True, choices=IdType.choices)
    id_sealed = models.BinaryField(null=True)
    id_hash = models.BinaryField(null=True)
    id_last4 = models.CharField(max_length=4, blank=True)
    identity_status = models.CharField(max_length=12, choices=IdentityStatus.choices, default=IdentityStatus.UNVERIFIED)
    home_city = models.CharField(max_length=60, blank=True)
    area_type = models.CharField(max_length=8, blank=True, choices=AreaType.choices)
    language = models.CharField(max_length=8, default="zh-hans")
    channel_preference = models.CharField(max_length=16, blank=True)
    manager = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="managed_customers",
        db_index=False,
    )
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="members")
    # The archive that took this one up, never one that was taken up itself (customers/merging).
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="absorbed", db_index=False
    )
    unit_id = models.IntegerField()
    unit_no = models.IntegerField()
    quality_marks = ArrayField(models.CharField(max_length=32), default=list, blank=True)
    is_sample = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)
    created_by_id = models.IntegerField(null=True)
    updated_at = models.DateTimeField(default=clock.now)

    subscriptions: models.Manager[Subscription]
    objects = CustomerQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["source", "source_no"], condition=~Q(source_no=""), name="customer_source_once"
            ),
            models.CheckConstraint(
                condition=Q(birthday_kind="SOLAR") | Q(lunar_month__range=(1, 12), lunar_day__range=(1, 30)),
                name="customer_lunar_birthday_whole",
            ),
            models.CheckConstraint(
                condition=Q(id_hash__isnull=True, id_sealed__isnull=True)
                | Q(id_hash__isnull=False, id_sealed__isnull=False),
                name="customer_id_sealed_and_indexed",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["unit_no", "-id"], name="customer_unit"),
            models.Index(fields=["manager", "-id"], name="customer_manager", condition=Q(manager__isnull=False)),
            models.Index(fields=["id_hash"], name="customer_id_hash", condition=Q(id_hash__isnull=False)),
            models.Index(fields=["home_city", "-id"], name="customer_city"),
            models.Index(fields=["id"], name="customer_sample", condition=Q(is_sample=True)),
            models.Index(fields=["home_city", "unit_no", "-id"], name="customer_city_unit"),
            models.Index(fields=["segment", "-id"], name="customer_segment"),
            models.Index(fields=["-id"], name="customer_company", condition=Q(customer_type="ENTERPRISE")),
            models.Index(fields=["status", "-id"], name="customer_not_active", condition=~Q(status="ACTIVE")),
            models.Index(fields=["-id"], name="customer_marked", condition=~Q(quality_marks=[])),
            models.Index(fields=["merged_into"], name="customer_merged", condition=Q(merged_into__isnull=False)),
            models.Index(BIRTHDAY_KEY, F("id"), name="customer_birthday", condition=Q(customer_type="PERSON")),
        ]

    def __str__(self) -> str:
        return self.number

    def is_visible_to(self, user: User, opened: Collection[int]) -> bool:
        """The same answer as `visible_to`, for a row that has been read."""
        if self.merged_into_id is not None:
            return False
        sight = sight_of(user, "customers.view")
        if sight.covers(unit_no=self.unit_no, owner_id=self.manager_id):
            return True
        return self.pk in opened and user.has_perm("customers.find")

    def id_number(self) -> str:
        """The clear ID number, or "" when none is stored. Callers record the reveal."""
        return crypto.decrypt(self.id_sealed, row_id=self.pk) if self.id_sealed else ""
