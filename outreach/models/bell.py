"""The bell: what a member of staff should know now."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from foundation.common.ids import Row, moment_of
from foundation.common.personal import Personal
from staff.models import User


class NotificationQuerySet(models.QuerySet["Notification"]):
    def visible_to(self, user: User) -> NotificationQuerySet:
        """A bell rings for one person only."""
        return self.filter(user=user)

    def unread(self) -> NotificationQuerySet:
        return self.filter(read_at__isnull=True)


class Notification(Row):
    """Kind and parameters; the words come from the registered kind, in the reader's language."""

    personal: ClassVar = Personal(of=None, plain=("kind", "subject_type", "params", "dedupe_key"))

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=40)
    subject_type = models.CharField(max_length=24)
    subject_id = models.BigIntegerField()
    params = models.JSONField(default=dict)
    dedupe_key = models.CharField(max_length=80)
    read_at = models.DateTimeField(null=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "dedupe_key"], name="notification_once")]
        indexes: ClassVar = [
            models.Index(fields=["user", "-id"], name="notification_newest"),
            models.Index(fields=["user"], name="notification_unread", condition=Q(read_at__isnull=True)),
        ]

    @property
    def at(self) -> datetime:
        return moment_of(self.pk)
