"""What the customer agreed to, for which purpose and on which channel: the state that holds, and how it came (D§5.6).

The codes of D§4 stand in two columns here: MARKETING_SMS is purpose MARKETING on channel SMS. Purposes that are no
contact (a profile, a partner) have no channel.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models.archive import Customer
from foundation.audit.models import APPEND_ONLY
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal


class Purpose(models.TextChoices):
    """What the customer is asked about (D§4)."""

    MARKETING = "MARKETING", _("Offers and advertising")
    SURVEY = "SURVEY", _("Surveys")
    CARE_GREETING = "CARE_GREETING", _("Care and greetings")
    PROFILING = "PROFILING", _("Personal profile")
    SHARE_PARTNER = "SHARE_PARTNER", _("Passing on to partners")


CONTACTS = (Purpose.MARKETING, Purpose.SURVEY, Purpose.CARE_GREETING)


class ConsentChannel(models.TextChoices):
    """On which way a purpose of contact is agreed to."""

    SMS = "SMS", _("Text message")
    CALL = "CALL", _("Phone call")
    EMAIL = "EMAIL", _("E-mail")
    APP = "APP", _("App")


class ConsentState(models.TextChoices):
    """UNKNOWN is what no row means: no answer is no consent."""

    UNKNOWN = "UNKNOWN", pgettext_lazy("consent state", "Not asked")
    GRANTED = "GRANTED", pgettext_lazy("consent state", "Given")
    DENIED = "DENIED", pgettext_lazy("consent state", "Refused")
    WITHDRAWN = "WITHDRAWN", pgettext_lazy("consent state", "Withdrawn")


class EvidenceKind(models.TextChoices):
    """What shows that the customer said so."""

    FORM = "FORM", _("Signed form")
    RECORDING = "RECORDING", _("Recorded call")
    MESSAGE = "MESSAGE", _("Message of the customer")
    ONLINE = "ONLINE", _("Tick on the web or in the app")
    GUARDIAN = "GUARDIAN", _("Form signed by the guardian")


class ConsentSource(models.TextChoices):
    """Where we heard it."""

    DESK = "DESK", _("Face to face")
    CALL = "CALL", _("Phone call")
    SMS_REPLY = "SMS_REPLY", _("Reply to a text message")
    ONLINE = "ONLINE", _("Web or app")
    LETTER = "LETTER", _("Letter")
    IMPORT = "IMPORT", _("Import")


_FITS = Q(purpose__in=CONTACTS, channel__in=ConsentChannel.values) | (~Q(purpose__in=CONTACTS) & Q(channel=""))


class ConsentEvent(Row):
    """One answer of the customer: from which state to which, shown by what, heard where, noted by whom.

    Never changed nor deleted; what it says of the evidence in words lies in `ConsentEvidence`, which erasure removes.
    """

    on_merge: ClassVar = {"customer_id": OnMerge.READ_THROUGH}
    personal: ClassVar = Personal(
        of="customer_id", plain=("purpose", "channel", "old", "new", "evidence_kind", "source")
    )

    customer_id = models.BigIntegerField()
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    channel = models.CharField(max_length=8, blank=True, choices=ConsentChannel.choices)
    old = models.CharField(max_length=10, choices=ConsentState.choices)
    new = models.CharField(max_length=10, choices=ConsentState.choices)
    evidence_kind = models.CharField(max_length=12, blank=True, choices=EvidenceKind.choices)
    source = models.CharField(max_length=12, choices=ConsentSource.choices)
    expires_on = models.DateField(null=True, blank=True)
    at = models.DateTimeField(default=clock.now)
    actor_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "customers_consent_event"
        triggers: ClassVar = APPEND_ONLY
        constraints: ClassVar = [
            models.CheckConstraint(condition=_FITS, name="consent_event_channel_fits"),
            models.CheckConstraint(
                condition=~Q(new="GRANTED") | ~Q(evidence_kind=""), name="consent_event_given_with_evidence"
            ),
            models.CheckConstraint(
                condition=Q(new__in=["GRANTED", "DENIED", "WITHDRAWN"]) & (Q(new="GRANTED") | ~Q(old=models.F("new"))),
                name="consent_event_changes_something",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["customer_id", "-id"], name="consent_event_customer")]


class ConsentEvidence(models.Model):
    """What stands behind an event, in words (number of a form or recording): personal, erasable, never edited."""

    on_merge: ClassVar = {"customer_id": OnMerge.READ_THROUGH}
    personal: ClassVar = Personal(of="customer_id", delete=True, kept="consent_evidence")

    event_id = models.BigIntegerField(primary_key=True)
    customer_id = models.BigIntegerField(db_index=True)
    text = models.CharField(max_length=200)

    class Meta:
        db_table = "customers_consent_evidence"
        triggers: ClassVar = [pgtrigger.Protect(name="never_edited", operation=pgtrigger.Update)]


class Consent(Row):
    """The one state that holds for a customer, a purpose and a channel, and the event it came by.

    The gate holds this row while a message starts to leave, so that a withdrawal waits for it, or it for the
    withdrawal (outreach/delivery.py).
    """

    on_merge: ClassVar = {"customer": OnMerge.COMBINE}
    personal: ClassVar = Personal(of="customer", plain=("purpose", "channel", "state"))

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="consents", db_index=False)
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    channel = models.CharField(max_length=8, blank=True, choices=ConsentChannel.choices)
    state = models.CharField(max_length=10, choices=ConsentState.choices)
    since = models.DateTimeField(default=clock.now)
    expires_on = models.DateField(null=True, blank=True)
    event = models.OneToOneField(ConsentEvent, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "purpose", "channel"], name="consent_one_state"),
            models.CheckConstraint(condition=_FITS, name="consent_channel_fits"),
            models.CheckConstraint(condition=~Q(state="UNKNOWN"), name="consent_is_an_answer"),
            models.CheckConstraint(
                condition=Q(state="GRANTED") | Q(expires_on__isnull=True), name="consent_only_given_ends"
            ),
        ]

    def has_lapsed(self, day: date) -> bool:
        """Whether it was given, for a time that is over on `day`; `expires_on` is the last day it holds."""
        return self.state == ConsentState.GRANTED and self.expires_on is not None and self.expires_on < day

    def holds(self, day: date) -> bool:
        """Whether it is given and has not lapsed on `day`."""
        return self.state == ConsentState.GRANTED and not self.has_lapsed(day)
