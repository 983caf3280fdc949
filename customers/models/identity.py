"""How the identity of a customer was checked, what fraud control holds back, what shows a death (D§5.1-5.3, 5.13)."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models.archive import Customer
from customers.models.reach import ContactBlock
from foundation.common import clock, crypto
from foundation.common.ids import Row
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal


class ActingRole(models.TextChoices):
    """As what somebody else than the customer showed a document of their own."""

    AGENT = "AGENT", _("Acting for the customer")
    GUARDIAN = "GUARDIAN", _("Guardian")
    HANDLER = "HANDLER", _("Handler of the company")


class IdentityCheck(Row):
    """One look at a document and what it led to: never edited, the documents' numbers sealed."""

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(of="customer", delete=True, kept="identity")

    class How(models.TextChoices):
        IN_PERSON = "IN_PERSON", _("Document compared at the counter")
        READER = "READER", _("Card reader")
        ONLINE = "ONLINE", _("Online, with the face compared")
        VISIT = "VISIT", _("At the customer's place")

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="identity_checks")
    old = models.CharField(max_length=12, choices=Customer.IdentityStatus.choices)
    new = models.CharField(max_length=12, choices=Customer.IdentityStatus.choices)
    how = models.CharField(max_length=12, blank=True, choices=How.choices)
    document = models.CharField(max_length=12, blank=True, choices=Customer.IdType.choices)
    document_last4 = models.CharField(max_length=4, blank=True)
    acting_role = models.CharField(max_length=8, blank=True, choices=ActingRole.choices)
    acting_name = models.CharField(max_length=200, blank=True)
    acting_document = models.CharField(max_length=12, blank=True, choices=Customer.IdType.choices)
    acting_sealed = models.BinaryField(null=True)
    acting_last4 = models.CharField(max_length=4, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(default=clock.now)
    actor_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "customers_identity_check"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(new="VERIFIED") | (~Q(how="") & ~Q(document="")),
                name="identity_check_verified_by_something",
            ),
            models.CheckConstraint(
                condition=Q(acting_role="") | (~Q(acting_name="") & ~Q(acting_last4="")),
                name="identity_check_both_documents",
            ),
        ]

    def acting_number(self) -> str:
        """The clear number of the other person's document, or "". Callers record the reveal."""
        return crypto.decrypt(self.acting_sealed, row_id=self.pk) if self.acting_sealed else ""


class ProtectiveHold(Row):
    """Fraud control holds a customer back until the identity is verified again; no arrears, no late fee (D§5.3)."""

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(of="customer", empty=("note", "lifted_because"), plain=("reason", "held_lines"))

    class Reason(models.TextChoices):
        ABNORMAL_USE = "ABNORMAL_USE", _("Unusual use of the number")
        REPORTED = "REPORTED", _("Reported as used for fraud")
        FALSE_DOCUMENT = "FALSE_DOCUMENT", _("Doubt about the document")
        AUTHORITY = "AUTHORITY", _("Demanded by an authority")

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="protective_holds")
    reason = models.CharField(max_length=16, choices=Reason.choices)
    note = models.CharField(max_length=200, blank=True)
    block = models.OneToOneField(ContactBlock, null=True, on_delete=models.SET_NULL, related_name="+")
    held_lines = ArrayField(models.BigIntegerField(), default=list)
    put_at = models.DateTimeField(default=clock.now)
    put_by_id = models.BigIntegerField(null=True)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by_id = models.BigIntegerField(null=True)
    lifted_because = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "customers_protective_hold"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer"], condition=Q(lifted_at__isnull=True), name="protective_hold_one_at_a_time"
            )
        ]


class DeathNote(Row):
    """What shows that a customer has died; one noted by mistake is taken back, not deleted (D§5.13)."""

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(of="customer", delete=True)

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="death_notes")
    died_on = models.DateField(null=True, blank=True)
    evidence = models.CharField(max_length=200)
    at = models.DateTimeField(default=clock.now)
    actor_id = models.BigIntegerField(null=True)
    taken_back_at = models.DateTimeField(null=True, blank=True)
    taken_back_because = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "customers_death_note"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer"], condition=Q(taken_back_at__isnull=True), name="death_note_one_that_holds"
            ),
            models.CheckConstraint(condition=~Q(evidence=""), name="death_note_shows_something"),
        ]


# What holds back a message while fraud control looks: care, offers, surveys, reminders of debts; never service.
HELD_BACK = ["CARE", "MARKETING", "REMINDER", "SURVEY"]
