"""A complaint case, whom it is about, and its history (D§10)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from django.apps import apps
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Coalesce, Reverse

from complaints.behalf import Authority
from complaints.lifecycle import ENDED, OPEN, Grade, GradeReason, Path, PauseReason, SeatWhy, Solved, State
from complaints.models.causes import Cause
from customers.models import Customer, Subscription
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal
from interactions.lifecycle import Channel
from interactions.models import Interaction, Topic
from staff.models import OrgUnit, User
from staff.rights import sight_of

IS_OPEN = Q(closed_at__isnull=True)
IS_ENDED = Q(closed_at__isnull=False)
RARE_GRADE, RARE_AREA, RARE_BRAND = ~Q(grade=Grade.ORDINARY), ~Q(area=""), ~Q(brand="")
# In which columns the queue is asked for few among many, in its order: of the open ones, of the ended ones.
OPEN_BY = (
    ("topic", IS_OPEN),
    ("channel", IS_OPEN),
    ("grade", IS_OPEN & RARE_GRADE),
    ("area", IS_OPEN & RARE_AREA),
    ("brand", IS_OPEN & RARE_BRAND),
)
ENDED_BY = (
    ("unit_no", IS_ENDED),
    ("owner", IS_ENDED),
    ("handler", IS_ENDED & Q(handler__isnull=False)),
    ("state", IS_ENDED & ~Q(state=State.CLOSED)),
    ("channel", IS_ENDED),
    ("grade", IS_ENDED & RARE_GRADE),
    ("area", IS_ENDED & RARE_AREA),
    ("brand", IS_ENDED & RARE_BRAND),
)
RESTS = IS_OPEN & Q(state__in=[State.PAUSED, State.CALLBACK])
LATE = (("service_late", Q(service_late=True)), ("statutory_late", Q(statutory_late=True)))
DUE, ENDED_FIRST = ("queue_at", "id"), ("-closed_at", "-id")
# Known to the director as soon as it is one (D§10.7); records of the past are not brought up.
TO_BRING_UP = IS_OPEN & Q(grade__in=[Grade.MAJOR, Grade.SKIP_LEVEL], raised_at=None, source="")
VIEW_RIGHT = "complaints.view"
PART_RIGHT = "complaints.part"
NO_DEADLINE = datetime(9999, 12, 31, tzinfo=UTC)  # last in the queue, which pages by a column without nulls


class ComplaintQuerySet(models.QuerySet["Complaint"]):
    def visible_to(self, user: User) -> ComplaintQuerySet:
        """Those one answers for or works on, those of the scope of `complaints.view` by either of their units, those a
        part of which one's unit has, and those one has a seat in; never a complaint about the user (D§3.2)."""
        sight = sight_of(user, VIEW_RIGHT)
        seen = sight.rows(unit_no="unit_no", owner="owner_id") | sight.rows(unit_no="work_unit_no", owner="handler_id")
        if sight.owners:
            seen |= Q(pk__in=Seat.objects.filter(user__in=sorted(sight.owners)).values("complaint"))
        parts = sight_of(user, PART_RIGHT)
        if parts.ranges or parts.owners:
            given = apps.get_model("complaints.Part").objects
            seen |= Q(pk__in=given.filter(parts.rows(unit_no="unit_no", owner="handler_id")).values("complaint"))
        return self.filter(seen).not_about(user)

    def not_about(self, user: User) -> ComplaintQuerySet:
        """Without the complaints about `user`."""
        return self.filter(Q(about_staff__isnull=True) | ~Q(about_staff=user))

    def open(self) -> ComplaintQuerySet:
        return self.filter(IS_OPEN)

    def ended(self) -> ComplaintQuerySet:
        return self.filter(closed_at__isnull=False)

    def to_bring_up(self) -> ComplaintQuerySet:
        """Grave ones nobody brought to the director yet (D§10.7)."""
        return self.filter(TO_BRING_UP)

    def overdue(self, at: datetime) -> ComplaintQuerySet:
        """Open ones whose nearest running deadline has passed."""
        return self.open().filter(queue_at__lt=at)


class Complaint(Row):
    """One case. `owner` was asked first and stays accountable; `handler` (or the pool of `work_unit`) works on it
    (D§9.4). `customer` is null for complainants who are no customers; then the `contact_…` columns say how to answer.

    Moments: `received_at` first receipt by anybody of ours; `answered_at` the first answer (DECIDED), which stops the
    statutory clock; `decided_at` the latest; `closed_at` since it is ended. `raised_at`: since the
    director knows of a grave one. `next_due_at` is the nearest deadline of a running clock (null while none runs),
    `queue_at` the same for the order of the queue, `service_due_at` and
    `statutory_due_at` those two; the clocks themselves are `foundation.calendars.Clock` rows. `version` grows with
    every change; pages send it back. `public_code`: opens the status page together with the number. `source`,
    `source_no`: where an imported case comes from (no clock, nothing sent). `topic_suggested`: nobody of ours said the
    topic, its words did. `key`: of the form or letter it came by, so
    that one sent twice makes one case. Free text is erasable.
    """

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(
        of="customer",
        empty=(
            "subject",
            "text",
            "demand",
            "lesson",
            "reason",
            "contact_name",
            "contact_phone",
            "contact_email",
            "source_no",
            "facts_given",
        ),
        null=("key",),
        token=("public_code",),
        plain=(
            "number",
            "channel",
            "state",
            "state_before_merge",
            "grade",
            "grade_reason",
            "path",
            "pause_reason",
            "authority",
            "language",
            "product_line",
            "brand",
            "area",
            "solved",
            "source",
        ),
    )

    number = models.CharField(max_length=20, unique=True)
    customer = models.ForeignKey(
        Customer, null=True, on_delete=models.CASCADE, related_name="complaints", db_index=False
    )
    contact = models.ForeignKey(Interaction, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    contact_name = models.CharField(max_length=80, blank=True)
    contact_phone = models.CharField(max_length=24, blank=True)
    contact_email = models.CharField(max_length=120, blank=True)
    authority = models.CharField(max_length=8, choices=Authority.choices, blank=True, db_default="")
    language = models.CharField(max_length=8, default="zh-hans")
    channel = models.CharField(max_length=12, choices=Channel.choices)
    received_at = models.DateTimeField()
    registered_at = models.DateTimeField(default=clock.now)
    registered_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    topic = models.ForeignKey(Topic, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    topic_suggested = models.BooleanField(default=False, db_default=False)
    product_line = models.CharField(max_length=12, blank=True)
    brand = models.CharField(max_length=40, blank=True)
    area = models.CharField(max_length=40, blank=True)
    subject = models.CharField(max_length=120)
    text = models.TextField()
    demand = models.CharField(max_length=400, blank=True)
    facts_given = models.JSONField(default=dict)
    amount = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    disputed_fee = models.BooleanField(default=False)
    about_staff = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    state = models.CharField(max_length=20, choices=State.choices, default=State.REGISTERED)
    grade = models.CharField(max_length=12, choices=Grade.choices, default=Grade.ORDINARY)
    grade_reason = models.CharField(max_length=16, choices=GradeReason.choices, blank=True)
    path = models.CharField(max_length=12, choices=Path.choices, default=Path.SIMPLE)
    pause_reason = models.CharField(max_length=16, choices=PauseReason.choices, blank=True)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    handler = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    last_handler = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    not_handler = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    work_unit = models.ForeignKey(OrgUnit, on_delete=models.PROTECT, related_name="+", db_index=False)
    unit_no = models.IntegerField()
    work_unit_no = models.IntegerField()
    escalated_to = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    level = models.PositiveSmallIntegerField(default=0)
    raised_at = models.DateTimeField(null=True)
    passes = models.PositiveSmallIntegerField(default=0)

    pause_until = models.DateTimeField(null=True)
    service_due_at = models.DateTimeField(null=True)
    statutory_due_at = models.DateTimeField(null=True)
    next_due_at = models.DateTimeField(null=True)
    queue_at = models.GeneratedField(
        expression=Coalesce("next_due_at", Value(NO_DEADLINE)), output_field=models.DateTimeField(), db_persist=True
    )
    service_late = models.BooleanField(default=False)
    statutory_late = models.BooleanField(default=False)
    first_contact_at = models.DateTimeField(null=True)
    last_told_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    reopened = models.PositiveSmallIntegerField(default=0)
    returned = models.PositiveSmallIntegerField(default=0)
    urges = models.PositiveSmallIntegerField(default=0)

    cause = models.ForeignKey(Cause, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    responsible_unit = models.ForeignKey(OrgUnit, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    solved = models.CharField(max_length=12, choices=Solved.choices, blank=True)
    satisfaction = models.PositiveSmallIntegerField(null=True)
    accepted_by_silence = models.BooleanField(default=False)
    lesson = models.CharField(max_length=400, blank=True)
    reason = models.CharField(max_length=400, blank=True)

    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="members", db_index=False)
    is_parent = models.BooleanField(default=False)
    merged_into = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="merged", db_index=False)
    state_before_merge = models.CharField(max_length=20, blank=True)
    public_code = models.CharField(max_length=24)
    key = models.CharField(max_length=120, null=True, unique=True)
    version = models.PositiveIntegerField(default=1)
    source = models.CharField(max_length=24, blank=True)
    source_no = models.CharField(max_length=64, blank=True)

    objects = ComplaintQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=OPEN, closed_at__isnull=True) | Q(state__in=ENDED, closed_at__isnull=False),
                name="complaint_ended_has_moment",
            ),
            models.CheckConstraint(
                condition=(Q(state="MERGED") & Q(merged_into__isnull=False))
                | (~Q(state="MERGED") & Q(merged_into=None)),
                name="complaint_merged_says_where",
            ),
            models.CheckConstraint(
                condition=Q(merged_into=None) | ~Q(merged_into=models.F("id")), name="complaint_not_into_itself"
            ),
            models.CheckConstraint(
                condition=(Q(state="PAUSED") & ~Q(pause_reason="")) | (~Q(state="PAUSED") & Q(pause_reason="")),
                name="complaint_pause_has_reason",
            ),
            # Nobody answers for or works on a complaint about themselves (D§3.2).
            models.CheckConstraint(
                condition=Q(about_staff=None) | (~Q(about_staff=models.F("owner"))), name="complaint_owner_not_accused"
            ),
            models.CheckConstraint(
                condition=Q(about_staff=None) | Q(handler=None) | ~Q(about_staff=models.F("handler")),
                name="complaint_handler_not_accused",
            ),
            models.CheckConstraint(
                condition=~Q(state="CLOSED")
                | ~Q(source="")
                | (Q(cause__isnull=False) & Q(responsible_unit__isnull=False) & ~Q(solved="")),
                name="complaint_closed_is_complete",
            ),
            models.CheckConstraint(
                condition=Q(satisfaction=None) | Q(satisfaction__range=(1, 5)), name="complaint_satisfaction_1_to_5"
            ),
            models.CheckConstraint(condition=Q(amount=None) | Q(amount__gte=0), name="complaint_amount_not_negative"),
            models.UniqueConstraint(
                fields=["source", "source_no"], condition=~Q(source="") & ~Q(source_no=""), name="complaint_source_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["queue_at", "id"], name="complaint_due", condition=IS_OPEN),
            models.Index(fields=["unit_no", "queue_at", "id"], name="complaint_unit_due", condition=IS_OPEN),
            models.Index(fields=["work_unit_no", "queue_at", "id"], name="complaint_work_due", condition=IS_OPEN),
            models.Index(fields=["owner", "queue_at", "id"], name="complaint_owner_due", condition=IS_OPEN),
            models.Index(fields=["handler", "queue_at", "id"], name="complaint_handler_due", condition=IS_OPEN),
            models.Index(fields=["state", "queue_at", "id"], name="complaint_state_due", condition=IS_OPEN),
            # The tabs of what rests and of what is called back are counted on every page, for a unit or a branch.
            models.Index(
                fields=["state", "work_unit_no", "queue_at", "id"], name="complaint_rest_work", condition=RESTS
            ),
            models.Index(fields=["state", "unit_no", "queue_at", "id"], name="complaint_rest_unit", condition=RESTS),
            models.Index(
                fields=["escalated_to", "queue_at", "id"],
                name="complaint_escalated",
                condition=IS_OPEN & Q(escalated_to__isnull=False),
            ),
            models.Index(
                fields=["work_unit_no", "queue_at", "id"],
                name="complaint_pool",
                condition=IS_OPEN & Q(handler__isnull=True),
            ),
            models.Index(fields=["id"], name="complaint_to_bring_up", condition=TO_BRING_UP),
            models.Index(fields=["pause_until", "id"], name="complaint_pause_ends", condition=Q(state="PAUSED")),
            models.Index(fields=["customer", "-id"], name="complaint_customer", condition=Q(customer__isnull=False)),
            models.Index(fields=["parent", "-id"], name="complaint_parent", condition=Q(parent__isnull=False)),
            models.Index(fields=["parent"], name="complaint_member_open", condition=IS_OPEN & Q(parent__isnull=False)),
            models.Index(fields=["merged_into"], name="complaint_merged", condition=Q(merged_into__isnull=False)),
            models.Index(fields=["contact"], name="complaint_contact", condition=Q(contact__isnull=False)),
            models.Index(fields=["topic", "-received_at"], name="complaint_topic"),
            models.Index(OpClass(Reverse("number"), name="text_pattern_ops"), name="complaint_number_tail"),
            models.Index(fields=["source_no"], name="complaint_source_no", condition=~Q(source_no="")),
            models.Index(fields=["id"], name="complaint_reopened", condition=Q(reopened__gt=0)),
            models.Index(fields=["cause", "-closed_at"], name="complaint_cause", condition=Q(cause__isnull=False)),
            # What boards and reports count, from the indexes alone: by receipt, of a case, of what is open.
            models.Index(
                fields=["-received_at", "-id"],
                include=["unit_no", "work_unit_no", "owner", "handler", "about_staff", "state", "topic"],
                name="complaint_came",
            ),
            models.Index(
                fields=["id"],
                include=["unit_no", "work_unit_no", "owner", "handler", "about_staff", "state"],
                name="complaint_sight",
            ),
            models.Index(
                fields=["work_unit_no", "handler", "queue_at"],
                include=["id", "unit_no", "owner", "about_staff", "work_unit", "grade", "received_at"],
                name="complaint_open_board",
                condition=IS_OPEN,
            ),
            models.Index(
                fields=["queue_at", "id"],
                name="complaint_grave_due",
                condition=IS_OPEN & Q(grade__in=[Grade.MAJOR, Grade.SKIP_LEVEL]),
            ),
            models.Index(fields=["-closed_at", "-id"], name="complaint_closed", condition=Q(closed_at__isnull=False)),
            models.Index(fields=["answered_at"], name="complaint_answered", condition=Q(answered_at__isnull=False)),
            models.Index(fields=["work_unit_no", *ENDED_FIRST], name="complaint_work_closed", condition=IS_ENDED),
            *(models.Index(fields=[by, *DUE], name=f"complaint_{by}_due", condition=of) for by, of in OPEN_BY),
            *(
                models.Index(fields=[by, *ENDED_FIRST], name=f"complaint_{by}_ended", condition=of)
                for by, of in ENDED_BY
            ),
            *(models.Index(fields=DUE, name=f"complaint_{by}_due", condition=IS_OPEN & of) for by, of in LATE),
            *(
                models.Index(fields=ENDED_FIRST, name=f"complaint_{by}_ended", condition=IS_ENDED & of)
                for by, of in LATE
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def is_imported(self) -> bool:
        """A record of the past: no clock runs, nothing is sent."""
        return bool(self.source)


class Seat(models.Model):
    """Who else has a duty in a case and therefore sees it: the one it is offered or brought to, who calls back, who
    owes a measure or a reply. Gone with the duty."""

    personal: ClassVar = Personal(of="complaint__customer", plain=("why",))

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="seats")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    why = models.CharField(max_length=10, choices=SeatWhy.choices)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "complaint", "why"], name="complaint_seat_once")
        ]


class ComplaintLine(models.Model):
    """A line (subscription) a case is about; several of them stay one case (D§26)."""

    personal: ClassVar = Personal(of="complaint__customer")

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="lines")
    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["complaint", "subscription"], name="complaint_line_once")
        ]


class ComplaintMove(Row):
    """History of a case, never edited (D§1.9): what was done, from where to where, by whom, with the readings of the
    clocks at that moment: `{"service": {"elapsed": minutes, "remaining": minutes}, …}`."""

    personal: ClassVar = Personal(of="complaint__customer", empty=("reason",), plain=("act", "old", "new", "readings"))

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="moves", db_index=False)
    at = models.DateTimeField(default=clock.now)
    act = models.CharField(max_length=20)
    old = models.CharField(max_length=20, blank=True)
    new = models.CharField(max_length=20, blank=True)
    actor = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    on_behalf_of = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    handler = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    unit = models.ForeignKey(OrgUnit, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    reason = models.CharField(max_length=400, blank=True)
    readings = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["complaint", "id"], name="complaint_move_case")]
