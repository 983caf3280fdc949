"""Programs that speak to us: their secrets, tokens, retried writes, and what they are told of (rest.md)."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal


class ApiClient(Row):
    """A program of another system. It owns a user of kind SERVICE (`user_id`), whose role and unit say which rows it
    sees; `scopes` say which APIs it reads or writes. `sandbox`: what it writes is answered and then undone.
    `calls_per_minute`: null for what the policy allows. `signing_key`: signs what we deliver to it, encrypted."""

    personal: ClassVar = Personal(of=None, plain=("name", "client_id", "scopes", "signing_key"))

    name = models.CharField(_("Name"), max_length=60, unique=True)
    client_id = models.CharField(max_length=40, unique=True)
    user_id = models.BigIntegerField(unique=True)
    scopes = ArrayField(models.CharField(max_length=60))
    sandbox = models.BooleanField(default=False)
    calls_per_minute = models.PositiveIntegerField(null=True)
    signing_key = models.BinaryField()
    made_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class ClientSecret(Row):
    """A secret of a program, as its SHA-256 (it is 256 random bits). Two hold at once while one replaces the other."""

    personal: ClassVar = Personal(of=None, plain=("digest",))

    client = models.ForeignKey(ApiClient, on_delete=models.CASCADE, related_name="secrets")
    digest = models.BinaryField()
    made_at = models.DateTimeField(default=clock.now)
    ends_at = models.DateTimeField(null=True)

    @staticmethod
    def live(at: datetime) -> Q:
        return Q(ends_at=None) | Q(ends_at__gt=at)


class AccessToken(models.Model):
    """An access token, found by its SHA-256."""

    personal: ClassVar = Personal(of=None, plain=("digest", "scopes"))

    digest = models.BinaryField(primary_key=True)
    client = models.ForeignKey(ApiClient, on_delete=models.CASCADE, related_name="tokens")
    scopes = ArrayField(models.CharField(max_length=60))
    expires_at = models.DateTimeField(db_index=True)


class KeptAnswer(Row):
    """The answer to a write that came with an `Idempotency-Key`, kept in the write's own transaction (recipes §9).
    `body` is encrypted: it may describe a customer."""

    on_merge: ClassVar = {"customer_id": OnMerge.READ_THROUGH}
    personal: ClassVar = Personal(
        of="customer_id", null=("body",), plain=("key", "request", "headers"), unread=("body", "request")
    )

    client = models.ForeignKey(ApiClient, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=255)
    request = models.BinaryField()
    at = models.DateTimeField(default=clock.now, db_index=True)
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(null=True)
    customer_id = models.BigIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["client", "key"], name="rest_key_once")]
        indexes: ClassVar = [
            models.Index(fields=["customer_id"], name="rest_kept_customer", condition=Q(customer_id__isnull=False))
        ]


class Listener(Row):
    """Where a program wants to be told what happens in an API (`POST /hub`). `event_types`: empty for all."""

    personal: ClassVar = Personal(of=None, plain=("base", "callback", "query", "event_types"))

    client = models.ForeignKey(ApiClient, on_delete=models.CASCADE, related_name="listeners")
    base = models.CharField(max_length=40)
    callback = models.CharField(max_length=400)
    query = models.CharField(max_length=400, blank=True)
    event_types = ArrayField(models.CharField(max_length=80), default=list)
    made_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["base"], name="rest_listener_base", condition=Q(ended_at=None))]


class Event(Row):
    """Something that happened to a resource, written in its own transaction. `known`: codes as they were then (a
    status), laid over the resource as it is when it is delivered; nothing personal is kept here."""

    personal: ClassVar = Personal(of=None, plain=("kind", "resource", "known"))

    kind = models.CharField(max_length=80)
    resource = models.CharField(max_length=40)
    resource_id = models.BigIntegerField()
    at = models.DateTimeField(default=clock.now)
    known = models.JSONField(default=dict)


class Delivery(Row):
    """An event for a listener. Of one resource only the oldest that waits goes out. `not_before` is also the lease of
    who is delivering; `attempts` counts the tries."""

    personal: ClassVar = Personal(of=None, plain=("state", "why"))

    class State(models.TextChoices):
        WAITING = "WAITING", _("Waits")
        SENT = "SENT", _("Taken by the other system")
        DEAD = "DEAD", _("Given up")
        SKIPPED = "SKIPPED", _("Not theirs to see")

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    listener = models.ForeignKey(Listener, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    resource_id = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(default=clock.now)
    give_up_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)
    why = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["listener", "event"], name="rest_delivery_once")]
        indexes: ClassVar = [
            models.Index(fields=["not_before", "id"], name="rest_delivery_due", condition=Q(state="WAITING")),
            models.Index(
                fields=["listener", "resource_id", "id"], name="rest_delivery_order", condition=Q(state="WAITING")
            ),
            models.Index(fields=["-id"], name="rest_delivery_dead", condition=Q(state="DEAD")),
        ]
