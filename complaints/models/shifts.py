"""The change of shift: what somebody leaves open until they are here again, and who signed for it (D§9.3)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from complaints.models.cases import Complaint
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.personal import Personal
from staff.models import OrgUnit, User
from staff.rights import visible

SIGN_RIGHT = "complaints.work"


class ShiftWhy(models.TextChoices):
    """Why a case cannot wait until its handler is here again."""

    DUE = "DUE", _("Due before")
    PROMISED = "PROMISED", _("Promised before")
    CALLBACK = "CALLBACK", _("Callback due before")
    WAITING = "WAITING", _("Waits for an answer")


class ShiftSheetQuerySet(models.QuerySet["ShiftSheet"]):
    def visible_to(self, user: User) -> ShiftSheetQuerySet:
        """Those of the units in whose scope the user works on complaints, their own, and what they signed for."""
        seen = visible(self, user, SIGN_RIGHT, unit_no="unit__no", owner="person_id")
        return self.filter(Q(pk__in=seen.values("pk")) | Q(signed_by=user))

    def unsigned(self) -> ShiftSheetQuerySet:
        return self.filter(signed_at=None)


class ShiftSheet(Row):
    """What `person` leaves open at the end of a shift, until they are here again (`until`). `signed_by` takes over and
    sees the cases meanwhile; `noticed_at`: since the lead knows that nobody signed in time (`sign_by`); `ended_at`:
    since the person has their work again."""

    personal: ClassVar = Personal(of=None)

    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    unit = models.ForeignKey(OrgUnit, on_delete=models.PROTECT, related_name="+", db_index=False)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField(default=clock.now)
    until = models.DateTimeField()
    sign_by = models.DateTimeField()
    signed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    signed_at = models.DateTimeField(null=True)
    noticed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = ShiftSheetQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["person"], condition=Q(ended_at=None), name="shift_sheet_one_open"),
            models.CheckConstraint(
                condition=Q(signed_by=None) | ~Q(signed_by=models.F("person")), name="shift_sheet_signed_by_another"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["sign_by", "id"], name="shift_sheet_unsigned", condition=Q(signed_at=None)),
            models.Index(fields=["until", "id"], name="shift_sheet_ends", condition=Q(ended_at=None)),
            models.Index(fields=["unit", "-id"], name="shift_sheet_unit"),
            models.Index(fields=["signed_by", "-id"], name="shift_sheet_taker", condition=Q(signed_by__isnull=False)),
        ]


class ShiftItem(models.Model):
    """One case of a sheet, and why it cannot wait. `due_at`: its nearest moment before the person is here again."""

    personal: ClassVar = Personal(of="complaint__customer", plain=("why",))

    sheet = models.ForeignKey(ShiftSheet, on_delete=models.CASCADE, related_name="items", db_index=False)
    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="+", db_index=False)
    why = models.CharField(max_length=8, choices=ShiftWhy.choices)
    due_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["sheet", "complaint"], name="shift_item_once")]
