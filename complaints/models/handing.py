"""Who has a case: hand-overs offered and answered (D§9.4, 10.10)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from complaints.lifecycle import HandoverRole, HandoverState
from complaints.models.cases import Complaint
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.personal import Personal
from staff.models import OrgUnit, User


class HandoverQuerySet(models.QuerySet["Handover"]):
    def open(self) -> HandoverQuerySet:
        return self.filter(state=HandoverState.OFFERED)


class Handover(Row):
    """A case offered to another person (`to`) or unit (`to_unit`, whoever of it accepts): accepted, refused with a
    reason, or lapsed at `until`. `number` counts the hand-overs of a case; one is open per role. `ordered`: a lead
    decided, nobody was asked. `for_decision`: after the third hand-over between units the coordinator `to` decides
    which unit is responsible, by `until`; `noticed_at`: since the director knows that it was not decided."""

    personal: ClassVar = Personal(
        of="complaint__customer", empty=("note",), fixed={"reason": "-"}, plain=("role", "state")
    )

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="handovers")
    role = models.CharField(max_length=8, choices=HandoverRole.choices)
    number = models.PositiveSmallIntegerField()
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    old = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    to = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    to_unit = models.ForeignKey(OrgUnit, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    taken_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=10, choices=HandoverState.choices, default=HandoverState.OFFERED)
    ordered = models.BooleanField(default=False)
    note = models.CharField(max_length=400, blank=True)
    reason = models.CharField(max_length=400, blank=True)
    made_at = models.DateTimeField(default=clock.now)
    until = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    for_decision = models.BooleanField(default=False, db_default=False)
    noticed_at = models.DateTimeField(null=True)

    objects = HandoverQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["complaint", "role"], condition=Q(state="OFFERED"), name="complaint_one_open_handover"
            ),
            models.UniqueConstraint(fields=["complaint", "role", "number"], name="complaint_handover_number"),
            models.CheckConstraint(
                condition=Q(to__isnull=False) | Q(to_unit__isnull=False), name="complaint_handover_to_somebody"
            ),
            models.CheckConstraint(condition=~Q(state="REFUSED") | ~Q(reason=""), name="complaint_refusal_has_reason"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["to", "until"], name="complaint_handover_to", condition=Q(state="OFFERED")),
            models.Index(fields=["until", "id"], name="complaint_handover_until", condition=Q(state="OFFERED")),
        ]
