"""E-mails that came in: one narrow row each, so that none is taken twice and none is forgotten."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from complaints.models.cases import Complaint
from complaints.models.talk import Entry
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.personal import ByStep, Personal


class InMail(Row):
    """A mail and what became of it. `digest` tells mails apart; `mailbox`, `validity`, `uid`: where it lay (RFC 3501),
    empty for one a mail server handed over; `sender`: a keyed digest of the address, by which a crowd from one sender
    is noticed; `is_theirs`: from the complainant, so that what we write answers it."""

    personal: ClassVar = Personal(
        of="complaint__customer",
        empty=("message_id",),
        plain=("digest", "mailbox", "sender", "state", "reason"),
        unread=("digest", "mailbox", "sender"),
    )

    class State(models.TextChoices):
        CASE = "CASE", _("New complaint")
        WORDS = "WORDS", _("Words to a complaint")
        NOTE = "NOTE", _("From another address")
        IGNORED = "IGNORED", _("No person wrote it")
        ASIDE = "ASIDE", _("Kept aside")

    digest = models.CharField(max_length=64, unique=True)
    mailbox = models.CharField(max_length=40, blank=True)
    validity = models.BigIntegerField(default=0)
    uid = models.BigIntegerField(default=0)
    message_id = models.CharField(max_length=252, blank=True)
    sender = models.CharField(max_length=64, blank=True)
    received_at = models.DateTimeField()
    at = models.DateTimeField(default=clock.now)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ASIDE)
    reason = models.CharField(max_length=24, blank=True)
    is_theirs = models.BooleanField(default=False)
    complaint = models.ForeignKey(Complaint, null=True, on_delete=models.CASCADE, related_name="mails", db_index=False)
    entry = models.ForeignKey(Entry, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)

    class Meta:
        db_table = "complaints_in_mail"
        indexes: ClassVar = [
            models.Index(fields=["complaint", "-id"], name="in_mail_complaint", condition=Q(complaint__isnull=False)),
            models.Index(fields=["message_id"], name="in_mail_message_id", condition=~Q(message_id="")),
            models.Index(fields=["sender", "-at"], name="in_mail_sender", condition=~Q(sender="")),
            models.Index(fields=["mailbox", "validity", "uid"], name="in_mail_place", condition=~Q(mailbox="")),
            models.Index(fields=["entry"], name="in_mail_entry", condition=Q(entry__isnull=False)),
        ]


class KeptMail(models.Model):
    """What a mail kept aside says, until a person decides what becomes of it, at most some weeks. `files`: names of
    those that lie in the mailbox alone; `size` in bytes."""

    personal: ClassVar = Personal(of=ByStep("complaints.kept_mails"), delete=True)

    mail = models.OneToOneField(InMail, primary_key=True, on_delete=models.CASCADE, related_name="kept")
    address = models.CharField(max_length=254, blank=True, db_index=True)
    name = models.CharField(max_length=80, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    text = models.TextField(blank=True)
    files = models.JSONField(default=list)
    size = models.BigIntegerField(default=0)


class KeptFile(Row):
    """A file of a mail kept aside: stored under `path` beside those of cases, or not kept and `refused` for that reason
    (a code of `attaching.check_file`). `size` in bytes."""

    personal: ClassVar = Personal(
        of=ByStep("complaints.kept_mails"), delete=True, plain=("path", "media_type", "sha256", "refused")
    )

    kept = models.ForeignKey(KeptMail, on_delete=models.CASCADE, related_name="stored")
    name = models.CharField(max_length=120, blank=True)
    path = models.CharField(max_length=200, blank=True)
    media_type = models.CharField(max_length=80, blank=True)
    size = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    refused = models.CharField(max_length=32, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(path="") ^ Q(refused=""), name="kept_file_stored_or_refused"),
        ]
        indexes: ClassVar = [models.Index(fields=["path"], name="kept_file_path", condition=~Q(path=""))]
