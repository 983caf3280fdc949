"""What telephony reports: every event as it came, and the call as it stands now."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.personal import ByStep, Personal
from interactions.lifecycle import CALL_LIVE, CallState
from staff.models import User


class CallQuerySet(models.QuerySet["Call"]):
    def live_for(self, user: User, since: datetime) -> CallQuerySet:
        """Calls at the user's extension that ring or run, newest first; a call whose end was lost fades by `since`."""
        return self.filter(agent=user, state__in=CALL_LIVE, event_at__gte=since).order_by("-started_at", "-pk")


class Call(Row):
    """One call. An older event never overwrites a newer state: `event_at` is the moment of the last one taken."""

    personal: ClassVar = Personal(of=ByStep("interactions.calls"), empty=("number",), plain=("call_ref", "state"))

    call_ref = models.CharField(max_length=64, unique=True)
    number = models.CharField(max_length=32, blank=True)
    agent = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=10, choices=CallState.choices)
    started_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    event_at = models.DateTimeField()

    objects = CallQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["agent", "-started_at"], name="call_live", condition=Q(state__in=CALL_LIVE))
        ]

    def __str__(self) -> str:
        return self.call_ref


class CallEvent(Row):
    """One event as received, once per external id."""

    personal: ClassVar = Personal(
        of=ByStep("interactions.calls"), empty=("raw",), plain=("event_id", "call_ref", "state")
    )

    event_id = models.CharField(max_length=64, unique=True)
    call_ref = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=CallState.choices)
    at = models.DateTimeField()
    received_at = models.DateTimeField(default=clock.now)
    raw = models.JSONField()
    taken = models.BooleanField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["call_ref", "id"], name="call_event_call")]
