"""Rehearsals: other limits, hours or staff over the cases of a past period, and what would have been (design §1.4)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from complaints.models.cases import Complaint
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.personal import Personal
from staff.models import OrgUnit, User


class Rehearsal(Row):
    """One run over the cases received from `from_day` to `to_day`, with all it was made of.

    `as_of`: the moment it looks from: policies and calendars as they stood then, what happened until then. `left`,
    `right`: the drafts of either side as they were (kind, subject, content); none: what is in force. `reached_at`,
    `reached_id`: receipt and id of the last case done. `figures`: the sums by kind of clock and by unit.
    """

    personal: ClassVar = Personal(of=None, plain=("title", "left", "right", "figures"))

    title = models.CharField(max_length=80)
    from_day = models.DateField()
    to_day = models.DateField()
    as_of = models.DateTimeField()
    left = models.JSONField(default=list)
    right = models.JSONField(default=list)
    made_at = models.DateTimeField(default=clock.now)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    run_id = models.BigIntegerField(null=True)
    reached_at = models.DateTimeField(null=True)
    reached_id = models.BigIntegerField(default=0)
    cases = models.IntegerField(default=0)
    figures = models.JSONField(default=dict)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "complaints_rehearsal"

    def __str__(self) -> str:
        return self.title


class RehearsalLine(models.Model):
    """One clock of one case on both sides. `clock_id`: the recorded one; null: none was recorded, and the limits a case
    begins with are supposed. `late_left`, `late_right`: null where nobody knows, for the moment of the answer is not
    on record. `due_left`, `due_right`: null where it stood still to the end. `first`: the line that stands for the case
    itself; there `done_left`, `done_right` say when the staff of that side would have come through with it. `carried`:
    the case was open when the period began; it counts in the load alone, and is `first` nowhere once it was answered.
    """

    personal: ClassVar = Personal(of=None, plain=("kind",))

    rehearsal = models.ForeignKey(Rehearsal, on_delete=models.CASCADE, related_name="lines", db_index=False)
    # A case may go (an import taken back); what was counted of it stays.
    complaint = models.ForeignKey(
        Complaint, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    clock_id = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=16)
    unit = models.ForeignKey(OrgUnit, on_delete=models.PROTECT, related_name="+", db_index=False)
    received_at = models.DateTimeField()
    first = models.BooleanField()
    carried = models.BooleanField(default=False, db_default=False)
    due_left = models.DateTimeField(null=True)
    due_right = models.DateTimeField(null=True)
    late_left = models.BooleanField(null=True)
    late_right = models.BooleanField(null=True)
    done_left = models.DateTimeField(null=True)
    done_right = models.DateTimeField(null=True)

    class Meta:
        db_table = "complaints_rehearsal_line"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["rehearsal", "complaint", "kind", "clock_id"], nulls_distinct=False, name="rehearsal_line_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["rehearsal", "kind", "id"], name="rehearsal_kind"),
            models.Index(fields=["rehearsal", "kind", "due_left"], name="rehearsal_due_left"),
            models.Index(fields=["rehearsal", "kind", "due_right"], name="rehearsal_due_right"),
            models.Index(
                fields=["rehearsal", "unit", "received_at", "id"],
                name="rehearsal_received",
                condition=models.Q(first=True),
            ),
        ]


class RehearsalHour(models.Model):
    """What an hour of a unit held: clocks due by kind, and (kind "") cases received and come through."""

    personal: ClassVar = Personal(of=None, plain=("kind",))

    rehearsal = models.ForeignKey(Rehearsal, on_delete=models.CASCADE, related_name="hours", db_index=False)
    kind = models.CharField(max_length=16, blank=True)
    unit = models.ForeignKey(OrgUnit, on_delete=models.PROTECT, related_name="+", db_index=False)
    hour = models.DateTimeField()
    received = models.IntegerField(default=0)
    left = models.IntegerField(default=0)
    right = models.IntegerField(default=0)

    class Meta:
        db_table = "complaints_rehearsal_hour"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["rehearsal", "kind", "unit", "hour"], name="rehearsal_hour_once"),
        ]
