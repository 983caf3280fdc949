"""Work owed by a person: follow-ups with their attempts, history, and the reminders already given."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal
from outreach.lifecycle import AttemptOutcome, FollowUpAct, FollowUpKind, FollowUpState
from staff.models import Team, User
from staff.rights import sight_of


class FollowUpQuerySet(models.QuerySet["FollowUp"]):
    def visible_to(self, user: User) -> FollowUpQuerySet:
        """Own and the scope's follow-ups (delegations included), and those handed to the user as a lead."""
        sight = sight_of(user, "outreach.view")
        seen = sight.rows(unit_no="unit_no", owner="owner_id")
        if sight.owners:
            seen |= Q(handed_to__in=sorted(sight.owners))
        return self.filter(seen)

    def closed_in_sight_of(self, user: User) -> FollowUpQuerySet:
        """Closed ones of the user's scope; those once handed to the user count by their owner now."""
        sight = sight_of(user, "outreach.view")
        return self.closed().filter(sight.rows(unit_no="unit_no", owner="owner_id"))

    def closed(self) -> FollowUpQuerySet:
        return self.filter(closed_at__isnull=False)

    def open(self) -> FollowUpQuerySet:
        return self.filter(state=FollowUpState.OPEN)

    def overdue(self, at: datetime) -> FollowUpQuerySet:
        return self.open().filter(due_at__lte=at)

    def notice_due(self, at: datetime) -> FollowUpQuerySet:
        """Open ones whose next reminder or hand-over the clock must give."""
        return self.open().filter(next_notice_at__lte=at)


class FollowUp(Row):
    """A callback, care call, visit, reminder or task: its owner answers for it until it is done.

    `pooled`: anyone of the team with the skill may take it; until then the owner (the lead) answers for it.
    `handed_to`: the lead it was brought to when nobody acted; the owner stays (D§3.3). `next_notice_at` with
    `next_level` is the next reminder (0) or hand-over (1 and up), null after the last.
    """

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(
        of="customer",
        empty=("subject", "result"),
        plain=("number", "kind", "skill", "state", "last_outcome", "source", "dedupe_key"),
    )

    class Priority(models.IntegerChoices):
        URGENT = 1, _("Urgent")
        HIGH = 2, _("High")
        NORMAL = 3, _("Normal")
        LOW = 4, _("Low")

    number = models.CharField(max_length=20, unique=True)
    kind = models.CharField(max_length=12, choices=FollowUpKind.choices)
    customer = models.ForeignKey(Customer, null=True, on_delete=models.CASCADE, related_name="follow_ups")
    subject = models.CharField(max_length=200)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="follow_ups")
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    unit_no = models.IntegerField()
    pooled = models.BooleanField(default=False)
    skill = models.CharField(max_length=24, blank=True)
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    due_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=FollowUpState.choices, default=FollowUpState.OPEN)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_outcome = models.CharField(max_length=12, blank=True, choices=AttemptOutcome.choices)
    last_attempt_at = models.DateTimeField(null=True)
    result = models.CharField(max_length=400, blank=True)
    done_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True)
    handed_to = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    next_notice_at = models.DateTimeField(null=True)
    next_level = models.PositiveSmallIntegerField(default=0)
    source = models.CharField(max_length=40, blank=True)
    dedupe_key = models.CharField(max_length=80, null=True, unique=True)
    created_at = models.DateTimeField(default=clock.now)
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    objects = FollowUpQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state="OPEN", closed_at__isnull=True) | ~Q(state="OPEN"), name="followup_open_not_closed"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["DONE", "CANCELLED"]) | Q(closed_at__isnull=False),
                name="followup_closed_has_moment",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_notice_at", "id"],
                name="followup_notice_due",
                condition=Q(state="OPEN", next_notice_at__isnull=False),
            ),
            models.Index(fields=["due_at", "id"], name="followup_due", condition=Q(state="OPEN")),
            models.Index(fields=["owner", "due_at", "id"], name="followup_owner_due", condition=Q(state="OPEN")),
            models.Index(fields=["unit_no", "due_at", "id"], name="followup_unit_due", condition=Q(state="OPEN")),
            models.Index(
                fields=["handed_to", "due_at", "id"],
                name="followup_handed_due",
                condition=Q(state="OPEN", handed_to__isnull=False),
            ),
            models.Index(
                fields=["team", "priority", "due_at", "id"],
                name="followup_pool",
                condition=Q(state="OPEN", pooled=True),
            ),
            models.Index(
                fields=["owner", "-closed_at", "-id"],
                name="followup_owner_closed",
                condition=Q(closed_at__isnull=False),
            ),
            models.Index(fields=["-closed_at", "-id"], name="followup_closed", condition=Q(closed_at__isnull=False)),
            models.Index(
                fields=["unit_no", "-closed_at", "-id"],
                name="followup_unit_closed",
                condition=Q(closed_at__isnull=False),
            ),
            models.Index(
                fields=["kind", "-closed_at", "-id"],
                name="followup_kind_closed",
                condition=Q(closed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def is_overdue(self, at: datetime) -> bool:
        return self.state == FollowUpState.OPEN and self.due_at <= at


class FollowUpAttempt(Row):
    """One try to reach the customer, and when the next is meant to be."""

    personal: ClassVar = Personal(of="follow_up__customer", empty=("note",), plain=("outcome",))

    follow_up = models.ForeignKey(FollowUp, on_delete=models.CASCADE, related_name="tries")
    at = models.DateTimeField(default=clock.now)
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    on_behalf_of = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=12, choices=AttemptOutcome.choices)
    note = models.CharField(max_length=400, blank=True)
    next_at = models.DateTimeField(null=True)


class FollowUpMove(Row):
    """History: what was done with the follow-up, by whom, for whom."""

    personal: ClassVar = Personal(of="follow_up__customer", empty=("reason",), plain=("act",))

    follow_up = models.ForeignKey(FollowUp, on_delete=models.CASCADE, related_name="moves")
    at = models.DateTimeField(default=clock.now)
    act = models.CharField(max_length=12, choices=FollowUpAct.choices)
    actor = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    on_behalf_of = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    old_owner = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    new_owner = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    old_due = models.DateTimeField(null=True)
    new_due = models.DateTimeField(null=True)
    level = models.PositiveSmallIntegerField(null=True)
    reason = models.CharField(max_length=200, blank=True)


class FollowUpNotice(models.Model):
    """A reminder (level 0) or hand-over given for one due moment: once, whatever runs late or twice (D§1.10)."""

    personal: ClassVar = Personal(of="follow_up__customer")

    follow_up = models.ForeignKey(FollowUp, on_delete=models.CASCADE, related_name="notices")
    level = models.PositiveSmallIntegerField()
    due_at = models.DateTimeField()
    at = models.DateTimeField()
    told = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["follow_up", "level", "due_at"], name="followup_notice_once")
        ]
