"""What was decided about a policy, when and by whom: rows are added, never changed."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from foundation.audit.models import APPEND_ONLY
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.personal import Personal


class PolicySetting(models.Model):
    """From `effective_from` on, `key` has `value` in this scope, or (withdrawn) none of its own, so that
    the next wider one holds.
    """

    personal: ClassVar = Personal(of=None, plain=("key", "scope", "scope_ref", "value", "old_value", "source", "note"))

    class Scope(models.TextChoices):
        GLOBAL = "GLOBAL", _("Everywhere")
        SEGMENT = "SEGMENT", _("Customer segment")
        UNIT = "UNIT", _("Unit and its sub-units")

    key = models.CharField(max_length=80)
    scope = models.CharField(max_length=8, choices=Scope.choices, default=Scope.GLOBAL)
    scope_ref = models.CharField(max_length=40, blank=True)
    value = models.JSONField(null=True)
    withdrawn = models.BooleanField(default=False)
    old_value = models.JSONField(null=True)
    effective_from = models.DateTimeField()
    source = models.CharField(max_length=20)
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    created_by_id = models.BigIntegerField(null=True)

    class Meta:
        triggers: ClassVar = APPEND_ONLY
        indexes: ClassVar = [
            models.Index(fields=["key", "scope", "scope_ref", "effective_from"], name="policy_setting_lookup"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(scope="GLOBAL", scope_ref="") | (Q(scope__in=["SEGMENT", "UNIT"]) & ~Q(scope_ref="")),
                name="policy_setting_scope",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn=True, value__isnull=True) | Q(withdrawn=False, value__isnull=False),
                name="policy_setting_value",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.scope} {self.scope_ref}".strip()


class Draft(Row):
    """A decision not taken yet: a value of a policy, an edit of a work calendar, or who would work when. It is looked
    at, rehearsed on the past, then activated or dropped.

    `subject`: the policy's key, the calendar's code, the unit's id; `content`: what would be written (see
    `drafting.py`), never changed. `kept`: open clocks unticked, which keep their limits; `counts`: what it makes of the
    open clocks, once counted. `move`: whether the others are moved when it holds; `moved`: how many were, `moved_at`
    since when that is done. `run_id`: the job at it.
    """

    personal: ClassVar = Personal(of=None, plain=("kind", "subject", "content", "note", "state", "kept", "counts"))

    class Kind(models.TextChoices):
        POLICY = "POLICY", _("Policy")
        CALENDAR = "CALENDAR", _("Work calendar")
        STAFFING = "STAFFING", _("Staffing rule")

    class State(models.TextChoices):
        OPEN = "OPEN", pgettext_lazy("decision", "Draft")
        ACTIVATED = "ACTIVATED", _("Activated")
        DROPPED = "DROPPED", _("Dropped")

    kind = models.CharField(max_length=8, choices=Kind.choices)
    subject = models.CharField(max_length=80)
    content = models.JSONField()
    note = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    kept = ArrayField(models.BigIntegerField(), default=list)
    counts = models.JSONField(null=True)
    move = models.BooleanField(default=False)
    moved = models.PositiveIntegerField(default=0)
    moved_at = models.DateTimeField(null=True)
    run_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    created_by_id = models.BigIntegerField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "policy_draft"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state="OPEN", decided_at=None) | (~Q(state="OPEN") & Q(decided_at__isnull=False)),
                name="policy_draft_decided",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-id"], name="policy_draft_open", condition=Q(state="OPEN")),
            models.Index(fields=["id"], name="policy_draft_to_move", condition=Q(move=True, moved_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
