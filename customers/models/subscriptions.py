"""What the customer has: plans of the catalogue, service lines, and monthly totals of their use."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from customers.models.archive import Customer
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal


class ProductLine(models.TextChoices):
    MOBILE = "MOBILE", _("Mobile")
    BROADBAND = "BROADBAND", _("Broadband")
    FIXED = "FIXED", _("Fixed line")
    VAS = "VAS", _("Value-added service")
    ICT = "ICT", _("ICT")


class PlanQuerySet(models.QuerySet["Plan"]):
    def on_sale(self, day: date) -> PlanQuerySet:
        """Plans that are sold on a day, in the order of a price list."""
        sold = self.filter(Q(on_sale_to__isnull=True) | Q(on_sale_to__gte=day), on_sale_from__lte=day)
        return sold.order_by("product_line", "monthly_fee", "code")


class Plan(models.Model):
    """A plan of the catalogue. Names are data of the operator and not translated."""

    personal: ClassVar = Personal(of=None, plain=("code", "name", "product_line"))

    code = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=80)
    product_line = models.CharField(max_length=10, choices=ProductLine.choices)
    monthly_fee = models.DecimalField(max_digits=12, decimal_places=2)
    voice_minutes = models.PositiveIntegerField(null=True, blank=True)
    data_mb = models.PositiveIntegerField(null=True, blank=True)
    on_sale_from = models.DateField(default=clock.today)
    on_sale_to = models.DateField(null=True, blank=True)

    objects = PlanQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(monthly_fee__gte=0), name="plan_fee_not_negative"),
        ]

    def __str__(self) -> str:
        return self.name

    def is_on_sale(self, day: date) -> bool:
        """The same answer as `on_sale`, for a row that has been read."""
        return self.on_sale_from <= day and (self.on_sale_to is None or self.on_sale_to >= day)


class Subscription(Row):
    """One service number or line (D§2). Its owner is one customer; another may use it."""

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    # The number stays with the identity: its freeze and the real-name register need it (R6 Art.11, R13).
    personal: ClassVar = Personal(
        of="customer",
        token=("service_no",),
        empty=("user_name",),
        plain=("product_line", "status"),
        kept="identity",
        kept_columns=("service_no",),
    )

    class Status(models.TextChoices):
        PENDING = "PENDING", _("Pending")
        ACTIVE = "ACTIVE", _("Active")
        SUSPENDED_REQUEST = "SUSPENDED_REQUEST", _("Suspended on request")
        SUSPENDED_ARREARS_1WAY = "SUSPENDED_ARREARS_1WAY", _("Outgoing barred (arrears)")
        SUSPENDED_ARREARS_2WAY = "SUSPENDED_ARREARS_2WAY", _("Barred both ways (arrears)")
        SUSPENDED_PROTECTIVE = "SUSPENDED_PROTECTIVE", _("Protective hold")
        PRE_TERMINATION = "PRE_TERMINATION", _("About to be terminated")
        TERMINATED = "TERMINATED", _("Terminated")
        PORTED_OUT = "PORTED_OUT", _("Ported out")

    LIVE: ClassVar = [
        Status.ACTIVE,
        Status.SUSPENDED_REQUEST,
        Status.SUSPENDED_ARREARS_1WAY,
        Status.SUSPENDED_ARREARS_2WAY,
        Status.SUSPENDED_PROTECTIVE,
        Status.PRE_TERMINATION,
    ]

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="subscriptions")
    service_no = models.CharField(max_length=64)
    product_line = models.CharField(max_length=10, choices=ProductLine.choices)
    plan = models.ForeignKey(Plan, null=True, blank=True, on_delete=models.PROTECT, related_name="subscriptions")
    status = models.CharField(max_length=24, choices=Status.choices, default=Status.ACTIVE)
    activated_on = models.DateField(null=True, blank=True)
    terminated_on = models.DateField(null=True, blank=True)
    contract_end = models.DateField(null=True, blank=True)
    user_name = models.CharField(max_length=200, blank=True)
    monthly_fee = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints: ClassVar = [
            # A number given again after its freeze is a new row: only one may live at a time.
            models.UniqueConstraint(
                fields=["product_line", "service_no"],
                condition=Q(terminated_on__isnull=True),
                name="service_no_lives_once",
            ),
            models.CheckConstraint(
                condition=Q(terminated_on__isnull=True)
                | Q(activated_on__isnull=True)
                | Q(terminated_on__gte=F("activated_on")),
                name="subscription_ends_after_start",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["service_no"], name="subscription_service_no")]

    def __str__(self) -> str:
        return str(self.pk)


class UsageMonth(models.Model):
    """Totals of one subscription in one month: no call partner, no text, no page visited (D§5.15)."""

    on_merge: ClassVar = {"customer_id": OnMerge.READ_THROUGH}
    personal: ClassVar = Personal(of="customer_id")

    careline_partitioned = "month"

    pk = models.CompositePrimaryKey("subscription_id", "month")
    subscription = models.ForeignKey(
        Subscription,
        on_delete=models.CASCADE,
        related_name="usage_months",
        db_constraint=False,
        db_index=False,
    )
    month = models.DateField()
    customer_id = models.BigIntegerField()
    voice_minutes = models.PositiveIntegerField(null=True)
    sms = models.PositiveIntegerField(null=True)
    data_mb = models.PositiveIntegerField(null=True)
    roaming_days = models.PositiveSmallIntegerField(null=True)
    zero_usage_days = models.PositiveSmallIntegerField(null=True)
    net_revenue = models.DecimalField(max_digits=12, decimal_places=2, null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(month__day=1), name="usage_month_is_first_day"),
        ]
        indexes: ClassVar = [models.Index(fields=["customer_id", "-month"], name="usage_month_customer")]
