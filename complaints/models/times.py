"""Who used the time of ended cases, kept for reports (D§20.1, CMP-12)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from complaints.models.cases import Complaint
from foundation.common.personal import Personal
from staff.models import OrgUnit, User


class CaseTime(models.Model):
    """What one person (null: the pool) in one unit had of an ended case: whole minutes by the clock, of those in
    working hours, and paused ones apart; how often it came to them. Made anew whenever the case ends."""

    personal: ClassVar = Personal(of="complaint__customer")

    id = models.BigAutoField(primary_key=True)
    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="time_used")
    person = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+", db_index=False)
    unit = models.ForeignKey(OrgUnit, null=True, on_delete=models.CASCADE, related_name="+", db_index=False)
    minutes = models.PositiveIntegerField()
    working = models.PositiveIntegerField()
    paused = models.PositiveIntegerField()
    times = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["complaint", "person", "unit"], nulls_distinct=False, name="complaint_time_once"
            )
        ]
