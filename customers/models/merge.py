"""Two archives of one person: the pairs that look so, the merges proposed and done, and each row a merge changed."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models.archive import Customer
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.merging import OnMerge
from foundation.common.personal import ByStep, Personal
from staff.models import User
from staff.rights import sight_of


class Band(models.TextChoices):
    """What a match score means (D§5.14). A merge takes two people whatever the band."""

    AUTO = "AUTO", _("Same person")
    REVIEW = "REVIEW", _("Probably the same")
    LEAVE = "LEAVE", _("Little in common")


class DuplicatePairQuerySet(models.QuerySet["DuplicatePair"]):
    def visible_to(self, user: User) -> DuplicatePairQuerySet:
        """Pairs of which both lie in the user's own scope."""
        sight = sight_of(user, "customers.view")
        low, high = (sight.rows(unit_no=f"{one}__unit_no", owner=f"{one}__manager_id") for one in ("low", "high"))
        return self.filter(low, high)

    def open(self) -> DuplicatePairQuerySet:
        """Nobody has decided yet, and both archives stand for themselves."""
        return self.filter(state=DuplicatePair.State.OPEN, low__merged_into=None, high__merged_into=None)


class DuplicatePair(Row):
    """Two archives that may be one person. `reasons`: the steps of the score (foundation.common.explain)."""

    on_merge: ClassVar = {"low": OnMerge.KEEP, "high": OnMerge.KEEP}
    personal: ClassVar = Personal(of=ByStep("customers.merging"), delete=True)

    class State(models.TextChoices):
        OPEN = "OPEN", pgettext_lazy("pair", "Open")
        SET_ASIDE = "SET_ASIDE", _("Not the same")
        MERGED = "MERGED", pgettext_lazy("pair", "Merged")

    low = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+", db_index=False)
    high = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    score = models.IntegerField()
    band = models.CharField(max_length=6, choices=Band.choices)
    reasons = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    found_at = models.DateTimeField(default=clock.now)
    seen_run = models.BigIntegerField(null=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    why = models.CharField(max_length=200, blank=True)

    objects = DuplicatePairQuerySet.as_manager()

    class Meta:
        db_table = "customers_duplicate_pair"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["low", "high"], name="duplicate_pair_once"),
            models.CheckConstraint(condition=Q(low__lt=F("high")), name="duplicate_pair_in_order"),
            models.CheckConstraint(
                condition=Q(state="OPEN") | Q(decided_by__isnull=False, decided_at__isnull=False),
                name="duplicate_pair_decided_by_somebody",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-score", "-id"], name="duplicate_pair_open", condition=Q(state="OPEN")),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class DuplicateBlock(models.Model):
    """A few archives that share one thing (document, number, name and birthday): the nightly run compares them."""

    personal: ClassVar = Personal(of=None, plain=("kind", "customer_ids"))

    class Kind(models.TextChoices):
        ID = "ID"
        NUMBER = "NUMBER"
        NAME_BIRTHDAY = "NAME_BIRTHDAY"

    pk = models.CompositePrimaryKey("run_id", "place")
    run_id = models.BigIntegerField()
    place = models.BigIntegerField()
    kind = models.CharField(max_length=14, choices=Kind.choices)
    customer_ids = ArrayField(models.BigIntegerField())

    class Meta:
        db_table = "customers_duplicate_block"


class MergeQuerySet(models.QuerySet["Merge"]):
    def visible_to(self, user: User) -> MergeQuerySet:
        """Merges of which both archives lie in the user's own scope."""
        sight = sight_of(user, "customers.view")
        both = [sight.rows(unit_no=f"{one}__unit_no", owner=f"{one}__manager_id") for one in ("survivor", "absorbed")]
        return self.filter(*both)


class Merge(Row):
    """One archive taken up by another: proposed by one person, done by a second, undone within a time (D§5.14).

    `choices`: the fields in which the absorbed archive's value is taken. `counts`: rows by table as the approver saw
    them. `result`: rows moved, by table.
    """

    on_merge: ClassVar = {"survivor": OnMerge.KEEP, "absorbed": OnMerge.KEEP}
    personal: ClassVar = Personal(
        of=ByStep("customers.merging"),
        empty=("reason", "refusal", "undo_reason"),
        plain=("number", "state", "choices", "result"),
    )

    class State(models.TextChoices):
        PROPOSED = "PROPOSED", pgettext_lazy("merge", "To be decided")
        DONE = "DONE", pgettext_lazy("merge", "Merged")
        REFUSED = "REFUSED", pgettext_lazy("merge", "Refused")
        WITHDRAWN = "WITHDRAWN", pgettext_lazy("merge", "Withdrawn")
        OVERTAKEN = "OVERTAKEN", pgettext_lazy("merge", "Overtaken by another merge")
        UNDONE = "UNDONE", pgettext_lazy("merge", "Undone")

    number = models.CharField(max_length=20, unique=True)
    survivor = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    absorbed = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PROPOSED)
    choices = models.JSONField(default=list)
    reason = models.CharField(max_length=200)
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(default=clock.now)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    refusal = models.CharField(max_length=200, blank=True)
    result = models.JSONField(default=dict)
    undo_until = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    undone_at = models.DateTimeField(null=True)
    undo_reason = models.CharField(max_length=200, blank=True)

    objects = MergeQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(survivor=F("absorbed")), name="merge_of_two"),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | Q(state="WITHDRAWN") | ~Q(decided_by=F("proposed_by")),
                name="merge_takes_two_people",
            ),
            models.UniqueConstraint(fields=["absorbed"], condition=Q(state="DONE"), name="merge_absorbed_once"),
            models.UniqueConstraint(
                fields=["survivor", "absorbed"], condition=Q(state="PROPOSED"), name="merge_proposed_once"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["state", "-id"], name="merge_state")]

    def __str__(self) -> str:
        return self.number

    def can_be_undone(self, at: datetime) -> bool:
        """Whether its time has not passed."""
        return self.state == self.State.DONE and self.undo_until is not None and at < self.undo_until


class MergeMove(Row):
    """One column of one row a merge changed, and from what to what: the whole of what undo needs.

    `digest`: of the rest of the row as it was, so that undo can tell what was worked on meanwhile.
    """

    personal: ClassVar = Personal(of=ByStep("customers.merging"), delete=True)

    merge = models.ForeignKey(Merge, on_delete=models.CASCADE, related_name="moves")
    table = models.CharField(max_length=63)
    row = models.CharField(max_length=64)
    column = models.CharField(max_length=63)
    old = models.JSONField(null=True)
    new = models.JSONField(null=True)
    digest = models.CharField(max_length=32, blank=True)

    class Meta:
        db_table = "customers_merge_move"
