"""Screens on a wall that show figures without anybody signed in."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.personal import Personal
from staff.models import User
from staff.rights import visible

FIGURES_RIGHT = "complaints.figures"


class WallScreenQuerySet(models.QuerySet["WallScreen"]):
    def visible_to(self, user: User) -> WallScreenQuerySet:
        """Those of the units whose figures the user sees."""
        seen = visible(self, user, FIGURES_RIGHT, unit_no="made_by__unit__no", owner="made_by_id")
        return self.filter(pk__in=seen.values("pk"))


class WallScreen(Row):
    """A screen that shows the figures of today of whoever made it, and nothing else. It is coupled once by a short code
    (`code_digest`, until `code_until`) and then known by a token of its own; both are kept as digests alone. It ends by
    `expires_at`, by `revoked_at`, or when its maker no longer sees figures."""

    personal: ClassVar = Personal(of=None, plain=("name", "code_digest", "token_digest"))

    name = models.CharField(max_length=60)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField(default=clock.now)
    code_digest = models.CharField(max_length=64, null=True)
    code_until = models.DateTimeField()
    token_digest = models.CharField(max_length=64, null=True)
    paired_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    objects = WallScreenQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["token_digest"], name="wall_screen_token"),
            models.UniqueConstraint(fields=["code_digest"], name="wall_screen_code"),
            models.CheckConstraint(condition=Q(paired_at=None) | Q(code_digest=None), name="wall_screen_code_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["made_by", "-id"], name="wall_screen_maker")]

    @property
    def state(self) -> str:
        """ "revoked", "over", "waits" (for its code), "lapsed" (nobody coupled it in time) or "on"."""
        now = clock.now()
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at <= now:
            return "over"
        if self.paired_at is None:
            return "waits" if self.code_until > now else "lapsed"
        return "on"
