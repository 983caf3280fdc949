"""Accounts of billing, what is billed on them, and prepaid balances, as billing last stated each."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer, Subscription
from foundation.common.ids import Row
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal
from staff.models import User
from staff.rights import sight_of

LONGEST_ID = 64


class Stated(Row):
    """A resource of billing as it was at `stated_at`. What was stated earlier never overwrites it; of two statements
    of one moment the one with the greater `stated_by` (the event's id) holds, so that the order of arrival is free."""

    external_id = models.CharField(max_length=LONGEST_ID, unique=True)
    stated_at = models.DateTimeField(null=True)
    stated_by = models.CharField(max_length=100, blank=True, default="", db_default="")

    class Meta:
        abstract = True


class BillingAccountQuerySet(models.QuerySet["BillingAccount"]):
    def visible_to(self, user: User) -> BillingAccountQuerySet:
        """Accounts of customers in the user's scope of `billing.view`; unmatched ones to those who see all."""
        return self.filter(
            sight_of(user, "billing.view").rows(unit_no="customer__unit_no", owner="customer__manager_id")
        )


class BillingAccount(Stated):
    """Who owes: an account of billing. Without a customer it is unmatched: kept, listed, matched later.

    `party`: the number of the customer as billing tells it. `balance`: as stated, positive in the customer's favour;
    `credit_limit` as stated; both null when billing never said. `stated_at` null: only heard of, nothing stated yet.
    `unit_no` repeats the customer's, for lists. `version` counts changes here.
    """

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(
        of="customer", empty=("party",), plain=("external_id", "stated_by", "kind", "pay_type", "pay_way", "status")
    )

    class Kind(models.TextChoices):
        PERSON = "PERSON", _("Personal account")
        ENTERPRISE = "ENTERPRISE", _("Enterprise account")

    class PayType(models.TextChoices):
        POSTPAID = "POSTPAID", _("Postpaid")
        PREPAID = "PREPAID", _("Prepaid")

    class PayWay(models.TextChoices):
        CASH = "CASH", _("Cash or counter")
        AUTO_DEBIT = "AUTO_DEBIT", _("Automatic debit")
        BANK_COLLECTION = "BANK_COLLECTION", _("Bank collection")
        CARD = "CARD", _("Bank card")
        ONLINE = "ONLINE", _("Online payment")
        OTHER = "OTHER", _("Another way")

    class Status(models.TextChoices):
        ACTIVE = "ACTIVE", _("In use")
        CLOSED = "CLOSED", _("Closed")

    customer = models.ForeignKey(
        Customer, null=True, on_delete=models.SET_NULL, related_name="billing_accounts", db_index=False
    )
    party = models.CharField(max_length=LONGEST_ID, blank=True, default="", db_default="")
    unit_no = models.IntegerField(null=True)
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.PERSON)
    pay_type = models.CharField(max_length=8, choices=PayType.choices, default=PayType.POSTPAID)
    pay_way = models.CharField(max_length=16, choices=PayWay.choices, default=PayWay.CASH)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ACTIVE)
    balance = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    credit_limit = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    matched_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    objects = BillingAccountQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["customer"], name="billing_account_customer", condition=Q(customer__isnull=False)),
            models.Index(fields=["-id"], name="billing_account_unmatched", condition=Q(customer=None)),
            models.Index(fields=["party"], name="billing_account_party", condition=Q(customer=None) & ~Q(party="")),
            models.Index(fields=["id"], name="billing_account_unread", condition=Q(stated_at=None)),
        ]

    def __str__(self) -> str:
        return self.external_id


class BilledProduct(Stated):
    """A line as billing knows it. `service_no` as told; `subscription` where the number lives here.

    `last_command_id`: the key of the command whose effect the newest state was.
    """

    personal: ClassVar = Personal(
        of="account__customer",
        token=("service_no",),
        plain=("external_id", "stated_by", "status", "suspension_type", "last_command_id"),
        kept="identity",
        kept_columns=("service_no",),
    )

    class Status(models.TextChoices):
        CREATED = "created", _("Created")
        PENDING_ACTIVE = "pendingActive", _("Waiting to be active")
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended")
        PENDING_TERMINATE = "pendingTerminate", _("About to end")
        TERMINATED = "terminated", _("Ended")
        CANCELLED = "cancelled", _("Cancelled")
        ABORTED = "aborted", _("Broken off")

    class Suspension(models.TextChoices):
        NONE = "", "–"
        ONE_WAY = "oneWay", _("Outgoing barred")
        TWO_WAY = "twoWay", _("Barred both ways")

    ENDED: ClassVar = (Status.TERMINATED, Status.CANCELLED, Status.ABORTED)

    account = models.ForeignKey(BillingAccount, on_delete=models.CASCADE, related_name="products")
    subscription = models.ForeignKey(
        Subscription, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    service_no = models.CharField(max_length=64)
    status = models.CharField(max_length=16, choices=Status.choices)
    suspension_type = models.CharField(max_length=8, choices=Suspension.choices, blank=True, default="")
    last_command_id = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(suspension_type="") | Q(status="suspended"), name="billed_product_suspended_how"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["service_no"], name="billed_product_number"),
            models.Index(fields=["subscription"], name="billed_product_line", condition=Q(subscription__isnull=False)),
        ]


class Bucket(Stated):
    """What is left of a prepaid balance; it may be negative."""

    personal: ClassVar = Personal(of="account__customer", plain=("external_id", "stated_by"))

    account = models.ForeignKey(BillingAccount, on_delete=models.CASCADE, related_name="buckets")
    remaining = models.DecimalField(max_digits=14, decimal_places=2)
