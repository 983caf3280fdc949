"""Cases that belong together: typed links, and merges that can be undone (D§10.1, 10.9)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from complaints.lifecycle import LinkKind
from complaints.models.cases import Complaint
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.personal import Personal
from staff.models import User


class Link(Row):
    """`complaint` repeats, relates to or was split from `other`."""

    personal: ClassVar = Personal(of="complaint__customer", plain=("kind",))

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="links")
    other = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="linked_from")
    kind = models.CharField(max_length=8, choices=LinkKind.choices)
    at = models.DateTimeField(default=clock.now)
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["complaint", "other", "kind"], name="complaint_link_once"),
            models.CheckConstraint(condition=~Q(complaint=F("other")), name="complaint_link_to_another"),
        ]


class CaseMerge(Row):
    """A merge of a case into a master, undone or standing. `earlier_receipt`: the master's first receipt before it took
    the merged one's (D§10.5)."""

    personal: ClassVar = Personal(of="merged__customer", plain=("moved",))

    merged = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="merges")
    master = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="merges_taken")
    at = models.DateTimeField(default=clock.now)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    earlier_receipt = models.DateTimeField(null=True)
    moved = models.JSONField(default=dict)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["merged"], condition=Q(undone_at=None), name="case_merged_once")
        ]


class GroupSuggestion(Row):
    """Many customers complain of one category within a short time, perhaps in one area: should they be a group
    (D§10.1)? `area` "": wherever. `since`: the earliest of the cases it is about; further ones are added while it
    stands. `decided_at`: since somebody made the group (`parent`) or said that it is none (`reason`)."""

    personal: ClassVar = Personal(of=None, plain=("area", "reason"))

    topic = models.ForeignKey("interactions.Topic", on_delete=models.PROTECT, related_name="+", db_index=False)
    area = models.CharField(max_length=40)
    since = models.DateTimeField()
    customers = models.PositiveIntegerField()
    made_at = models.DateTimeField(default=clock.now)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    parent = models.ForeignKey(Complaint, null=True, on_delete=models.CASCADE, related_name="+", db_index=False)
    reason = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["topic", "area"], condition=Q(decided_at=None), name="complaint_group_suggested_once"
            ),
            models.CheckConstraint(
                condition=Q(decided_at=None) | Q(parent__isnull=False) | ~Q(reason=""),
                name="complaint_group_decision_says_what",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["topic", "area", "-decided_at"], name="complaint_group_decided"),
        ]
