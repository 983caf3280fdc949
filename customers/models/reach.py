"""How to reach the customer, and what forbids it (D§4, D§5.9)."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models.archive import Customer
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal


class ContactPoint(Row):
    """A way to reach the customer, with the time it holds and whether it was verified."""

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(of="customer", delete=True)

    class Kind(models.TextChoices):
        MOBILE = "MOBILE", _("Mobile")
        PHONE = "PHONE", _("Phone")
        EMAIL = "EMAIL", _("E-mail")
        IM = "IM", _("Messenger")

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="contact_points")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    value = models.CharField(max_length=254)
    label = models.CharField(max_length=40, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    is_primary = models.BooleanField(default=False)
    valid_from = models.DateField(default=clock.today)
    valid_to = models.DateField(null=True, blank=True)
    do_not_use = models.CharField(max_length=80, blank=True)
    bounced_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer", "kind", "value"],
                condition=Q(valid_to__isnull=True),
                name="contact_point_once",
            ),
            models.UniqueConstraint(
                fields=["customer", "kind"],
                condition=Q(is_primary=True, valid_to__isnull=True),
                name="contact_point_one_primary",
            ),
        ]


class Address(Row):
    """Where the customer lives, is billed, or has a line installed."""

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(of="customer", delete=True)

    class Kind(models.TextChoices):
        HOME = "HOME", _("Home")
        BILLING = "BILLING", _("Billing")
        INSTALLATION = "INSTALLATION", _("Installation")
        OFFICE = "OFFICE", _("Office")

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="addresses")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    province = models.CharField(max_length=40, blank=True)
    city = models.CharField(max_length=60, blank=True)
    district = models.CharField(max_length=60, blank=True)
    street = models.CharField(max_length=200, blank=True)
    postcode = models.CharField(max_length=12, blank=True)
    valid_to = models.DateField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer", "kind"], condition=Q(valid_to__isnull=True), name="address_one_of_a_kind"
            )
        ]


class ContactBlock(Row):
    """Why certain classes of messages may not reach the customer now; the gate reads only these rows."""

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(of="customer", plain=("reason", "classes"))

    class Reason(models.TextChoices):
        MAJOR_COMPLAINT = "MAJOR_COMPLAINT", _("Open major complaint")
        PORT_LOCK = "PORT_LOCK", _("Number portability under way")
        MOURNING = "MOURNING", _("Mourning")
        PROTECTIVE = "PROTECTIVE", _("Protective hold")
        ASKED = "ASKED", _("The customer asked for it")
        STORAGE_ONLY = "STORAGE_ONLY", _("Kept for storage only: deletion was asked for")

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="contact_blocks")
    reason = models.CharField(max_length=16, choices=Reason.choices)
    classes = ArrayField(models.CharField(max_length=10))
    starts_at = models.DateTimeField(default=clock.now)
    ends_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=models.F("starts_at")),
                name="block_ends_after_start",
            )
        ]

    def holds(self, at: datetime) -> bool:
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)
