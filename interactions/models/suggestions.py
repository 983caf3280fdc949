"""Suggestions of customers and what became of them (D§9.7)."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from customers.models import Customer
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal
from interactions.models.contacts import Interaction
from interactions.models.topics import Topic
from interactions.stages import SuggestionAct, SuggestionState, ToldHow, WhyNot
from staff.models import User
from staff.rights import visible

UNANSWERED = ~Q(state="ANSWERED")
AWAITED = UNANSWERED & Q(due_at__isnull=False)
TO_DO = Q(verdict="ADOPTED", done_at__isnull=True)


class SuggestionQuerySet(models.QuerySet["Suggestion"]):
    def visible_to(self, user: User) -> SuggestionQuerySet:
        """Those of the scope of `interactions.view`, and those the user took."""
        return visible(self, user, "interactions.view", unit_no="unit_no", owner="owner_id")  # type: ignore[return-value]

    def unanswered(self) -> SuggestionQuerySet:
        return self.filter(UNANSWERED)

    def overdue(self, at: datetime) -> SuggestionQuerySet:
        """Those whose author should have had an answer."""
        return self.filter(AWAITED, due_at__lte=at)

    def to_put_into_effect(self) -> SuggestionQuerySet:
        """Adopted ones whose wish is not fulfilled yet."""
        return self.filter(TO_DO)

    def notice_due(self, at: datetime) -> SuggestionQuerySet:
        return self.unanswered().filter(next_notice_at__lte=at)


class Suggestion(Row):
    """One suggestion. `owner` took it and answers for the answer. `due_at` is null when nobody can be answered.

    `text`, `wish` (what is to be changed in the product, of an adopted one) and `answer` are free text: erasable.
    """

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(
        of="customer",
        empty=("text", "wish", "answer", "reason"),
        plain=("number", "state", "verdict", "why_not", "explanation", "answered_how"),
    )

    number = models.CharField(max_length=20, unique=True)
    contact = models.OneToOneField(Interaction, on_delete=models.CASCADE, related_name="suggestion")
    customer = models.ForeignKey(
        Customer, null=True, on_delete=models.CASCADE, related_name="suggestions", db_index=False
    )
    topic = models.ForeignKey(Topic, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    text = models.TextField()
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    escalated_to = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    unit_no = models.IntegerField()
    state = models.CharField(max_length=12, choices=SuggestionState.choices, default=SuggestionState.RECEIVED)
    verdict = models.CharField(max_length=12, blank=True, choices=SuggestionState.choices)
    why_not = models.CharField(max_length=10, blank=True, choices=WhyNot.choices)
    reason = models.CharField(max_length=400, blank=True)
    wish = models.CharField(max_length=400, blank=True)
    answer = models.TextField(blank=True)
    received_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField(null=True)
    explanation = models.JSONField(default=list)
    answered_at = models.DateTimeField(null=True)
    answered_how = models.CharField(max_length=10, blank=True, choices=ToldHow.choices)
    done_at = models.DateTimeField(null=True)
    next_notice_at = models.DateTimeField(null=True)
    next_level = models.PositiveSmallIntegerField(default=0)

    objects = SuggestionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(state="ANSWERED") | (Q(answered_at__isnull=False) & ~Q(verdict="")),
                name="suggestion_answered_has_verdict",
            ),
            models.CheckConstraint(
                condition=~Q(verdict="NOT_ADOPTED") | ~Q(why_not=""), name="suggestion_not_adopted_has_reason"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["next_notice_at", "id"], name="suggestion_notice", condition=UNANSWERED),
            models.Index(fields=["due_at", "id"], name="suggestion_due", condition=AWAITED),
            models.Index(fields=["owner", "-id"], name="suggestion_owner"),
            models.Index(fields=["unit_no", "-id"], name="suggestion_unit"),
            models.Index(fields=["unit_no", "-id"], name="suggestion_to_do", condition=TO_DO),
            models.Index(fields=["customer", "-id"], name="suggestion_customer", condition=Q(customer__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.number

    def is_overdue(self, at: datetime) -> bool:
        return self.state != SuggestionState.ANSWERED and self.due_at is not None and self.due_at <= at


class SuggestionMove(Row):
    """History of a suggestion (D§1.9)."""

    personal: ClassVar = Personal(of="suggestion__customer", plain=("act", "state"))

    suggestion = models.ForeignKey(Suggestion, on_delete=models.CASCADE, related_name="moves")
    at = models.DateTimeField(default=clock.now)
    act = models.CharField(max_length=10, choices=SuggestionAct.choices)
    actor = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=12, choices=SuggestionState.choices)
    level = models.PositiveSmallIntegerField(null=True)


class SuggestionNotice(models.Model):
    """A reminder (level 0) or escalation given for one due moment: once (D§1.10)."""

    personal: ClassVar = Personal(of="suggestion__customer")

    suggestion = models.ForeignKey(Suggestion, on_delete=models.CASCADE, related_name="notices")
    level = models.PositiveSmallIntegerField()
    due_at = models.DateTimeField()
    at = models.DateTimeField()
    told = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["suggestion", "level", "due_at"], name="suggestion_notice_once")
        ]
