"""What was done, by whom: append-only, sealed in batches, erasable where it is personal (recipes §3)."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from pgtrigger.core import Before, Statement, Truncate

from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal

APPEND_ONLY = [
    pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
    pgtrigger.Trigger(
        name="no_truncate",
        operation=Truncate,
        when=Before,
        level=Statement,
        func="RAISE EXCEPTION 'append-only: % refuses TRUNCATE', TG_TABLE_NAME;",
    ),
]


class Tick(models.Func):
    """The number of the writing transaction, never lower after a restore (`audit_tick()`)."""

    function = "audit_tick"
    template = "%(function)s()"
    output_field = models.BigIntegerField()


class AuditEntry(Row):
    """One act. Ids, codes, field names and salted digests only: never a personal value."""

    on_merge: ClassVar = {"customer_id": OnMerge.READ_THROUGH}
    personal: ClassVar = Personal(
        of="customer_id",
        plain=("verb", "target_type", "target_id", "request_id", "detail", "personal_digest"),
        unread=("detail", "personal_digest"),
    )

    careline_partitioned = "id"
    careline_keep_months = 36  # D§5.12: access logs 3 years; `verify` reads the detached months too

    tick = models.BigIntegerField(db_default=Tick(), editable=False)
    at = models.DateTimeField(default=clock.now)
    verb = models.CharField(max_length=64)
    actor_id = models.BigIntegerField(null=True)
    on_behalf_of_id = models.BigIntegerField(null=True)
    unit_id = models.BigIntegerField(null=True)
    customer_id = models.BigIntegerField(null=True)
    target_type = models.CharField(max_length=48)
    target_id = models.CharField(max_length=40)
    request_id = models.CharField(max_length=40, blank=True)
    detail = models.JSONField(default=dict)
    personal_digest = models.BinaryField(null=True)

    class Meta:
        db_table = "audit_entry"
        triggers: ClassVar = APPEND_ONLY
        indexes: ClassVar = [
            models.Index(fields=["tick", "id"], name="audit_entry_tick"),
            models.Index(fields=["customer_id", "-id"], name="audit_entry_customer"),
            models.Index(fields=["actor_id", "-id"], name="audit_entry_actor"),
            models.Index(fields=["target_type", "target_id", "-id"], name="audit_entry_target"),
            # By patterns: an area of acts ("customers.") is asked for by its beginning, in any locale.
            models.Index(
                fields=["verb", "-id"], name="audit_entry_verb", opclasses=["varchar_pattern_ops", "int8_ops"]
            ),
        ]


class AuditPersonal(models.Model):
    """The personal part of an entry (old and new values, reasons): what erasure deletes; the entry keeps a digest."""

    on_merge: ClassVar = {"customer_id": OnMerge.READ_THROUGH}
    personal: ClassVar = Personal(of="customer_id", delete=True, unread=True)

    entry_id = models.BigIntegerField(primary_key=True)
    customer_id = models.BigIntegerField(null=True, db_index=True)
    salt = models.BinaryField()
    values = models.JSONField()

    class Meta:
        db_table = "audit_personal"


class AuditSeal(models.Model):
    """One sealed batch: HMAC over the rows with ticks in [from_tick, to_tick) and the previous seal."""

    personal: ClassVar = Personal(of=None, plain=("digest",))

    from_tick = models.BigIntegerField(unique=True)
    to_tick = models.BigIntegerField(unique=True)
    rows = models.IntegerField()
    digest = models.BinaryField()
    sealed_at = models.DateTimeField()

    class Meta:
        db_table = "audit_seal"
        triggers: ClassVar = APPEND_ONLY


class AuditEra(models.Model):
    """One row: what is added to this cluster's transaction numbers, so that ticks go on after a restore."""

    personal: ClassVar = Personal(of=None)

    id = models.SmallIntegerField(primary_key=True, default=1)
    base = models.BigIntegerField(default=0)

    class Meta:
        db_table = "audit_era"
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(id=1), name="audit_one_era")]
