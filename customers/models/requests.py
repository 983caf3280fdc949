"""Requests to change data, by any channel: who asked, how that was verified, and what came of it (ARC-17)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models.archive import Customer
from customers.models.subscriptions import Subscription
from foundation.common import clock, crypto
from foundation.common.ids import Row
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal
from staff.models import User


class ChangeRequestQuerySet(models.QuerySet["ChangeRequest"]):
    def visible_to(self, user: User) -> ChangeRequestQuerySet:
        """Requests about customers of the user's own scope, and those the user took."""
        rows = Customer.objects.in_scope_of(user)
        return self.filter(Q(customer__in=rows.values("pk")) | Q(taken_by_id=user.pk))

    def open(self) -> ChangeRequestQuerySet:
        return self.filter(state=ChangeRequest.State.OPEN)


class ChangeRequest(Row):
    """One field that shall become another. The value of an ID number is sealed and goes when the request closes."""

    on_merge: ClassVar = {"customer": OnMerge.MOVE, "new_owner": OnMerge.MOVE}
    personal: ClassVar = Personal(of="customer", delete=True)

    class Field(models.TextChoices):
        NAME = "name", _("Name")
        ID_TYPE = "id_type", _("Document")
        ID_NUMBER = "id_number", _("Document number")
        OWNER = "owner", _("Owner of a line")
        BIRTH_DATE = "birth_date", _("Birth date")
        MOBILE = "mobile", _("Mobile number")
        EMAIL = "email", _("E-mail")
        ADDRESS = "street", _("Home address")
        CITY = "home_city", _("City")

    GUARDED: ClassVar = frozenset({Field.NAME, Field.ID_TYPE, Field.ID_NUMBER, Field.OWNER})

    class State(models.TextChoices):
        OPEN = "OPEN", pgettext_lazy("request", "Open")
        APPLIED = "APPLIED", _("Applied")
        REFUSED = "REFUSED", pgettext_lazy("request", "Refused")

    class Channel(models.TextChoices):
        HALL = "HALL", _("At the counter")
        HOTLINE = "HOTLINE", _("Phone call")
        WEB = "WEB", _("Web or app")
        SMS = "SMS", _("Text message")
        EMAIL = "EMAIL", _("E-mail")
        LETTER = "LETTER", _("Letter")
        VISIT = "VISIT", _("Visit")

    class Verified(models.TextChoices):
        DOCUMENT = "DOCUMENT", _("Document compared")
        CODE = "CODE", _("Code sent to the customer's phone")
        QUESTIONS = "QUESTIONS", _("Questions about the account")
        SIGNATURE = "SIGNATURE", _("Signed letter or form")

    number = models.CharField(max_length=20, unique=True)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="change_requests")
    channel = models.CharField(max_length=8, choices=Channel.choices)
    asked_by = models.CharField(max_length=200)
    verified = models.CharField(max_length=12, choices=Verified.choices)
    field = models.CharField(max_length=12, choices=Field.choices)
    old = models.CharField(max_length=254, blank=True)
    new = models.CharField(max_length=254, blank=True)
    # The kind of document a new number belongs to, where that becomes another one too.
    document = models.CharField(max_length=12, blank=True, choices=Customer.IdType.choices, default="", db_default="")
    new_sealed = models.BinaryField(null=True)
    subscription = models.ForeignKey(Subscription, null=True, on_delete=models.SET_NULL, related_name="+")
    new_owner = models.ForeignKey(Customer, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    due_at = models.DateTimeField()
    # What is owed for it now: the decision while it is open, then telling the customer (customers/duties.py).
    followup_id = models.BigIntegerField(null=True)
    taken_at = models.DateTimeField(default=clock.now)
    taken_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=200, blank=True)

    objects = ChangeRequestQuerySet.as_manager()

    class Meta:
        db_table = "customers_change_request"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state="OPEN", closed_at__isnull=True) | (~Q(state="OPEN") & Q(closed_at__isnull=False)),
                name="change_request_closed_has_moment",
            ),
            models.CheckConstraint(
                condition=Q(new_sealed__isnull=True) | Q(state="OPEN"), name="change_request_sealed_while_open"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at", "id"], name="change_request_due", condition=Q(state="OPEN")),
            models.Index(fields=["-id"], name="change_request_newest"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_guarded(self) -> bool:
        """Whether a second person looks before it is applied."""
        return self.field in self.GUARDED

    def wanted(self) -> str:
        """The value asked for in clear; callers mask or record."""
        return crypto.decrypt(self.new_sealed, row_id=self.pk) if self.new_sealed else self.new
