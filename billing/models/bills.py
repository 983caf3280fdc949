"""Bills with their lines, payments, and which payment covers which bill."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.models.accounts import LONGEST_ID, BillingAccount, Stated
from foundation.common.ids import Row
from foundation.common.personal import Personal

# Bills, payments and their allocations are records of account: other laws keep them (billing/keeping.py).


class Bill(Stated):
    """A bill of a month, tax included. `remaining`: what billing says is still to be paid; `open_amount`: what is, also
    counting payments billing has told and not yet set off: the smaller of both, 0 when under 1.00 is left (D§13.8).

    `paid_on`: the day the last of it was paid; null while it is open, and where no payment told us. `month`: its first
    day. `late_fee`: the part of `amount` that is late fee. `delivered` false: not delivered by our
    fault. `replaced_by_ref`: the bill that took its place, as told; `replaced_by` once that one is known.
    """

    personal: ClassVar = Personal(
        of="account__customer", plain=("external_id", "stated_by", "bill_no", "state", "replaced_by_ref")
    )

    class State(models.TextChoices):
        OPEN = "OPEN", pgettext_lazy("bill", "Open")
        PARTIAL = "PARTIAL", _("Partly paid")
        SETTLED = "SETTLED", _("Paid")
        CANCELLED = "CANCELLED", _("Cancelled")
        REPLACED = "REPLACED", _("Replaced")

    OWED: ClassVar = (State.OPEN, State.PARTIAL)
    VOID: ClassVar = (State.CANCELLED, State.REPLACED)

    account = models.ForeignKey(BillingAccount, on_delete=models.CASCADE, related_name="bills", db_index=False)
    bill_no = models.CharField(max_length=LONGEST_ID, blank=True)
    month = models.DateField()
    bill_date = models.DateField()
    due_date = models.DateField()
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    late_fee = models.DecimalField(max_digits=14, decimal_places=2, default=Decimal(0), db_default=0)
    remaining = models.DecimalField(max_digits=14, decimal_places=2)
    open_amount = models.DecimalField(max_digits=14, decimal_places=2)
    paid_on = models.DateField(null=True)
    state = models.CharField(max_length=12, choices=State.choices)
    replaced_by_ref = models.CharField(max_length=LONGEST_ID, blank=True, default="", db_default="")
    replaced_by = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="replaces")
    delivered = models.BooleanField(default=True, db_default=True)
    written_off_on = models.DateField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount__gte=0), name="bill_amount_not_negative"),
            models.CheckConstraint(
                condition=Q(remaining__gte=0, remaining__lte=F("amount")), name="bill_remaining_within_amount"
            ),
            models.CheckConstraint(
                condition=Q(open_amount__gte=0, open_amount__lte=F("amount")), name="bill_open_within_amount"
            ),
            models.CheckConstraint(condition=Q(late_fee__gte=0), name="bill_late_fee_not_negative"),
            models.CheckConstraint(condition=Q(month__day=1), name="bill_month_is_first_day"),
            models.CheckConstraint(
                condition=Q(replaced_by=None) | ~Q(replaced_by=F("id")), name="bill_not_replaced_by_itself"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "-month", "-id"], name="bill_account_month"),
            models.Index(fields=["account", "due_date"], name="bill_owed", condition=Q(open_amount__gt=0)),
            models.Index(
                fields=["replaced_by_ref"],
                name="bill_replaced_by_ref",
                condition=~Q(replaced_by_ref="") & Q(replaced_by=None),
            ),
        ]

    def __str__(self) -> str:
        return self.bill_no or self.external_id


class BillLine(models.Model):
    """One line of a bill. Discounts and credits are negative."""

    personal: ClassVar = Personal(
        of="bill__account__customer",
        empty=("service_no",),
        plain=("kind", "name"),
        kept="identity",
        kept_columns=("service_no",),
    )

    class Kind(models.TextChoices):
        PLAN = "PLAN", _("Plan fee")
        VOICE = "VOICE", _("Calls")
        DATA = "DATA", _("Data")
        SMS = "SMS", _("Messages")
        ROAMING = "ROAMING", _("Roaming")
        VAS = "VAS", _("Value-added services")
        THIRD_PARTY = "THIRD_PARTY", _("Fees of third parties")
        LATE_FEE = "LATE_FEE", _("Late fee")
        DISCOUNT = "DISCOUNT", _("Discount")
        CREDIT = "CREDIT", _("Credit")
        OTHER = "OTHER", _("Other fees")

    pk = models.CompositePrimaryKey("bill_id", "position")
    bill = models.ForeignKey(Bill, on_delete=models.CASCADE, related_name="lines", db_index=False)
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=12, choices=Kind.choices)
    name = models.CharField(max_length=120, blank=True)
    service_no = models.CharField(max_length=64, blank=True)
    amount = models.DecimalField(max_digits=14, decimal_places=2)


class Payment(Stated):
    """Money that came in; REVERSED when it was taken back (`bank_erred`: not by the customer's doing, D§13.9)."""

    personal: ClassVar = Personal(of="account__customer", plain=("external_id", "stated_by", "way", "state"))

    class State(models.TextChoices):
        DONE = "DONE", _("Paid")
        REVERSED = "REVERSED", _("Taken back")

    account = models.ForeignKey(BillingAccount, on_delete=models.CASCADE, related_name="payments", db_index=False)
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    paid_at = models.DateTimeField()
    way = models.CharField(max_length=40, blank=True)
    state = models.CharField(max_length=8, choices=State.choices)
    reversed_at = models.DateTimeField(null=True)
    bank_erred = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_positive"),
            models.CheckConstraint(
                condition=Q(state="DONE", reversed_at=None) | Q(state="REVERSED", reversed_at__isnull=False),
                name="payment_reversed_when",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["account", "-paid_at", "-id"], name="payment_account")]


class Allocation(Row):
    """What of a payment covers which bill; without a bill it is the account's credit. Worked out, never told: rewritten
    with every change of the account. Reversed payments have none."""

    personal: ClassVar = Personal(of="payment__account__customer", plain=("part",))

    class Part(models.TextChoices):
        PRINCIPAL = "PRINCIPAL", _("Fees")
        LATE_FEE = "LATE_FEE", _("Late fee")

    payment = models.ForeignKey(Payment, on_delete=models.CASCADE, related_name="allocations", db_index=False)
    bill = models.ForeignKey(Bill, null=True, on_delete=models.CASCADE, related_name="allocations")
    part = models.CharField(max_length=12, choices=Part.choices, default=Part.PRINCIPAL)
    amount = models.DecimalField(max_digits=14, decimal_places=2)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["payment", "bill", "part"], name="allocation_once"),
            models.UniqueConstraint(fields=["payment"], condition=Q(bill=None), name="allocation_one_credit"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="allocation_amount_positive"),
        ]
