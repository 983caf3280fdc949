"""Cases that others decide on too: appeals to the authority and mediation (D§11)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from complaints.lifecycle import AppealState, MediationState
from complaints.models.cases import Complaint
from complaints.models.deciding import Waiting
from complaints.outside.mediation import Party
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.personal import Personal
from staff.models import User


class AppealCase(Waiting, Row):
    """A complaint the authority sent us. `due_on`: the date in its letter; `internal_due_at`: two working days
    earlier. A response needs the approval of a department head, who is `asked_of`; `denied_for`: why the last draft
    was sent back."""

    personal: ClassVar = Personal(
        of="complaint__customer",
        empty=("text", "response", "denied_for"),
        token=("reference",),
        plain=("body", "state", "outcome"),
    )

    complaint = models.ForeignKey(Complaint, null=True, on_delete=models.CASCADE, related_name="appeals")
    body = models.CharField(max_length=60)
    reference = models.CharField(max_length=60)
    text = models.TextField(blank=True)
    state = models.CharField(max_length=12, choices=AppealState.choices, default=AppealState.RECEIVED)
    received_at = models.DateTimeField()
    due_on = models.DateField()
    due_given = models.BooleanField(default=True)
    internal_due_at = models.DateTimeField()
    response = models.TextField(blank=True)
    response_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    approved_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    denied_for = models.CharField(max_length=400, blank=True, db_default="")
    responded_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=400, blank=True)
    closed_at = models.DateTimeField(null=True)
    noticed_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["body", "reference"], name="appeal_reference_once"),
            models.CheckConstraint(
                condition=Q(responded_at=None) | Q(approved_by__isnull=False), name="appeal_response_approved"
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=models.F("response_by")),
                name="appeal_approved_by_another",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["internal_due_at", "id"], name="appeal_due", condition=Q(closed_at=None)),
            models.Index(
                fields=["decide_by"],
                name="appeal_approval_due",
                condition=Q(response_by__isnull=False, responded_at=None, at_top=False),
            ),
        ]


class MediationCase(Row):
    """Mediation by a third party, voluntary for both: since when each of them wants it; `refused_by`, who of them does
    not. The complaint rests in DISPUTED meanwhile (D§11.4). `noticed_at`: since somebody was reminded of the coming
    session."""

    personal: ClassVar = Personal(of="complaint__customer", empty=("agreement",), plain=("body", "state", "refused_by"))

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="mediations")
    body = models.CharField(max_length=60)
    state = models.CharField(max_length=12, choices=MediationState.choices, default=MediationState.REQUESTED)
    requested_at = models.DateTimeField(default=clock.now)
    customer_agreed_at = models.DateTimeField(null=True)
    operator_agreed_at = models.DateTimeField(null=True)
    refused_by = models.CharField(max_length=8, choices=Party.choices, blank=True, db_default="")
    session_at = models.DateTimeField(null=True)
    sessions = models.PositiveSmallIntegerField(default=0)
    agreement = models.TextField(blank=True)
    closed_at = models.DateTimeField(null=True)
    noticed_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["complaint"], condition=Q(closed_at=None), name="mediation_one_open")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["session_at", "id"], name="mediation_session", condition=Q(state="SESSION", noticed_at=None)
            )
        ]
