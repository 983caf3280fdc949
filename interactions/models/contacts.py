"""Contacts: who spoke with whom about what, how the caller was verified, and what follows (D§9.1)."""

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
from interactions.lifecycle import Caller, Channel, ContactAct, Direction, Kind, Phase, Result, Verified
from interactions.models.places import ContactPlace
from interactions.models.topics import Topic
from outreach.models import FollowUp
from staff.models import User
from staff.rights import visible


class InteractionQuerySet(models.QuerySet["Interaction"]):
    def visible_to(self, user: User) -> InteractionQuerySet:
        """Own contacts and those of the scope of `interactions.view`, but never what a colleague noted as a complaint
        about the user (D§3.2)."""
        seen = visible(self, user, "interactions.view", unit_no="unit_no", owner="staff_id")
        return seen.filter(Q(about_staff__isnull=True) | ~Q(about_staff=user) | Q(staff=user))  # type: ignore[return-value]  # filtering keeps the class

    def opening(self, at: datetime) -> InteractionQuerySet:
        """Contacts that still make their customer visible and clear to their member of staff (D§3.1)."""
        return self.filter(customer__isnull=False, opens_until__gt=at)

    def to_log(self) -> InteractionQuerySet:
        """Contacts nobody has written up yet."""
        return self.filter(logged_at__isnull=True)


class Interaction(Row):
    """One contact. `customer` is null for an unknown caller; `ended_at` is null while it lasts, `logged_at` until it is
    written up. `opens_until`: how long the customer is visible and clear to `staff`. `summary` is free text: erasable.

    `resolved_on_spot`: the taker says so; what came of it stands in `ContactVerdict`. `handle`: the account or address
    on the other side of a messenger or social network. `referral`: the right contact given for another company's
    matter. `agreed`: what the customer said to the solution, null when not asked. `settled`: CNY given on the spot.
    `about_staff`: the colleague complained of. `asked_with`: who was asked together with the taker (D§9.3).
    `place`: the hall, hotline or account it came in at.
    """

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(
        of="customer",
        empty=("summary", "handle", "referral"),
        plain=(
            "number",
            "channel",
            "kind",
            "phase",
            "direction",
            "caller",
            "verified_how",
            "result",
            "call_ref",
        ),
    )

    number = models.CharField(max_length=24, unique=True)
    customer = models.ForeignKey(Customer, null=True, on_delete=models.CASCADE, related_name="interactions")
    channel = models.CharField(max_length=12, choices=Channel.choices)
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.CONSULT)
    phase = models.CharField(max_length=8, choices=Phase.choices, default=Phase.IN)
    direction = models.CharField(max_length=8, choices=Direction.choices, default=Direction.INBOUND)
    staff = models.ForeignKey(User, on_delete=models.PROTECT, related_name="interactions")
    first_ask_owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    unit_no = models.IntegerField()
    caller = models.CharField(max_length=12, choices=Caller.choices)
    verified_how = models.CharField(max_length=12, choices=Verified.choices, default=Verified.NONE)
    verified_until = models.DateTimeField(null=True)
    out_of_scope = models.BooleanField(default=False)
    started_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)
    logged_at = models.DateTimeField(null=True)
    opens_until = models.DateTimeField()
    topic = models.ForeignKey(Topic, null=True, on_delete=models.PROTECT, related_name="+")
    summary = models.TextField(blank=True)
    result = models.CharField(max_length=12, blank=True, choices=Result.choices)
    resolved_on_spot = models.BooleanField(default=False)
    next_action = models.ForeignKey(FollowUp, null=True, on_delete=models.PROTECT, related_name="+")
    call_ref = models.CharField(max_length=64, blank=True)
    handle = models.CharField(max_length=200, blank=True, default="", db_default="")
    referral = models.CharField(max_length=200, blank=True, default="", db_default="")
    agreed = models.BooleanField(null=True)
    settled = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    about_staff = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_with = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    place = models.ForeignKey(ContactPlace, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    objects = InteractionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=models.F("started_at")),
                name="contact_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(logged_at__isnull=True) | (~Q(result="") & Q(ended_at__isnull=False)),
                name="contact_logged_has_result",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["customer", "-id"], name="contact_customer", condition=Q(customer__isnull=False)),
            models.Index(fields=["staff", "-id"], name="contact_staff"),
            models.Index(fields=["staff", "opens_until"], name="contact_opens", condition=Q(customer__isnull=False)),
            models.Index(fields=["staff", "-id"], name="contact_to_log", condition=Q(logged_at__isnull=True)),
            models.Index(fields=["unit_no", "-id"], name="contact_unit"),
            models.Index(fields=["-id"], name="contact_out_of_scope", condition=Q(out_of_scope=True)),
            models.Index(fields=["call_ref"], name="contact_call", condition=~Q(call_ref="")),
            models.Index(
                fields=["customer", "-id"],
                name="contact_complaint",
                condition=Q(kind="COMPLAINT", customer__isnull=False),
            ),
            models.Index(
                fields=["unit_no", "-id"], name="contact_unknown", condition=Q(caller="UNKNOWN", customer__isnull=True)
            ),
            models.Index(fields=["place", "-id"], name="contact_place", condition=Q(place__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        return self.ended_at is None

    @property
    def can_be_answered(self) -> bool:
        """Whether there is anybody to answer: a customer, a calling number or an account (D§9.3d)."""
        return self.customer_id is not None or bool(self.call_ref or self.handle)

    @property
    def handle_is_link(self) -> bool:
        """Whether the account on the other side is an address that leads out."""
        return self.handle.startswith("https://")

    def is_verified(self, at: datetime) -> bool:
        """Whether the caller counts as verified at `at` (30 minutes, policy)."""
        return self.verified_until is not None and at < self.verified_until


class InteractionMove(Row):
    """History of a contact (D§1.9)."""

    personal: ClassVar = Personal(of="interaction__customer", plain=("act", "code"))

    interaction = models.ForeignKey(Interaction, on_delete=models.CASCADE, related_name="moves")
    at = models.DateTimeField(default=clock.now)
    act = models.CharField(max_length=10, choices=ContactAct.choices)
    actor = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=16, blank=True)
