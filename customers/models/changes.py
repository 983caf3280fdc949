"""Old and new values of the archive, apart from the audit so that erasure can remove them (design §4)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal


class FieldChange(Row):
    """An old and a new value of a field, apart from the audit so that erasure can remove them (design §4)."""

    on_merge: ClassVar = {"customer_id": OnMerge.READ_THROUGH}
    personal: ClassVar = Personal(of="customer_id", delete=True)

    customer_id = models.BigIntegerField()
    entity = models.CharField(max_length=24)
    entity_id = models.BigIntegerField()
    field = models.CharField(max_length=40)
    old = models.TextField(null=True)
    new = models.TextField(null=True)
    at = models.DateTimeField(default=clock.now)
    actor_id = models.BigIntegerField(null=True)
    source = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["customer_id", "-id"], name="field_change_customer")]
