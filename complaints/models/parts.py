"""Parts of a case that other units do: sub-tasks with own clocks (D§10.10)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from complaints.lifecycle import PART_OPEN, PartState
from complaints.models.cases import PART_RIGHT, Complaint
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.personal import Personal
from staff.models import OrgUnit, User
from staff.rights import sight_of


class PartQuerySet(models.QuerySet["Part"]):
    def visible_to(self, user: User) -> PartQuerySet:
        """Those of the units in whose scope the user answers parts, and those they work on; never of a complaint about
        the user (D§3.2)."""
        sight = sight_of(user, PART_RIGHT)
        seen = self.filter(sight.rows(unit_no="unit_no", owner="handler_id"))
        return seen.filter(Q(complaint__about_staff=None) | ~Q(complaint__about_staff=user))

    def open(self) -> PartQuerySet:
        return self.filter(done_at=None)


class Part(Row):
    """What one unit must find out or do. Its clock is a `foundation.calendars.Clock` of owner kind "PART";
    `due_at` copies its deadline. `passed_from`: the part another unit finished and passed on directly. `returned_for`:
    why the receiving unit sent it back as poorly prepared. `minutes_used`: working minutes from giving to finishing,
    of its budget `budget_minutes`."""

    personal: ClassVar = Personal(
        of="complaint__customer", empty=("ask", "answer"), fixed={"returned_for": "-"}, plain=("state",)
    )

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="parts")
    unit = models.ForeignKey(OrgUnit, on_delete=models.PROTECT, related_name="+", db_index=False)
    unit_no = models.IntegerField()
    handler = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=10, choices=PartState.choices, default=PartState.OPEN)
    ask = models.CharField(max_length=1000)
    answer = models.TextField(blank=True)
    returned_for = models.CharField(max_length=400, blank=True)
    passed_from = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="passed_to")
    given_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    given_at = models.DateTimeField(default=clock.now)
    accepted_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    budget_minutes = models.PositiveIntegerField()
    minutes_used = models.PositiveIntegerField(null=True)
    late = models.BooleanField(default=False)

    objects = PartQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=PART_OPEN, done_at=None) | (~Q(state__in=PART_OPEN) & Q(done_at__isnull=False)),
                name="complaint_part_ended_has_moment",
            ),
            models.CheckConstraint(
                condition=~Q(state="RETURNED") | ~Q(returned_for=""), name="complaint_part_return_has_reason"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["unit_no", "due_at", "id"], name="complaint_part_unit", condition=Q(done_at=None)),
            models.Index(fields=["handler", "due_at", "id"], name="complaint_part_handler", condition=Q(done_at=None)),
            models.Index(fields=["due_at", "id"], name="complaint_part_due", condition=Q(done_at=None)),
            models.Index(
                fields=["unit_no", "-done_at", "-id"], name="complaint_part_done", condition=Q(done_at__isnull=False)
            ),
        ]
