"""Comparing ourselves with billing: each comparison and what it found."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models.accounts import BillingAccount
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.personal import Personal


class Reconciliation(Row):
    """One comparison of our mirror with billing; `run_id`: its job. `counts`: by resource what was compared, and what
    differed by kind."""

    personal: ClassVar = Personal(of=None, plain=("state", "counts"))

    class State(models.TextChoices):
        RUNNING = "RUNNING", _("Running")
        DONE = "DONE", _("Done")
        FAILED = "FAILED", _("Failed")

    run_id = models.BigIntegerField(unique=True)
    started_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    counts = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["-id"], name="reconciliation_newest")]


class Difference(Row):
    """Something that differs between billing and us, or inside what billing told. `ours`, `theirs`: codes and amounts.
    One of a kind about a resource is open at a time; `repaired_at`: when both agreed again."""

    personal: ClassVar = Personal(of="account__customer", plain=("kind", "resource", "external_id", "ours", "theirs"))

    class Kind(models.TextChoices):
        WRONG_TOTAL = "WRONG_TOTAL", _("The lines do not add up to the amount")
        MISSING_HERE = "MISSING_HERE", _("Billing has it, we had not")
        MISSING_THERE = "MISSING_THERE", _("We have it, billing has not")
        STATE = "STATE", _("Another state")
        AMOUNT = "AMOUNT", _("Another amount")
        DUE_DATE = "DUE_DATE", _("Another due date")
        BALANCE = "BALANCE", _("Another balance")
        LIMIT = "LIMIT", _("Another credit limit")

    class Resource(models.TextChoices):
        ACCOUNT = "billingAccount", _("Account")
        BILL = "customerBill", _("Bill")
        PAYMENT = "payment", _("Payment")
        BUCKET = "bucket", _("Balance")
        PRODUCT = "product", _("Line")

    kind = models.CharField(max_length=16, choices=Kind.choices)
    resource = models.CharField(max_length=16, choices=Resource.choices)
    external_id = models.CharField(max_length=64)
    account = models.ForeignKey(
        BillingAccount, null=True, on_delete=models.SET_NULL, related_name="differences", db_index=False
    )
    reconciliation = models.ForeignKey(Reconciliation, null=True, on_delete=models.SET_NULL, related_name="differences")
    ours = models.JSONField(default=dict)
    theirs = models.JSONField(default=dict)
    found_at = models.DateTimeField(default=clock.now)
    repaired_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["resource", "external_id", "kind"],
                condition=Q(repaired_at=None),
                name="difference_one_open",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["-id"], name="difference_open", condition=Q(repaired_at=None)),
            models.Index(fields=["account", "-id"], name="difference_account"),
        ]
