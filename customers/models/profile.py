"""What we know of the customer beyond the basics, and what they want of us (D§4, D§5.5)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models.archive import Customer
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal
from staff.models import User


class ProfileField(Row):
    """An optional fact about a person: kept only for a purpose and with the person's consent (D§5.5)."""

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(of="customer", delete=True, optional=True)

    class Key(models.TextChoices):
        PERSONALITY = "PERSONALITY", _("Personality")
        INTERESTS = "INTERESTS", _("Interests")
        EDUCATION = "EDUCATION", _("Education")
        EXPERIENCE = "EXPERIENCE", _("Experience")
        SPECIALITY = "SPECIALITY", _("Speciality")
        TECH_SKILL = "TECH_SKILL", _("Skill with technology")
        INCOME_BAND = "INCOME_BAND", _("Income band")
        SPENDING_HABIT = "SPENDING_HABIT", _("Spending habit")
        SERVICE_VIEWS = "SERVICE_VIEWS", _("Views on our service")
        STRATUM = "STRATUM", _("Social standing")
        FAMILY = "FAMILY", _("Family")

    class VerifiedHow(models.TextChoices):
        TOLD = "TOLD", _("Confirmed by the customer")
        PAPER = "PAPER", _("Paper seen")
        USE = "USE", _("Seen from how our service is used")

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="profile_fields")
    key = models.CharField(max_length=16, choices=Key.choices)
    value = models.CharField(max_length=400)
    source = models.CharField(max_length=40)
    purpose = models.CharField(max_length=120)
    consent_evidence = models.CharField(max_length=200)
    verified_at = models.DateTimeField(null=True, blank=True)
    verified_how = models.CharField(max_length=8, blank=True, db_default="", choices=VerifiedHow.choices)
    verified_by_id = models.BigIntegerField(null=True)
    as_of = models.DateField(default=clock.today)
    expires_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "key"], name="profile_field_once"),
            models.CheckConstraint(
                condition=~Q(purpose="") & ~Q(consent_evidence=""), name="profile_field_purpose_and_consent"
            ),
        ]


class Need(Row):
    """Something the customer wants of us."""

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(of="customer", empty=("text", "reason"), plain=("category", "state"), optional=True)

    class State(models.TextChoices):
        NEW = "NEW", pgettext_lazy("need", "New")
        PLANNED = "PLANNED", _("Planned")
        MET = "MET", _("Met")
        DECLINED = "DECLINED", _("Declined")

    class Category(models.TextChoices):
        TALK_TIME = "TALK_TIME", _("More talk time")
        DATA = "DATA", _("More data")
        STABLE_SPEED = "STABLE_SPEED", _("Stable speed")
        EXTRA_SERVICES = "EXTRA_SERVICES", _("Extra services")
        PRICE = "PRICE", _("Better price")
        TERMINAL = "TERMINAL", _("Phone or device")
        SERVICE = "SERVICE", _("Better service")
        OTHER = "OTHER", pgettext_lazy("need", "Something else")

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="needs")
    text = models.CharField(max_length=400)
    category = models.CharField(max_length=24, blank=True, choices=Category.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.NEW)
    due_on = models.DateField(null=True, blank=True)
    owner = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    reason = models.CharField(max_length=200, blank=True, db_default="")
    closed_at = models.DateTimeField(null=True, blank=True)
    followup_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    created_by_id = models.IntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(followup_id__isnull=True) | Q(due_on__isnull=False, owner__isnull=False),
                name="need_owed_by_somebody_by_a_day",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["owner", "due_on", "id"], name="need_owner_due", condition=Q(state="PLANNED")),
            models.Index(fields=["-id"], name="need_open", condition=Q(state__in=["NEW", "PLANNED"])),
        ]
