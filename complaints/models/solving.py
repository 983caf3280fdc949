"""How a case is solved: the package of measures, what it needs of authority, and the callback (D§3.4, 10.3, 18.6)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from complaints.lifecycle import NEEDS_AUTHORITY, ApprovalState, MeasureKind, Proof, Solved
from complaints.models.cases import Complaint
from complaints.models.deciding import Waiting
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal
from outreach.models import FollowUp
from staff.models import User


class Solution(Row):
    """A proposed answer: finding, reason, and measures. The last one not dropped is the one in force; `told_at` since
    the customer has it. `final`: the operator's last position, told in writing. `proof`: how the customer confirmed the
    order whose fee is disputed, `proof_note` when and where that lies (D§10.11)."""

    personal: ClassVar = Personal(of="complaint__customer", empty=("finding", "reason", "proof_note"), plain=("proof",))

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="solutions")
    finding = models.TextField()
    reason = models.TextField(blank=True)
    final = models.BooleanField(default=False)
    proof = models.CharField(max_length=10, choices=Proof.choices, blank=True, db_default="")
    proof_note = models.CharField(max_length=400, blank=True, db_default="")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField(default=clock.now)
    told_at = models.DateTimeField(null=True)
    dropped_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["complaint"], condition=Q(dropped_at=None), name="complaint_one_solution_in_force"
            )
        ]


class Measure(Row):
    """One thing we do, by whom, by when. `amount` in CNY for refunds, compensations and waivers."""

    personal: ClassVar = Personal(of="solution__complaint__customer", empty=("text", "result"), plain=("kind",))

    solution = models.ForeignKey(Solution, on_delete=models.CASCADE, related_name="measures")
    kind = models.CharField(max_length=14, choices=MeasureKind.choices)
    text = models.CharField(max_length=400)
    amount = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    result = models.CharField(max_length=400, blank=True)
    noticed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount=None) | Q(amount__gt=0), name="measure_amount_positive"),
            models.CheckConstraint(
                condition=~Q(kind__in=[*NEEDS_AUTHORITY, "REFUND"]) | Q(amount__isnull=False),
                name="measure_money_has_amount",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["owner", "due_at", "id"], name="measure_owner", condition=Q(done_at=None)),
            models.Index(fields=["due_at", "id"], name="measure_due", condition=Q(done_at=None)),
        ]


class Approval(Waiting, Row):
    """A solution above the proposer's authority waits for somebody with enough (D§3.2, 3.4). `matter_amount`: the sum
    over linked cases of the customer in 30 days, which is what counts."""

    personal: ClassVar = Personal(of="solution__complaint__customer", empty=("reason",), plain=("state",))

    solution = models.ForeignKey(Solution, on_delete=models.CASCADE, related_name="approvals")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    matter_amount = models.DecimalField(max_digits=12, decimal_places=2)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField(default=clock.now)
    state = models.CharField(max_length=8, choices=ApprovalState.choices, default=ApprovalState.ASKED)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["solution"], condition=Q(state="ASKED"), name="approval_one_open"),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=models.F("asked_by")), name="approval_by_another"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["asked_of", "asked_at"], name="approval_open", condition=Q(state="ASKED")),
            models.Index(fields=["decide_by"], name="approval_due", condition=Q(state="ASKED", at_top=False)),
        ]


class Rejection(Waiting, Row):
    """Somebody asks to declare a case not ours: a lead approves it or not (D§10.3); the case stands where it is
    meanwhile, its clocks run. `referral`: the right contact the customer gets; `denied_for`: why not."""

    personal: ClassVar = Personal(
        of="complaint__customer", empty=("reason", "referral", "denied_for"), plain=("state",)
    )

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="rejections")
    reason = models.CharField(max_length=400)
    referral = models.CharField(max_length=400)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField(default=clock.now)
    state = models.CharField(max_length=8, choices=ApprovalState.choices, default=ApprovalState.ASKED)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    decided_at = models.DateTimeField(null=True)
    denied_for = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["complaint"], condition=Q(state="ASKED"), name="rejection_one_open"),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=models.F("asked_by")), name="rejection_by_another"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["asked_of", "asked_at"], name="rejection_open", condition=Q(state="ASKED")),
            models.Index(fields=["decide_by"], name="rejection_due", condition=Q(state="ASKED", at_top=False)),
        ]


class Callback(Row):
    """The call after the answer, by somebody else than the handler (D§18.6): one per answer. `tries` holds each try's
    moment and part of the day; 3 tries in different parts of 2 days, then a message with 72 hours (`asked_at`). `way`:
    how the customer was asked; hall staff and account managers also visit."""

    personal: ClassVar = Personal(of="complaint__customer", empty=("said",), plain=("solved", "tries", "way"))

    class Way(models.TextChoices):
        CALL = "CALL", _("By telephone")
        VISIT = "VISIT", _("At the customer's")
        COUNTER = "COUNTER", _("At the counter")

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="callbacks")
    solution = models.OneToOneField(Solution, on_delete=models.CASCADE, related_name="callback")
    follow_up = models.OneToOneField(FollowUp, null=True, on_delete=models.SET_NULL, related_name="+")
    due_at = models.DateTimeField()
    tries = models.JSONField(default=list)
    asked_at = models.DateTimeField(null=True)
    reached_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    way = models.CharField(max_length=8, choices=Way.choices, default=Way.CALL, db_default=Way.CALL)
    solved = models.CharField(max_length=12, choices=Solved.choices, blank=True)
    told_of_progress = models.BooleanField(null=True)
    satisfaction = models.PositiveSmallIntegerField(null=True)
    attitude = models.PositiveSmallIntegerField(null=True)
    said = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(satisfaction=None) | Q(satisfaction__range=(1, 5)), name="callback_satisfaction_1_to_5"
            ),
            models.CheckConstraint(condition=Q(done_at=None) | ~Q(solved=""), name="callback_done_says_result"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at", "id"], name="complaint_callback_due", condition=Q(done_at=None)),
            # For the figures of a period.
            models.Index(fields=["due_at"], name="complaint_callback_was_due"),
            models.Index(fields=["done_at", "id"], name="complaint_callback_done", condition=Q(done_at__isnull=False)),
            models.Index(
                fields=["reached_at"], name="complaint_callback_reached", condition=Q(reached_at__isnull=False)
            ),
        ]


class ComplainerFlag(models.Model):
    """The customer complained lately: until when it counts for care (D§10.14), never against them (D§10.15)."""

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(of="customer")

    complaint = models.OneToOneField(Complaint, on_delete=models.CASCADE, related_name="complainer_flag")
    customer = models.ForeignKey("customers.Customer", on_delete=models.CASCADE, related_name="+")
    until = models.DateField()
