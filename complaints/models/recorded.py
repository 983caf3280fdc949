"""Which import brought or changed which record of the past."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from complaints.models.cases import Complaint
from foundation.common.personal import Personal


class RecordedCase(models.Model):
    """What an import did to a case. `key`: keyed digest of its number in the source, which outlives an erasure, so that
    no file brings back what was erased. `version`: the case's after it, by which later work is noticed. `before`: the
    old values of a changed case; null means it was added."""

    personal: ClassVar = Personal(of="complaint__customer", null=("before",), plain=("key",), unread=True)

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="records")
    import_id = models.BigIntegerField()
    line = models.IntegerField()
    key = models.CharField(max_length=64)
    version = models.PositiveIntegerField()
    before = models.JSONField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["import_id", "complaint"], name="complaint_recorded_once")
        ]
        indexes: ClassVar = [models.Index(fields=["key", "-id"], name="complaint_recorded_key")]
