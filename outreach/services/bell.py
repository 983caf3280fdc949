"""Ringing a colleague's bell, once per key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import models, transaction

from foundation.common import clock
from foundation.common.ids import first_id_at
from outreach.models import Notification
from staff.models import User

KEPT = timedelta(days=92)
MOST_AT_ONCE = 20_000


def notify(
    user: User, kind: str, *, subject_ref: models.Model, params: dict[str, Any], dedupe_key: str
) -> Notification | None:
    """Ring `user`'s bell about `subject_ref` (a saved row), in the caller's transaction.

    `kind` is registered with `outreach.bellkinds.register_bell_kind`; `params` holds codes, numbers and ISO moments.
    Returns None when the user already has a notification with this `dedupe_key` (at most 80 characters).
    """
    notice = Notification(
        user=user,
        kind=kind,
        subject_type=subject_ref._meta.model_name or "",
        subject_id=subject_ref.pk,
        params=params,
        dedupe_key=dedupe_key,
    )
    # ignore_conflicts does not tell which row was first, so look for our own id.
    Notification.objects.bulk_create([notice], ignore_conflicts=True)
    return notice if Notification.objects.filter(pk=notice.pk).exists() else None


def notify_many(notices: Sequence[Notification]) -> None:
    """Ring for each of these (built as `notify` does), in the caller's transaction and one statement for each
    thousand; those somebody has already, by their key, are left out."""
    Notification.objects.bulk_create(notices, ignore_conflicts=True, batch_size=1_000)


@transaction.atomic
def mark_read(notification_id: int, *, actor: User) -> bool:
    """Mark one of the actor's notifications read. False when it is not theirs or was read before."""
    return bool(
        Notification.objects.filter(pk=notification_id, user=actor, read_at__isnull=True).update(read_at=clock.now())
    )


@transaction.atomic
def mark_all_read(*, actor: User) -> int:
    """Mark everything in the actor's bell read; returns how many were unread."""
    return Notification.objects.filter(user=actor, read_at__isnull=True).update(read_at=clock.now())


def drop_read_bells() -> int:
    """Forget what was read and is older than three months; returns how many."""
    old = Notification.objects.filter(pk__lt=first_id_at(clock.now() - KEPT), read_at__isnull=False)
    gone, _by_model = Notification.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:MOST_AT_ONCE])).delete()
    return gone
