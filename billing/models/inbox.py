"""What billing told us, as it came, and how far the pollers have read."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.personal import ByStep, Personal

LONGEST_EVENT_ID = 100


class BillingEvent(Row):
    """One event as it came. `event_id` makes it once. `why`: the code of why it was ignored or refused, `faults`: in
    words of the field; `effect`: what it did, in codes. `must_read`: its payload is partial or its clock is not to be
    believed, so that the resource is read from billing first. `not_before`: when it may be tried (again)."""

    personal: ClassVar = Personal(
        of=ByStep("billing.events"),
        empty=("body",),
        plain=(
            "event_id",
            "kind",
            "resource_id",
            "account_ref",
            "correlation_id",
            "state",
            "why",
            "faults",
            "effect",
        ),
    )

    class State(models.TextChoices):
        WAITING = "WAITING", _("Waiting")
        APPLIED = "APPLIED", _("Applied")
        IGNORED = "IGNORED", _("Ignored")
        FAILED = "FAILED", _("Refused")

    class Why(models.TextChoices):
        NONE = "", "–"
        OLDER = "older", _("A newer state was known already")
        SAME = "same", _("Nothing new in it")
        UNFINISHED = "unfinished", _("The payment was not made (yet)")
        BODY = "body", _("The body cannot be used")
        UNKNOWN_KIND = "unknown_kind", _("No such kind of event is read")
        NO_ANSWER = "no_answer", _("Billing has not answered")
        GONE = "gone", _("Billing does not know the resource")
        NOT_CONNECTED = "not_connected", _("Billing is not connected, and the body is partial")
        DEFECT = "defect", _("An error of ours")

    event_id = models.CharField(max_length=LONGEST_EVENT_ID, unique=True)
    kind = models.CharField(max_length=60)
    event_time = models.DateTimeField(null=True)
    received_at = models.DateTimeField(default=clock.now)
    resource_id = models.CharField(max_length=64, blank=True)
    account_ref = models.CharField(max_length=64, blank=True)
    correlation_id = models.CharField(max_length=100, blank=True)
    body = models.JSONField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    why = models.CharField(max_length=16, choices=Why.choices, blank=True, default="")
    faults = models.JSONField(default=list)
    effect = models.JSONField(default=dict)
    must_read = models.BooleanField(default=False)
    attempts = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(default=clock.now)
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["not_before", "id"], name="billing_event_waiting", condition=Q(state="WAITING")),
            models.Index(fields=["-id"], name="billing_event_failed", condition=Q(state="FAILED")),
            models.Index(fields=["account_ref", "-id"], name="billing_event_account"),
            models.Index(fields=["resource_id", "-id"], name="billing_event_resource"),
        ]


class PollCursor(models.Model):
    """How far a resource has been read by its time of change; begins again there after an outage."""

    personal: ClassVar = Personal(of=None, plain=("resource", "problem"))

    resource = models.CharField(max_length=20, primary_key=True)
    read_to = models.DateTimeField()
    polled_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=120, blank=True, default="")
    failures = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "billing_poll_cursor"
