"""How far the end of a customer's personal data has come (D§5.11, D§5.12)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from foundation.common.merging import OnMerge
from foundation.common.personal import Personal


class Retention(models.Model):
    """One narrow row for a customer on the way out, and what statistics keep of one who is gone.

    `ended_on`: the last day of service, from which the times run. `asked_at`: the customer asked for deletion, so
    nothing waits for the ordinary time. `due_on`: when the job looks at the row again; null when nothing is left to do.
    `erased_at`: all that no law keeps is gone; `anonymised_at`: the identity too. `held`: codes of what forbids it now.
    """

    on_merge: ClassVar = {"customer_id": OnMerge.KEEP}
    personal: ClassVar = Personal(of="customer_id", plain=("held",))

    customer_id = models.BigIntegerField(primary_key=True)
    ended_on = models.DateField()
    asked_at = models.DateTimeField(null=True)
    identity_until = models.DateField()
    evidence_until = models.DateField()
    due_on = models.DateField(null=True)
    erased_at = models.DateTimeField(null=True)
    anonymised_at = models.DateTimeField(null=True)
    held = models.JSONField(default=list)
    birth_decade = models.PositiveSmallIntegerField(null=True)

    class Meta:
        db_table = "customers_retention"
        indexes: ClassVar = [
            models.Index(fields=["due_on", "customer_id"], name="retention_due", condition=Q(due_on__isnull=False)),
            models.Index(fields=["anonymised_at"], name="retention_done", condition=Q(anonymised_at__isnull=False)),
        ]


class ErasedKey(models.Model):
    """That somebody with this number of a source, or this document, was erased: a keyed digest and the day, nothing
    else (customers/erasure/returning.py)."""

    personal: ClassVar = Personal(of=None, plain=("digest",))

    digest = models.BinaryField(primary_key=True)
    erased_on = models.DateField()

    class Meta:
        db_table = "customers_erased_key"
