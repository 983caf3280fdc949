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
