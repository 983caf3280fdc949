"""Messages to customers and staff: the outbox by months, its once-only keys, and the texts as sent."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from foundation.common import clock
from foundation.common.ids import Row, first_id_at, moment_of
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal, Through
from outreach.lifecycle import MESSAGE_OPEN, Channel, MessageClass, MessageState
from outreach.wording import title_of
from staff.models import User
from staff.rights import sight_of

OPEN_FOR = timedelta(days=92)  # an open message older than this is expired by the daily job: the claim's floor


def message_floor(at: datetime | None = None) -> int:
    """The lower id bound of every query on the outbox: nothing older is still open."""
    return first_id_at((at or clock.now()) - OPEN_FOR)


class OutMessageQuerySet(models.QuerySet["OutMessage"]):
    def recent(self, at: datetime | None = None) -> OutMessageQuerySet:
        """The last three months: the bound that keeps old partitions closed."""
        return self.filter(pk__gte=message_floor(at))

    def visible_to(self, user: User) -> OutMessageQuerySet:
        """Messages to customers in the user's scope of `outreach.view`, and those written to the user."""
        sight = sight_of(user, "outreach.view")
        seen = sight.rows(unit_no="unit_no", owner="actor_id")
        return self.filter(seen | Q(staff=user))


class OutMessage(Row):
    """One message: what, to whom, when it may leave, and how far it came. Words and addresses: `MessageText`. It goes
    to a customer, to one of the staff, or to an `outsider` (a reference, `outreach.outsiders`).

    `not_before` is the moment it may be claimed, and while SENDING the end of the worker's lease; `attempts`
    numbers the claims, so that a late answer of a lost worker changes nothing (recipes §8). `tries` counts the
    times it was really handed to a channel. `in_flight_at` is set just before the outward call and
    stays while nobody knows whether that arrived: found set at a claim, an attempt was cut.
    """

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(
        of="customer",
        empty=("params", "explanation"),
        plain=("message_class", "channel", "template", "language", "outsider", "state", "reason", "carrier"),
    )

    careline_partitioned = "id"

    class Reason(models.TextChoices):
        EXPIRED = "expired", _("Its time had passed")
        EXPIRES_BEFORE_WINDOW = "expires_before_window", _("It expires before the next allowed hour")
        NO_CONSENT = "no_consent", _("No consent")
        BLOCKED = "blocked", _("Contact is blocked")
        STATUS = "status", _("The customer's status forbids it")
        MINOR = "minor", _("The customer is a minor")
        NO_ADDRESS = "no_address", _("No usable address")
        NO_WINDOW = "no_window", _("No allowed hour in the next month")
        GONE = "gone", _("The recipient is gone")
        REFUSED = "refused", _("Refused by the receiving side")
        TOO_MANY_TRIES = "too_many_tries", _("Too many attempts")
        WORDING = "wording", _("The text could not be written")
        CUT = "cut", _("The attempt was cut; not repeated")
        TEMPORARY = "temporary", _("Temporarily refused, will be repeated")
        WAITING = "waiting", _("Waits for the next allowed hour")

    customer = models.ForeignKey(
        Customer, null=True, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    staff = models.ForeignKey(
        User, null=True, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    outsider = models.CharField(max_length=40, null=True)
    unit_no = models.IntegerField(default=0)
    message_class = models.CharField(max_length=10, choices=MessageClass.choices)
    channel = models.CharField(max_length=8, choices=Channel.choices)
    template = models.CharField(max_length=48)
    template_version = models.PositiveSmallIntegerField(default=0)
    language = models.CharField(max_length=8, blank=True)
    params = models.JSONField(default=dict)
    urgent = models.BooleanField(default=False)
    contact_point_id = models.BigIntegerField(null=True)
    state = models.CharField(max_length=12, choices=MessageState.choices, default=MessageState.QUEUED)
    reason = models.CharField(max_length=24, blank=True, choices=Reason.choices)
    explanation = models.JSONField(default=list)
    carrier = models.CharField(max_length=12, blank=True)
    not_before = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    in_flight_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    actor_id = models.BigIntegerField(null=True)

    objects = OutMessageQuerySet.as_manager()

    class Meta:
        db_table = "outreach_message"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(customer__isnull=True, staff__isnull=False, outsider__isnull=True)
                | Q(customer__isnull=False, staff__isnull=True, outsider__isnull=True)
                | Q(customer__isnull=True, staff__isnull=True, outsider__isnull=False),
                name="message_one_addressee",
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["channel", "not_before", "id"], name="message_due_channel", condition=Q(state__in=MESSAGE_OPEN)
            ),
            models.Index(fields=["customer", "-id"], name="message_customer", condition=Q(customer__isnull=False)),
            models.Index(fields=["staff", "-id"], name="message_staff", condition=Q(staff__isnull=False)),
            models.Index(fields=["outsider", "-id"], name="message_outsider", condition=Q(outsider__isnull=False)),
            models.Index(fields=["unit_no", "-id"], name="message_unit"),
            models.Index(fields=["actor_id", "-id"], name="message_actor", condition=Q(actor_id__isnull=False)),
            models.Index(fields=["state", "-id"], name="message_trouble", condition=Q(state__in=["failed", "unknown"])),
        ]

    def __str__(self) -> str:
        return self.ref

    @property
    def title(self) -> str:
        """How lists call it, in the active language."""
        return title_of(self.template)

    @property
    def at(self) -> datetime:
        """When it was queued, from its id."""
        return moment_of(self.pk)


class MessageKey(models.Model):
    """Once-only: the first 16 bytes of SHA-256 over the natural key. Kept until `expires`."""

    personal: ClassVar = Personal(of=None)

    key = models.UUIDField(primary_key=True)
    message_id = models.BigIntegerField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "outreach_message_key"


class MessageText(models.Model):
    """The address and words as they left: personal, erasable; the message itself stays."""

    on_merge: ClassVar = {"customer_id": OnMerge.MOVE}
    personal: ClassVar = Personal(of="customer_id", delete=True)

    message_id = models.BigIntegerField(primary_key=True)
    customer_id = models.BigIntegerField(null=True, db_index=True)
    template_version = models.PositiveSmallIntegerField()
    language = models.CharField(max_length=8)
    address = models.CharField(max_length=254)
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField()

    class Meta:
        db_table = "outreach_message_text"


class MessageMove(Row):
    """One change of a message's state (D§1.9)."""

    personal: ClassVar = Personal(
        of=Through("message_id", "outreach.OutMessage"), empty=("detail",), plain=("old", "new", "reason")
    )

    careline_partitioned = "id"

    message_id = models.BigIntegerField()
    old = models.CharField(max_length=12, choices=MessageState.choices)
    new = models.CharField(max_length=12, choices=MessageState.choices)
    reason = models.CharField(max_length=24, blank=True)
    detail = models.CharField(max_length=200, blank=True)
    actor_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "outreach_message_move"
        indexes: ClassVar = [models.Index(fields=["message_id", "id"], name="message_move_message")]

    @property
    def at(self) -> datetime:
        return moment_of(self.pk)
