"""What the clock did about a case: each escalation once, whatever runs late or twice (D§1.10, 10.7)."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from complaints.lifecycle import ClockKind
from complaints.models.cases import Complaint
from foundation.common.ids import Row
from foundation.common.personal import Personal
from staff.models import User


class Escalation(Row):
    """A reminder or escalation of one mark: `mark` is the per cent of the clock's limit (`unit` P: 50, 75, 100, 150) or
    the day after its start (D: 10, 13); `target_version` numbers the target the clock `clock_id` had. `due_at`: when
    the mark was reached, `at`: when it was acted on. `levels`: whom it went to, by role. Without a clock (mark 0):
    brought up because of its grade."""

    personal: ClassVar = Personal(of="complaint__customer", plain=("clock_kind", "unit", "levels"))

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="escalations")
    clock_kind = models.CharField(max_length=16, choices=ClockKind.choices)
    clock_id = models.BigIntegerField(null=True)
    unit = models.CharField(max_length=1, default="P", db_default="P")
    mark = models.PositiveSmallIntegerField()
    target_version = models.PositiveSmallIntegerField()
    due_at = models.DateTimeField()
    at = models.DateTimeField()
    told = models.ManyToManyField(User, related_name="+", through="EscalationTold")
    levels = models.JSONField(default=list)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["complaint", "clock_kind", "clock_id", "unit", "mark", "target_version"],
                nulls_distinct=False,
                name="complaint_escalation_once",
            )
        ]


class EscalationToldQuerySet(models.QuerySet["EscalationTold"]):
    def alert_due(self, at: datetime) -> EscalationToldQuerySet:
        """Those whose bell waits for the person's working hours, which have come."""
        return self.filter(told_at=None, tell_at__lte=at)


class EscalationTold(models.Model):
    """Who was brought an escalation, as what. `tell_at`: when their bell may ring (out of their working hours it waits
    for the next ones); null when it need not or need not any more. `told_at`: when it rang."""

    personal: ClassVar = Personal(of="escalation__complaint__customer", plain=("role",))

    escalation = models.ForeignKey(Escalation, on_delete=models.CASCADE, related_name="tellings")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    role = models.CharField(max_length=24)
    tell_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)

    objects = EscalationToldQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["escalation", "person"], name="complaint_escalation_told_once")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["tell_at", "id"],
                name="complaint_alert_due",
                condition=Q(told_at__isnull=True, tell_at__isnull=False),
            )
        ]
