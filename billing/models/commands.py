"""What we ask of billing: an ordered outbox per account, and the watch over restorations."""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models.accounts import BilledProduct, BillingAccount
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.personal import Personal


class Command(Row):
    """One request to billing. `key` goes along as Idempotency-Key with every attempt; `natural_key` makes it once.

    Of an account the first one that is neither acknowledged nor given up is the only one at work. `not_before`: while
    QUEUED the next attempt, while SENDING the end of the worker's lease, while SENT when billing is asked whether it
    took effect. `attempts` numbers the claims, so that a late answer of a lost worker changes nothing (recipes §8).
    `why` of a refusal: the status and the code billing gave.
    """

    personal: ClassVar = Personal(
        of="account__customer", plain=("kind", "natural_key", "batch", "state", "params", "why")
    )

    class Kind(models.TextChoices):
        SUSPEND_ONE_WAY = "SUSPEND_ONE_WAY", _("Bar outgoing calls")
        SUSPEND_TWO_WAY = "SUSPEND_TWO_WAY", _("Bar both ways")
        RESTORE = "RESTORE", _("Restore")
        TERMINATE = "TERMINATE", _("End the line")
        CREDIT_LIMIT = "CREDIT_LIMIT", _("Set the credit limit")
        DISPUTE_HOLD = "DISPUTE_HOLD", _("Hold a disputed amount")
        DISPUTE_RELEASE = "DISPUTE_RELEASE", _("Release a disputed amount")

    class State(models.TextChoices):
        QUEUED = "QUEUED", _("Waiting")
        SENDING = "SENDING", _("Being sent")
        SENT = "SENT", _("Taken by billing")
        ACKNOWLEDGED = "ACKNOWLEDGED", _("Took effect")
        FAILED = "FAILED", _("Refused")
        OVERTAKEN = "OVERTAKEN", _("Overtaken")

    OPEN: ClassVar = (State.QUEUED, State.SENDING, State.SENT)
    SUSPENSIONS: ClassVar = (Kind.SUSPEND_ONE_WAY, Kind.SUSPEND_TWO_WAY)

    account = models.ForeignKey(BillingAccount, on_delete=models.PROTECT, related_name="commands", db_index=False)
    product = models.ForeignKey(
        BilledProduct, null=True, on_delete=models.PROTECT, related_name="commands", db_index=False
    )
    kind = models.CharField(max_length=16, choices=Kind.choices)
    key = models.UUIDField(unique=True, default=uuid4)
    natural_key = models.CharField(max_length=160, unique=True)
    batch = models.CharField(max_length=120)
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    tries = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(default=clock.now)
    queued_at = models.DateTimeField(default=clock.now)
    sent_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    params = models.JSONField(default=dict)
    why = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account"], condition=Q(state__in=["SENDING", "SENT"]), name="command_one_in_flight"
            ),
            models.CheckConstraint(condition=~Q(state="SENT") | Q(sent_at__isnull=False), name="command_sent_when"),
            models.CheckConstraint(
                condition=~Q(state="ACKNOWLEDGED") | Q(acknowledged_at__isnull=False), name="command_acknowledged_when"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["account", "id"], name="command_open", condition=Q(state__in=["QUEUED", "SENDING", "SENT"])
            ),
            models.Index(
                fields=["not_before", "id"], name="command_due", condition=Q(state__in=["QUEUED", "SENDING", "SENT"])
            ),
            models.Index(fields=["account", "-id"], name="command_account"),
            models.Index(fields=["batch"], name="command_batch"),
            models.Index(fields=["-id"], name="command_failed", condition=Q(state="FAILED")),
        ]


class RestoreWatch(Row):
    """A restoration that is owed: by our own promise within 24 hours, by law within 48 (D§13.2). `batch`: its commands.
    `level`: which of both has passed and been told (0, 1, 2)."""

    personal: ClassVar = Personal(of="account__customer", plain=("batch",))

    account = models.ForeignKey(BillingAccount, on_delete=models.PROTECT, related_name="restores", db_index=False)
    batch = models.CharField(max_length=120, unique=True)
    asked_at = models.DateTimeField()
    own_due_at = models.DateTimeField()
    law_due_at = models.DateTimeField()
    next_at = models.DateTimeField(null=True)
    level = models.PositiveSmallIntegerField(default=0)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(own_due_at__lte=models.F("law_due_at")), name="restore_own_before_law")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_at", "id"], name="restore_due", condition=Q(done_at=None, next_at__isnull=False)
            ),
            models.Index(fields=["account", "-id"], name="restore_account"),
            models.Index(fields=["asked_at"], name="restore_asked"),
        ]
