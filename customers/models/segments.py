"""Groups of customers by rule: saved, named, counted, used by whoever addresses customers (D§6.14)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.personal import Personal
from staff.models import User


class SegmentQuerySet(models.QuerySet["Segment"]):
    def visible_to(self, user: User) -> SegmentQuerySet:
        """The user's own segments and those that are shared."""
        if not user.has_perm("customers.segments"):
            return self.none()
        return self.filter(Q(owner=user) | Q(shared=True))


class Segment(Row):
    """A rule that says which customers belong (customers/segments/rules.py); who they are is asked each time.

    `rule`: the typed tree with the version of its language. `version` counts the edits.
    """

    personal: ClassVar = Personal(of=None, plain=("name", "note", "rule"))

    name = models.CharField(max_length=80)
    note = models.CharField(max_length=400, blank=True)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    shared = models.BooleanField(default=False)
    rule = models.JSONField()
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)
    updated_at = models.DateTimeField(default=clock.now)

    objects = SegmentQuerySet.as_manager()

    class Meta:
        db_table = "customers_segmentrule"
        constraints: ClassVar = [
            models.UniqueConstraint("owner", Lower("name"), name="segment_name_once"),
            models.CheckConstraint(condition=~Q(name=""), name="segment_has_a_name"),
        ]
        indexes: ClassVar = [models.Index(fields=["-id"], name="segment_shared", condition=Q(shared=True))]

    def __str__(self) -> str:
        return self.name
