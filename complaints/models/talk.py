"""What was said in a case: replies, internal notes, what the customer wrote; files; promises; lead's orders."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from complaints.lifecycle import EntryKind
from complaints.models.cases import Complaint
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.personal import Personal
from interactions.lifecycle import Channel
from staff.models import User


class Entry(Row):
    """One thing said. A REPLY leaves at `leaves_at` (`left_at`: when it did) unless it is taken back before
    (`taken_back_at`); `message_id` is the message it became. A NOTE never leaves the house. `key`: once per natural key
    (an e-mail's Message-ID, a form's token)."""

    personal: ClassVar = Personal(of="complaint__customer", empty=("text",), plain=("kind", "channel"), null=("key",))

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="entries", db_index=False)
    kind = models.CharField(max_length=10, choices=EntryKind.choices)
    channel = models.CharField(max_length=12, choices=Channel.choices, blank=True)
    text = models.TextField(blank=True)
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField(default=clock.now)
    leaves_at = models.DateTimeField(null=True)
    left_at = models.DateTimeField(null=True)
    taken_back_at = models.DateTimeField(null=True)
    message_id = models.BigIntegerField(null=True)
    key = models.CharField(max_length=200, null=True, unique=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["complaint", "-id"], name="complaint_entry_case"),
            models.Index(
                fields=["leaves_at", "id"],
                name="complaint_reply_due",
                condition=Q(leaves_at__isnull=False, left_at=None, taken_back_at=None),
            ),
        ]

    @property
    def waits(self) -> bool:
        """Whether it is a reply that has still to leave."""
        return self.leaves_at is not None and self.left_at is None and self.taken_back_at is None


class Attachment(Row):
    """A file of a case, stored outside the web root under `path`; checked by its content before it is kept."""

    personal: ClassVar = Personal(of="complaint__customer", empty=("name",), plain=("path", "media_type", "sha256"))

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="attachments")
    entry = models.ForeignKey(Entry, null=True, on_delete=models.CASCADE, related_name="attachments")
    name = models.CharField(max_length=120)
    path = models.CharField(max_length=200)
    media_type = models.CharField(max_length=80)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField(default=clock.now)


class PromiseQuerySet(models.QuerySet["Promise"]):
    def open(self) -> PromiseQuerySet:
        return self.filter(kept_at=None, dropped_at=None)

    def due(self, at: datetime) -> PromiseQuerySet:
        """Open ones whose moment has come and who was not told yet."""
        return self.open().filter(due_at__lte=at, noticed_at=None)


class Promise(Row):
    """The promise book: what the customer was promised on a case, by whom, by when, and whether it was kept."""

    personal: ClassVar = Personal(of="complaint__customer", empty=("text",))

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="promises")
    text = models.CharField(max_length=200)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField()
    kept_at = models.DateTimeField(null=True)
    dropped_at = models.DateTimeField(null=True)
    noticed_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    objects = PromiseQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(kept_at=None) | Q(dropped_at=None), name="promise_kept_or_dropped")
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at", "id"], name="promise_due", condition=Q(kept_at=None, dropped_at=None)),
            models.Index(
                fields=["owner", "due_at", "id"], name="promise_owner", condition=Q(kept_at=None, dropped_at=None)
            ),
        ]


class OrderQuerySet(models.QuerySet["Order"]):
    def open(self) -> OrderQuerySet:
        """Those a reply is still owed to."""
        return self.filter(replied_at=None, withdrawn_at=None)


class Order(Row):
    """A lead urges or orders (督办): to whom, what, the reply due; `withdrawn_at`: none is owed any more."""

    personal: ClassVar = Personal(of="complaint__customer", empty=("text", "reply"))

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="orders")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    to = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    text = models.CharField(max_length=400)
    at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField()
    reply = models.CharField(max_length=400, blank=True)
    replied_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    noticed_at = models.DateTimeField(null=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["due_at", "id"], name="complaint_order_due", condition=Q(replied_at=None)),
            models.Index(fields=["to", "due_at", "id"], name="complaint_order_to", condition=Q(replied_at=None)),
        ]
