"""Figures of complaints that no longer change: each month as it stood when it was frozen (D§25)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from complaints.models.cases import Complaint
from foundation.common import clock
from foundation.common.personal import Personal
from staff.models import User
from staff.rights import sight_of

FIGURES_RIGHT = "complaints.figures"


class MonthClosing(models.Model):
    """The figures of a month: `counted_at` when they were last counted whole, `frozen_at` since they stand;
    `with_reports`: the rows of its reports were counted too, which months of older versions lack."""

    personal: ClassVar = Personal(of=None)

    month = models.DateField(unique=True)
    counted_at = models.DateTimeField(null=True)
    frozen_at = models.DateTimeField(null=True)
    with_reports = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(frozen_at=None) | Q(counted_at__isnull=False), name="month_frozen_was_counted"
            )
        ]


def of_cases(user: User) -> Q:
    """Of rows of a month: whose case was in the scope of `complaints.figures`."""
    sight = sight_of(user, FIGURES_RIGHT)
    seen = sight.rows(unit_no="unit_no", owner="owner_id")
    return seen | sight.rows(unit_no="work_unit_no", owner="handler_id")


def not_about(user: User) -> Q:
    """Of rows of a month: whose case is not about the user."""
    return Q(about_staff_id=None) | ~Q(about_staff_id=user.pk)


class MonthCaseQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: User) -> MonthCaseQuerySet:
        """Those in the scope of `complaints.figures` as they were then; never about the user (D§3.2)."""
        return self.filter(of_cases(user)).filter(not_about(user))


class MonthCase(models.Model):
    """A case that a figure of a month looks at. `yes`: it is one of those that count; `measure`: what a mean is of,
    in the figure's unit. The other columns say what the case was about and whose it was when the month was counted."""

    personal: ClassVar = Personal(
        of="complaint__customer", plain=("code", "channel", "brand", "area", "product_line", "grade")
    )

    id = models.BigAutoField(primary_key=True)
    month = models.DateField()
    code = models.CharField(max_length=24)
    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="month_rows")
    yes = models.BooleanField(null=True)
    measure = models.FloatField(null=True)
    day = models.DateField(null=True)
    topic_id = models.BigIntegerField(null=True)
    cause_id = models.BigIntegerField(null=True)
    unit_id = models.BigIntegerField(null=True)
    responsible_id = models.BigIntegerField(null=True)
    person_id = models.BigIntegerField(null=True)
    team_id = models.BigIntegerField(null=True)
    channel = models.CharField(max_length=12)
    brand = models.CharField(max_length=40)
    area = models.CharField(max_length=40)
    product_line = models.CharField(max_length=12)
    grade = models.CharField(max_length=12)
    unit_no = models.IntegerField()
    work_unit_no = models.IntegerField()
    owner_id = models.BigIntegerField()
    handler_id = models.BigIntegerField(null=True)
    about_staff_id = models.BigIntegerField(null=True)

    objects = MonthCaseQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["month", "code", "complaint"], name="complaint_month_case_once")
        ]


class LineCount(models.Model):
    """How many lines were active at the beginning of a day, by the unit of their customer: of the first days of months
    and of the latest day counted."""

    personal: ClassVar = Personal(of=None)

    day = models.DateField()
    unit_no = models.IntegerField()
    lines = models.PositiveIntegerField()
    counted_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["day", "unit_no"], name="complaint_line_count_once")]
