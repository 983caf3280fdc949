"""First-ask matters: what was not answered in its contact, who answers for it, who works on it (D§9.2-9.4)."""

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
from interactions.lifecycle import Kind
from interactions.models.contacts import Interaction
from interactions.models.topics import Topic
from interactions.stages import MATTER_OPEN, MatterAct, MatterState, OfferState, ShiftEdge, ToldHow, WhyOwner
from outreach.models import FollowUp
from staff.models import Shift, User
from staff.rights import sight_of

OPEN = Q(closed_at__isnull=True)


class MatterQuerySet(models.QuerySet["Matter"]):
    def visible_to(self, user: User) -> MatterQuerySet:
        """Those of the scope of `interactions.view`, those a contact of that scope left (who was asked first is asked
        again, whoever answers for it now), and what the user works on, is offered or was brought; never a complaint
        about the user (D§3.2)."""
        sight = sight_of(user, "interactions.view")
        seen = sight.rows(unit_no="unit_no", owner="owner_id")
        seen |= sight.rows(unit_no="contact__unit_no", owner="contact__staff_id")
        if sight.owners:
            people = sorted(sight.owners)
            offered = MatterOffer.objects.open().filter(to__in=people).values("matter")
            seen |= Q(handler__in=people) | Q(escalated_to__in=people) | Q(pk__in=offered)
        return self.filter(seen).not_about(user)

    def not_about(self, user: User) -> MatterQuerySet:
        """Without the complaints about `user`."""
        return self.filter(Q(contact__about_staff__isnull=True) | ~Q(contact__about_staff=user))

    def open(self) -> MatterQuerySet:
        """Those whose customer was not told yet."""
        return self.filter(OPEN)

    def overdue(self, at: datetime) -> MatterQuerySet:
        return self.open().filter(due_at__lte=at)

    def notice_due(self, at: datetime) -> MatterQuerySet:
        """Open ones whose next reminder or escalation the clock must give."""
        return self.open().filter(next_notice_at__lte=at)


class Matter(Row):
    """What a contact left unanswered. `owner` is accountable until the customer was told, `handler` works on it.

    `due_at`: the time named to the customer. `returns_to`: whose it is again with their next shift, while a shift lead
    keeps it. `escalated_to`: the lead it was brought to; the owner stays. `next_notice_at` with `next_level`: the next
    reminder (0) or escalation (1 and up), null after the last. `subject` and `answer` are free text: erasable.
    """

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(
        of="customer",
        empty=("subject", "answer", "referral"),
        plain=("number", "kind", "why_owner", "state", "explanation", "told_how"),
    )

    number = models.CharField(max_length=20, unique=True)
    contact = models.OneToOneField(Interaction, on_delete=models.CASCADE, related_name="matter")
    customer = models.ForeignKey(Customer, null=True, on_delete=models.CASCADE, related_name="matters", db_index=False)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    topic = models.ForeignKey(Topic, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    subject = models.CharField(max_length=200)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    handler = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    returns_to = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    escalated_to = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    why_owner = models.CharField(max_length=12, choices=WhyOwner.choices, default=WhyOwner.FIRST_ASKED)
    unit_no = models.IntegerField()
    state = models.CharField(max_length=10, choices=MatterState.choices, default=MatterState.OPEN)
    follow_up = models.ForeignKey(FollowUp, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    due_at = models.DateTimeField()
    explanation = models.JSONField(default=list)
    answer = models.TextField(blank=True)
    referral = models.CharField(max_length=200, blank=True)
    answered_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)
    told_how = models.CharField(max_length=10, blank=True, choices=ToldHow.choices)
    done_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    closed_at = models.DateTimeField(null=True)
    next_notice_at = models.DateTimeField(null=True)
    next_level = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now)

    objects = MatterQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=MATTER_OPEN, closed_at__isnull=True)
                | (~Q(state__in=MATTER_OPEN) & Q(closed_at__isnull=False)),
                name="matter_closed_has_moment",
            ),
            models.CheckConstraint(
                condition=~Q(state="TOLD") | (Q(told_at__isnull=False) & ~Q(told_how="")), name="matter_told_says_how"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["next_notice_at", "id"], name="matter_notice", condition=OPEN),
            models.Index(fields=["owner", "due_at", "id"], name="matter_owner", condition=OPEN),
            models.Index(fields=["handler", "due_at", "id"], name="matter_handler", condition=OPEN),
            models.Index(fields=["unit_no", "due_at", "id"], name="matter_unit", condition=OPEN),
            models.Index(fields=["due_at", "id"], name="matter_open", condition=OPEN),
            models.Index(fields=["returns_to"], name="matter_returns", condition=OPEN & Q(returns_to__isnull=False)),
            models.Index(fields=["escalated_to", "due_at", "id"], name="matter_escalated", condition=OPEN),
            models.Index(fields=["follow_up"], name="matter_follow_up", condition=OPEN & Q(follow_up__isnull=False)),
            models.Index(fields=["customer", "-id"], name="matter_customer", condition=Q(customer__isnull=False)),
            models.Index(fields=["unit_no", "-due_at", "-id"], name="matter_unit_all"),
            models.Index(fields=["-due_at", "-id"], name="matter_all"),
            models.Index(fields=["owner", "-due_at", "-id"], name="matter_owner_all"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    def is_overdue(self, at: datetime) -> bool:
        return self.is_open and self.due_at <= at


class MatterOfferQuerySet(models.QuerySet["MatterOffer"]):
    def open(self) -> MatterOfferQuerySet:
        return self.filter(state=OfferState.OPEN)


class MatterOffer(Row):
    """A matter offered to another owner: accepted, refused with a reason, or lapsed at `until` (D§9.4)."""

    personal: ClassVar = Personal(of="matter__customer", empty=("note", "reason"), plain=("state",))

    matter = models.ForeignKey(Matter, on_delete=models.CASCADE, related_name="offers")
    to = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=10, choices=OfferState.choices, default=OfferState.OPEN)
    note = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    made_at = models.DateTimeField(default=clock.now)
    until = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)

    objects = MatterOfferQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["matter"], condition=Q(state="OPEN"), name="matter_one_open_offer")
        ]
        indexes: ClassVar = [
            models.Index(fields=["to", "until"], name="matter_offer_to", condition=Q(state="OPEN")),
            models.Index(fields=["until", "id"], name="matter_offer_until", condition=Q(state="OPEN")),
        ]


class MatterMove(Row):
    """History of a matter: what was done, by whom, for whom (D§1.9)."""

    personal: ClassVar = Personal(of="matter__customer", empty=("reason",), plain=("act",))

    matter = models.ForeignKey(Matter, on_delete=models.CASCADE, related_name="moves")
    at = models.DateTimeField(default=clock.now)
    act = models.CharField(max_length=10, choices=MatterAct.choices)
    actor = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    on_behalf_of = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    old_owner = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    new_owner = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    handler = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    new_due = models.DateTimeField(null=True)
    level = models.PositiveSmallIntegerField(null=True)
    reason = models.CharField(max_length=200, blank=True)


class MatterNotice(models.Model):
    """A reminder (level 0) or escalation given for one due moment: once, whatever runs late or twice (D§1.10)."""

    personal: ClassVar = Personal(of="matter__customer")

    matter = models.ForeignKey(Matter, on_delete=models.CASCADE, related_name="notices")
    level = models.PositiveSmallIntegerField()
    due_at = models.DateTimeField()
    at = models.DateTimeField()
    told = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["matter", "level", "due_at"], name="matter_notice_once")
        ]


class ShiftTurn(models.Model):
    """An end or a beginning of a shift at which ownership was passed on or returned: once each (D§9.3)."""

    personal: ClassVar = Personal(of=None, plain=("edge",))

    shift = models.ForeignKey(Shift, on_delete=models.CASCADE, related_name="+")
    edge = models.CharField(max_length=5, choices=ShiftEdge.choices)
    at = models.DateTimeField()
    moved = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["shift", "edge"], name="shift_turn_once")]
