"""What must happen when a message the customer has to get did not arrive (D§24): another channel, then a call."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from foundation.common.ids import Row
from foundation.common.personal import Personal, Through


class RescueStep(Row):
    """One step for one message, once: `due_at` is when the clock takes it, `done_at` when it was settled.

    `result_id`: the message or follow-up that came of it.
    """

    personal: ClassVar = Personal(of=Through("message_id", "outreach.OutMessage"), plain=("step", "outcome"))

    class Step(models.TextChoices):
        RECEIPT = "RECEIPT", _("No receipt came")
        CHANNEL = "CHANNEL", _("Second channel")
        CALL = "CALL", _("Call the customer")

    class Outcome(models.TextChoices):
        DONE = "DONE", _("Done")
        ARRIVED = "ARRIVED", _("It had arrived")
        POINTLESS = "POINTLESS", _("It had lost its meaning")

    message_id = models.BigIntegerField()
    step = models.CharField(max_length=8, choices=Step.choices)
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, blank=True, choices=Outcome.choices)
    result_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "outreach_rescue_step"
        constraints: ClassVar = [models.UniqueConstraint(fields=["message_id", "step"], name="rescue_step_once")]
        indexes: ClassVar = [
            models.Index(fields=["due_at", "id"], name="rescue_step_due", condition=Q(done_at__isnull=True)),
            models.Index(fields=["result_id"], name="rescue_step_result", condition=Q(step="CHANNEL")),
        ]
