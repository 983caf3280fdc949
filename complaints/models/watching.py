"""What the clock did about a case: each escalation once, whatever runs late or twice (D§1.10, 10.7)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from complaints.lifecycle import ClockKind
from complaints.models.cases import Complaint
from foundation.common.ids import Row
from foundation.common.personal import Personal
from staff.models import User


class Escalation(Row):
    """A reminder or escalation of one mark: `mark` is the per cent of the service clock (50, 75, 100, 150), or the day
    of the statutory one; `target_version` numbers the target the clock had. `due_at`: when the mark was reached, `at`:
    when it was acted on. `levels`: whom it went to, by their role."""

    personal: ClassVar = Personal(of="complaint__customer", plain=("clock_kind", "levels"))

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="escalations")
    clock_kind = models.CharField(max_length=16, choices=ClockKind.choices)
    mark = models.PositiveSmallIntegerField()
    target_version = models.PositiveSmallIntegerField()
    due_at = models.DateTimeField()
    at = models.DateTimeField()
    told = models.ManyToManyField(User, related_name="+", through="EscalationTold")
    levels = models.JSONField(default=list)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["complaint", "clock_kind", "mark", "target_version"], name="complaint_escalation_once"
            )
        ]


class EscalationTold(models.Model):
    """Who was told of an escalation."""

    personal: ClassVar = Personal(of="escalation__complaint__customer", plain=("role",))

    escalation = models.ForeignKey(Escalation, on_delete=models.CASCADE, related_name="tellings")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    role = models.CharField(max_length=24)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["escalation", "person"], name="complaint_escalation_told_once")
        ]
