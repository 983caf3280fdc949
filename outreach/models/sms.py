"""Text messages at the message centre: the parts it took, replies that came back, and how the line is."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.merging import OnMerge
from foundation.common.personal import ByStep, Personal, Through


class SmsPart(Row):
    """One part of a message that the message centre took: it never leaves again. `reference` is the centre's id, by
    which its receipt is told. Kept until no receipt is to be expected any more (outreach.tidy)."""

    personal: ClassVar = Personal(
        of=Through("message_id", "outreach.OutMessage"), plain=("line", "reference", "state", "error")
    )

    class State(models.TextChoices):
        TAKEN = "TAKEN", _("With the message centre")
        ARRIVED = "ARRIVED", _("Arrived")
        LOST = "LOST", _("Did not arrive")

    message_id = models.BigIntegerField()
    number = models.PositiveSmallIntegerField()
    total = models.PositiveSmallIntegerField()
    line = models.CharField(max_length=60)
    reference = models.CharField(max_length=65)
    state = models.CharField(max_length=8, choices=State.choices, default=State.TAKEN)
    error = models.CharField(max_length=10, blank=True)
    for_good = models.BooleanField(default=False)

    class Meta:
        db_table = "outreach_sms_part"
        constraints: ClassVar = [models.UniqueConstraint(fields=["message_id", "number"], name="sms_part_once")]
        indexes: ClassVar = [models.Index(fields=["reference", "-id"], name="sms_part_reference")]


class SmsReply(Row):
    """A text message somebody sent us. A long one comes in pieces: rows in state PIECE until all are there.

    `taken_by`: who took it up, a code; "" while nobody has.
    """

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(of=ByStep("outreach.owed"), delete=True, plain=("taken_by",))

    class State(models.TextChoices):
        PIECE = "PIECE", _("Part of a longer one")
        REFUSAL = "REFUSAL", _("Refuses offers")
        TAKEN = "TAKEN", _("Somebody sees to it")
        UNKNOWN = "UNKNOWN", _("From an unknown number")
        DROPPED = "DROPPED", _("Dropped")

    customer = models.ForeignKey(
        Customer, null=True, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    number = models.CharField(max_length=32)
    text = models.TextField()
    at = models.DateTimeField(default=clock.now)
    state = models.CharField(max_length=8, choices=State.choices)
    taken_by = models.CharField(max_length=24, blank=True)
    piece_of = models.IntegerField(default=0)
    piece = models.PositiveSmallIntegerField(default=1)
    pieces = models.PositiveSmallIntegerField(default=1)

    class Meta:
        db_table = "outreach_sms_reply"
        indexes: ClassVar = [
            models.Index(fields=["number", "-id"], name="sms_reply_number"),
            models.Index(fields=["id"], name="sms_reply_pieces", condition=Q(state="PIECE")),
            models.Index(fields=["id"], name="sms_reply_unknown", condition=Q(state="UNKNOWN")),
            models.Index(fields=["customer", "-id"], name="sms_reply_customer", condition=Q(customer__isnull=False)),
        ]


class SmsLine(models.Model):
    """How the line to the message centre is: one row a line, written by the process that holds it."""

    personal: ClassVar = Personal(of=None, plain=("name", "state", "detail"))

    class State(models.TextChoices):
        BOUND = "BOUND", _("Connected")
        DOWN = "DOWN", _("Not connected")
        REFUSED = "REFUSED", _("Refused by the message centre")

    name = models.CharField(max_length=60, primary_key=True)
    state = models.CharField(max_length=8, choices=State.choices)
    detail = models.CharField(max_length=120, blank=True)
    since = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        db_table = "outreach_sms_line"
