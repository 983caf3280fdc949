"""What reports of a month count, as it stood when the month was frozen (D§25): callbacks, parts, who used the time."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from complaints.models.cases import Complaint
from complaints.models.figures import FIGURES_RIGHT, MonthCaseQuerySet, not_about, of_cases
from complaints.models.parts import Part
from complaints.models.solving import Callback
from foundation.common.personal import Personal
from staff.models import User
from staff.rights import sight_of


class MonthPartQuerySet(MonthCaseQuerySet):
    def visible_to(self, user: User) -> MonthPartQuerySet:
        """Besides those of cases in the scope of `complaints.figures` those of units in it; never about the user."""
        own = sight_of(user, FIGURES_RIGHT).rows(unit_no="by_unit_no", owner="person_id")
        return self.filter(of_cases(user) | own).filter(not_about(user))


class OfCase(models.Model):
    """A row of a month with whose its case was when the month was counted."""

    id = models.BigAutoField(primary_key=True)
    month = models.DateField()
    unit_no = models.IntegerField()
    work_unit_no = models.IntegerField()
    owner_id = models.BigIntegerField()
    handler_id = models.BigIntegerField(null=True)
    about_staff_id = models.BigIntegerField(null=True)

    class Meta:
        abstract = True


class MonthCall(OfCase):
    """A callback that ended in a month: what came of it, and what its case was about. `tries`: how many; `final`:
    it was about our last word, after which nothing goes back to work."""

    personal: ClassVar = Personal(of="callback__complaint__customer", plain=("way", "solved", "brand", "channel"))

    callback = models.ForeignKey(Callback, on_delete=models.CASCADE, related_name="+")
    reached_at = models.DateTimeField(null=True)
    way = models.CharField(max_length=8)
    solved = models.CharField(max_length=12)
    satisfaction = models.PositiveSmallIntegerField(null=True)
    attitude = models.PositiveSmallIntegerField(null=True)
    tries = models.IntegerField()
    final = models.BooleanField(default=False, db_default=False)
    topic_id = models.BigIntegerField(null=True)
    brand = models.CharField(max_length=40)
    unit_id = models.BigIntegerField()
    responsible_id = models.BigIntegerField(null=True)
    person_id = models.BigIntegerField(null=True)
    caller_id = models.BigIntegerField(null=True)
    channel = models.CharField(max_length=12)

    objects = MonthCaseQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["month", "callback"], name="complaint_month_call_once")
        ]


class MonthPart(OfCase):
    """A part that fell due in a month, by the unit (`by_unit_no`: its number) and the person who had it."""

    personal: ClassVar = Personal(of="part__complaint__customer")

    part = models.ForeignKey(Part, on_delete=models.CASCADE, related_name="+")
    unit_id = models.BigIntegerField()
    by_unit_no = models.IntegerField()
    person_id = models.BigIntegerField(null=True)
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    minutes_used = models.PositiveIntegerField(null=True)
    budget_minutes = models.PositiveIntegerField()

    objects = MonthPartQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["month", "part"], name="complaint_month_part_once")]


class MonthTime(OfCase):
    """What one person (null: the pool) in one unit had of a case that ended in a month: as `CaseTime`."""

    personal: ClassVar = Personal(of="complaint__customer")

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="+")
    person_id = models.BigIntegerField(null=True)
    unit_id = models.BigIntegerField(null=True)
    minutes = models.PositiveIntegerField()
    working = models.PositiveIntegerField()
    paused = models.PositiveIntegerField()

    objects = MonthCaseQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["month", "complaint", "person_id", "unit_id"],
                nulls_distinct=False,
                name="complaint_month_time_once",
            )
        ]
