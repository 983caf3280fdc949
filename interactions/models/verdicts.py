"""Whether contacts were solved at once, and the daily figures of it (D§9.5, D§25)."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from foundation.common.personal import Personal
from interactions.lifecycle import Channel, Kind
from interactions.models.contacts import Interaction
from staff.models import User
from staff.rights import visible


class ContactVerdictQuerySet(models.QuerySet["ContactVerdict"]):
    def visible_to(self, user: User) -> ContactVerdictQuerySet:
        """Those of the scope of `interactions.figures`."""
        return visible(self, user, "interactions.figures", unit_no="unit_no", owner="staff_id")  # type: ignore[return-value]


class ContactVerdict(models.Model):
    """The computed verdict on one contact: `reasons` say why not, `again_id` is the contact that came again.

    `within_days`: the span that was looked at. Written by the nightly job only.
    """

    personal: ClassVar = Personal(of="interaction__customer", plain=("channel", "kind", "state", "reasons"))

    class State(models.TextChoices):
        PENDING = "PENDING", _("Open until the days are over")
        SOLVED = "SOLVED", _("Solved in the first contact")
        NOT_SOLVED = "NOT_SOLVED", _("Not solved in the first contact")

    class Reason(models.TextChoices):
        NOT_SOLVED = "NOT_SOLVED", _("It ended without a solution")
        NOT_AGREED = "NOT_AGREED", _("The customer did not agree")
        NOT_FIRST = "NOT_FIRST", _("The customer had come with the same topic before")
        CAME_AGAIN = "CAME_AGAIN", _("The customer came again with the same topic")

    interaction = models.OneToOneField(Interaction, primary_key=True, on_delete=models.CASCADE, related_name="verdict")
    day = models.DateField()
    unit_no = models.IntegerField()
    channel = models.CharField(max_length=12, choices=Channel.choices)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    staff = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=12, choices=State.choices)
    reasons = ArrayField(models.CharField(max_length=12, choices=Reason.choices), default=list)
    again_id = models.BigIntegerField(null=True)
    within_days = models.PositiveSmallIntegerField()
    judged_at = models.DateTimeField()

    objects = ContactVerdictQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["staff", "-interaction"], name="verdict_staff"),
            models.Index(fields=["unit_no", "-interaction"], name="verdict_unit"),
        ]

    @property
    def reasons_said(self) -> list[str]:
        """Why not, in words."""
        labels = dict(self.Reason.choices)
        return [str(labels.get(reason, reason)) for reason in self.reasons]


class ContactFigureQuerySet(models.QuerySet["ContactFigure"]):
    def visible_to(self, user: User) -> ContactFigureQuerySet:
        """Those of the scope of `interactions.figures`."""
        return visible(self, user, "interactions.figures", unit_no="unit_no", owner="staff_id")  # type: ignore[return-value]


class ContactFigure(models.Model):
    """Contacts of one day, unit, channel, kind and person: how many were judged, solved, still pending."""

    personal: ClassVar = Personal(of=None, plain=("channel", "kind"))

    id = models.BigAutoField(primary_key=True)  # the days that may still change are written anew every night
    day = models.DateField()
    unit_no = models.IntegerField()
    channel = models.CharField(max_length=12, choices=Channel.choices)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    staff = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    total = models.PositiveIntegerField()
    solved = models.PositiveIntegerField()
    pending = models.PositiveIntegerField()

    objects = ContactFigureQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["day", "unit_no", "channel", "kind", "staff"], name="contact_figure_once")
        ]
        indexes: ClassVar = [models.Index(fields=["unit_no", "day"], name="contact_figure_unit")]
