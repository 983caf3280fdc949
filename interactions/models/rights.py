"""What a customer asks of us about their own data, with its clock and history (D§5.11)."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from customers.models import Customer
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal
from foundation.jobs.models import JobRun
from interactions.lifecycle import Channel, Verified
from interactions.rights.lifecycle import (
    RIGHTS_OPEN,
    Outcome,
    RefusalCode,
    Requester,
    RightsAct,
    RightsKind,
    RightsState,
)
from staff.models import User
from staff.rights import sight_of


class RightsRequestQuerySet(models.QuerySet["RightsRequest"]):
    def visible_to(self, user: User) -> RightsRequestQuerySet:
        """Those of the scope of `rights.view`, own ones, and those brought to the user when overdue."""
        sight = sight_of(user, "rights.view")
        seen = sight.rows(unit_no="unit_no", owner="owner_id")
        return self.filter(seen | Q(handed_to=user)) if user.has_perm("rights.view") else self.filter(seen)

    def open(self) -> RightsRequestQuerySet:
        return self.filter(state__in=RIGHTS_OPEN)

    def overdue(self, at: datetime) -> RightsRequestQuerySet:
        return self.open().filter(due_at__lte=at)

    def notice_due(self, at: datetime) -> RightsRequestQuerySet:
        """Open ones whose reminder or hand-over the clock must give now."""
        return self.open().filter(next_notice_at__lte=at)


class RightsRequest(Row):
    """One request. `due_at`: the last moment to answer, from the calendar and version named beside it. `next_notice_at`
    with `next_level`: when the owner is reminded (0) or the director gets it (1); null after the last. `details`,
    `answer`, `reason` are words: erasable; `grounds` are codes and steps of an explanation, without a personal value.
    """

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(
        of="customer",
        empty=("details", "answer", "reason"),
        plain=(
            "number",
            "kind",
            "requester",
            "channel",
            "state",
            "calendar_code",
            "identity_how",
            "outcome",
            "refusal",
            "grounds",
        ),
    )

    number = models.CharField(max_length=20, unique=True)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="rights_requests")
    kind = models.CharField(max_length=8, choices=RightsKind.choices)
    requester = models.CharField(max_length=8, choices=Requester.choices, default=Requester.CUSTOMER)
    channel = models.CharField(max_length=12, choices=Channel.choices)
    details = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=RightsState.choices, default=RightsState.RECEIVED)
    raised_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="rights_owned", db_index=False)
    handed_to = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    unit_no = models.IntegerField()
    received_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField()
    working_days = models.PositiveSmallIntegerField()
    calendar_code = models.CharField(max_length=32)
    calendar_version = models.PositiveIntegerField()
    next_notice_at = models.DateTimeField(null=True)
    next_level = models.PositiveSmallIntegerField(default=0)
    identity_how = models.CharField(max_length=12, choices=Verified.choices, default=Verified.NONE)
    identity_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=16, blank=True, choices=Outcome.choices)
    refusal = models.CharField(max_length=16, blank=True, choices=RefusalCode.choices)
    reason = models.TextField(blank=True)
    answer = models.TextField(blank=True)
    grounds = models.JSONField(default=list)
    export_run = models.ForeignKey(JobRun, null=True, on_delete=models.SET_NULL, related_name="+")
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    objects = RightsRequestQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer", "kind"], condition=Q(state__in=RIGHTS_OPEN), name="rights_one_open_of_a_kind"
            ),
            models.CheckConstraint(
                condition=Q(state__in=RIGHTS_OPEN, closed_at__isnull=True)
                | (~Q(state__in=RIGHTS_OPEN) & Q(closed_at__isnull=False)),
                name="rights_closed_has_moment",
            ),
            models.CheckConstraint(
                condition=~Q(state="ANSWERED") | (~Q(identity_how="NONE") & ~Q(outcome="")),
                name="rights_answered_knows_whom",
            ),
            models.CheckConstraint(condition=~Q(state="REFUSED") | ~Q(refusal=""), name="rights_refused_says_why"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at", "id"], name="rights_due", condition=Q(state__in=RIGHTS_OPEN)),
            models.Index(
                fields=["next_notice_at", "id"],
                name="rights_notice_due",
                condition=Q(state__in=RIGHTS_OPEN, next_notice_at__isnull=False),
            ),
            models.Index(fields=["owner"], name="rights_opens", condition=Q(state__in=RIGHTS_OPEN)),
            models.Index(fields=["-closed_at", "-id"], name="rights_closed", condition=Q(closed_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        return self.state in RIGHTS_OPEN

    def is_overdue(self, at: datetime) -> bool:
        return self.is_open and self.due_at <= at


class RightsMove(Row):
    """History of a request with the reading of its clock (D§1.9)."""

    personal: ClassVar = Personal(of="request__customer", plain=("act", "code"))

    request = models.ForeignKey(RightsRequest, on_delete=models.CASCADE, related_name="moves")
    at = models.DateTimeField(default=clock.now)
    act = models.CharField(max_length=12, choices=RightsAct.choices)
    actor = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    told = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    due_at = models.DateTimeField()
    code = models.CharField(max_length=16, blank=True)
