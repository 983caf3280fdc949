"""The bills of a month from a file: rows as they were read, while a run is at work on them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from billing.models.accounts import LONGEST_ID
from foundation.common.personal import ByStep, Personal


class StagedBill(models.Model):
    """One bill of a file. `place`: its number in the file; `line`: where it begins. `lines`: kind, name, service
    number, amount. The rows go when the run ends. Unlogged: emptied when the database falls, and filled again."""

    personal: ClassVar = Personal(
        of=ByStep("billing.events"), delete=True, plain=("external_id", "account_ref", "bill_no")
    )

    pk = models.CompositePrimaryKey("run_id", "place")
    run_id = models.BigIntegerField()
    place = models.PositiveIntegerField()
    line = models.PositiveIntegerField()
    external_id = models.CharField(max_length=LONGEST_ID)
    account_ref = models.CharField(max_length=LONGEST_ID)
    bill_no = models.CharField(max_length=LONGEST_ID, blank=True)
    month = models.DateField()
    bill_date = models.DateField()
    due_date = models.DateField()
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    late_fee = models.DecimalField(max_digits=14, decimal_places=2)
    total = models.DecimalField(max_digits=14, decimal_places=2)
    lines = models.JSONField()

    class Meta:
        db_table = "billing_staged_bill"
        indexes: ClassVar = [models.Index(fields=["run_id", "external_id"], name="staged_bill_id")]
