"""How a contact went by the rules of good service: a short checklist noted after it (INT-17, CON-16)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.personal import Personal
from interactions.models.contacts import Interaction
from staff.models import User


class QualityMark(Row):
    """One item of the checklist of one contact; `item` is a code of the policy `interactions.quality_items`."""

    personal: ClassVar = Personal(of="contact__customer", plain=("item",))

    contact = models.ForeignKey(Interaction, on_delete=models.CASCADE, related_name="quality_marks", db_index=False)
    item = models.CharField(max_length=24)
    met = models.BooleanField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["contact", "item"], name="quality_item_once")]
