"""Arrears: the case of an account, the steps taken in it with what was known then, and what holds it (D§13)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models.accounts import BillingAccount
from billing.models.bills import Bill
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.personal import Personal
from staff.models import User
from staff.rights import sight_of


class DunningCaseQuerySet(models.QuerySet["DunningCase"]):
    def open(self) -> DunningCaseQuerySet:
        return self.filter(closed_at=None)

    def visible_to(self, user: User) -> DunningCaseQuerySet:
        """Cases of customers in the user's scope of `billing.view`."""
        return self.filter(
            sight_of(user, "billing.view").rows(
                unit_no="account__customer__unit_no", owner="account__customer__manager_id"
            )
        )


class DunningCase(Row):
    """The arrears of an account, from the first reminder until everything is paid; at most one is open.

    The columns from `track` to `reversals` are the memory of the ladder (billing/dunning/planning.py). `next_at`: when
    somebody looks again, also for what waits for somebody's word (`next_needs`). `due`, `late_fee`: when it was last
    looked at. `approvals`, `contacts`, `reached`, `grades`: what people and credit said, with the moment.
    """

    personal: ClassVar = Personal(
        of="account__customer",
        plain=(
            "state", "grade", "track", "done", "next_step", "next_needs", "reversals", "approvals", "contacts",
            "reached", "grades",
        ),
    )  # fmt: skip

    account = models.ForeignKey(BillingAccount, on_delete=models.CASCADE, related_name="dunning_cases", db_index=False)
    state = models.CharField(max_length=20, default="NONE")
    grade = models.CharField(max_length=1)
    grace_days = models.PositiveSmallIntegerField(default=0)
    oldest_due = models.DateField(null=True)
    due = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    late_fee = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    track = models.CharField(max_length=64, blank=True)
    since = models.DateTimeField(null=True)
    round = models.PositiveSmallIntegerField(default=1)
    done = models.JSONField(default=dict)
    overdue_since = models.DateTimeField(null=True)
    final_at = models.DateTimeField(null=True)
    level = models.PositiveSmallIntegerField(default=0)
    level_at = models.DateTimeField(null=True)
    target = models.PositiveSmallIntegerField(default=0)
    reversal_at = models.DateTimeField(null=True)
    resumed = models.BooleanField(default=False)
    restored_at = models.DateTimeField(null=True)
    terminated_at = models.DateTimeField(null=True)
    reversals = models.JSONField(default=list)
    approvals = models.JSONField(default=list)
    contacts = models.JSONField(default=list)
    reached = models.JSONField(default=list)
    grades = models.JSONField(default=list)
    next_step = models.CharField(max_length=20, blank=True)
    next_needs = models.CharField(max_length=12, blank=True)
    next_planned_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField(null=True)
    begun_at = models.DateTimeField(default=clock.now)
    closed_at = models.DateTimeField(null=True)

    objects = DunningCaseQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account"], condition=Q(closed_at=None), name="dunning_case_open_once"),
            models.CheckConstraint(
                condition=Q(level=0, level_at=None) | Q(level__in=[1, 2], level_at__isnull=False),
                name="dunning_level_since",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_at", "id"], name="dunning_case_due", condition=Q(closed_at=None, next_at__isnull=False)
            ),
            models.Index(fields=["account", "-id"], name="dunning_case_account"),
            models.Index(fields=["state", "-id"], name="dunning_case_state", condition=Q(closed_at=None)),
        ]


class DunningStep(Row):
    """A step that was taken, once in each round of a case. `known`: what was known then, by which it is justified."""

    personal: ClassVar = Personal(of="case__account__customer", plain=("step", "state", "known", "batch"))

    case = models.ForeignKey(DunningCase, on_delete=models.CASCADE, related_name="steps", db_index=False)
    step = models.CharField(max_length=20)
    round = models.PositiveSmallIntegerField(default=1)
    at = models.DateTimeField()
    due = models.DecimalField(max_digits=14, decimal_places=2)
    late_fee = models.DecimalField(max_digits=14, decimal_places=2)
    state = models.CharField(max_length=20)
    known = models.JSONField(default=dict)
    message_id = models.BigIntegerField(null=True)
    follow_up_id = models.BigIntegerField(null=True)
    batch = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "step", "round"], name="dunning_step_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["step", "-at"], name="dunning_step_at")]


class Hold(Row):
    """What stops the ladder for an account, or keeps a disputed part out of it (D§13.7). A promise to pay is one.

    `to_at`: its end beforehand; `ended_at`: when it really ended. `source`: whose matter it is, e.g. "complaint:<id>".
    """

    personal: ClassVar = Personal(of="account__customer", empty=("reason",), plain=("kind", "source"))

    class Kind(models.TextChoices):
        DISPUTE = "DISPUTE", _("Fee in dispute")
        PROMISE = "PROMISE", _("Promise to pay")
        HARDSHIP = "HARDSHIP", _("Hardship")
        DISASTER = "DISASTER", _("Disaster")
        PROTECTIVE = "PROTECTIVE", _("Protective hold")
        DECEASED = "DECEASED", _("Customer deceased")

    account = models.ForeignKey(BillingAccount, on_delete=models.CASCADE, related_name="holds", db_index=False)
    bill = models.ForeignKey(Bill, null=True, on_delete=models.SET_NULL, related_name="holds", db_index=False)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    amount = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    from_at = models.DateTimeField()
    to_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    reason = models.TextField(max_length=400, blank=True)
    source = models.CharField(max_length=40, blank=True)
    made_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    approved_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "kind", "source"], condition=Q(ended_at=None), name="hold_once_of_a_source"
            ),
            models.CheckConstraint(condition=Q(amount=None) | Q(amount__gt=0), name="hold_amount_positive"),
            models.CheckConstraint(
                condition=Q(to_at=None) | Q(to_at__gt=models.F("from_at")), name="hold_ends_after_it_begins"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "-id"], name="hold_account"),
            models.Index(fields=["source"], name="hold_source", condition=~Q(source="")),
            models.Index(fields=["bill"], name="hold_bill", condition=Q(bill__isnull=False)),
        ]
