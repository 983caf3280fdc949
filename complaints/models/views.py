"""Lists somebody keeps: a saved view of the queue is its name and its address (ui-guide §5 Queue)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from foundation.common import clock
from foundation.common.personal import Personal
from staff.models import Team, User


class SavedView(models.Model):
    """A queue view of one person, or of a whole team. `query`: the filters as they stand in the address, without free
    text."""

    personal: ClassVar = Personal(of=None, plain=("name", "query"))

    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=40)
    query = models.CharField(max_length=400)
    made_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "name"], condition=Q(user__isnull=False), name="view_name_own"),
            models.UniqueConstraint(fields=["team", "name"], condition=Q(team__isnull=False), name="view_name_team"),
            models.CheckConstraint(
                condition=Q(user__isnull=False, team=None) | Q(user=None, team__isnull=False), name="view_of_one_owner"
            ),
        ]

    def __str__(self) -> str:
        return self.name
